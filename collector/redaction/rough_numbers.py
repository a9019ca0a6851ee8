"""Numbers of texts that are too full of them for a look at each, or in which each look finds more: all go."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy as np

from collector.redaction.compiled import load
from collector.redaction.matching import Span
from collector.redaction.numbers import EXTENSION, FORWARD, NO_DIGITS
from collector.redaction.placeholders import DIGITS, PLACEHOLDER
from collector.redaction.readings import FEWEST

_NUMBER = re.compile(PLACEHOLDER.pattern + rb"|([+(]?+[0-9]" + FORWARD.pattern + rb")")
_DATE = re.compile(rb"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_LINE = re.compile(rb"[+(]?[0-9][^\r\n]*")
_LONG = 64  # bytes of digits and separators that may be many lines

Array = np.ndarray[Any, Any]


def all_numbers(b: bytes, lo: int, hi: int) -> list[Span]:
    """Everything in ``b[lo:hi]`` that a matcher may take for a number: digits and separators with digits enough, but for dates that stand alone;
    line by line where each line has enough."""
    if _compiled is None:
        return numbers_read(b, lo, hi)
    starts, ends, closer = _compiled(b, lo, hi)
    if not closer.any():
        return list(zip(starts.tolist(), ends.tolist(), repeat(DIGITS)))
    apart = ~closer
    found = list(zip(starts[apart].tolist(), ends[apart].tolist(), repeat(DIGITS)))
    for start, past in zip(starts[closer].tolist(), ends[closer].tolist(), strict=True):
        found += _read(b, start, past, hi)
    return sorted(found)


def numbers_read(b: bytes, lo: int, hi: int) -> list[Span]:
    """The same with patterns, where nothing is compiled."""
    found: list[Span] = []
    for m in _NUMBER.finditer(b, lo, hi):
        start, past = m.span(1)
        if past - start >= FEWEST and len(m[1].translate(None, NO_DIGITS)) >= FEWEST:
            found += _read(b, start, past, hi)
    return found


def _read(b: bytes, start: int, past: int, hi: int) -> list[Span]:
    """A number with its extension, its lines, or nothing if it is a date."""
    if past - start == 10 and _DATE.fullmatch(b, start, past):
        return []
    extension = EXTENSION.match(b, past, hi)
    end = extension.end() if extension else past
    lines = [line.span() for line in _LINE.finditer(b, start, end)] if end - start > _LONG else []
    if len(lines) > 1 and min(len(b[a:z].translate(None, NO_DIGITS)) for a, z in lines) >= FEWEST:
        return [(a, z, DIGITS) for a, z in lines]
    return [(start, end, DIGITS)]


def _best() -> Callable[[bytes, int, int], tuple[Array, Array, Array]] | None:
    """Where each number of a part of a buffer begins and ends, and which are to be read closer; None where ``rough_numbers.c`` is not compiled."""
    library = load()
    if library is None:
        return None
    function, number = library.spanledger_numbers, ctypes.c_int64
    function.argtypes, function.restype = [ctypes.c_char_p, number, number, ctypes.c_void_p], number

    def told(b: bytes, lo: int, hi: int) -> tuple[Array, Array, Array]:
        rows = np.empty(((hi - lo) // FEWEST + 1, 3), np.int64)
        starts, ends, closer = rows[: function(b, lo, hi, rows.ctypes.data)].T
        return starts, ends, closer.astype(np.bool_)

    return told


_compiled = _best()
