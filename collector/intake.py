"""Exports from the network to durable rows: one bounded queue, one decoding thread, one writing thread.

Group commit: whatever has arrived while the last write ran is the next batch. An export's future is resolved only when its rows are
on the fsynced spool; everything that cannot be taken is refused in words that the receivers turn into OTLP terms. Nothing is dropped in silence.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Literal, Protocol

import pyarrow as pa
import structlog

from collector import metrics
from collector.compression import inflate
from collector.decode import Decoded, DecodeOptions, decode_logs, decode_metrics, decode_traces
from collector.loader import Parts
from collector.lone import spooled_batch
from collector.redaction.quarantine import Gate
from collector.rows import contents_batch, facts_of, version_of
from collector.sealing import Sealer
from collector.stamped import Stamped
from collector.stencils import Stamp
from spanledger.errors import BadSpan, SpanledgerError, WarehouseBusy, WarehouseUnavailable
from spanledger.model import Content, Span
from warehouse.vault.transcripts import Sealed, rows_of

log = structlog.get_logger(__name__)

Signal = Literal["traces", "logs", "metrics"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one export: ``rejected`` bad records (partial success) and why."""

    records: int
    rejected: int = 0
    message: str = ""


@dataclass(slots=True)
class Export:
    """One request as it came, and who waits for it."""

    signal: Signal
    body: bytes
    json: bool
    encoding: str
    project: str
    tenant: str
    done: Future[Receipt] = field(default_factory=Future)

    def settle(self, result: Receipt | BaseException) -> None:
        """Tell the waiting receiver, if it still waits."""
        with contextlib.suppress(InvalidStateError):  # the client hung up
            self.done.set_exception(result) if isinstance(result, BaseException) else self.done.set_result(result)


class Receiving(Protocol):
    """What takes exports: an :class:`Intake`, or the sealing processes."""

    @property
    def accepting(self) -> bool:
        """Exports are taken."""
        ...

    def submit(self, signal: Signal, body: bytes, *, json: bool, encoding: str, project: str, tenant: str = "") -> Future[Receipt]:
        """As :meth:`Intake.submit`."""
        ...

    def close(self, timeout_s: float) -> None:
        """As :meth:`Intake.close`."""
        ...


class SpoolWriter(Protocol):
    """Where batches become durable."""

    def add(self, number: int, batches: list[pa.RecordBatch]) -> object:
        """Write and fsync. Raises ``WarehouseBusy``."""
        ...

    def has(self, number: int) -> bool:
        """There is a file of this number."""
        ...


class BatchTaker(Protocol):
    """Who takes them on."""

    def add(self, number: int, parts: Parts) -> None:
        """A batch is on the spool."""
        ...


@dataclass(slots=True)
class _Batch:
    """Rows ready to be inserted, and the exports that they answer."""

    spans: list[Span]
    facts: list[bytes]
    versions: list[int]
    contents: list[tuple[Span, Content, int]]
    transcripts: list[Sealed]
    stamped: list[Stamped]
    answers: list[tuple[Export, Receipt]]

    @property
    def rows(self) -> int:
        """Journal rows."""
        return len(self.spans) + sum(stamped.spans.num_rows for stamped in self.stamped)

    def tables(self, most: int) -> Iterator[tuple[pa.RecordBatch | None, pa.RecordBatch]]:
        """(texts if there are any, journal rows with their figures) of at most ``most`` journal rows each."""
        contents = {id(s): (s, c, v) for s, c, v in self.contents}
        for at in range(0, len(self.spans), most):
            spans = self.spans[at : at + most]
            texts = [contents[id(s)] for s in spans if id(s) in contents]
            yield contents_batch(texts) if texts else None, spooled_batch(spans, self.facts[at : at + most], self.versions[at : at + most])
        for rows, texts in self.stamped:
            for at in range(0, rows.num_rows, most):
                yield texts.slice(at, most) if texts is not None else None, rows.slice(at, most)


class Intake:
    """The way of an export into the journal.

    Args:
        sealer: makes the sealer of the decoding thread (redaction engines are not shared between threads).
        options: how to decode, asked for on each pass (the policy may change).
        spool: where batches become durable.
        loader: takes them on into the warehouse.
        queue_bytes, batch_rows, max_message_bytes: bounds.
        place: (which, of how many) processes write this spool; file numbers have this rest.
        gate: keeps texts back that wait for the name tier.
    """

    def __init__(
        self,
        sealer: Callable[[], Sealer],
        options: Callable[[], DecodeOptions],
        spool: SpoolWriter,
        loader: BatchTaker,
        *,
        queue_bytes: int,
        batch_rows: int,
        max_message_bytes: int,
        place: tuple[int, int] = (0, 1),
        gate: Gate | None = None,
    ) -> None:
        self._make_sealer, self._options, self._spool, self._loader = sealer, options, spool, loader
        self._queue_bytes, self._batch_rows, self._max_message = queue_bytes, batch_rows, max_message_bytes
        self._arrived: deque[Export] = deque()
        self._bytes = 0
        self._wake = threading.Condition()
        self._ready: queue.Queue[_Batch | None] = queue.Queue(maxsize=1)
        self._batch, self._place, self._gate = 0, place, gate
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._decode_loop, name="decoder", daemon=True),
            threading.Thread(target=self._write_loop, name="writer", daemon=True),
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    @property
    def accepting(self) -> bool:
        """Exports are taken."""
        return not self._stopping and all(t.is_alive() for t in self._threads)

    def submit(self, signal: Signal, body: bytes, *, json: bool, encoding: str, project: str, tenant: str = "") -> Future[Receipt]:
        """Queue one export. The future ends with a :class:`Receipt`, ``BadSpan``, ``TooLarge`` or ``WarehouseBusy``.

        Raises:
            WarehouseBusy: the queue is full, or the process is stopping.
        """
        export = Export(signal, body, json, encoding, project, tenant)
        with self._wake:
            if self._stopping:
                raise WarehouseUnavailable("the collector is stopping", retry_after_s=2)
            if self._bytes + len(body) > self._queue_bytes and self._bytes:
                metrics.refused.labels("queue_full").inc()
                raise WarehouseBusy("the queue is full", retry_after_s=1)
            self._arrived.append(export)
            self._bytes += len(body)
            self._wake.notify()
        metrics.queue_bytes.set(self._bytes)
        return export.done

    def close(self, timeout_s: float) -> None:
        """Refuse what comes now, finish what is queued."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))

    # -- decoding thread -------------------------------------------------------------------------------------------------------------

    def _decode_loop(self) -> None:
        sealer = self._make_sealer()
        while (exports := self._take()) is not None:
            try:
                batch = self._prepare(exports, sealer)
            except Exception as exc:  # fails closed: nothing unsealed goes on, the senders keep their data
                log.error("sealing_failed", error=type(exc).__name__, exports=len(exports))
                for export in exports:
                    export.settle(WarehouseBusy("the collector could not process this export"))
                sealer = self._make_sealer()
                continue
            self._ready.put(batch)
        self._ready.put(None)

    def _take(self) -> list[Export] | None:
        with self._wake:
            while not self._arrived and not self._stopping:
                self._wake.wait()
            if not self._arrived:
                return None
            exports, size = [], 0
            most = min(_DECODE_BYTES, max(_OVERLAP_BYTES, self._bytes // 2))  # the other half keeps this thread busy while the first is written
            while self._arrived and (not exports or size + len(self._arrived[0].body) <= most):
                exports.append(self._arrived.popleft())
                size += len(exports[-1].body)
            self._bytes -= size
        metrics.queue_bytes.set(self._bytes)
        return exports

    def _prepare(self, exports: Sequence[Export], sealer: Sealer) -> _Batch:
        options = self._options()
        records: list[tuple[Span, Content | None]] = []
        stamps: list[Stamp] = []
        answers: list[tuple[Export, Receipt]] = []
        for export in exports:
            try:
                decoded = self._decode(export, options)
            except SpanledgerError as exc:
                metrics.refused.labels(type(exc).__name__).inc()
                export.settle(exc)
                continue
            records += decoded.records
            stamps += decoded.stamps
            answers.append((export, Receipt(decoded.received, len(decoded.rejected), "; ".join(sorted(set(decoded.rejected))[:5]))))
        records, stored, unstored = sealer.divided(records, stamps)
        sealed = sealer.seal(records)
        spans = [span for span, _ in sealed]
        facts = [facts_of(s) for s in spans]
        versions = [version_of(s, f) for s, f in zip(spans, facts, strict=True)]
        contents = [(s, c, v) for (s, c), v in zip(sealed, versions, strict=True) if c is not None and not c.empty]
        transcripts = [_sealed(spans[i], versions[i], tenant, key, sealed) for i, tenant, key, sealed in sealer.transcripts()]
        stamped = [sealer.seal_stamps(part, stored=part is stored) for part in (stored, unstored) if part]
        return _Batch(spans, facts, versions, contents, transcripts, stamped, answers)

    def _decode(self, export: Export, options: DecodeOptions) -> Decoded:
        body = inflate(export.body, export.encoding, self._max_message)
        try:
            if export.signal == "metrics":  # the points serve reconciliation; no call of the ledger comes from them
                points = decode_metrics(body, json=export.json, project=export.project, options=options, tenant=export.tenant)
                decoded = Decoded(points.records, received=points.received, let_go=points.let_go, rejected=points.rejected)
            else:
                decode = decode_traces if export.signal == "traces" else decode_logs
                decoded = decode(body, json=export.json, project=export.project, options=options, tenant=export.tenant)
        except SpanledgerError:
            raise
        except Exception as exc:  # a bug of ours on this payload: say so, keep serving the others
            log.exception("decoder_bug", signal=export.signal, bytes=len(body))
            raise BadSpan(f"this export could not be understood ({type(exc).__name__})") from exc
        metrics.records.labels(export.signal).inc(decoded.received)
        for reason, n in decoded.let_go.items():
            metrics.let_go.labels(reason).inc(n)
        metrics.rejected.inc(len(decoded.rejected))
        return decoded

    # -- writing thread --------------------------------------------------------------------------------------------------------------

    def _write_loop(self) -> None:
        while (batch := self._ready.get()) is not None:
            try:
                self._write(batch)
            except Exception as exc:  # the senders keep their data and come back
                reason = exc if isinstance(exc, WarehouseBusy) else WarehouseBusy(f"the rows could not be stored ({type(exc).__name__})")
                log.warning("not_stored", reason=str(exc)[:300], rows=batch.rows, exports=len(batch.answers))
                metrics.refused.labels("storage").inc(len(batch.answers))
                for export, _ in batch.answers:
                    export.settle(reason)
                continue
            metrics.journaled.inc(batch.rows)
            for export, receipt in batch.answers:
                export.settle(receipt)

    def _write(self, batch: _Batch) -> None:
        """Make a batch durable, then hand it on. What a client is told of is on disk; a part that nobody was told of does no harm."""
        for contents, spans in batch.tables(self._batch_rows):
            number = self._next_batch()
            parts: Parts = []
            if contents is not None:
                # texts that wait for the name tier are durable before the spool file is
                free = self._gate.hold(contents) if self._gate is not None else contents
                if free is not None:
                    parts.append(("contents", free))
            if batch.transcripts:
                parts.append(("audit_objects", rows_of(batch.transcripts)))
                batch.transcripts = []
            parts.append(("spans", spans))
            self._spool.add(number, [rows for _, rows in parts])
            self._loader.add(number, parts)

    def _next_batch(self) -> int:
        """The next file's number: microseconds since the epoch, no number twice in this folder."""
        index, of = self._place
        now = time.time_ns() // 1000
        self._batch = max(self._batch + of, now - now % of + index)
        while self._spool.has(self._batch):  # the clock was set back
            self._batch += of
        return self._batch


def _sealed(span: Span, version: int, tenant_hash: str, key_version: int, sealed: bytes) -> Sealed:
    user = span.own.get("user") or span.inherited.get("user") or ""
    return Sealed(tenant_hash, user, span.project, span.start_ns // 1000, span.trace_id, span.span_id, key_version, sealed, version)


_DECODE_BYTES = 24 << 20  # bodies decoded into one batch at most: about 10,000 spans of 2 KB
_OVERLAP_BYTES = 1 << 20  # less is not split
