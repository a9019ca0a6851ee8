"""Many hits of digit triggers at once: compiled code judges clusters by their layout (``clusters.c``); what it leaves is looked at as ever."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from collector.redaction.budget import Budget, Dropped
from collector.redaction.cluster_rows import (
    CLASSES,
    CLUSTER,
    ENDS,
    FIELDS,
    HIT,
    LISTED,
    LOOK,
    LOOK_BYTES,
    NOTHING_UNLESS_SAID,
    SURE,
    TO,
    TOKEN,
    UNLESS_SAID,
    costs,
    followed,
)
from collector.redaction.clusters import groups_of
from collector.redaction.compiled import load
from collector.redaction.layouts import Layouts
from collector.redaction.matching import AS_ZEROS, Span, said_near
from collector.redaction.numbers import NEAR, Around, Numbers
from collector.redaction.phones import country_prefixes
from collector.redaction.readings import MOST
from collector.redaction.rough_numbers import all_numbers

Array = np.ndarray[Any, Any]

_PHONE = CLASSES[0]
_PLUS = 43
_BEFORE = b"(+"  # a telephone number, and part of it
_ROOM = 8_192  # rows that there is room for
_CHECK_EVERY = 64  # of these, between looks at the clock
_OWN_LOOKS, _BYTES_A_LOOK = 8, 64  # closer looks that a text may have, and for so many bytes one more
_RUN = 0.5  # what one counts at digits with nothing between them
_OWN_ASKED, _BYTES_ASKED = 64, 24  # times that it may be asked what words say of a number, in the same way
_KNOWN, _LISTED = 0.6, 0.25  # what it counts to ask that where the same has been said before, and to ask for a list only
_OWN_LAYOUTS, _BYTES_A_LAYOUT = 4, 2048  # and layouts that are looked up for a text
_KNOWN_A_LAYOUT = 16  # times that some are met that are known, and one more may be looked up
_FEW, _SAMPLE = 128, 16  # rows that are not worth more than a look at each; those of which it is asked whether words say something of them


class _State(ctypes.Structure):
    """See ``State`` in ``clusters.c``."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("layouts", "countries", "told", "words")),
        *(
            (name, ctypes.c_int64)
            for name in ("room", "count", "next", "done", "look_until", "told_until", "unknown", "unknown_size", "roughly", "known", "phones")
        ),
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
        self._told = np.empty((_ROOM, FIELDS), np.int64)
        self._table = (ctypes.c_char * len(layouts.table)).from_buffer(layouts.table)
        self._countries = ctypes.create_string_buffer(country_prefixes(), 1000)
        self._state = _State(ctypes.addressof(self._table), ctypes.addressof(self._countries), self._told.ctypes.data, 0, _ROOM)

    def take(self, numbers: Numbers, b: bytes, ats: Array, los: Array, his: Array, out: list[Span], deadline: Budget, rough: set[int]) -> None:
        """Append what the clusters of these hits come to. ``los``, ``his``: where the text of each begins and ends; ``rough``: where texts end of
        which all numbers have been taken. Raises ``Dropped`` past the deadline."""
        places = (ats, los, his) = tuple(np.ascontiguousarray(some, np.int64) for some in (ats, los, his))
        self._state.phones = numbers.phones
        words = numbers.blocks.of(b, ats) if len(ats) >= _FEW else None
        rows = self._rows(b, places, words, deadline)
        if not len(rows):
            return
        taking = _Taking(numbers, b, places, out, deadline)
        looks = costs(rows)
        if not rough and looks.sum() + np.count_nonzero(rows[:, 0] < LISTED) <= _FEW:
            taking.told(rows, float("inf"))
            return
        firsts = np.flatnonzero(np.diff(his[rows[:, HIT]], prepend=-1))
        for first, past, least in zip(firsts.tolist(), [*firsts[1:].tolist(), len(rows)], np.add.reduceat(looks, firsts).tolist(), strict=True):
            hit = int(rows[first, HIT])
            lo, hi = int(los[hit]), int(his[hit])
            if hi in rough:
                continue
            size = (hi - lo) / (4 if deadline.once_more else 1)
            own = _OWN_LOOKS + size / _BYTES_A_LOOK
            before, most = len(out), own + deadline.looks
            some, asked = rows[first:past], _OWN_ASKED + size / _BYTES_ASKED
            if not taking.too_many(some, most, asked, least) and taking.told(some, most):
                deadline.looks -= max(0.0, taking.spent - own)
            else:
                del out[before:]
                out += all_numbers(b, lo, hi)
                rough.add(hi)

    def _rows(self, b: bytes, places: Sequence[Array], words: Array | None, deadline: Budget) -> Array:
        """What is told of the clusters of these hits. ``words``: see ``WordBlocks.of``; None: they may be anywhere."""
        _, los, his = places
        state = self._state
        state.words = None if words is None else words.ctypes.data
        state.next = state.done = state.look_until = state.told_until = state.roughly = state.known = 0
        told: list[Array] = []
        new, known, until = 0, 0, 0  # layouts that were looked up for a text, what was known before it, and where it ends
        while True:
            state.count = 0
            more = self._function(ctypes.byref(state), b, len(places[0]), *(some.ctypes.data for some in places))
            if more == 1 and not told:
                return self._told[: state.count]
            told.append(self._told[: state.count].copy())
            if more == 1:
                return np.concatenate(told)
            if deadline.late():
                raise Dropped("time")
            if more == 0:
                continue
            lo, hi = int(los[state.next]), int(his[state.next])
            if hi != until:
                new, known, until = 0, state.known, hi
            new += 1
            if new > _OWN_LAYOUTS + (hi - lo) / _BYTES_A_LAYOUT + (state.known - known) / _KNOWN_A_LAYOUT:
                if deadline.layouts <= 0:
                    new -= 1
                    state.roughly = state.unknown + _BYTES_A_LAYOUT
                    continue
                deadline.layouts -= 1
            self._layouts.learn(b[state.unknown : state.unknown + state.unknown_size])


class _Taking:
    """Acts on what is told of one buffer."""

    def __init__(self, numbers: Numbers, b: bytes, places: Sequence[Array], out: list[Span], deadline: Budget) -> None:
        self._numbers, self._b, self._out, self._deadline = numbers, b, out, deadline
        self._ats, self._los, self._his = places
        self._done = 0  # up to where clusters have been looked at, or taken along
        self._before = 0  # values that there were before those of this text
        self.spent = 0.0  # closer looks at one text
        self._first, self._around = -1, Around(numbers.told, b, 0, 0, 0, 0, ())  # of the last cluster with a word near

    def too_many(self, rows: Array, looks: float, asked: float, least: float) -> bool:
        """Do the rows of a text take more closer looks than so many, or is it to be asked more often what words say of one?
        ``least``: looks that they take at least."""
        some = np.flatnonzero((rows[:, 0] == UNLESS_SAID) | (rows[:, 0] == NOTHING_UNLESS_SAID))
        listed = np.count_nonzero(rows[:, 0] == LISTED) * _LISTED
        if least > looks or listed > asked:
            return True
        if least + len(some) <= looks and listed + len(some) <= asked:
            return False
        sample = rows[some[:: len(some) // _SAMPLE + 1]].tolist()
        around = {self._b[max(0, first - NEAR[0]) : past + NEAR[1]].translate(AS_ZEROS) for _, _, _, _, _, _, first, past, *_ in sample}
        new = len(around) / len(sample)
        if listed + len(some) * (new + (1 - new) * _KNOWN) > asked:
            return True
        return least + len(some) * sum(map(self._spoken, sample)) / len(sample) > looks

    def _spoken(self, row: Sequence[int]) -> float:
        """What a cluster counts of closer looks for the words near it."""
        _, start, end, _, _, _, first, past, _, _, _, hit, _ = row
        said = said_near(self._numbers.told, self._b, first, past, int(self._los[hit]), int(self._his[hit]), *NEAR)
        if not said:
            return 0
        return _RUN if end - start <= MOST and self._numbers.phones not in said and self._b[start:end].isdigit() else 1

    def told(self, rows: Array, most: float) -> bool:
        """Act on rows of ``Told``; gives up, and says so, after so many closer looks, or with the time of a single text. Raises ``Dropped`` past the
        deadline."""
        self.spent, self._before = 0.0, len(self._out)
        spans: list[Span] = []
        others = np.arange(len(rows))
        if len(rows) > _FEW:  # those that are values and nothing else are taken at once
            spans = list(zip(rows[:, 1].tolist(), rows[:, 2].tolist(), [CLASSES[k] for k in rows[:, 3].tolist()], strict=True))
            others = np.flatnonzero((rows[:, 0] != SURE) | followed(self._b, rows))
        at = 0
        for n, (k, row) in enumerate(zip([*others.tolist(), len(rows)], [*rows[others].tolist(), None], strict=True)):
            if at < k:
                if rows[at, TO] <= self._done:  # they stand in a list that has been taken
                    at += int(np.searchsorted(rows[at:k, TO], self._done, "right"))
                self._out += spans[at:k]
                if at < k and rows[k - 1, ENDS]:
                    self._numbers.list_from(spans[k - 1][1], spans[k - 1][2])
            at = k + 1
            if row is None:
                return True
            if self.spent > most:
                return False
            if not n % _CHECK_EVERY and self._deadline.over(len(self._out)):
                if self._deadline.roughly():
                    return False
                raise Dropped("time")
            kind, start, end, name, _, _, _, past, hi, ends, _, hit, _ = row
            if past <= self._done:
                continue
            if kind == SURE:
                self._value(start, end, CLASSES[name], hi, ends)
            elif kind == LISTED:
                self._listed(row)
            elif kind == CLUSTER:
                self._cluster(hit)
            elif kind == LOOK:
                self._look(row)
            else:
                self._unless_said(row)
        return True

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
            self.spent += 1 + (self._done - to) / LOOK_BYTES

    def _unless_said(self, row: Sequence[int]) -> None:
        """A value, or nothing, unless a word near says something else."""
        kind, start, end, name, fits, refused, first, _, hi, ends, listed, hit, look = row
        b, numbers, value = self._b, self._numbers, kind == UNLESS_SAID
        begin = start + (value and b[start] in _BEFORE)
        said = self._near(row).near(begin, end)
        spoken = numbers.phones in said
        if value and name == 0 and refused and numbers.refused(b, begin, end, int(self._los[hit]), hi):
            value, spoken = False, spoken or refused > 1 or b[begin - 1] == _PLUS
        if (spoken and not value) or (said and any(fits >> k & 1 for k in said)):
            if not value and self._run(row, said):
                return
            if look == CLUSTER and b[first - 1] == _PLUS:
                self._cluster(hit)
            else:
                self._look(row)
        elif value:
            self._value(start, end, CLASSES[name], hi, ends)
        elif listed:
            self._listed(row)

    def _run(self, row: Sequence[int], said: Sequence[int]) -> bool:
        """Look at digits without anything between them, unless it takes more to tell what they are."""
        _, start, end, _, _, _, first, past, _, _, listed, _, _ = row
        if start != first or end != past or end - start > MOST or self._numbers.phones in said or self._b[start - 1] in _BEFORE:
            return False
        digits = self._b[start:end]
        if not digits.isdigit():
            return False
        self.spent += _RUN
        name = self._numbers.run(digits.decode(), said)
        if name:
            self._out.append((start, end, name))
            self._ended(row)
        elif listed:
            self._listed(row)
        return True

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
        self.spent += 1 + (end - start) / LOOK_BYTES
        start += b[start] in _BEFORE
        before = len(out)
        if look == TOKEN:
            numbers.judge(b, groups_of(b, start, end), lo, hi, out, self._near(row))
        else:
            numbers.without_cards(b, start, end, lo, hi, out, self._near(row))
        if len(out) > before:
            self._ended(row)
        elif listed:
            self._listed(row)

    def _listed(self, row: Sequence[int]) -> None:
        """Look at a cluster that is nothing by itself, or at what begins it, if it is in a list with a value of which something may be said of it."""
        _, _, end, _, fits, _, first, past, hi, _, _, hit, _ = row
        b, numbers, out, lo = self._b, self._numbers, self._out, int(self._los[hit])
        if len(out) > self._before and out[-1][1] > first:
            return  # a piece of it is something
        if not numbers.listed(b, first) or not any(fits >> k & 1 or k == numbers.phones for k in numbers.said):
            return
        before = len(out)
        self.spent += 1 + (end - first) / LOOK_BYTES
        numbers.without_cards(b, first, end, lo, hi, out, Around(numbers.told, b, first, past, lo, hi, numbers.said))
        if len(out) > before:
            self._ended(row)

    def _ended(self, row: Sequence[int]) -> None:
        """What has been found in a piece of a cluster may end it."""
        _, _, _, _, _, _, _, past, hi, ends, _, _, _ = row
        if ends and self._out[-1][1] >= past:
            self._done = max(self._done, self._numbers.ended(self._b, hi, self._out))
