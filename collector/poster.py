"""The poster: families that new journal rows touch are posted again, and the difference to the ledger is written.

Runs in one thread behind the writer. Everything it does can be repeated: its progress is a mark (the journal batch up to which all is
posted), and after a start every family with rows behind the mark is read back and posted again.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import structlog

from collector import metrics
from collector.families import Recent, Trace, cold_keys, cold_keys_of
from collector.lone import LOOKED_AT, LoneCalls
from collector.posting import PostingRules, family_keys, post, post_singles, response_keys_of
from collector.rows import EntryKey, calls_batch, key_of, place_of, spans_from, spans_of, tombstones
from spanledger.errors import WarehouseBusy
from spanledger.model import Entry, Span
from warehouse import journal
from warehouse.rollups import HourClock
from warehouse.tables import CALLS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = structlog.get_logger(__name__)

Row = tuple[int, Span]  # version, sealed span
_PASS_ROWS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Poster:
    """Posts touched families; one thread, one warehouse client.

    Args:
        client: opens a warehouse client for the poster's thread.
        rules: the posting rules in force (prices, apps, tiers), asked for on each pass.
        writer: name under which the mark is kept.
        sole_writer: no other collector writes this journal (embedded): what is in memory is all there is.
        memory_spans: spans kept in memory for families that may still grow.
        max_backlog: spans waiting to be posted at which the writer is made to wait.
        retention: age at which the journal begins to expire; older families are closed.
    """

    def __init__(
        self,
        client: Callable[[], Client],
        rules: Callable[[], PostingRules],
        *,
        writer: str,
        sole_writer: bool,
        memory_spans: int = 50_000,
        max_backlog: int = 200_000,
        retention: timedelta = timedelta(days=90),
        settle_s: float = 10.0,
    ) -> None:
        self._open, self._rules, self._writer, self._sole = client, rules, writer, sole_writer
        self._recent, self._lone_calls = Recent(memory_spans), LoneCalls()
        self._max_backlog, self._retention, self._settle_s = max_backlog, retention, settle_s
        self._waiting: list[tuple[int, float, pa.Table]] = []
        self._backlog = 0
        self._changed = threading.Condition()
        self._again: list[tuple[float, set[bytes]]] = []  # server mode: touched traces, posted once more when others' rows have landed
        self._ver = 0
        self._mark = self._marked = 0
        self._stopping = self._failing = False
        self._stale = threading.Event()
        self._behind: list[bytes] = []
        self._highest = 0
        self._thread = threading.Thread(target=self._run, name="poster", daemon=True)

    def start(self) -> int:
        """Open the warehouse, read the mark, post what lies behind it. Returns the highest journal batch; call before :meth:`offer`."""
        self._client = self._open()
        self.clock = HourClock(self._client, self._writer)
        highest, self._ver = journal.sequences(self._client)
        self._mark = self._marked = journal.posting_mark(self._client, self._writer)
        self._recent.cold.extend(journal.known_keys(self._client, _EPOCH))
        self._behind = journal.traces_after(self._client, self._mark) if highest > self._mark else []
        self._highest = highest
        metrics.posting_backlog.set(len(self._behind))
        self._thread.start()
        return highest

    def offer(self, batch: int, rows: pa.Table, since: float) -> None:
        """Durable journal rows (:data:`~collector.lone.SPOOLED`), in the order of their batches, acknowledged ``since`` (monotonic).

        Waits while too many are unposted.
        """
        with self._changed:
            while self._backlog > self._max_backlog and not self._stopping:
                self._changed.wait(0.5)
            self._waiting.append((batch, since, rows))
            self._backlog += rows.num_rows
            self._changed.notify_all()
        metrics.posting_backlog.set(self._backlog)

    def forget(self) -> None:
        """What memory holds is no longer what the journal says (an erasure): read it back when it is touched."""
        self._stale.set()

    @property
    def alive(self) -> bool:
        """The thread runs."""
        return self._thread.is_alive()

    @property
    def waiting_since(self) -> float | None:
        """When the oldest row was acknowledged that waits here; None: none does, or posting fails and is tried again."""
        with self._changed:
            return self._waiting[0][1] if self._waiting and not self._failing else None

    @property
    def idle(self) -> bool:
        """Everything offered so far is in the ledger."""
        return self._backlog == 0

    def close(self, timeout_s: float) -> None:
        """Post what is left, then end; what the time does not suffice for is posted after the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pause = 0.1
        while True:
            try:
                if self._behind:
                    self._post_again(set(self._behind))
                    self._behind, self._mark = [], max(self._mark, self._highest)
                    metrics.posting_backlog.set(self._backlog)
                if not self._step():
                    return
                pause, self._failing = 0.1, False
            except Exception as exc:  # nothing is lost: the rows wait here, and the journal has them
                if isinstance(exc, WarehouseBusy):
                    log.warning("posting_waits", reason=str(exc), backlog=self._backlog, retry_s=pause)
                else:
                    log.exception("posting_failed", backlog=self._backlog, retry_s=pause)
                metrics.posting_retries.inc()
                self._failing = True
                if self._stopping:
                    return
                time.sleep(pause)
                pause = min(pause * 2, 5.0)
                self._forget()

    def _forget(self) -> None:
        """After a failed write, what memory says of the ledger may be wrong: families are read back from the journal when touched."""
        for trace in self._recent.traces.values():
            trace.whole, trace.posted = False, {}

    def _step(self) -> bool:
        with self._changed:
            if not self._waiting and not self._stopping:
                self._changed.wait(0.2)
            taken = self._next()
        if self._stale.is_set():
            self._stale.clear()
            self._recent.forget_all()
        if taken:
            started = time.monotonic()
            self._post_rows(pa.concat_tables([rows for _, _, rows in taken]))
            self._mark = max(self._mark, taken[-1][0])
            with self._changed:
                del self._waiting[: len(taken)]
                self._backlog -= sum(rows.num_rows for _, _, rows in taken)
                self._changed.notify_all()
            metrics.posting_backlog.set(self._backlog)
            metrics.posting_lag.observe(time.monotonic() - taken[0][1])
            metrics.posting_seconds.inc(time.monotonic() - started)
        due = [traces for at, traces in self._again if at <= time.monotonic() or self._stopping]
        if due:
            self._again = [(at, t) for at, t in self._again if at > time.monotonic() and not self._stopping]
            self._post_again(set().union(*due))
        if self._mark > self._marked and not self._waiting:
            journal.set_posting_mark(self._client, self._writer, self._mark)
            self._marked = self._mark
        return not (self._stopping and not self._waiting and not self._again)

    def _next(self) -> list[tuple[int, float, pa.Table]]:
        """The oldest batches that wait, as many as are posted in about a second."""
        size = 0
        for n, (_, _, rows) in enumerate(self._waiting):
            size += rows.num_rows
            if n and size > _PASS_ROWS:
                return self._waiting[:n]
        return self._waiting[:]

    def _post_rows(self, whole: pa.Table) -> None:
        """Post the families of new rows: plain calls that are alone as columns, all others as spans."""
        recent = self._recent
        rows = whole.select(LOOKED_AT).combine_chunks().to_batches()[0]  # facts are many times as large, and stay where they are
        cold = cold_keys_of(rows)
        alone, keys = self._alone(rows, cold) if self._sole else (np.empty(0, np.int64), [])
        columns, plain = self._lone_calls.rows(rows, alone, self._rules(), whole)
        asleep = np.zeros(rows.num_rows, bool)
        asleep[alone[plain]] = True
        self._post_spans([] if asleep.all() else spans_of(whole, ~asleep), columns)
        recent.asleep.add(whole, asleep, list(compress(keys, plain.tolist())), cold)
        recent.forget_oldest()
        if not self._sole:
            self._again.append((time.monotonic() + self._settle_s, set(rows["trace_id"].to_pylist())))

    def _alone(self, rows: pa.RecordBatch, cold: np.ndarray) -> tuple[np.ndarray, list[bytes]]:
        """Rows of calls that may be plain and that nothing else can belong to, and their link keys (b"": none)."""
        traces = rows["trace_id"].to_pylist()
        ids = rows["response_id"].cast(pa.binary())
        keys = response_keys_of(*(column.to_pylist() for column in (rows["project"], rows["provider"], ids)))
        told = Counter(traces)
        told.update(keys)
        untold = told.pop(b"", 0)
        shared = self._recent.among(told.keys())
        if len(told) < 2 * len(traces) - untold:
            shared |= {key for key, n in told.items() if n > 1}
        joined = np.any(self._recent.cold.known(cold), axis=1) | rows["combination"].is_null().to_numpy(zero_copy_only=False)
        if shared:
            joined |= np.fromiter((trace in shared or key in shared for trace, key in zip(traces, keys, strict=True)), bool, len(keys))
        return np.flatnonzero(~joined), list(compress(keys, (~joined).tolist()))

    def _post_spans(self, rows: list[Row], columns: Callable[[int], pa.RecordBatch] | None) -> None:
        """Post the families of these spans, lone ones by the short way, and write them with the ledger columns of others."""
        recent = self._recent
        touched = {span.trace_id for _, span in rows}
        lone = self._lone(rows) if self._sole else []
        singles = post_singles([span for (_, span), _ in lone], self._rules()) if lone else []
        for (version, span), keys in lone:
            recent.add(version, span, whole=True, keys=keys)
            touched.discard(span.trace_id)
        for entry in singles:
            recent.traces[entry.trace_id].posted[key_of(entry)] = None
        changed, gone = self._families([(v, s) for v, s in rows if s.trace_id in touched], touched) if touched else ([], [])
        self._write(singles + changed, gone, columns)

    def _lone(self, rows: list[Row]) -> list[tuple[Row, list[bytes]]]:
        """Rows that nothing else can belong to, with their link keys: first and only span of their trace, with no key that another has."""
        recent = self._recent
        links = [family_keys(span)[1:] for _, span in rows]
        traces = Counter([span.trace_id for _, span in rows])
        keyed = Counter([key for keys in links for key in keys])
        new = [i for i, (_, span) in enumerate(rows) if traces[span.trace_id] == 1 and span.trace_id not in recent]
        cold = np.any(recent.cold.known(np.array([cold_keys(rows[i][1]) for i in new], np.uint64).reshape(-1, 3)), axis=1)
        return [
            (rows[i], links[i]) for i, gone in zip(new, cold, strict=True) if not gone and all(keyed[k] == 1 and k not in recent for k in links[i])
        ]

    def _families(self, rows: list[Row], touched: set[bytes]) -> tuple[list[Entry], list[EntryKey]]:
        """Entries that changed and keys that went, of all families these rows and traces touch."""
        if not touched:
            return [], []
        self._load(touched, [span for _, span in rows])
        for version, span in rows:
            self._recent.add(version, span, whole=True)
        return self._post_in_memory(touched)

    def _post_in_memory(self, touched: set[bytes]) -> tuple[list[Entry], list[EntryKey]]:
        recent = self._recent
        changed: list[Entry] = []
        gone: list[EntryKey] = []
        done: set[bytes] = set()
        for trace_id in touched:
            if trace_id in done or trace_id not in recent.traces:
                continue
            family = recent.family(trace_id)
            done |= family
            more, less = self._post_family(family)
            changed += more
            gone += less
        return changed, gone

    def _post_family(self, family: set[bytes]) -> tuple[list[Entry], list[EntryKey]]:
        spans = self._recent.spans(family)
        entries = post(spans, self._rules())
        posted: dict[EntryKey, Entry | None] = {}
        for t in family:
            posted.update(self._recent.traces[t].posted)
        horizon = time.time_ns() - int(self._retention.total_seconds() * 1e9)
        if posted and min(span.start_ns for span in spans) < horizon:
            return self._post_closed(entries, posted)
        now = {key_of(e): e for e in entries}
        changed = [e for key, e in now.items() if key not in posted or posted[key] is None or posted[key] != e]
        for t in family:
            self._recent.traces[t].posted = {}
        for key, entry in now.items():
            trace: Trace | None = self._recent.traces.get(entry.trace_id)
            if trace is not None:
                trace.posted[key] = entry
        kept = set(map(place_of, now))
        return changed, [key for key in posted if key not in now and place_of(key) not in kept]

    def _post_closed(self, entries: list[Entry], posted: dict[EntryKey, Entry | None]) -> tuple[list[Entry], list[EntryKey]]:
        """Part of the journal has expired: nothing is reversed; what is new stands beside, marked."""
        new = [e for e in entries if key_of(e) not in posted]
        for entry in new:
            entry.conflict = 3
        metrics.late_after_close.inc(len(new))
        return new, []

    def _load(self, touched: set[bytes], spans: list[Span]) -> None:
        """Bring into memory whatever of these families may stand on disk only; repeats until nothing new is linked."""
        recent, frontier = self._recent, list(spans)
        read: set[bytes] = set()
        wanted = {t for t in touched if not self._sole or (t in recent.traces and not recent.traces[t].whole)}
        while True:
            responses, links = self._cold(frontier, wanted)
            if responses:
                wanted.update(journal.traces_by_response(self._client, sorted(responses)))
            if links:
                wanted.update(journal.traces_by_link(self._client, sorted(links)))
            wanted = {t for t in wanted if t not in read and not (self._sole and t in recent.traces and recent.traces[t].whole)}
            if not wanted:
                break
            read |= wanted
            frontier, wanted = self._read(sorted(wanted)), set()
        if not self._sole:
            recent.loaded_keys.clear()

    def _cold(self, spans: list[Span], wanted: set[bytes]) -> tuple[set[str], set[str]]:
        """Response ids and links of these spans that the journal may know more of; their traces, likewise, are added to ``wanted``."""
        recent = self._recent
        keys = [cold_keys(s) for s in spans]
        asked = np.array(keys, np.uint64).reshape(-1, 3)
        hits = recent.cold.known(asked) if self._sole else np.ones(asked.shape, bool)
        responses, links = set[str](), set[str]()
        for i, (span, three) in enumerate(zip(spans, keys, strict=True)):
            if hits[i, 0]:
                wanted.add(span.trace_id)
            if three[1] and hits[i, 1] and three[1] not in recent.loaded_keys:
                responses.add(span.response_id)
                recent.loaded_keys.add(three[1])
            if three[2] and hits[i, 2] and three[2] not in recent.loaded_keys:
                links.add(span.link)
                recent.loaded_keys.add(three[2])
        return responses, links

    def _read(self, traces: list[bytes]) -> list[Span]:
        """Whole traces and the keys of their live entries from the warehouse into memory."""
        recent = self._recent
        found: list[Span] = []
        for t in traces:
            if t in recent.traces:
                recent.traces[t].posted = {}
        table = journal.spans_of_traces(self._client, traces)
        for version, span in spans_from(table) if table is not None else []:
            trace = recent.add(version, span, whole=True)
            trace.whole = True
            found.append(span)
        for key in _entry_keys(journal.entry_keys_of_traces(self._client, traces)):
            trace = recent.traces.get(key[3])
            if trace is not None:
                trace.posted[key] = None
        metrics.families_read.inc(len(traces))
        return found

    def _post_again(self, traces: set[bytes]) -> None:
        """Post these traces from the journal (after a start, or when other collectors' rows have landed)."""
        todo = sorted(traces)
        for at in range(0, len(todo), 5_000):
            part = set(todo[at : at + 5_000])
            self._load(set(), self._read(sorted(part)))
            self._write(*self._post_in_memory(part))
            self._recent.forget_oldest()

    def _write(self, changed: list[Entry], gone: list[EntryKey], columns: Callable[[int], pa.RecordBatch] | None = None) -> None:
        if not changed and not gone and columns is None:
            return
        self._ver = ver = max(self._ver + 1, time.time_ns() // 1000)
        batches = [columns(ver)] if columns else []
        batches += ([calls_batch(changed, ver)] if changed else []) + ([tombstones(gone, ver)] if gone else [])
        rows = pa.Table.from_batches(batches) if len(batches) == 1 else pa.Table.from_batches([batch.cast(CALLS) for batch in batches])
        with self.clock.writing(_hours(rows), ver):
            journal.insert(self._client, "calls", rows)
        metrics.entries_posted.inc(rows.num_rows - len(gone))
        metrics.entries_withdrawn.inc(len(gone))


def _hours(rows: pa.Table) -> list[datetime]:
    """The hours that these ledger rows stand in."""
    hours = np.unique(rows["ts"].to_numpy().astype("datetime64[h]").astype(np.int64))
    return [datetime.fromtimestamp(h * 3600, UTC) for h in hours.tolist()]


def _entry_keys(table: pa.Table | None) -> list[EntryKey]:
    if table is None:
        return []
    columns = [table[c].to_pylist() for c in ("project", "service", "ts_us", "trace", "span")]
    return [(p, s, t, bytes.fromhex(tr), bytes.fromhex(sp)) for p, s, t, tr, sp in zip(*columns, strict=True)]
