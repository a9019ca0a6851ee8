"""Texts dense with people's data: values in their usual form are found without a close look at each.

A customer table has a value every twenty bytes; the matchers around triggers (``handlers.py``) would take many microseconds for
each. Where a text is dense with triggers, values in their plainest form that stand by themselves, between blanks or the marks of
tables and lists, are taken at once, by the same checks; numbers all at once (``plain_numbers.py``). What is left goes to the matchers
as ever.
"""

from __future__ import annotations

import re
from itertools import repeat

import numpy as np

from collector.redaction.addresses import plain_addresses
from collector.redaction.contact import top_level_domains
from collector.redaction.matching import Span
from collector.redaction.plain_numbers import MARKS, plain_numbers

DENSE = 48  # bytes a trigger in a text that is worth it
LEAST = 24  # triggers in it

_EMAIL = re.compile(
    rb"[A-Za-z](?:[A-Za-z0-9._+\-]{0,60}+(?<=[A-Za-z0-9]))?@(?:[A-Za-z0-9][A-Za-z0-9\-]{0,60}+\.){1,6}([A-Za-z]{2,24}+)"
    rb"(?=[\0 \t\r\n,;|\"'<>]|\.[\0 \r\n])"
)
_ENDINGS = top_level_domains()


def plain_values(b: bytes, lo: int, hi: int, out: list[Span], *, streets: bool = False) -> list[Span]:
    """Append the spans of all values of a text that stand by themselves, in order; addresses only if there are many.
    Gives places where there is nothing."""
    before = len(out)
    dull = plain_numbers(b, lo, hi, out)
    if b.find(b"@", lo, hi) >= 0:
        _emails(b, lo, hi, out)
    if streets:
        plain_addresses(b, lo, hi, out)
    out[before:] = sorted(out[before:])
    return dull


def _emails(b: bytes, lo: int, hi: int, out: list[Span]) -> None:
    """Those of the text's words that are one: of each ``@`` the word begins behind the mark before it."""
    raw = np.frombuffer(b, np.uint8, hi - lo + 2, lo - 1)  # with the NUL bytes around the text
    marks = np.flatnonzero(MARKS[raw])
    words = np.unique(marks[np.searchsorted(marks, np.flatnonzero(raw == 64)) - 1]) + lo
    found = filter(None, map(_EMAIL.match, repeat(b), words.tolist(), repeat(hi + 1)))
    out.extend((m.start(), m.end(), "EMAIL") for m in found if len(m[1]) == 2 or m[1].lower() in _ENDINGS)
