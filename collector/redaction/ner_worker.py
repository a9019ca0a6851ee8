"""From quarantine to ``contents``: a thread that takes one sealed batch after another, has names and addresses replaced, and inserts.

A batch leaves the quarantine only after its rows are durable; done twice it gives the same rows. A text that the model cannot take
(too long, or its process died over it three times) is withheld, never passed on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import structlog
from prometheus_client import Gauge

from collector import metrics
from collector.redaction.ner import Found
from collector.redaction.ner_process import NamesLost, NamesProcess
from collector.redaction.placeholders import placeholder, resolve
from collector.redaction.quarantine import Quarantine
from spanledger.errors import ConfigError
from warehouse.vault.envelope import EnvelopeBroken

log = structlog.get_logger(__name__)

LONGEST = 262_144  # characters of a text that the tier reads; longer ones are withheld
_ASK_CHARS = 65_536  # asked at once: a stop need not wait longer than for these
_ATTEMPTS = 3
_AWAY_S = 30.0  # between two tries to start a process whose model cannot be loaded
_TEXTS = ("prompt", "response")

names_waiting = Gauge("spanledger_names_waiting_bytes", "Sealed texts that wait for the name tier", registry=metrics.registry)

Insert = Callable[[pa.RecordBatch], None]
Erased = Callable[[Sequence[bytes]], set[bytes]]


class NamesWorker:
    """One thread and its process.

    Args:
        quarantine: where texts wait.
        process: runs the model.
        insert: makes rows of table ``contents`` durable; may raise, then it is tried again.
        erased: which of these traces an erasure has taken meanwhile.
    """

    def __init__(self, quarantine: Quarantine, process: NamesProcess, insert: Insert, erased: Erased) -> None:
        self._quarantine, self._insert, self._erased = quarantine, insert, erased
        self._process = process
        self._failed: dict[str, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="names", daemon=True)

    def start(self) -> None:
        """Load the model, then begin.

        Raises:
            ConfigError: the model cannot be used: better no start than text that was meant to be read first.
        """
        if self._process.pid is None:
            self._process.start()
        self._quarantine.tidy()
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End the thread; what waits keeps waiting."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def close(self, timeout_s: float) -> None:
        """End the thread and the process."""
        self.stop(timeout_s)
        self._process.close()

    def _run(self) -> None:
        pause = 0.5
        while not self._ended.wait(pause):
            pause = 0.5
            try:
                if self._process.pid is None:
                    self._process.start()
                for name in self._quarantine.waiting():
                    names_waiting.set(self._quarantine.bytes)
                    self._one(name)
                    if self._ended.is_set():
                        return
                names_waiting.set(self._quarantine.bytes)
            except _Stopped:
                return
            except NamesLost as exc:
                log.warning("names_process_lost", reason=str(exc))
            except ConfigError as exc:
                log.warning("names_process_does_not_start", reason=str(exc)[:300])
                pause = _AWAY_S
            except Exception as exc:  # nothing is lost: the quarantine has it
                log.warning("names_wait", error=type(exc).__name__)
                pause = 5.0

    def _one(self, name: str) -> None:
        try:
            rows = self._quarantine.open(name)
        except EnvelopeBroken as exc:
            log.error("quarantine_broken", reason=str(exc))
            metrics.content_dropped.labels("names_unreadable").inc()
            self._quarantine.remove(name)
            return
        rows = with_texts(rows, self._redacted(name, sorted(set(texts_of(rows)))))
        traces = rows.column("trace_id").to_pylist()
        gone = self._erased(traces)  # asked last: reading a batch takes minutes, and an erasure does not wait for it
        if gone:
            rows = rows.filter(pa.array([t not in gone for t in traces], pa.bool_()))
        if rows.num_rows:
            self._insert(rows)
        self._quarantine.remove(name)
        self._failed.pop(name, None)

    def _redacted(self, name: str, texts: Sequence[str]) -> dict[str, str]:
        """Old text → new text."""
        hopeless = self._failed.get(name, 0) >= _ATTEMPTS
        new: dict[str, str] = {}
        for some in _asks(texts):
            if self._ended.is_set():
                raise _Stopped
            try:
                found = self._process.find(some)
            except NamesLost:
                if not hopeless:
                    self._failed[name] = self._failed.get(name, 0) + 1
                    raise
                self._process.start()
                new |= {text: _withheld("names") for text in some}
                continue
            for text, spans in zip(some, found, strict=True):
                new[text] = replaced(text, spans)
        new |= {text: _withheld("names_too_large") for text in texts if len(text) > LONGEST}
        return new


class _Stopped(Exception):
    """We are to end."""


def replaced(text: str, found: Found) -> str:
    """The text with ``[PERSON]`` and ``[ADDRESS]``; placeholders that stand in it stay whole."""
    if not found:
        return text
    raw = text.encode()
    spans = [(len(text[:a].encode()), len(text[:z].encode()), name) for a, z, name in found]
    pieces: list[bytes] = []
    last = 0
    for start, end, name in resolve(raw, 0, len(raw), spans):
        pieces += [raw[last:start], placeholder(name, raw[start:end], b"")]
        last = end
        metrics.redactions.labels(name).inc()
    return b"".join([*pieces, raw[last:]]).decode()


def texts_of(rows: pa.RecordBatch) -> Iterator[str]:
    """Every text of rows of table ``contents``."""
    for column in _TEXTS:
        yield from filter(None, rows.column(column).to_pylist())
    for documents in rows.column("context").to_pylist():
        yield from documents or ()
    for extra in rows.column("extra").to_pylist():
        yield from (text for _, text in extra or ())


def with_texts(rows: pa.RecordBatch, new: dict[str, str]) -> pa.RecordBatch:
    """The rows with their texts replaced."""
    get = new.__getitem__
    told = {name: [get(t) if t else t for t in rows.column(name).to_pylist()] for name in _TEXTS}
    told["context"] = [list(map(get, documents or ())) for documents in rows.column("context").to_pylist()]
    told["extra"] = [[(k, get(t)) for k, t in extra or ()] for extra in rows.column("extra").to_pylist()]
    columns = [pa.array(told[f.name], f.type) if f.name in told else rows.column(f.name) for f in rows.schema]
    return pa.RecordBatch.from_arrays(columns, schema=rows.schema)


def _asks(texts: Sequence[str]) -> Iterator[list[str]]:
    some: list[str] = []
    size = 0
    for text in texts:
        if len(text) > LONGEST:
            continue
        if some and size + len(text) > _ASK_CHARS:
            yield some
            some, size = [], 0
        some.append(text)
        size += len(text)
    if some:
        yield some


def _withheld(reason: str) -> str:
    metrics.redaction_dropped.labels(reason).inc()
    return f"[DROPPED:{reason}]"
