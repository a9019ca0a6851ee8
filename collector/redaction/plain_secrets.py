"""Many assignments at once: ``name=Value1`` and ``"name": "Value1"`` in their plain form, as columns of bytes around each sign.

What is plain goes to the same end as in ``secrets.py``, value by value; what is not is left to the matcher.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from itertools import compress, repeat
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from collector.redaction.matching import Span
from collector.redaction.secrets import PLACEHOLDER_HEADS, TAKEN, promise

Array = np.ndarray[Any, Any]

MANY, SPARSE = 48, 256  # assignments from which on columns are worth it, and bytes for each at most
_REACH, _BACK = 68, 40  # bytes looked at behind a sign, and before it
_AT_ONCE, _FRUITFUL = 4_096, 16  # signs looked at at once; one in so many of them is plain, or columns are not worth it
_SHORTEST, _LONGEST, _SECRET = 6, 64, 16  # characters of a value; the last: of one whose name says less than *password*
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


_KINDS = _kinds()
_HEADS = frozenset(head[0] << 8 | head[1] for head in PLACEHOLDER_HEADS)
_DULL = np.array([chr(k >> 8).lower() + chr(k & 255).lower() in {chr(h >> 8) + chr(h & 255) for h in _HEADS} for k in range(1 << 16)])


def plain_assignments(b: bytes, tos: Array, los: Array, class_name: str, out: list[Span]) -> Array:
    """Append the values assigned by the signs that end at ``tos``, in texts that begin at ``los``; says which signs need no closer look.
    Where that is next to none of some thousands, the matcher may have the rest."""
    padded = np.frombuffer(b"%b%b%b" % (bytes(_BACK), b, bytes(_REACH)), np.uint8)
    done = np.zeros(len(tos), np.bool_)
    for k in range(0, len(tos), _AT_ONCE):
        some = slice(k, k + _AT_ONCE)
        done[some] = _plain(b, padded, tos[some], los[some], class_name, out)
        if np.count_nonzero(done[some]) * _FRUITFUL < _AT_ONCE:
            break
    return done


def _plain(b: bytes, padded: Array, tos: Array, los: Array, class_name: str, out: list[Span]) -> Array:
    behind = sliding_window_view(padded, _REACH)[tos + _BACK]
    done = _taken(b, tos, behind)
    kinds = _KINDS[behind]
    rows = np.arange(len(tos))
    skip = (behind[:, 0] == 32).astype(np.int64)
    quoted = kinds[rows, skip] & _QUOTE > 0
    quote = behind[rows, skip]
    skip += quoted
    inside = kinds & (_LETTER | _DIGIT) > 0
    inside |= np.arange(_REACH) < skip[:, None]
    end = np.argmin(inside, 1)  # the first byte behind the value; 0: none
    size = end - skip
    within = np.arange(_REACH) < end[:, None]
    digits = np.count_nonzero((kinds & _DIGIT > 0) & within, 1)
    good = (size >= _SHORTEST) & (size <= _LONGEST) & (digits > 0) & (digits < size) & ~done
    end += kinds[rows, end] & _MARK > 0
    last = behind[rows, np.minimum(end, _REACH - 1)]
    good &= np.where(quoted, last == quote, _KINDS[last] & _ENDING > 0)
    good &= ~_DULL[behind[rows, skip].astype(np.int64) << 8 | behind[rows, np.minimum(skip + 1, _REACH - 1)]]
    at = np.flatnonzero(good)
    first = _names(sliding_window_view(padded, _BACK)[tos[at]], tos[at], los[at])
    at, first = at[first >= 0], first[first >= 0]
    said = [b[a:z] for a, z in zip(first.tolist(), tos[at].tolist(), strict=True)]
    promises = {name: promise(name) for name in set(said)}
    sure = np.array([_LEAST[promises[name]] for name in said], np.int64) <= size[at]
    at = at[sure]
    out.extend(zip((tos + skip)[at].tolist(), (tos + end)[at].tolist(), repeat(class_name)))
    done[at] = True
    return done


_LEAST = {"password": _SHORTEST, "secret": _SECRET, "weak": 1 << 20, "": 1 << 20}  # characters of a value, by what its name promises


def _names(before: Array, tos: Array, los: Array) -> Array:
    """Where the blank before each name stands, if one does."""
    blank = _KINDS[before[:, -2::-1]] & _BLANK > 0
    first = tos - 2 - np.argmax(blank, 1)
    return np.where(blank.any(1) & (first >= los), first, -1)


def _taken(b: bytes, tos: Array, behind: Array) -> Array:
    """Where a placeholder is assigned already."""
    found = (behind[:, :12] == ord("[")).any(1)
    places: Sequence[int] = np.flatnonzero(found).tolist()
    found[list(compress(places, [TAKEN.match(b, to) is None for to in tos[places].tolist()]))] = False
    return found
