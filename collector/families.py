"""Which spans belong together: recent families in memory, and a fast 'no' for everything that stands only on disk.

A family (DESIGN §4, posting 7) is the traces that share a provider response id or an agent session. Posting needs all spans of a
touched family. Nearly always they are in memory; ``ColdKeys`` says when they may not be, and only then is the journal read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
import xxhash

from collector.posting import family_keys
from collector.rows import EntryKey
from spanledger.model import Entry, Span

Ident = tuple[str, str, int, bytes]  # project, service, hour of start, span id: what the journal keeps one row of (with the trace id)
_HOUR_NS = 3_600_000_000_000


def cold_keys(span: Span) -> tuple[int, int, int]:
    """The 64-bit keys of ``warehouse.journal.known_keys`` for one span: trace, response id (0 = none), link (0 = none)."""
    return (
        int.from_bytes(span.trace_id[8:16], "little"),
        xxhash.xxh64_intdigest(span.response_id.encode()) if span.response_id else 0,
        xxhash.xxh64_intdigest(span.link.encode()) if span.link else 0,
    )


class ColdKeys:
    """A set of 64-bit keys: 8 bytes each in sorted blocks, new ones in a small set. False answers are exact, true ones may be chance."""

    def __init__(self) -> None:
        self._blocks: list[np.ndarray] = []
        self._new: set[int] = set()

    def extend(self, keys: np.ndarray) -> None:
        """Add many (UInt64)."""
        if len(keys):
            self._blocks.append(np.unique(keys.astype(np.uint64)))
            if len(self._blocks) > 8:
                self._blocks = [np.unique(np.concatenate(self._blocks))]

    def add(self, key: int) -> None:
        """Add one; 0 is no key."""
        if key:
            self._new.add(key)
            if len(self._new) >= 100_000:
                self.extend(np.fromiter(self._new, np.uint64, len(self._new)))
                self._new = set()

    def hits(self, keys: Sequence[int]) -> list[bool]:
        """For each key: may it stand in the journal only? 0 never does."""
        asked = np.fromiter(keys, np.uint64, len(keys))
        found = np.zeros(len(asked), bool)
        for block in self._blocks:
            at = np.searchsorted(block, asked)
            at[at == len(block)] = 0
            found |= block[at] == asked
        found[asked == 0] = False
        new = self._new
        return found.tolist() if not new else [f or k in new for f, k in zip(found.tolist(), keys, strict=True)]


class Trace:
    """The spans of one trace that are in memory, and what was posted under it."""

    __slots__ = ("keys", "posted", "spans", "whole")

    def __init__(self, whole: bool) -> None:
        self.spans: dict[Ident, tuple[int, Span]] = {}
        self.keys: set[bytes] = set()  # link keys other than the trace's own
        self.posted: dict[EntryKey, Entry | None] = {}  # live entries; None: in the ledger, value not at hand
        self.whole = whole  # nothing of it stands on disk only


class Recent:
    """Traces in memory, oldest first, bounded by their number of spans."""

    def __init__(self, max_spans: int) -> None:
        self.traces: OrderedDict[bytes, Trace] = OrderedDict()
        self.by_key: dict[bytes, set[bytes]] = {}
        self.loaded_keys: set[int] = set()  # cold response/link keys whose traces have all been loaded
        self.cold = ColdKeys()
        self._max = max_spans
        self._count = 0

    def add(self, version: int, span: Span, *, whole: bool, keys: Sequence[bytes] | None = None) -> Trace:
        """Take a span in; of two versions of one span the greater version stays. ``keys``: its link keys, where they are at hand."""
        trace = self.traces.get(span.trace_id)
        if trace is None:
            trace = self.traces[span.trace_id] = Trace(whole)
        ident = (span.project, span.service, span.start_ns // _HOUR_NS, span.span_id)
        old = trace.spans.get(ident)
        if old is None:
            self._count += 1
        if old is None or version > old[0]:
            trace.spans[ident] = (version, span)
            for key in family_keys(span)[1:] if keys is None else keys:
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

    def forget_all(self) -> None:
        """Start afresh: everything is read back from the journal when something joins it."""
        self._forget_down_to(-1)

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
                for key in keys:
                    self.cold.add(key)
                self.loaded_keys.difference_update(keys[1:])
