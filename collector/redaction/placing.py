"""From hits to what matchers have to look at: whose they are, what is taken at once, what is nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from collector.redaction import handlers, scan
from collector.redaction.at_once import kinds_of, taken_at_once
from collector.redaction.budget import Budget
from collector.redaction.compiled import load
from collector.redaction.hits import HIT_BITS, HIT_NUMBER
from collector.redaction.layouts import Layouts
from collector.redaction.many_numbers import ManyNumbers
from collector.redaction.matching import Span
from collector.redaction.plain import DENSE, LEAST, plain_values
from collector.redaction.rules import Trigger
from collector.redaction.windows import telling

Array = np.ndarray[Any, Any]
Placed = tuple[int, int, int]  # a hit's end, its slot, its text

_SIGNS = {"EMAIL": b"@", "IP_ADDRESS": b":", "MAC_ADDRESS": b":"}  # what in a value ends what may belong to the words or digits before


class Placing:
    """Belongs to a finder."""

    def __init__(self, table: handlers.Table, triggers: Sequence[Trigger]) -> None:
        self._table = table
        self._slots = np.array(table.slots)
        self._secrets = kinds_of(triggers)
        self._escapes = np.array([trigger.rule.handler == "escape" for trigger in triggers])
        self.matched = np.array([trigger.rule.handler not in handlers.SPECIAL for trigger in triggers])
        self._many = ManyNumbers(Layouts(table.readings)) if load() is not None else None

    def placed(
        self, b: bytes, starts: list[int], ends: list[int], hits: scan.Hits, taken: dict[int, list[Span]], out: list[Span], deadline: Budget
    ) -> Iterable[Placed]:
        """Hits that matchers have to look at: end, slot, text; of several texts slot by slot. Plain values of dense texts are taken here, but for
        those ``taken`` already, and most numbers."""
        if not hits:
            return []
        if len(hits) < LEAST and not taken:
            few = [(to, int(self._slots[hit & HIT_NUMBER]), bisect_right(starts, to - 1) - 1) for hit in hits for to in (hit >> HIT_BITS,)]
            return sorted(few, key=itemgetter(1)) if len(starts) > 1 else few
        packed = np.array(hits, np.int64)
        ats = packed >> HIT_BITS
        begins = np.array(starts)
        owners = np.searchsorted(begins, ats) - 1
        signs = np.flatnonzero(self._escapes[packed & HIT_NUMBER])
        if len(signs) >= LEAST:
            kept = np.ones(len(packed), np.bool_)
            kept[signs] = telling(ats[signs], owners[signs], begins)
            packed, ats, owners = packed[kept], ats[kept], owners[kept]
        left = taken_at_once(b, ats, self._secrets[packed & HIT_NUMBER], begins[owners], out)
        if left is not None:
            packed, ats, owners = packed[left], ats[left], owners[left]
        for i, n in enumerate(np.bincount(owners[self.matched[packed & HIT_NUMBER]]).tolist()):
            if n >= LEAST and n * DENSE >= ends[i] - starts[i] and i not in taken:
                taken[i] = plain_values_of(b, starts[i], ends[i], out, deadline)
        spans = sorted(span for some in taken.values() for span in some)
        if spans:
            before = np.searchsorted(np.array([start for start, _, _ in spans]), ats) - 1
            left = (before < 0) | (ats > np.array([end for _, end, _ in spans])[before] + 1)
            packed, ats, owners = packed[left], ats[left], owners[left]
        which = self._slots[packed & HIT_NUMBER]
        if self._many is not None:
            rough: set[int] = set()
            for slot, numbers in self._table.numbers.items():
                left = which != slot
                if len(which) - np.count_nonzero(left) < LEAST:
                    continue
                some = ~left
                self._many.take(numbers, b, ats[some], begins[owners[some]], np.array(ends)[owners[some]], out, deadline, rough)
                which, ats, owners = which[left], ats[left], owners[left]
        if len(starts) > 1:
            order = np.argsort(which, kind="stable")
            ats, which, owners = ats[order], which[order], owners[order]
        return zip(ats.tolist(), which.tolist(), owners.tolist(), strict=True)


def plain_values_of(b: bytes, start: int, end: int, out: list[Span], deadline: Budget) -> list[Span]:
    """Append the plain values of a text; gives where no trigger says more: from behind the words or digits in front of a value."""
    first, dull = len(out), plain_values(b, start, end, out, deadline)
    signs = {name: sign for name, sign in _SIGNS.items() if b.find(sign, start, end) >= 0}
    return dull + [((b.find(signs[name], a, z) + 1 or a) if name in signs else a, z, name) for a, z, name in out[first:]]
