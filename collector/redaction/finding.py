"""Finding: texts in, byte ranges with classes out. One scan for a batch, a closer look around hits, decoded and joined views."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from operator import eq, sub
from typing import Any, Literal

import numpy as np

from collector.redaction import handlers, rules, scan
from collector.redaction.budget import Budget, Dropped
from collector.redaction.exceptions import Exceptions
from collector.redaction.hits import HIT_NUMBER
from collector.redaction.html_tables import unwrap_table
from collector.redaction.joined import Joined, join
from collector.redaction.matching import Runaway, Span
from collector.redaction.placeholders import PLACEHOLDER, resolve
from collector.redaction.placing import Placing, plain_values_of
from collector.redaction.plain import DENSE, LEAST
from collector.redaction.plain_numbers import share_of_digits
from collector.redaction.seams import NEAR_BORDER, SeamView, borders, views_of_listed
from collector.redaction.veils import LONG, shown, veiled
from collector.redaction.views import decode, prepare
from collector.redaction.windows import telling, windows
from collector.redaction.wrapped import Derived, Unwrapped, together, unwrap_base64, unwrap_dump, unwrap_hex

Array = np.ndarray[Any, Any]

_ALONE = 1_024  # bytes of a single text in which it is worth asking whether it is full of digits
_LONGER = 32_768  # bytes of one in which fewer will do
_DERIVED = 32_768  # bytes of derived texts that are looked at together
_TRIED, _PIECES, _PIECE, _PART = 65_536, 4, 2_048, 64  # bytes of a text of which a sample is tried first; pieces of that, bytes of each or its part
_PATIENCE = 1.5  # times its share that it may take
_TOGETHER = 512  # tokens of base64
_SAMPLE = 256  # values that tell whether a list says the same again and again
_CHECK_EVERY = 32  # candidates between looks at the clock
_UNWRAP: dict[str, Callable[[bytes, int, int, int], Unwrapped]] = {
    "base64": unwrap_base64,
    "hex": unwrap_hex,
    "dump": unwrap_dump,
    "html_table": unwrap_table,
}


class Finder:
    """One per thread: its scanner keeps scratch memory."""

    def __init__(self, engine: Literal["hyperscan", "re2"], user: Sequence[rules.UserRule], exceptions: Exceptions) -> None:
        own = rules.load()
        triggers = rules.triggers(own)
        self.scanner: scan.Scanner = scan.HyperscanScanner(triggers) if engine == "hyperscan" else scan.Re2Scanner(triggers)
        self.table = handlers.build(own, triggers)
        self._placing = Placing(self.table, triggers)
        self._dump_row = re.compile(next(trigger.expression for trigger in triggers if trigger.rule.handler == "dump"))
        self._message = re.compile(next(trigger.expression for trigger in triggers if trigger.rule.handler == "messages"))
        self._dumped: list[Unwrapped] = []  # what dumps say that have been read before the scan
        self.crossed: set[int] = set()  # texts with a piece of a value that a border cuts, of those looked at last
        self.listing: dict[int, list[int]] = {}  # texts that list messages, of these: where the next one begins, in the buffer
        self._user, self._exceptions = user, exceptions
        prepare()

    def find(self, texts: Joined, groups: Sequence[int] | None, deadline: Budget) -> dict[int, list[Span]]:
        """Spans per text (offsets in bytes of the text), for texts with any.

        Raises:
            Dropped: over the candidate or time budget.
        """
        b, starts, ends = texts.raw, texts.starts, texts.ends
        out: list[Span] = []
        self._dumped.clear()
        escapes, wrapped, listed = self._look(b, starts, ends, out, deadline)
        if texts.nul:
            escapes += [(i, at + 1) for i, (a, z) in enumerate(zip(starts, ends, strict=True)) for at in _nuls(b, a, z)]
        escapes.sort()  # by text and place, whatever database told of them: windows must not depend on what else is in a batch
        if len(escapes) > 2:
            owners, ats = np.array(escapes).T
            escapes = [escapes[k] for k in np.flatnonzero(telling(ats, owners, np.array(starts))).tolist()]
        deadline.keep(len(out))
        mute: list[tuple[int, int]] = []
        derived: list[Derived] = []
        inner: list[Span] = []
        size = 0
        for read in self._views(b, starts, ends, escapes, wrapped, mute, deadline) if escapes or wrapped or self._dumped else ():
            derived.append(read)
            size += len(read[0])
            if size > _DERIVED:  # what is found there gives time to what comes after
                self._derived(derived, inner, deadline)
                derived, size = [], 0
        if mute:
            mute.sort()
            out = [span for span in out if not _within(span, mute)]
        self._user_rules(b, starts, ends, out)
        self.listing = {}
        for i, at in listed:
            self.listing.setdefault(i, []).append(at)
        derived += [(view.text, view.spans) for view in views_of_listed(b, starts, ends, self.listing)]
        cut = self._derived(derived, inner, deadline, _seams(b, starts, ends, groups))
        self.crossed = {bisect_right(starts, at) - 1 for at, _, _ in cut}
        out += inner
        return self._per_text(b, starts, ends, out)

    def crossing(self, texts: Joined, groups: Sequence[int] | None, deadline: Budget, listing: Sequence[int] = ()) -> dict[int, list[Span]]:
        """Only the spans that cross a border between texts of a group, or between messages that one of ``listing`` lists, where a placeholder
        is near. Raises ``Dropped`` like :meth:`find`."""
        out: list[Span] = []
        b, starts, ends = texts.raw, texts.starts, texts.ends
        listed: dict[int, list[int]] = {}
        for i in listing:
            places = [m.end() for m in self._message.finditer(b, starts[i], ends[i])]
            if any(PLACEHOLDER.search(b, max(starts[i], at - NEAR_BORDER), min(ends[i], at + NEAR_BORDER)) for at in places):
                listed[i] = places
        views: list[Derived] = [(view.text, view.spans) for view in views_of_listed(b, starts, ends, listed)]
        self._derived(views, out, deadline, _seams(b, starts, ends, groups))
        return self._per_text(texts.raw, texts.starts, texts.ends, out)

    def _derived(self, derived: list[Derived], out: list[Span], deadline: Budget, seams: Sequence[Derived] = ()) -> list[Span]:
        """Append what derived texts show, as bytes of the buffer; gives what the last ones show, across the borders of texts."""
        cut: list[Span] = []
        every = [*derived, *seams]
        if not every:
            return cut
        before = len(out)
        for n, spans in self._inner([text for text, _ in every], deadline).items():
            found = every[n][1](spans)
            out += found
            cut += found if n >= len(derived) else ()
            deadline.check()
        deadline.keep(len(out) - before)
        return cut

    def _look(
        self, b: bytes, starts: list[int], ends: list[int], out: list[Span], deadline: Budget, *, views: bool = True
    ) -> tuple[list[tuple[int, int]], list[tuple[str, int, int]], list[tuple[int, int]]]:
        """Scan and hand each candidate to its matcher. Returns triggers for decoding, for what is wrapped, and for messages."""
        before = len(out)
        text, escapes = shown(b, starts, ends) if views else (b, [])
        full = self._full_of_digits(text, starts, ends, views=views)
        if full and views:
            text = self._undumped(text, starts, ends, full, deadline)
            full = self._full_of_digits(text, starts, ends, views=views) if self._dumped else full
        taken = {i: plain_values_of(b, starts[i], ends[i], out, deadline) for i in full}
        if taken:
            text = veiled(text, [span for some in taken.values() for span in some])
        try:
            attempt = (
                partial(self._attempt, text, starts[0], ends[0], deadline)
                if views and not full and len(starts) == 1 and len(b) >= _TRIED and deadline.first
                else None
            )
            hits = self.scanner.hits(text, starts, ends, deadline, attempt)
        except scan.TooDense as exc:
            raise Dropped("candidates") from exc
        deadline.check()
        Runaway.generation += 1
        placed = self._placing.placed(b, starts, ends, hits, taken, out, deadline)
        variety = partial(_variety, b, out)
        if len(out) > before and deadline.over(len(out), variety):
            raise Dropped("time")
        table = self.table
        slots, special = table.handlers, table.special
        done = [0] * len(slots)
        wrapped: list[tuple[str, int, int]] = []
        listed: list[tuple[int, int]] = []
        clock = _CHECK_EVERY
        for to, slot, i in placed:
            if to <= done[slot]:
                continue
            name = special[slot]
            if name is None:
                done[slot] = end = slots[slot](b, min(to, ends[i]), starts[i], ends[i], out)
                if end - to > 512:
                    clock = 1
            elif views:
                if name == "escape":
                    escapes.append((i, to))
                elif name != "messages":
                    wrapped.append((name, i, to))
                else:
                    listed.append((i, to))
            clock -= 1
            if not clock:
                clock = _CHECK_EVERY
                if deadline.over(len(out), variety):
                    raise Dropped("time")
        return escapes, wrapped, listed

    def _full_of_digits(self, b: bytes, starts: list[int], ends: list[int], *, views: bool) -> list[int]:
        """Numbers of long texts that are: a fourth of them; or, of longer ones and decoded ones, an eighth, if there is much to look at."""
        if len(b) < (least := LONG if len(starts) > 1 else _ALONE):
            return []
        found: list[int] = []
        for i, size in enumerate(map(sub, ends, starts)):
            if size < least:
                continue
            some = size >= (_LONGER if views else LONG)
            share = share_of_digits(b, starts[i], ends[i])
            if share > 1 / 4 or (some and share > 1 / 8 and self._crowded(b[starts[i] : starts[i] + _PIECE])):
                found.append(i)
        return found

    def _crowded(self, piece: bytes) -> bool:
        """Is there a trigger for a matcher every few bytes?"""
        try:
            hits = np.array(self.scanner.hits(b"\0%b\0" % piece, [1], [1 + len(piece)]), np.int64)
            return int(np.count_nonzero(self._placing.matched[hits & HIT_NUMBER])) * DENSE > len(piece)
        except scan.TooDense:
            return True

    def _undumped(self, b: bytes, starts: list[int], ends: list[int], full: list[int], deadline: Budget) -> bytes:
        """The buffer with the rows of dumps in these texts veiled, for none says anything by itself; what they say is kept for the views."""
        rows: list[Span] = []
        for i in full:
            done = 0
            for m in self._dump_row.finditer(b, starts[i], ends[i]):
                if m.end() > done:
                    deadline.check()
                    self._dumped.append(unwrap_dump(b, m.end(), starts[i], ends[i]))
                    done = self._dumped[-1][0]
                    rows += [(a, z + 1, "") for a, z in self._dumped[-1][2] if z < ends[i]]
        return veiled(b, rows) if rows else b

    def _attempt(self, b: bytes, lo: int, hi: int, deadline: Budget) -> None:
        """Look at a sample of a long text that is full of triggers. Raises what the whole text is to be dropped for, if even twice the sample
        takes far more than its share."""
        step = (hi - lo) // _PIECES
        piece = max(_PIECE, step // _PART)
        sample = b"\0%b\0" % b"\n".join([b[at : at + piece] for at in range(lo, lo + _PIECES * step, step)])
        for last in (False, True):
            clock = deadline.share(_PATIENCE * len(sample) / (hi - lo))
            try:
                self._look(sample, [1], [len(sample) - 1], [], clock, views=False)
                return
            except Dropped:
                if last:
                    raise

    def _user_rules(self, b: bytes, starts: list[int], ends: list[int], out: list[Span]) -> None:
        for rule in self._user:
            for lo, hi in zip(starts, ends, strict=True):
                for m in rule.pattern.finditer(b[lo:hi]):
                    start, end = m.span(rule.group)
                    if end > start:
                        out.append((lo + start, lo + end, rule.class_name))

    def _views(
        self,
        b: bytes,
        starts: list[int],
        ends: list[int],
        escapes: list[tuple[int, int]],
        wrapped: list[tuple[str, int, int]],
        mute: list[tuple[int, int]],
        deadline: Budget,
    ) -> Iterator[Derived]:
        """Decoded windows around escapes, and what base64, dumps and tables say. Appends to ``mute`` places where nothing else counts."""
        for i, (a, z) in windows(b, starts, ends, escapes):
            if deadline.over():
                raise Dropped("time")
            view = decode(b[a:z], a, i)
            if view is not None:
                yield view.text.encode("utf-8", "replace"), view.spans
        for _, read, places in self._dumped:
            mute += places
            yield from read
        done = dict.fromkeys(_UNWRAP, 0)
        told: list[Derived] = []
        for name, i, to in wrapped:
            if to <= done[name]:
                continue
            if deadline.over():
                raise Dropped("time")
            done[name], read, places = _UNWRAP[name](b, to, starts[i], ends[i])
            mute += places
            if name == "html_table" and read:
                deadline.grant(read[0][0].count(b"\n"))
            if name != "base64" or len(starts) > 1:
                yield from read
                continue
            told += read
            if len(told) >= _TOGETHER:  # many small ones are looked at as one
                yield together(told)
                told = []
        yield from [together(told)] if len(told) >= LEAST else told

    def _inner(self, texts: list[bytes], deadline: Budget) -> dict[int, list[Span]]:
        """Spans in derived texts (no further views of these)."""
        joined = join(texts)
        b, starts, ends = joined.raw, joined.starts, joined.ends
        out: list[Span] = []
        self._look(b, starts, ends, out, deadline, views=False)
        return self._per_text(b, starts, ends, out)

    def _per_text(self, b: bytes, starts: list[int], ends: list[int], out: list[Span]) -> dict[int, list[Span]]:
        out = self._exceptions.without(b, starts, ends, out)
        out = sorted(out) if len(starts) > 1 else out
        found: dict[int, list[Span]] = {}
        at = 0
        while at < len(out):
            i = bisect_right(starts, out[at][0]) - 1
            first, at = at, bisect_left(out, (ends[i] + 1,), at + 1) if len(starts) > 1 else len(out)
            lo = starts[i]
            clean = [(a - lo, z - lo, n) for a, z, n in resolve(b, lo, ends[i], out[first:at])]
            if clean:
                found[i] = clean
        return found


def _seams(b: bytes, starts: list[int], ends: list[int], groups: Sequence[int] | None) -> list[Derived]:
    """Views across the borders of parts; a span that crosses one takes its piece in every part."""
    views: list[SeamView] = []
    if groups is not None and any(map(eq, groups, groups[1:])):
        first = 0
        for i in [i for i, (g, h) in enumerate(pairwise(groups), 1) if g != h] + [len(starts)]:
            if i - first > 1:
                views += borders(b, list(zip(starts[first:i], ends[first:i], strict=True)))
            first = i
    return [(view.text, view.spans) for view in views]


def _variety(b: bytes, found: Sequence[Span]) -> float:
    """What share of some of these values differ?"""
    some = found[:: max(1, len(found) // _SAMPLE)]
    return len({b[a:z] for a, z, _ in some}) / max(1, len(some))


def _within(span: Span, places: Sequence[tuple[int, int]]) -> bool:
    """Does a span lie within one of these places, which are in order?"""
    k = bisect_right(places, (span[0], 1 << 60)) - 1
    return k >= 0 and span[1] <= places[k][1]


def _nuls(b: bytes, start: int, end: int) -> Iterable[int]:
    """Offsets of NUL bytes that a text itself holds."""
    at = b.find(0, start, end)
    while at >= 0:
        yield at
        at = b.find(0, at + 1, end)
