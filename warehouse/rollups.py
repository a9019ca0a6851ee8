"""Rollups that are never wrong: hours recomputed from the exact base, published by generation, and read only while nothing changes them.

The protocol, which holds for any number of writers and workers, embedded or on a server, across kills:

1. Before a writer inserts rows of an hour it *opens* the hour: a durable row of ``hour_marks`` with a new sequence number. When
   nothing of it is in flight and the hour has been quiet, it *shuts* the hour with another. The sum of the writers' latest numbers
   is the hour's **token**: any change makes it new (:class:`HourClock`).
2. A worker takes an hour that nobody has open, notes its token, computes its rollup rows from ``FINAL`` under a new generation, and
   publishes (hour, generation, token) in one row (:class:`RollupWorker`).
3. A reader takes an hour's rollup rows only if the published token is the hour's token and nobody has it open
   (view ``clean_hours``); every other hour it reads from ``FINAL``, in the same statement (:mod:`warehouse.queries.sources`).
4. Clean hours of a day are summed into rows of the day (:mod:`warehouse.rollup_days`), which count while exactly these hours are clean.

Why a clean hour is exact: at the noted token every batch had landed; a batch that landed later was preceded by a mark, which made
the token another. So nothing has to be compared "before and after", and a publication that comes late is merely ignored.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from string import Template
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import polars as pl
import pyarrow as pa

from warehouse import rollup_days
from warehouse.engine import Engine
from warehouse.leases import Lease
from warehouse.queries.ask import measures, query_errors, rollup_dimensions, stamp
from warehouse.queries.sources import COUNTS
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

HOUR = 3_600
#: Rollup tables of each base table, and the view that gives the base exactly.
TABLES = {
    "calls": ("spend_hour", "prompt_hour", "spend_outcome_hour", "people_hour"),
    "scores": ("score_hour", "score_route_hour", "score_prompt_hour"),
}
LIVE = {"calls": "ledger", "scores": "verdicts"}

#: Columns of ``hour_marks``; told with each insert, since the driver would ask for them each time.
_MARK = {"base": "LowCardinality(String)", "hour": "DateTime('UTC')", "writer": "LowCardinality(String)", "seq": "UInt64", "is_open": "UInt8"}

_RENEW_S = 600  # an open hour is marked again this often, so that a mark much older has no writer any more
_STALE_S = 3_600
_HOURS_AT_ONCE = 24
_LEASE_S = 60.0
_PUBLISH_WITHIN_S = 600.0  # unpublished rows older than a worker's grace (longer than this) are swept


def hours_of(batch: pa.RecordBatch | pa.Table) -> list[int]:
    """Hours (Unix seconds) that a batch with a ``ts`` column (µs, UTC) touches."""
    hours = pl.Series(batch["ts"].cast(pa.int64())) // (HOUR * 1_000_000) * HOUR
    return hours.unique().sort().to_list()


@dataclass
class _Hour:
    """A writer's view of one hour. ``mark``: what the warehouse holds; ``unknown`` after a mark that failed, which may yet have landed."""

    in_flight: int = 0
    mark: Literal["shut", "open", "unknown"] = "shut"
    marked_at: float = 0.0
    quiet_since: float = 0.0


@dataclass
class HourClock:
    """One writer's marks on the hours of one base table. ``issued`` before an insert, ``landed`` after it; or :meth:`writing`.

    Thread-safe. ``writer`` is the same after a restart: what it had left open is taken over by :meth:`recover`.
    """

    client: Client
    writer: str
    base: str = "calls"
    quiet_s: float = 10.0
    _hours: dict[int, _Hour] = field(default_factory=dict)
    _seq: int = 0
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        self.recover()

    def recover(self) -> int:
        """Take over what an earlier process of this writer left open: nothing of it is in flight any more. Returns how many hours."""
        marks = _rows(self.client, "rollup_marks", {"base": self.base, "writer": self.writer})
        with self._lock:
            self._seq = max([self._seq, *(m["seq"] for m in marks)])
            left = [m["hour"] for m in marks if m["is_open"] and m["hour"] not in self._hours]
            self._mark(self.client, left, is_open=False)
        return len(left)

    def issued(self, hours: Iterable[datetime | int], ver: int = 0) -> None:
        """Rows of these hours are about to be inserted (``ver``: their sequence, for the log). Durable when it returns."""
        now = time.monotonic()
        with self._lock:
            known = [(h, self._hours.setdefault(h, _Hour())) for h in {_hour(h) for h in hours}]
            unmarked = [h for h, state in known if state.mark != "open" or now - state.marked_at > 2 * _RENEW_S]
            self._mark(self.client, unmarked, is_open=True)
            for _, state in known:
                state.in_flight += 1

    def landed(self, hours: Iterable[datetime | int], ver: int = 0, *, doubt_s: float = 0.0) -> None:
        """The insert has returned. ``doubt_s``: it failed, and the server may still apply it within this time."""
        with self._lock:
            for h in {_hour(h) for h in hours}:
                state = self._hours[h]
                state.in_flight -= 1
                state.quiet_since = max(state.quiet_since, time.monotonic() + doubt_s)

    @contextmanager
    def writing(self, hours: Iterable[datetime | int], ver: int = 0, *, doubt_s: float = 60.0) -> Generator[None]:
        """Around an insert."""
        hours = list(hours)
        self.issued(hours, ver)
        try:
            yield
        except BaseException:
            self.landed(hours, ver, doubt_s=doubt_s)
            raise
        self.landed(hours, ver)

    def settle(self, client: Client | None = None) -> int:
        """Shut hours that have been quiet, mark long-open ones again; returns how many were shut. From any thread, with its client."""
        now = time.monotonic()
        with self._lock:
            opened = [(h, s) for h, s in self._hours.items() if s.mark != "shut"]
            quiet = [h for h, s in opened if s.in_flight == 0 and now - s.quiet_since >= self.quiet_s]
            renew = [h for h, s in opened if h not in set(quiet) and now - s.marked_at > _RENEW_S]
            self._mark(client or self.client, renew, is_open=True)
            self._mark(client or self.client, quiet, is_open=False)
            for h in quiet:
                del self._hours[h]
        return len(quiet)

    @property
    def open_hours(self) -> list[int]:
        """Hours that this writer has open, oldest first (Unix seconds)."""
        with self._lock:
            return sorted(h for h, s in self._hours.items() if s.mark != "shut")

    def _mark(self, client: Client, hours: Sequence[int], *, is_open: bool) -> None:
        if not hours:
            return
        self._seq = max(time.time_ns() // 1_000, self._seq + 1)
        states = [self._hours[h] for h in hours if h in self._hours]
        for state in states:
            state.mark = "unknown"
        mark(client, self.base, self.writer, hours, self._seq, is_open=is_open)
        for state in states:
            state.mark, state.marked_at = "open" if is_open else "shut", time.monotonic()


def mark(client: Client, base: str, writer: str, hours: Sequence[int], seq: int, *, is_open: bool) -> None:
    """Write one mark per hour, durably."""
    rows = [[base, datetime.fromtimestamp(h, UTC), writer, seq, int(is_open)] for h in hours]
    with query_errors():
        client.insert("spanledger.hour_marks", rows, column_names=list(_MARK), column_type_names=list(_MARK.values()))


def touch(client: Client, base: str, hours: Iterable[datetime | int], *, reason: str) -> int:
    """Make hours dirty whose base rows were changed by other means than a writer's insert (erasure, restore); returns how many."""
    touched = sorted({_hour(h) for h in hours})
    if touched:
        mark(client, base, f"touch:{reason}", touched, time.time_ns() // 1_000, is_open=False)
    return len(touched)


@dataclass
class RollupWorker:
    """Recomputes dirty hours, freezes those whose base is about to expire, deletes superseded rows.

    Several may run: of those on one server, one at a time does the work (a lease); exactness does not depend on it. ``retention_days`` is
    that of ``calls``.
    """

    clocks: Sequence[HourClock] = ()
    retention_days: int = 400
    hours_a_step: int = 48
    sweep_every_s: float = 600.0
    grace_s: float = 900.0  # superseded rows stay readable for queries that began before
    days_every_s: float = 60.0  # a trickle of late rows does not sum its day again after each of them
    _lease: Lease | None = None
    _checked: bool = False
    _days_due: bool = True
    _days_at: float = -1e9
    _swept_at: float = field(default_factory=time.monotonic)

    def step(self, client: Client) -> int:
        """One pass: settle the clocks, recompute up to ``hours_a_step`` dirty hours per base; returns how many were published."""
        for clock in self.clocks:
            clock.settle(client)
        if not self._checked:
            self.check(client)
        if not self._alone(client):
            return 0
        published = sum(self.roll_up(client, base) for base in TABLES)
        self._days_due |= bool(published)
        if self._days_due and not published and time.monotonic() - self._days_at >= self.days_every_s:  # hours first: a day is whole then
            published = self._roll_up_days(client)
        if time.monotonic() - self._swept_at >= self.sweep_every_s:
            self._swept_at, self._days_due = time.monotonic(), True
            self.release(client)
            self.freeze(client)
            self.sweep(client)
        return published

    def _alone(self, client: Client) -> bool:
        """No other collector's worker rolls up; embedded, there is none. The same writer goes on at once after a restart."""
        if Engine.of(client) is not None:
            return True
        if self._lease is None:
            self._lease = Lease(client, "rollups", self.clocks[0].writer if self.clocks else str(uuid4()), ttl_s=_LEASE_S)
        return time.monotonic() < self._lease.until - _LEASE_S / 2 or self._lease.hold()

    def _roll_up_days(self, client: Client) -> int:
        done = [rollup_days.roll_up(client, base, names, publish_within_s=_PUBLISH_WITHIN_S) for base, names in TABLES.items()]
        self._days_due = max(done) >= rollup_days.AT_ONCE  # there may be more
        if not self._days_due:
            self._days_at = time.monotonic()
        return sum(done)

    def check(self, client: Client) -> int:
        """Compare base, marks and publications, and make dirty what does not agree: the state is rebuilt from the data at every start."""
        dirty = 0
        for base in {clock.base for clock in self.clocks}:
            found = _rows(client, "rollup_drift", {"base": base}, table=base)
            dirty += touch(client, base, [r["hour"] for r in found], reason="check")
        self._checked = True
        return dirty

    def release(self, client: Client) -> int:
        """Shut what writers left open that are gone (they would have marked it again)."""
        before = (time.time_ns() // 1_000) - _STALE_S * 1_000_000
        mine = {(clock.base, clock.writer) for clock in self.clocks}
        released = 0
        for base in TABLES:
            stale = _rows(client, "rollup_stale", {"base": base, "before": before})
            for writer, group in groupby(sorted(stale, key=lambda r: r["writer"]), key=lambda r: r["writer"]):
                if (base, writer) not in mine:
                    hours = [r["hour"] for r in group]
                    mark(client, base, writer, hours, time.time_ns() // 1_000, is_open=False)
                    released += len(hours)
        return released

    def freeze(self, client: Client, *, now: datetime | None = None) -> None:
        """Keep the published rows of hours whose base rows expire within a day."""
        edge = (now or datetime.now(UTC)) - timedelta(days=self.retention_days - 1)
        for base in TABLES:
            freeze(client, base, edge, note="retention")

    def sweep(self, client: Client) -> int:
        """Delete rollup rows that were superseded long enough ago; returns how many."""
        deleted = 0
        for base, names in TABLES.items():
            params = {"base": base, "before": time.time_ns() // 1_000 - int(self.grace_s * 1e6)}
            for table in names:
                garbage = _rows(client, "rollup_garbage", params, table=table)[0]["garbage"]
                if garbage:
                    _run(client, "rollup_sweep", params, table=local(client, table))
                deleted += garbage
        return deleted

    def roll_up(self, client: Client, base: str) -> int:
        """Recompute and publish up to ``hours_a_step`` dirty hours; returns how many."""
        todo = _rows(client, "rollup_todo", {"base": base, "rows": self.hours_a_step})
        done = 0
        for _, day in groupby(todo, key=lambda r: r["hour"] // 86_400):
            hours = list(day)
            for start in range(0, len(hours), _HOURS_AT_ONCE):
                recompute(client, base, hours[start : start + _HOURS_AT_ONCE])
            done += len(hours)
        return done


def recompute(client: Client, base: str, hours: Sequence[dict[str, Any]]) -> None:
    """Compute and publish the rollup rows of hours (``hour`` Unix seconds, ``token`` as noted before)."""
    gen, began = str(uuid4()), time.monotonic()
    first, last = min(h["hour"] for h in hours), max(h["hour"] for h in hours)
    window = {"since": stamp(datetime.fromtimestamp(first, UTC)), "until": stamp(datetime.fromtimestamp(last + HOUR, UTC))}
    texts = [datetime.fromtimestamp(h["hour"], UTC).strftime("%Y-%m-%d %H:%M:%S") for h in hours]
    for table in TABLES[base]:
        dims, known = rollup_dimensions(table), measures(table)
        _run(
            client,
            "rollup_insert",
            window | {"gen": gen, "hours": texts},
            table=table,
            base=base,
            counts=COUNTS[base],
            columns=", ".join([*dims, *known]),
            expressions=", ".join([*(f"e.{d} AS {d}" for d in dims), *(f"{x} AS {m}" for m, x in known.items())]),
            dimensions=", ".join(dims),
        )
    found = {r["hour"]: r for r in _rows(client, "rollup_base", window, table=base)}
    facts = [(h["hour"], h["token"], *((f["thru"], f["entries"]) if (f := found.get(h["hour"])) else (0, 0))) for h in hours]
    if time.monotonic() - began > _PUBLISH_WITHIN_S:
        return
    text = "[" + ",".join(f"({','.join(map(str, row))})" for row in facts) + "]"
    _run(client, "rollup_publish", {"base": base, "gen": gen, "rows": text, "seq": time.time_ns() // 1_000})


def close(client: Client, base: str, before: datetime, *, note: str) -> None:
    """Roll up and freeze every hour of ``base`` before a moment that no writer has open, so that its rows may go."""
    edge = int(before.timestamp())
    found = _rows(client, "rollup_drift", {"base": base}, table=base)
    touch(client, base, [r["hour"] for r in found if r["hour"] < edge], reason=note)
    worker = RollupWorker()
    while worker.roll_up(client, base):
        pass
    freeze(client, base, before, note=note)


def freeze(client: Client, base: str, before: datetime, *, note: str) -> None:
    """Clean hours before a moment keep their rollup rows for ever, whatever happens to their base."""
    _run(client, "rollup_freeze", {"base": base, "before": stamp(before), "note": note, "seq": time.time_ns() // 1_000})


def local(client: Client, table: str) -> str:
    """The table to mutate: on a cluster the local one, everywhere."""
    with query_errors():
        rows = client.query(sql("table_engine"), {"table": table}).result_rows
    return f"{table}_local ON CLUSTER '{{cluster}}'" if rows and rows[0][0] == "Distributed" else table


def _hour(at: datetime | int) -> int:
    seconds = int(at.timestamp()) if isinstance(at, datetime) else at
    return seconds - seconds % HOUR


def _rows(client: Client, name: str, params: dict[str, Any], **parts: str) -> list[dict[str, Any]]:
    with query_errors():
        return client.query_arrow(Template(sql(name)).substitute(parts), params).to_pylist()


def _run(client: Client, name: str, params: dict[str, Any], **parts: str) -> None:
    with query_errors():
        client.command(Template(sql(name)).substitute(parts), parameters=params)
