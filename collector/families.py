"""Which spans belong together: recent families in memory, calls asleep, and a fast 'no' for everything that stands only on disk.

A family (DESIGN §4, posting 7) is the traces that share a provider response id or an agent session. Posting needs all spans of a
touched family. Nearly always they are in memory; ``ColdKeys`` says when they may not be, and only then is the journal read.
A call that was posted alone (:mod:`collector.lone`) stays the row that it came as until something joins it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, KeysView, Sequence

import numpy as np
import pyarrow as pa
import xxhash

from collector.posting import family_keys
from collector.rows import EntryKey, spans_of
from spanledger.model import Entry, Span

Ident = tuple[str, str, int, bytes]  # project, service, hour of start, span id: what the journal keeps one row of (with the trace id)
_HOUR_NS = 3_600_000_000_000


def cold_keys(span: Span) -> tuple[int, int, int]:
    """The 64-bit keys of ``warehouse.journal.known_keys`` for one span: trace, response id (0 = none), link (0 = none)."""
    return _trace_key(span.trace_id), _text_key(span.response_id), _text_key(span.link)


def cold_keys_of(rows: pa.RecordBatch) -> np.ndarray:
    """The same for journal rows without links: (n, 2) keys of traces and response ids."""
    keys = np.empty((rows.num_rows, 2), np.uint64)
    ids = rows["trace_id"]
    halves = np.frombuffer(ids.buffers()[1], "<u8", 2 * rows.num_rows, 16 * ids.offset)[1::2]
    keys[:, 0] = np.where(halves == 0, np.uint64(_ZERO), halves)
    keys[:, 1] = np.fromiter(
        [_bytes_key(told) if told else 0 for told in rows["response_id"].cast(pa.binary()).to_pylist()], np.uint64, rows.num_rows
    )
    return keys


def _trace_key(trace_id: bytes) -> int:
    return int.from_bytes(trace_id[8:16], "little") or _ZERO


_ZERO = 1  # the key of a trace whose id ends in eight zero bytes: 0 is no key


def _text_key(value: str) -> int:
    return _bytes_key(value.encode()) if value else 0


_bytes_key = xxhash.xxh64_intdigest


class ColdKeys:
    """A set of 64-bit keys: 8 bytes each in sorted blocks, new ones in a small set. False answers are exact, true ones may be chance."""

    def __init__(self) -> None:
        self._blocks: list[np.ndarray] = []
        self._new: set[int] = set()

    def extend(self, keys: np.ndarray) -> None:
        """Add many (UInt64)."""
        if len(keys):
            self._blocks.append(np.unique(np.where(keys == 0, np.uint64(_ZERO), keys.astype(np.uint64))))
            if len(self._blocks) > 8:
                self._blocks = [np.unique(np.concatenate(self._blocks))]

    def update(self, keys: Iterable[int]) -> None:
        """Add some; 0 is no key."""
        self._new.update(keys)
        self._new.discard(0)
        if len(self._new) >= 100_000:
            self.extend(np.fromiter(self._new, np.uint64, len(self._new)))
            self._new = set()

    def known(self, keys: np.ndarray) -> np.ndarray:
        """For each key (UInt64, any shape): may it stand in the journal only? 0 never does."""
        found = np.fromiter(map(self._new.__contains__, keys.ravel().tolist()), bool, keys.size).reshape(keys.shape)
        for block in self._blocks:
            at = np.searchsorted(block, keys)
            at[at == len(block)] = 0
            found |= block[at] == keys
        return found & (keys != 0)


class Asleep:
    """Calls in memory that nothing else belongs to: journal rows, found by trace id and link keys (both 16 bytes)."""

    def __init__(self) -> None:
        self._batches: deque[tuple[int, pa.Table, dict[int, bytes], np.ndarray]] = deque()  # first row's number, rows, sleepers' link keys, cold keys
        self._at: dict[bytes, int] = {}  # number of the row with this key
        self._next = 0

    def __contains__(self, key: bytes) -> bool:
        return key in self._at

    def __len__(self) -> int:
        return self._next - self._batches[0][0] if self._batches else 0

    def among(self, keys: KeysView[bytes]) -> set[bytes]:
        """Those of these keys by which a call sleeps here."""
        return keys & self._at.keys()

    def add(self, rows: pa.Table, which: np.ndarray, keys: Sequence[bytes], cold: np.ndarray) -> None:
        """Some journal rows (``which``: bool): each is alone in its trace, and no other span in memory has its link key (of ``keys``; b"": none).

        ``cold``: :func:`cold_keys_of` of all rows.
        """
        if not keys:
            return
        kept = rows.select(_KEPT).filter(pa.array(which))
        first, self._next = self._next, self._next + kept.num_rows
        self._batches.append((first, kept, dict(enumerate(keys)), cold[which]))
        self._at.update(zip(kept["trace_id"].to_pylist(), range(first, self._next), strict=True))
        self._at.update(zip(keys, range(first, self._next), strict=True))
        self._at.pop(b"", None)

    def wake(self, keys: Iterable[bytes]) -> list[tuple[int, Span]]:
        """(version, span) of the calls with one of these keys; they sleep no longer."""
        found: list[tuple[int, Span]] = []
        for number in {self._at[key] for key in keys if key in self._at}:
            first, rows, links, _ = next(b for b in reversed(self._batches) if b[0] <= number)
            row = rows.slice(number - first, 1)
            self._at.pop(row["trace_id"][0].as_py())
            self._at.pop(links.pop(number - first), None)
            found += spans_of(row)
        return found

    def forget_oldest(self) -> np.ndarray:
        """The oldest rows leave memory: cold keys, (n, 2), of the calls that sleep there."""
        _, rows, links, cold = self._batches.popleft()
        traces = rows["trace_id"].to_pylist()
        for i, key in links.items():
            del self._at[traces[i]]
            self._at.pop(key, None)
        return cold[list(links)]


_KEPT = ["project", "service", "trace_id", "span_id", "parent_span_id", "response_id", "facts", "ver"]


class Trace:
    """The spans of one trace that are in memory, and what was posted under it."""

    __slots__ = ("keys", "posted", "spans", "whole")

    def __init__(self, whole: bool) -> None:
        self.spans: dict[Ident, tuple[int, Span]] = {}
        self.keys: set[bytes] = set()  # link keys other than the trace's own
        self.posted: dict[EntryKey, Entry | None] = {}  # live entries; None: in the ledger, value not at hand
        self.whole = whole  # nothing of it stands on disk only


class Recent:
    """Traces in memory, oldest first, bounded by their number of spans; as many calls may be asleep beside them."""

    def __init__(self, max_spans: int) -> None:
        self.traces: OrderedDict[bytes, Trace] = OrderedDict()
        self.by_key: dict[bytes, set[bytes]] = {}
        self.loaded_keys: set[int] = set()  # cold response/link keys whose traces have all been loaded
        self.asleep = Asleep()
        self.cold = ColdKeys()
        self._max = max_spans
        self._count = 0

    def __contains__(self, key: bytes) -> bool:
        """A span in memory has this trace id or link key (both 16 bytes)."""
        return key in self.traces or key in self.by_key or key in self.asleep

    def among(self, keys: KeysView[bytes]) -> set[bytes]:
        """Those of these trace ids and link keys that a span in memory has."""
        return (keys & self.traces.keys()) | (keys & self.by_key.keys()) | self.asleep.among(keys)

    def add(self, version: int, span: Span, *, whole: bool, keys: Sequence[bytes] | None = None) -> Trace:
        """Take a span in; of two versions of one span the greater version stays. ``keys``: its link keys, where they are at hand."""
        links = family_keys(span)[1:] if keys is None else keys
        for other in self.asleep.wake((span.trace_id, *links)):
            self._take(*other, True, family_keys(other[1])[1:]).posted[_entry_key(other[1])] = None
        return self._take(version, span, whole, links)

    def _take(self, version: int, span: Span, whole: bool, links: Sequence[bytes]) -> Trace:
        trace = self.traces.get(span.trace_id)
        if trace is None:
            trace = self.traces[span.trace_id] = Trace(whole)
        ident = (span.project, span.service, span.start_ns // _HOUR_NS, span.span_id)
        old = trace.spans.get(ident)
        if old is None:
            self._count += 1
        if old is None or version > old[0]:
            trace.spans[ident] = (version, span)
            for key in links:
                trace.keys.add(key)
                self.by_key.setdefault(key, set()).add(span.trace_id)
        return trace

    def family(self, trace_id: bytes) -> set[bytes]:
        """All traces in memory that hang together with this one, itself included."""
        found, todo = {trace_id}, [trace_id]
        while todo:
            for key in self.traces[todo.pop()].keys:
                for other in self.by_key.get(key, ()):
                    if other not in found:
                        found.add(other)
                        todo.append(other)
        return found

    def spans(self, traces: Iterable[bytes]) -> list[Span]:
        """All spans in memory of these traces."""
        return [span for t in traces for _, span in self.traces[t].spans.values()]

    def forget_oldest(self) -> None:
        """Keep within bounds; what goes is remembered as cold, so that it is read back when something joins it."""
        self._forget_down_to(self._max)
        self._forget_asleep(self._max)

    def forget_all(self) -> None:
        """Start afresh: everything is read back from the journal when something joins it."""
        self._forget_down_to(-1)
        self._forget_asleep(0)

    def _forget_asleep(self, most: int) -> None:
        while len(self.asleep) > most:
            keys = self.asleep.forget_oldest()
            self.cold.update(keys.ravel().tolist())
            if self.loaded_keys:
                self.loaded_keys.difference_update(keys[:, 1].tolist())

    def _forget_down_to(self, most: int) -> None:
        while self._count > most and len(self.traces) > (most > 0):
            trace_id, trace = self.traces.popitem(last=False)
            self._count -= len(trace.spans)
            for key in trace.keys:
                members = self.by_key.get(key)
                if members is not None:
                    members.discard(trace_id)
                    if not members:
                        del self.by_key[key]
            for _, span in trace.spans.values():
                keys = cold_keys(span)
                self.cold.update(keys)
                self.loaded_keys.difference_update(keys[1:])


def _entry_key(span: Span) -> EntryKey:
    """What the entry of a span stands under that was posted alone."""
    return span.project, span.service, span.start_ns // 1000, span.trace_id, span.span_id
