"""Proof that the figures are right: rollups against the exact base, and the journal and entries of any window for posting them again.

``compare`` does the first part here. The second needs ``collector.posting``, which this room may not import: ``families`` gives whole
families of journal rows; ``spanledger verify`` posts and compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from string import Template
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from warehouse import journal
from warehouse.queries.ask import frame, measures, rollup_dimensions, stamp
from warehouse.queries.plans import Day, clean_days
from warehouse.queries.sources import merged, named_pairs
from warehouse.rollups import LIVE, TABLES
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_Told = dict[int, dict[str, Any]]
_SUMS = {"calls": ("calls", "cost_usd"), "scores": ("judged", "score_sum")}


@dataclass
class Verification:
    """What ``compare`` found.

    ``rolled_up`` hours were recomputed and compared, row by row of every rollup; ``frozen`` ones have no base any more; rows of ``days``
    were compared with those of their hours. ``differences``: one per hour (day) and rollup that is not what the base (the day's hours)
    says: ``table``, ``hour``, groups and sums on both sides.
    """

    rolled_up: int = 0
    frozen: int = 0
    days: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Everything that could be compared agrees."""
        return not self.differences


def compare(client: Client, since: datetime, until: datetime) -> Verification:
    """Recompute every rolled-up hour of ``[since, until)`` from the exact base and compare it, row by row.

    Hours that change while this runs are left out: they are read from the base anyway.
    """
    found = Verification()
    for base, tables in TABLES.items():
        hours = _hours(client, base, since, until)
        found.frozen += sum(h["frozen"] for h in hours)
        todo = [h for h in hours if not h["frozen"]]
        if base == "calls":
            found.rolled_up = len(todo)
        for start in range(0, len(todo), 24):
            chunk = [h["hour"] for h in todo[start : start + 24]]
            suspects = [d for table in tables for d in _differences(client, base, table, chunk)]
            still = {(h["hour"], h["gen"]) for h in _hours(client, base, since, until)} if suspects else set()
            gens = {h["hour"]: h["gen"] for h in todo}
            found.differences += [d for d in suspects if (d["hour"], gens[d["hour"]]) in still]
        days = [day for day in clean_days(client, (base,), since, until)[base] if day.gen]
        found.days = max(found.days, len(days))
        for start in range(0, len(days), 30):
            chunk = days[start : start + 30]
            found.differences += [d for table in tables for d in _day_differences(client, base, table, chunk)]
    for difference in found.differences:
        difference["hour"] = datetime.fromtimestamp(difference["hour"], UTC)
    return found


def _hours(client: Client, base: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
    return list(frame(client, sql("verify_hours"), _window(base, since, until)).iter_rows(named=True))


def _window(base: str, since: datetime, until: datetime) -> dict[str, str]:
    return {"base": base, "since": stamp(since), "until": stamp(until)}


def _differences(client: Client, base: str, table: str, hours: Sequence[int]) -> list[dict[str, Any]]:
    dims, known = rollup_dimensions(table), measures(table)
    parts = _parts(base, table) | {
        "base": base,
        "live": LIVE[base],
        "named": ", ".join(f"e.{d} AS {d}" for d in dims),
        "measured": ", ".join(f"{x} AS {m}" for m, x in known.items()),
    }
    times = [datetime.fromtimestamp(h, UTC) for h in hours]
    params = {
        "since": stamp(min(times)),
        "until": stamp(datetime.fromtimestamp(max(hours) + 3_600, UTC)),
        "hours": [t.strftime("%Y-%m-%d %H:%M:%S") for t in times],
    }
    rolled = _by_hour(frame(client, Template(sql("verify_rollup")).substitute(parts), params))
    exact = _by_hour(frame(client, Template(sql("verify_base")).substitute(parts), params))
    return _unequal(base, table, hours, rolled, exact)


def _day_differences(client: Client, base: str, table: str, days: Sequence[Day]) -> list[dict[str, Any]]:
    """Rows of days against the rows of their hours. These stay readable for a while, so that nothing changes meanwhile."""
    dims, known = rollup_dimensions(table), measures(table)
    parts = _parts(base, table) | {
        "named": ", ".join(f"h.{d} AS {d}" for d in dims),
        "merged": ", ".join(f"{merged(x, m, 'h')} AS {m}" for m, x in known.items()),
    }
    daily = [(day.start, day.gen) for day in days]
    hourly = [pair for day in days for pair in zip(day.hours, day.gens, strict=True)]
    told, summed = (_by_hour(frame(client, Template(sql("verify_days")).substitute(parts), named_pairs(pairs))) for pairs in (daily, hourly))
    return _unequal(base, f"{table} (days)", [day.start for day in days], told, summed)


def _parts(base: str, table: str) -> dict[str, str]:
    dims, known = rollup_dimensions(table), measures(table)
    return {
        "table": table,
        "dims": ", ".join(f"e.{d}" for d in dims),
        "values": ", ".join(f"toString(finalizeAggregation(e.{m}))" if x.startswith("uniq") else f"toString(e.{m})" for m, x in known.items()),
        "sums": "".join(f", sum(e.{m}) AS {m}" for m in _SUMS[base] if m in known),
        "keys": ", ".join(dims),
    }


def _unequal(base: str, table: str, times: Sequence[int], rolled: _Told, exact: _Told) -> list[dict[str, Any]]:
    empty = {"groups": 0, "fingerprint": 0} | (dict.fromkeys(_SUMS[base], 0) if not table.startswith("people") else {})
    return [
        {"table": table, "hour": h}
        | {f"rollup_{k}": v for k, v in rolled.get(h, empty).items() if k != "fingerprint"}
        | {f"ledger_{k}": v for k, v in exact.get(h, empty).items() if k != "fingerprint"}
        for h in times
        if rolled.get(h, empty) != exact.get(h, empty)
    ]


def _by_hour(rows: pl.DataFrame) -> _Told:
    return {row.pop("hour_"): row for row in rows.iter_rows(named=True)}


def traces(client: Client, since: datetime, until: datetime, *, page: int = 2_000) -> Iterator[list[bytes]]:
    """Trace ids with a span or an entry that starts in ``[since, until)``, in order, in pages."""
    after = ""
    while True:
        params = {"since": stamp(since), "until": stamp(until), "after": after or "00" * 16, "first": int(not after), "rows": page}
        found = frame(client, sql("verify_traces"), params)["trace"].to_list()
        if found:
            yield [bytes.fromhex(t) for t in found]
        if len(found) < page:
            return
        after = found[-1]


def families(client: Client, since: datetime, until: datetime, *, page: int = 2_000) -> Iterator[tuple[list[bytes], pa.Table | None]]:
    """Whole families of journal rows for a window: (trace ids, rows as ``journal.spans_of_traces`` gives them).

    Traces that share a response id or an agent session come together, wherever their other spans start; each trace comes once.
    """
    done: set[bytes] = set()
    for batch in traces(client, since, until, page=page):
        members = _linked(client, [t for t in batch if t not in done])
        members = [t for t in members if t not in done]
        done.update(members)
        if members:
            yield members, journal.spans_of_traces(client, members)


def _linked(client: Client, start: list[bytes]) -> list[bytes]:
    """The closure of ``start`` under shared response ids and links."""
    known, fresh = set(start), list(start)
    while fresh:
        found: set[bytes] = set()
        for at in range(0, len(fresh), journal.KEYS_PER_QUERY):
            keys = [t.hex() for t in fresh[at : at + journal.KEYS_PER_QUERY]]
            row = frame(client, sql("verify_links"), {"traces": keys}).row(0, named=True)
            found.update(journal.traces_by_response(client, row["responses"]))
            found.update(journal.traces_by_link(client, row["links"]))
        fresh = [t for t in found if t not in known]
        known.update(fresh)
    return sorted(known)
