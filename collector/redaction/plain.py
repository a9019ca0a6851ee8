"""Texts dense with people's data: values in their usual form are found without a close look at each.

A customer table has a value every twenty bytes; the matchers around triggers (``handlers.py``) would take many microseconds for
each. Where a text is dense with triggers, values in their plainest form that stand by themselves, between blanks or the marks of
tables and lists, are taken at once, by the same checks; numbers all at once (``plain_numbers.py``). What is left goes to the matchers
as ever.
"""

from __future__ import annotations

import re

from collector.redaction.contact import top_level_domains
from collector.redaction.matching import Span
from collector.redaction.plain_numbers import plain_numbers

DENSE = 48  # bytes a trigger in a text that is worth it
LEAST = 24  # triggers in it

_EMAIL = re.compile(
    rb"(?<![^\0 \t\r\n,;|\"'<>])"
    rb"[A-Za-z](?:[A-Za-z0-9._+\-]{0,60}+(?<=[A-Za-z0-9]))?@(?:[A-Za-z0-9][A-Za-z0-9\-]{0,60}+\.){1,6}([A-Za-z]{2,24}+)"
    rb"(?=[\0 \t\r\n,;|\"'<>]|\.[\0 \r\n])"
)
_ENDINGS = top_level_domains()


def plain_values(b: bytes, lo: int, hi: int, out: list[Span]) -> list[Span]:
    """Append the spans of all values of a text that stand by themselves, in order. Gives places where there is nothing."""
    before = len(out)
    dull = plain_numbers(b, lo, hi, out)
    if b.find(b"@", lo, hi) >= 0:
        found = _EMAIL.finditer(b, lo, hi + 1)  # with the NUL byte behind the text
        out.extend((m.start(), m.end(), "EMAIL") for m in found if len(m[1]) == 2 or m[1].lower() in _ENDINGS)
    out[before:] = sorted(out[before:])
    return dull
