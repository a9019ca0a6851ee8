"""Many assignments at once: ``name=Value1`` and ``"name": "Value1"`` in their plain form, as columns of bytes around each sign.

What is plain goes to the same end as in ``secrets.py``, value by value; what is not is left to the matcher.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from itertools import compress, repeat
from typing import Any

import numpy as np

from collector.redaction.matching import Span
from collector.redaction.secrets import PLACEHOLDER_HEADS, TAKEN, promise

Array = np.ndarray[Any, Any]

MANY, SPARSE = 48, 256  # assignments from which on columns are worth it, and bytes for each at most
_REACH, _BACK = 68, 40  # bytes looked at behind a sign, and before it
_AT_ONCE, _FRUITFUL = 4_096, 16  # signs looked at at once; one in so many of them is plain, or columns are not worth it
_SHORTEST, _LONGEST, _SECRET = 6, 64, 16  # characters of a value; the last: of one whose name says less than *password*
_TAKEN_WITHIN = 12  # bytes behind a sign in which a placeholder begins
_LETTER, _DIGIT, _MARK, _ENDING, _QUOTE, _BLANK = 1, 2, 4, 8, 16, 32


def _kinds() -> Array:
    kinds = np.zeros(256, np.uint8)
    for kind, members in (
        (_LETTER, string.ascii_letters),
        (_DIGIT, string.digits),
        (_MARK, "!#%*+"),
        (_ENDING, " \t\n\r\v\f\0"),
        (_QUOTE, "\"'"),
        (_BLANK, " \n"),
    ):
        kinds[list(members.encode())] |= kind
    return kinds


_TABLE = _kinds().tobytes()
_HEADS = frozenset(head[0] << 8 | head[1] for head in PLACEHOLDER_HEADS)
_DULL = np.array([chr(k >> 8).lower() + chr(k & 255).lower() in {chr(h >> 8) + chr(h & 255) for h in _HEADS} for k in range(1 << 16)])


def plain_assignments(b: bytes, tos: Array, los: Array, class_name: str, out: list[Span]) -> Array:
    """Append the values assigned by the signs that end at ``tos``, in texts that begin at ``los``; says which signs need no closer look.
    Where that is next to none of some thousands, the matcher may have the rest."""
    done = np.zeros(len(tos), np.bool_)
    for k in range(0, len(tos), _AT_ONCE):
        some = slice(k, k + _AT_ONCE)
        done[some] = _plain(b, tos[some], los[some], class_name, out)
        if np.count_nonzero(done[some]) * _FRUITFUL < _AT_ONCE:
            break
    return done


def _plain(b: bytes, tos: Array, los: Array, class_name: str, out: list[Span]) -> Array:
    first = max(0, int(tos.min()) - _BACK)
    text = b[first : int(tos.max()) + _REACH] + bytes(_REACH)
    raw, kinds = np.frombuffer(text, np.uint8), np.frombuffer(text.translate(_TABLE), np.uint8)
    at = tos - first
    done = _taken(b, tos, at, raw)
    if done.all():
        return done
    skip = (raw[at] == 32).astype(np.int64)
    quote = raw[at + skip]
    quoted = kinds[at + skip] & _QUOTE > 0
    skip += quoted
    start = at + skip
    stops = np.flatnonzero(kinds & (_LETTER | _DIGIT) == 0)
    end = stops[np.searchsorted(stops, start)]  # the first byte behind the value
    size = end - start
    counted = np.append(0, np.cumsum(kinds & _DIGIT > 0))
    digits = counted[end] - counted[start]
    good = (size >= _SHORTEST) & (size <= _LONGEST) & (digits > 0) & (digits < size) & ~done
    end += kinds[end] & _MARK > 0
    good &= np.where(quoted, raw[end] == quote, kinds[end] & _ENDING > 0)
    good &= ~_DULL[raw[start].astype(np.int64) << 8 | raw[start + 1]]
    blanks = np.append(-1, np.flatnonzero(kinds & _BLANK))
    blank = blanks[np.searchsorted(blanks, at - 1) - 1]  # before the name
    good &= (blank >= 0) & (at - blank <= _BACK) & (blank + first >= los)
    places = np.flatnonzero(good)
    said = [b[a:z] for a, z in zip((blank[places] + first).tolist(), tos[places].tolist(), strict=True)]
    promises = {name: _LEAST[promise(name) or ""] for name in set(said)}
    sure = np.array([promises[name] for name in said], np.int64) <= size[places]
    places = places[sure]
    out.extend(zip((start[places] + first).tolist(), (end[places] + first).tolist(), repeat(class_name)))
    done[places] = True
    return done


_LEAST = {"password": _SHORTEST, "secret": _SECRET, "weak": 1 << 20, "": 1 << 20}  # characters of a value, by what its name promises


def _taken(b: bytes, tos: Array, at: Array, raw: Array) -> Array:
    """Where a placeholder is assigned already."""
    opening = np.append(np.flatnonzero(raw == ord("[")), len(raw))
    found = opening[np.searchsorted(opening, at)] - at < _TAKEN_WITHIN
    places: Sequence[int] = np.flatnonzero(found).tolist()
    found[list(compress(places, [TAKEN.match(b, to) is None for to in tos[places].tolist()]))] = False
    return found
