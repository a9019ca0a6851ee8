"""From the spool into the warehouse: durable batches are joined into large inserts, then offered to the poster and taken off the spool.

An insert that fails is repeated; rows are identified by content, so that a repeated one changes nothing. After a start the spool's
leftovers go first. What is on its way is kept in memory too, within bounds, so that nothing is normally read back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa
import structlog

from collector import metrics
from collector.lone import SPOOLED, spooled
from collector.poster import Poster
from collector.rows import numbered
from collector.spool import Spool
from warehouse import journal
from warehouse.tables import SPANS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = structlog.get_logger(__name__)

Parts = list[tuple[str, pa.RecordBatch]]  # table and rows; the journal's last, with figures for the poster

_KEPT_ROWS = 80_000
_TRICKLE = 1_000  # rows that are not worth waiting longer for more
_STREAM = 2
_IN_ORDER = ("audit_objects", "contents", "spans")  # the journal last: a span that is posted has its text beside it


class Loader:
    """One thread, one warehouse client.

    Args:
        client: opens the thread's client.
        spool: what has been acknowledged.
        poster: is offered the spans once they are in the journal.
        batch_rows: most rows of one insert.
        linger_s: how long a batch waits for company; up to twice as long while rows keep coming (a row of an insert of 20,000 costs a
            third of one of 3,000).
        first_batch: the journal's highest batch so far; inserts are numbered upwards from it, in the order in which they are posted.
    """

    def __init__(self, client: Callable[[], Client], spool: Spool, poster: Poster, *, batch_rows: int, linger_s: float, first_batch: int = 0) -> None:
        self._open, self._spool, self._poster, self._batch = client, spool, poster, first_batch
        self._batch_rows, self._linger_s = batch_rows, linger_s
        self._kept: dict[int, Parts] = {}
        self._kept_rows = self._waiting = 0
        self._found: dict[int, tuple[int, float]] = {}  # of each file: rows, when it was acknowledged
        self._away = False
        self._since: float | None = None
        self._loaded = 0.0  # when the last insert ended
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)

    def start(self) -> None:
        """Open the client and begin with what an earlier process left."""
        self._client = self._open()
        metrics.ledger_behind.set_function(lambda: self.behind_s)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """The thread runs."""
        return self._thread.is_alive()

    def add(self, number: int, parts: Parts) -> None:
        """A batch is on the spool: take it from here."""
        rows = _rows(parts)
        with self._changed:
            if self._kept_rows + rows <= _KEPT_ROWS:
                self._kept[number] = parts
                self._kept_rows += rows
        self.found(number, rows)

    def found(self, number: int, rows: int) -> None:
        """A batch is on the spool and has to be read from there."""
        with self._changed:
            self._found[number] = rows, time.monotonic()
            self._waiting += rows
            self._since = self._since or time.monotonic()
            self._changed.notify()

    @property
    def behind_s(self) -> float:
        """Age of the oldest acknowledged row that is not in the ledger; 0 while the warehouse is away: then the spool takes what comes."""
        with self._changed:
            if self._away:
                return 0.0
            since = min((at for _, at in self._found.values()), default=None)
        ages = [time.monotonic() - at for at in (since, self._poster.waiting_since) if at is not None]
        return max(ages, default=0.0)

    def close(self, timeout_s: float) -> None:
        """Load what is left, as far as the time goes; the rest stays on the spool."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pause = 0.2
        while True:
            with self._changed:
                if self._spool.empty:
                    if self._closing:
                        return
                    self._changed.wait(1.0)
                    continue
                since = self._since or 0.0
                company = since + _STREAM * self._linger_s
                if self._waiting < _TRICKLE:  # the first after a pause go soon, a trickle is inserted half as often
                    company = min(company, max(since, self._loaded + self._linger_s) + self._linger_s)
                ripe = company - time.monotonic()
                if ripe > 0 and self._waiting < self._batch_rows and not self._closing:
                    self._changed.wait(ripe)
                    continue
                self._since = None
            try:
                self._load()
                self._away, self._loaded = False, time.monotonic()
                pause = 0.2
            except Exception as exc:  # nothing is lost: the spool has it
                log.warning("load_waits", error=type(exc).__name__, reason=str(exc)[:300], spool_bytes=self._spool.bytes)
                self._away = True
                if self._closing:
                    return
                time.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _load(self) -> None:
        """Insert the oldest batches, as many as fit one insert."""
        chosen: dict[int, Parts] = {}
        size = 0
        for file in self._spool.numbers():
            if chosen and size + self._found.get(file, (0, 0.0))[0] > self._batch_rows:
                break
            parts = self._kept.get(file) or [(_table_of(batch), batch) for batch in self._spool.read(file)]
            if chosen and size + _rows(parts) > self._batch_rows:
                break
            chosen[file] = parts
            size += _rows(parts)
        started = time.monotonic()
        number = self._batch = max(self._batch + 1, time.time_ns() // 1000)
        journaled = pa.Table.from_batches([], SPOOLED)
        for table in _IN_ORDER:
            batches = [rows for parts in chosen.values() for name, rows in parts if name == table]
            if batches and table == "spans":
                journaled = pa.Table.from_batches(list(map(spooled, batches)))
                journal.insert(self._client, table, numbered(journaled.select(SPANS.names), number))
            elif batches:
                journal.insert(self._client, table, pa.Table.from_batches(batches))
        metrics.insert_seconds.observe(time.monotonic() - started)
        now = time.monotonic()
        since = min(self._found.get(file, (0, now))[1] for file in chosen)
        self._poster.offer(number, journaled, since)
        for file in chosen:
            self._spool.remove(file)
            with self._changed:
                self._kept_rows -= _rows(self._kept.pop(file, []))
                self._waiting -= self._found.pop(file, (0, 0.0))[0]


def _rows(parts: Parts) -> int:
    """Journal rows of a file."""
    return sum(rows.num_rows for table, rows in parts if table == "spans")


def _table_of(batch: pa.RecordBatch) -> str:
    if "facts" in batch.schema.names:
        return "spans"
    return "audit_objects" if "sealed" in batch.schema.names else "contents"
