"""How the warehouse is: sizes, parts, posting lag, dirty hours, mutations. For ``spanledger doctor`` and the health page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import polars as pl

from warehouse.migrate import pending
from warehouse.queries.ask import frame
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Finding = tuple[Literal["ok", "warning", "wrong"], str, str]

_LAG_WARNING_S = 30.0
_MANY_PARTS = 300  # of one partition; the engine slows inserts down at 1,000
_DIRTY_WARNING_S = 900.0


@dataclass(frozen=True)
class Health:
    """Figures of one moment. ``tables``: table, parts, rows, bytes, most parts in a partition. ``hours``: base, hours, open, dirty, frozen.

    ``unposted_batches``: journal batches after the posting mark; ``lag_s``: how long the mark has stood still while there are some.
    """

    at: datetime
    tables: pl.DataFrame
    hours: pl.DataFrame
    unposted_batches: int
    lag_s: float
    newest_span: datetime | None
    newest_entry: datetime | None
    pending_mutations: int
    failing_mutations: int
    failure: str


def health(client: Client) -> Health:
    """Ask the engine how it is."""
    lag = frame(client, sql("health_lag"), {}).row(0, named=True)
    mutations = frame(client, sql("health_mutations"), {}).row(0, named=True)
    behind = max(0, int(lag["journal_batch"] or 0) - int(lag["posted_through"] or 0))
    return Health(
        at=lag["now"],
        tables=frame(client, sql("health_tables"), {}),
        hours=frame(client, sql("health_hours"), {}),
        unposted_batches=behind,
        lag_s=(lag["now"] - lag["posted_at"]).total_seconds() if behind and lag["posted_at"] else 0.0,
        newest_span=_known(lag["newest_span"]),
        newest_entry=_known(lag["newest_entry"]),
        pending_mutations=int(mutations["pending"]),
        failing_mutations=int(mutations["failing"]),
        failure=str(mutations["reason"] or ""),
    )


def report(client: Client) -> Iterator[Finding]:
    """Findings in words: (state, subject, text)."""
    if todo := pending(client):
        yield "wrong", "schema", f"{len(todo)} migrations have not run: run `spanledger migrate`"
        return
    found = health(client)
    total = int(found.tables["bytes"].sum() or 0)
    biggest = ", ".join(f"{r['table']} {size(r['bytes'])}" for r in found.tables.head(3).iter_rows(named=True))
    yield "ok", "storage", f"{size(total)} on disk" + (f" ({biggest})" if biggest else "")
    crowded = found.tables.filter(pl.col("most_parts_in_a_partition") > _MANY_PARTS)
    for row in crowded.iter_rows(named=True):
        yield "warning", "parts", f"{row['table']}: {row['most_parts_in_a_partition']} parts in one partition: merges cannot keep up"
    state = "warning" if found.lag_s > _LAG_WARNING_S else "ok"
    lag = f"{found.unposted_batches} journal batches wait, for {found.lag_s:.0f} s" if found.unposted_batches else "up to date"
    yield state, "posting", lag
    for row in found.hours.iter_rows(named=True):
        waiting = (found.at - row["dirty_since"]).total_seconds() if row["dirty_hours"] else 0.0
        text = f"{row['hours']} hours of {row['base']}: {row['open_hours']} open, {row['dirty_hours']} dirty, {row['frozen_hours']} frozen"
        yield ("warning" if waiting > _DIRTY_WARNING_S else "ok"), "rollups", text
    if found.failing_mutations:
        yield "wrong", "mutations", f"{found.failing_mutations} fail: {found.failure[:200]}"
    elif found.pending_mutations:
        yield "ok", "mutations", f"{found.pending_mutations} under way"


def size(count: int) -> str:
    """Bytes in words."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def _known(at: datetime | None) -> datetime | None:
    return at if at is not None and at.year > 1971 else None
