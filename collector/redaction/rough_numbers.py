"""Numbers of texts that are too full of them for a look at each, or in which each look finds more: all go."""

from __future__ import annotations

import re

from collector.redaction.matching import Span
from collector.redaction.numbers import EXTENSION, FORWARD, NO_DIGITS
from collector.redaction.placeholders import DIGITS, PLACEHOLDER
from collector.redaction.readings import FEWEST

_NUMBER = re.compile(PLACEHOLDER.pattern + rb"|([+(]?+[0-9]" + FORWARD.pattern + rb")")
_DATE = re.compile(rb"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_LINE = re.compile(rb"[+(]?[0-9][^\r\n]*")
_MAY_EXTEND = b" ,xX#eEpPdD"  # what an extension may begin with
_LONG = 64  # bytes of digits and separators that may be many lines


def all_numbers(b: bytes, lo: int, hi: int) -> list[Span]:
    """Everything in ``b[lo:hi]`` that a matcher may take for a number: digits and separators with digits enough, but for dates that stand alone;
    line by line where each line has enough."""
    found: list[Span] = []
    for m in _NUMBER.finditer(b, lo, hi):
        start, past = m.span(1)
        if past - start < FEWEST or len(m[1].translate(None, NO_DIGITS)) < FEWEST or (past - start == 10 and _DATE.fullmatch(m[1])):
            continue
        extension = EXTENSION.match(b, past, hi) if b[past : past + 1] in _MAY_EXTEND else None
        end = extension.end() if extension else past
        lines = [line.span() for line in _LINE.finditer(b, start, end)] if end - start > _LONG else []
        if len(lines) > 1 and min(len(b[a:z].translate(None, NO_DIGITS)) for a, z in lines) >= FEWEST:
            found += [(a, z, DIGITS) for a, z in lines]
        else:
            found.append((start, end, DIGITS))
    return found
