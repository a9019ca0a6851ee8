"""Many hits of digit triggers at once: compiled code judges clusters by their layout (``clusters.c``); what it leaves is looked at as ever."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from collector.redaction.budget import Budget, Dropped
from collector.redaction.clusters import groups_of
from collector.redaction.compiled import load
from collector.redaction.layouts import Layouts
from collector.redaction.matching import Span, said_near
from collector.redaction.numbers import NEAR, Around, Numbers
from collector.redaction.phones import country_prefixes

Array = np.ndarray[Any, Any]

#: As in ``clusters.c``.
_SURE, _UNLESS_SAID, _NOTHING_UNLESS_SAID, _LISTED, _LOOK, _PIECE, _TOKEN, _CLUSTER = range(8)
_CLASSES = ("PHONE", "CREDIT_CARD", "US_SSN", "NATIONAL_ID")
_PHONE = _CLASSES[0]
_PLUS = 43
_BEFORE = b"(+"  # a telephone number, and part of it
_FIELDS = 13
_ROOM = 8_192  # rows that there is room for
_CHECK_EVERY = 64  # of these, between looks at the clock


class _State(ctypes.Structure):
    """See ``State`` in ``clusters.c``."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("layouts", "countries", "told")),
        *((name, ctypes.c_int64) for name in ("room", "count", "next", "done", "look_until", "told_until", "unknown", "unknown_size")),
    )


class ManyNumbers:
    """For the matchers of one redactor."""

    def __init__(self, layouts: Layouts) -> None:
        library = load()
        assert library is not None
        self._function = library.spanledger_clusters
        address = ctypes.c_void_p
        self._function.argtypes, self._function.restype = [address, ctypes.c_char_p, ctypes.c_int64, address, address, address], ctypes.c_int
        self._layouts = layouts
        self._told = np.empty((_ROOM, _FIELDS), np.int64)
        self._table = (ctypes.c_char * len(layouts.table)).from_buffer(layouts.table)
        self._countries = ctypes.create_string_buffer(country_prefixes(), 1000)
        self._state = _State(ctypes.addressof(self._table), ctypes.addressof(self._countries), self._told.ctypes.data, _ROOM)

    def take(self, numbers: Numbers, b: bytes, ats: Array, los: Array, his: Array, out: list[Span], deadline: Budget) -> None:
        """Append what the clusters of these hits come to. ``los``, ``his``: where the text of each begins and ends. Raises ``Dropped`` past the
        deadline."""
        state = self._state
        state.next = state.done = state.look_until = state.told_until = 0
        places = [np.ascontiguousarray(some, np.int64) for some in (ats, los, his)]
        taking = _Taking(numbers, b, places, out, deadline)
        more = 0
        while more < 1:
            state.count = 0
            more = self._function(ctypes.byref(state), b, len(ats), *(some.ctypes.data for some in places))
            taking.told(self._told[: state.count].tolist())
            if more < 0:
                if deadline.over(len(out)):
                    raise Dropped("time")
                self._layouts.learn(b[state.unknown : state.unknown + state.unknown_size])


class _Taking:
    """Acts on what is told of one buffer."""

    def __init__(self, numbers: Numbers, b: bytes, places: Sequence[Array], out: list[Span], deadline: Budget) -> None:
        self._numbers, self._b, self._out, self._deadline = numbers, b, out, deadline
        self._ats, self._los, self._his = places
        self._done = 0  # up to where clusters have been looked at, or taken along
        self._first, self._around = -1, Around(numbers.told, b, 0, 0, 0, 0, ())  # of the last cluster with a word near

    def told(self, rows: Sequence[Sequence[int]]) -> None:
        """Act on rows of ``Told``. Raises ``Dropped`` past the deadline."""
        for n, row in enumerate(rows):
            if not n % _CHECK_EVERY and self._deadline.over(len(self._out)):
                raise Dropped("time")
            kind, start, end, name, _, _, _, past, hi, ends, _, hit, _ = row
            if past <= self._done:  # it stands in a list that has been taken
                continue
            if kind == _SURE:
                self._value(start, end, _CLASSES[name], hi, ends)
            elif kind == _LISTED:
                self._listed(row)
            elif kind == _CLUSTER:
                self._cluster(hit)
            elif kind == _LOOK:
                self._look(row)
            else:
                self._unless_said(row)

    def _value(self, start: int, end: int, name: str, hi: int, ends: int) -> None:
        self._out.append((start, end, name))
        if ends:
            if name == _PHONE:
                self._done = max(self._done, self._numbers.ended(self._b, hi, self._out))
            else:
                self._numbers.list_from(end, name)

    def _cluster(self, hit: int) -> None:
        """Look at a cluster as ever."""
        lo, hi = int(self._los[hit]), int(self._his[hit])
        to = min(int(self._ats[hit]), hi)
        if to > self._done:
            self._done = self._numbers.handle(self._b, to, lo, hi, self._out)

    def _unless_said(self, row: Sequence[int]) -> None:
        """A value, or nothing, unless a word near says something else."""
        kind, start, end, name, fits, refused, first, past, hi, ends, listed, hit, look = row
        b, numbers, value = self._b, self._numbers, kind == _UNLESS_SAID
        begin = start + (value and b[start] in _BEFORE)
        if begin == first and end == past:  # the usual case
            said: Sequence[int] = said_near(numbers.told, b, first, past, int(self._los[hit]), hi, *NEAR)
        else:
            said = self._near(row).near(begin, end)
        spoken = numbers.phones in said
        if value and name == 0 and refused and numbers.refused(b, begin, end, int(self._los[hit]), hi):
            value, spoken = False, spoken or refused > 1 or b[begin - 1] == _PLUS
        if (spoken and not value) or (said and any(fits >> k & 1 for k in said)):
            if look == _CLUSTER and b[first - 1] == _PLUS:
                self._cluster(hit)
            else:
                self._look(row)
        elif value:
            self._value(start, end, _CLASSES[name], hi, ends)
        elif listed:
            self._listed(row)

    def _near(self, row: Sequence[int]) -> Around:
        """What is said around a cluster."""
        _, _, _, _, _, _, first, past, hi, _, _, hit, _ = row
        if self._first != first:
            self._first, self._around = first, Around(self._numbers.told, self._b, first, past, int(self._los[hit]), hi, ())
        return self._around

    def _look(self, row: Sequence[int]) -> None:
        """Look at a piece of a cluster, in which there is no card."""
        _, start, end, _, _, _, _, _, hi, _, listed, hit, look = row
        b, numbers, out, lo = self._b, self._numbers, self._out, int(self._los[hit])
        start += b[start] in _BEFORE
        before = len(out)
        if look == _TOKEN:
            numbers.judge(b, groups_of(b, start, end), lo, hi, out, self._near(row))
        else:
            numbers.without_cards(b, start, end, lo, hi, out, self._near(row))
        if len(out) > before:
            self._ended(row)
        elif listed:
            self._listed(row)

    def _listed(self, row: Sequence[int]) -> None:
        """Look at a cluster that is nothing by itself, if it is in a list with a value of which something may be said of it."""
        _, _, _, _, fits, _, first, past, hi, _, _, hit, _ = row
        b, numbers, out, lo = self._b, self._numbers, self._out, int(self._los[hit])
        if not numbers.listed(b, first) or not any(fits >> k & 1 or k == numbers.phones for k in numbers.said):
            return
        before = len(out)
        numbers.without_cards(b, first, past, lo, hi, out, Around(numbers.told, b, first, past, lo, hi, numbers.said))
        if len(out) > before:
            self._ended(row)

    def _ended(self, row: Sequence[int]) -> None:
        """What has been found in a piece of a cluster may end it."""
        _, _, _, _, _, _, _, past, hi, ends, _, _, _ = row
        if ends and self._out[-1][1] >= past:
            self._done = max(self._done, self._numbers.ended(self._b, hi, self._out))
