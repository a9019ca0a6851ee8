"""Texts dense with people's data: values in their usual form are found without a close look at each.

A customer table has a value every twenty bytes; the matchers around triggers (``handlers.py``) would take many microseconds for
each. Where a text is dense with triggers, values in their plainest form that stand by themselves, between blanks or the marks of
tables and lists, are taken at once, by the same checks; numbers all at once (``plain_numbers.py``). What is left goes to the matchers
as ever.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import numpy as np

from collector.redaction.budget import Budget
from collector.redaction.contact import in_authority, top_level_domains
from collector.redaction.digit_runs import MARKS, table
from collector.redaction.matching import Span
from collector.redaction.plain_few import few, few_values
from collector.redaction.plain_network import network_addresses
from collector.redaction.plain_numbers import plain_numbers

Array = np.ndarray[Any, Any]

DENSE = 48  # bytes a trigger in a text that is worth it
LEAST = 24  # triggers in it

_CHUNK, _CONTEXT = 1 << 16, 64  # bytes looked at at once, and bytes before these that say something of a number
_LONGEST_NAME, _LONGEST_LABEL, _LONGEST_ENDING, _MOST_LABELS = 61, 61, 24, 6
_ENDINGS = top_level_domains()
_AT, _POINT = b"@."
_STOPPED = table("\0 \r\n")
_LETTER, _WORDY, _LOCAL, _DOMAIN, _MARK = 1, 2, 4, 8, 16
_LETTERS, _WORDS = string.ascii_letters, string.ascii_letters + string.digits
_KINDS = bytes(
    sum(kind for kind, some in ((_LETTER, _LETTERS), (_WORDY, _WORDS), (_LOCAL, _WORDS + "._+-"), (_DOMAIN, _WORDS + ".-")) if chr(c) in some)
    + _MARK * bool(MARKS[c])
    for c in range(256)
)


def plain_values(b: bytes, lo: int, hi: int, out: list[Span], deadline: Budget | None = None) -> list[Span]:
    """Append the spans of all values of a text that stand by themselves, in order.
    Gives places where there is nothing. Raises ``Dropped`` past the deadline."""
    found: list[Span] = []
    check = deadline.check if deadline else _no_check
    dull = few_values(b, lo, hi, found) if few(b, lo, hi) else many_values(b, lo, hi, found, check)
    out += sorted(found)
    return dull


def many_values(b: bytes, lo: int, hi: int, out: list[Span], check: Callable[[], None]) -> list[Span]:
    """The same in columns, in no order. ``check`` is called now and then."""
    dull: list[Span] = []
    for start, end in _chunks(b, lo, hi):
        numbers: list[Span] = []
        first = max(lo, start - _CONTEXT)
        while 48 <= b[first - 1] <= 57:
            first += 1
        nothing = plain_numbers(b, first, end, hi, numbers, check)
        out += numbers if start == lo else [span for span in numbers if span[0] >= start]
        dull += nothing if start == lo else [span for span in nothing if span[0] >= start]
        if b.find(b"@", start, end) >= 0:
            _emails(b, start, end, out)
        check()
        network_addresses(b, start, end, out, check)
    return dull


def _chunks(b: bytes, lo: int, hi: int) -> Iterator[tuple[int, int]]:
    """The text in pieces that stay in the processor's cache, cut at line breaks: no value goes beyond one."""
    while hi - lo > 2 * _CHUNK and (cut := b.find(b"\n", lo + _CHUNK, hi)) >= 0:
        yield lo, cut
        lo = cut + 1
    yield lo, hi


def _no_check() -> None:
    """There is no deadline."""


def _emails(b: bytes, lo: int, hi: int, out: list[Span]) -> None:
    """Those of the text's words that are one: a name that begins with a letter, one ``@``, labels, and an ending that there is."""
    text = b[lo - 1 : hi + 1]  # with the NUL bytes around it
    raw = np.frombuffer(text, np.uint8)
    kinds = np.frombuffer(text.translate(_KINDS), np.uint8)
    at, marks, dots = np.flatnonzero(raw == _AT), np.flatnonzero(kinds & _MARK), np.flatnonzero(raw == _POINT)
    k = np.searchsorted(marks, at)
    first, past = marks[k - 1] + 1, marks[k]
    past = past - ((raw[past - 1] == _POINT) & _STOPPED[raw[past]])
    starts = kinds & _WORDY == 0  # what a label does not begin with, where one begins
    starts[1:] &= (raw[:-1] == _POINT) | (raw[:-1] == _AT)
    ending = np.searchsorted(dots, past)
    labels = ending - np.searchsorted(dots, at)
    good = (kinds[first] & _LETTER > 0) & (kinds[at - 1] & _WORDY > 0) & (at > first) & (at - first <= _LONGEST_NAME) & (past - at > 1)
    good &= _without(kinds & _LOCAL == 0, first, at) & _without(kinds & _DOMAIN == 0, at + 1, past) & _without(starts, at + 1, past)
    good &= (labels > 0) & (labels <= _MOST_LABELS)
    if not good.any():
        return
    at, first, past, ending, labels = at[good], first[good], past[good], ending[good], labels[good]
    last = dots[ending - 1] + 1
    fits = (past - last > 1) & (past - last <= _LONGEST_ENDING) & _without(kinds & _LETTER == 0, last, past)
    before = at
    for label in range(int(labels.max())):
        dot = dots[ending - labels + np.minimum(label, labels - 1)]
        fits &= dot - before <= _LONGEST_LABEL + 1
        before = dot
    first, last, past = (first[fits] + lo - 1).tolist(), (last[fits] + lo - 1).tolist(), (past[fits] + lo - 1).tolist()
    told = [b[a:z] for a, z in zip(last, past, strict=True)]
    endings = set(told)
    known = {ending for ending in endings if len(ending) == 2 or ending.lower() in _ENDINGS}
    found = list(zip(first, past, repeat("EMAIL")))
    if len(known) < len(endings):
        found = [span for span, ending in zip(found, told, strict=True) if ending in known]
    out += found if b.find(b"://", lo, hi) < 0 else [span for span in found if b[span[0] - 1] not in b",;" or not in_authority(b, span[0], lo)]


def _without(which: Array, start: Array, end: Array) -> Array:
    """Is there none of these bytes from ``start`` to ``end``?"""
    places = np.append(np.flatnonzero(which), len(which))
    return places[np.searchsorted(places, start)] >= end
