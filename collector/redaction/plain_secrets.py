"""Many assignments at once: ``name=Value1`` and ``"name": "Value1"`` in their plain form, as columns of bytes around each sign.

What is plain goes to the same end as in ``secrets.py``, value by value; what is not is left to the matcher.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from itertools import compress, repeat
from typing import Any

import numpy as np

from collector.redaction.digit_runs import table
from collector.redaction.matching import Span
from collector.redaction.secrets import PLACEHOLDER_HEADS, TAKEN, promise

Array = np.ndarray[Any, Any]

MANY = 48  # assignments from which on columns are worth it
_REACH, _BACK = 68, 40  # bytes looked at behind a sign, and before it
_AT_ONCE, _FRUITFUL = 4_096, 16  # signs looked at at once; one in so many of them is plain, or columns are not worth it
_SHORTEST, _LONGEST = 6, 64  # characters of a value
_SURE, _LIKELY = 16, 8  # of one whose name says less than *password*; the last: with two digits
_TAKEN_WITHIN = 12  # bytes behind a sign in which a placeholder begins
_LETTER, _DIGIT, _INNER, _MARK, _ENDING, _CLOSING, _QUOTE, _BLANK = 1, 2, 4, 8, 16, 32, 64, 128


def _kinds() -> Array:
    kinds = np.zeros(256, np.uint8)
    for kind, members in (
        (_LETTER, string.ascii_letters),
        (_DIGIT, string.digits),
        (_INNER, "_-#%@^~=?!$"),  # among letters and digits: what begins no reference, path, call or scheme
        (_MARK, "*+"),  # at the end of a value
        (_ENDING, " \t\n\r\v\f\0,;<>\"'`\\"),
        (_CLOSING, "&|)]}"),  # these end a value too, but for a password's
        (_QUOTE, "\"'"),
        (_BLANK, " \n"),
    ):
        kinds[list(members.encode())] |= kind
    return kinds


_TABLE = _kinds().tobytes()
_CLASS = table(string.ascii_uppercase + "_")
_NAMES = table(string.ascii_letters + string.digits + "_.-$") | (np.arange(256) > 127)
_SCHEME_HEADS = (b"aw",)  # of *AWS4-HMAC-SHA256*, the only scheme with digits
_HEADS = frozenset(head[0] << 8 | head[1] for head in (*PLACEHOLDER_HEADS, *_SCHEME_HEADS))
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
    stops = np.flatnonzero(kinds & (_LETTER | _DIGIT | _INNER) == 0)
    end = stops[np.searchsorted(stops, start)]  # the first byte behind the value
    size = end - start
    digits, letters = _count(kinds & _DIGIT, start, end), _count(kinds & _LETTER, start, end)
    good = (size >= _SHORTEST) & (size <= _LONGEST) & (digits > 0) & (letters > 0) & (kinds[start] & (_LETTER | _DIGIT) > 0) & ~done
    end += kinds[end] & _MARK > 0
    closed = ~quoted & (kinds[end] & _CLOSING > 0)
    good &= np.where(quoted, raw[end] == quote, closed | (kinds[end] & _ENDING > 0))
    good &= ~_DULL[raw[start].astype(np.int64) << 8 | raw[start + 1]]
    name = _names(raw, kinds, at)
    good &= (at - name <= _BACK) & (name + first >= los - 1)
    places = np.flatnonzero(good)
    said = [b[a:z] for a, z in zip((name[places] + first).tolist(), tos[places].tolist(), strict=True)]
    promises = {name: promise(name) or "" for name in set(said)}
    told = np.array([_STRENGTHS.index(promises[name]) for name in said], np.int64)
    sure = (told == _PASSWORD) & ~closed[places]
    sure |= (told == _SECRET) & ((size[places] >= _SURE) | ((size[places] >= _LIKELY) & (digits[places] > 1)))
    places = places[sure]
    out.extend(zip((start[places] + first).tolist(), (end[places] + first).tolist(), repeat(class_name)))
    done[places] = True
    return done


_STRENGTHS = ("", "weak", "secret", "password")  # what a name may promise
_SECRET, _PASSWORD = 2, 3


def _count(which: Array, start: Array, end: Array) -> Array:
    """How many of these bytes there are from ``start`` to ``end``."""
    counted = np.append(0, np.cumsum(which > 0))
    return counted[end] - counted[start]


def _names(raw: Array, kinds: Array, at: Array) -> Array:
    """Where what is said of a value begins: at the blank before, or, where there is none near, at the byte before its name."""
    blanks = np.append(-1, np.flatnonzero(kinds & _BLANK))
    blank = blanks[np.searchsorted(blanks, at - 1) - 1]
    far = (blank < 0) | (at - blank > _BACK)
    if far.any():
        last = at[far] - 2  # of the name, or the quote behind it
        last -= kinds[last] & _QUOTE > 0
        others = np.append(-1, np.flatnonzero(~_NAMES[raw]))
        before = others[np.searchsorted(others, last, side="right") - 1]
        blank[far] = np.where(before < last, before, -_BACK)
    return blank


def _taken(b: bytes, tos: Array, at: Array, raw: Array) -> Array:
    """Where a placeholder is assigned already."""
    brackets = np.append(np.flatnonzero(raw == ord("[")), len(raw))
    opening = brackets[np.searchsorted(brackets, at)]
    found = opening - at < _TAKEN_WITHIN
    if not found.any():
        return found
    others = np.flatnonzero(~_CLASS[raw])
    opening = np.minimum(opening, others[-1] - 1)
    past = others[np.searchsorted(others, opening + 1)]  # the byte behind a name of a class
    plain = found & (opening == at + ((raw[at] == 32) | (raw[at] == 34))) & (past > opening + 1) & (raw[past] == ord("]"))
    places: Sequence[int] = np.flatnonzero(found & ~plain).tolist()
    found[list(compress(places, [TAKEN.match(b, to) is None for to in tos[places].tolist()]))] = False
    return found
