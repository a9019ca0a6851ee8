"""Where are escapes to be decoded? Windows around triggers, merged where they meet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_MARGIN = 224  # bytes decoded on each side of a trigger
_WORD = 64  # bytes in which the blank about a word is looked for
_STEP = 160  # bytes of escaped text of which two places are enough: windows reach further
_WINDOW = 49_152  # bytes of escaped text that are decoded at once


def telling(ats: Array, owners: Array, starts: Array) -> Array:
    """Which places of escapes open or end a window: the first and the last of every few bytes of a text. Windows reach further."""
    order = np.argsort(ats, kind="stable")
    owners, steps = owners[order], (ats - starts[owners])[order] // _STEP
    first = np.append(True, (steps[1:] != steps[:-1]) | (owners[1:] != owners[:-1]))
    telling = np.empty(len(ats), np.bool_)
    telling[order] = first | np.append(first[1:], True)
    return telling


def windows(b: bytes, starts: list[int], ends: list[int], escapes: list[tuple[int, int]]) -> Iterable[tuple[int, tuple[int, int]]]:
    """Merged windows around escape triggers, at most ``_WINDOW`` bytes each. Long ones begin and end beside a blank, if there is one near:
    a number that is cut is another number."""
    first = last = 0
    owner = -1
    for i, to in escapes:
        if owner == i and to <= last:
            if to + 160 <= last:
                continue
            if (reach := min(ends[i], to + _MARGIN)) - first <= _WINDOW:
                last = max(last, reach)
                continue
            last = _before_blank(b, last, ends[i])
        if owner >= 0:
            yield owner, (first, _whole(b, last, ends[owner]))
        covered = last if owner == i else starts[i]
        first, reach = _window(b, to, starts[i], ends[i], covered)
        if covered > starts[i]:
            first = max(first, min(covered - 96, to))
            if to <= covered:
                first = _behind_blank(b, first, starts[i])
            while first > starts[i] and b[first] & 0xC0 == 0x80:
                first -= 1
        last, owner = reach, i
    if owner >= 0:
        yield owner, (first, _whole(b, last, ends[owner]))


def _window(b: bytes, to: int, lo: int, hi: int, covered: int) -> tuple[int, int]:
    """The byte window around a trigger, on character boundaries, starting no earlier than already covered."""
    start = max(lo, to - _MARGIN, min(covered, to - 64))
    while start > lo and b[start] & 0xC0 == 0x80:
        start -= 1
    return start, _whole(b, min(hi, to + _MARGIN), hi)


def _whole(b: bytes, end: int, hi: int) -> int:
    """Where the character before ``end`` ends."""
    while end < hi and b[end] & 0xC0 == 0x80:
        end += 1
    return end


def _behind_blank(b: bytes, at: int, lo: int) -> int:
    """Where the word at this place begins, if that is near."""
    first = max(lo, at - _WORD)
    return max(b.rfind(b" ", first, at), b.rfind(b"\n", first, at)) + 1 or at


def _before_blank(b: bytes, at: int, hi: int) -> int:
    """Where the word at this place ends, if that is near."""
    last = min(hi, at + _WORD)
    found = [k for k in (b.find(b" ", at, last), b.find(b"\n", at, last)) if k >= 0]
    return min(found, default=at)
