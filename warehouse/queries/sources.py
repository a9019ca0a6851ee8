"""Where a question's rows come from: days and hours that nothing changes from rollups, every other moment from the exact base.

First the clean hours of the window are looked up, once; then one statement asks for just these rows of just these generations, and the
base for the rest, so that the parts fit together whatever is rolled up meanwhile (superseded rows stay readable for a while). A day's
rows are used where they stand for exactly the hours that are clean now. A figure never depends on which source answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID

from spanledger.errors import QueryRefused
from warehouse.queries.ask import ROLLUPS, Scope, fill, frame, group_clause, grouping, listed, measures, require, rollup_dimensions, stamp
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_HOUR = timedelta(hours=1)
_MOST_HOURS = 4_000  # (hour, generation) pairs in one statement (the engine takes 256 KiB); the rest is asked of the base
_MOST_TIMES = 50  # stretches of time named one by one

#: Measures beside those of ``sql/measures``: over a rollup's row, over entries, and how parts are put together.
_BESIDE = {
    "first_hour": ("toNullable(e.first_hour)", "minOrNull(toStartOfHour(e.ts))", "min(s.first_hour)"),
    "last_hour": ("toNullable(e.last_hour)", "maxOrNull(toStartOfHour(e.ts))", "max(s.last_hour)"),
    **{
        f"{name}_quantiles": (  # (buckets at 50, 90, 99 %, number of values)
            f"e.{name}",
            measures("spend_hour")[name],
            f"(quantilesExactWeightedArray(0.5, 0.9, 0.99)(mapKeys(s.{name}_quantiles), mapValues(s.{name}_quantiles)),"
            f" sumArray(mapValues(s.{name}_quantiles)))",
        )
        for name in ("latency", "ttft")
    },
}

Pairs = list[tuple[int, str]]  # (start of the hour or day in Unix seconds, generation)


@dataclass(frozen=True)
class Plan:
    """What answers for a window: rows of a rollup, daily or hourly, and the stretches ``[since, until)`` left to the base."""

    rows: Pairs
    times: list[tuple[datetime, datetime]]


def plan(client: Client, base: str, scope: Scope, *, daily: bool) -> Plan:
    """The plan for a window, as of now. ``daily``: whole days may come from daily rows.

    Raises:
        QueryRefused: too many hours for one statement that only rollups know.
    """
    days: Pairs = []
    hours: list[tuple[int, int, str]] = []  # frozen, start, generation
    clean: list[int] = []
    for row in frame(client, sql("clean_plan"), scope.params | {"base": base}).iter_rows(named=True):
        if daily and row["day_gen"]:
            days.append((int(row["day"]), row["day_gen"]))
            clean += row["hours"]
        else:
            hours += zip(row["frozen"], row["hours"], row["gens"], strict=True)
    hours.sort()
    if len(hours) > _MOST_HOURS and hours[-_MOST_HOURS - 1][0]:
        raise QueryRefused(f"more than {_MOST_HOURS} hours whose calls are gone: ask by day, or for a shorter time")
    pairs = sorted((at, gen) for _, at, gen in hours[-_MOST_HOURS:])
    return Plan(sorted([*days, *pairs]), uncovered(scope.since, scope.until, sorted([*clean, *(at for at, _ in pairs)])))


def uncovered(since: datetime, until: datetime, hours: Sequence[int]) -> list[tuple[datetime, datetime]]:
    """The stretches of ``[since, until)`` that lie in none of these hours (Unix seconds, in order)."""
    found: list[tuple[datetime, datetime]] = []
    at = since
    for hour in hours:
        start = datetime.fromtimestamp(hour, UTC)
        if start > at:
            found.append((at, start))
        at = start + _HOUR
    return [*found, (at, until)] if at < until else found


def composed(client: Client, by: Sequence[str], scope: Scope, wanted: Sequence[str], *, base: str = "calls") -> str:
    """A sub-query with one row per group: the ``by`` columns and the ``wanted`` measures, exact at the moment of reading.

    ``base``: ``calls`` (measures of ``spend_hour``), ``scores`` (of ``score_hour``) or ``people`` (of ``people_hour``: states); besides
    ``first_hour``, ``last_hour`` (null: no row), and ``latency_quantiles``, ``ttft_quantiles``: ([bucket at 50, 90, 99 %], values).
    """
    items, columns = grouping(by)
    require(scope, base, columns)
    known = measures(ROLLUPS[base][0])
    table = next((t for t in ROLLUPS[base] if columns | scope.columns <= set(rollup_dimensions(t))), None)
    source = "scores" if base == "scores" else "calls"
    held = plan(client, source, scope, daily="hour" not in by) if table else Plan([], uncovered(scope.since, scope.until, []))
    parts: list[str] = []
    if table and held.rows:
        told = ", ".join(f"{_BESIDE[m][0] if m in _BESIDE else f'e.{m}'} AS {m}" for m in wanted)
        named = {"items": listed(items).replace("$time", "e.hour"), "measures": told, "table": table, "where": scope.where}
        parts.append(fill("_rolled", named | named_pairs(held.rows)))
    if held.times or not parts:
        told = ", ".join(f"{_BESIDE[m][1] if m in _BESIDE else known[m]} AS {m}" for m in wanted)
        named = {"items": listed(items).replace("$time", "e.ts"), "measures": told, "live": "verdicts" if base == "scores" else "ledger"}
        parts.append(fill("_exact", named | {"times": _within(held.times), "where": scope.where, "group": group_clause(by)}))
    if not (table and held.rows) and not any(m.endswith("_quantiles") for m in wanted):
        return parts[0]
    sums = ", ".join(f"{_BESIDE[m][2] if m in _BESIDE else merged(known[m], m, 's')} AS {m}" for m in wanted)
    named = {"names": listed([f"`{n}`" for n in by]), "sums": sums, "parts": " UNION ALL ".join(parts), "group": group_clause(by)}
    return fill("_together", named)


def merged(expression: str, name: str, alias: str) -> str:
    """How a measure of hours is put together from parts."""
    if expression.startswith("uniq"):
        return f"uniqCombined64MergeState(12)({alias}.{name})"
    return f"{'sumMap' if expression.startswith('sumMap') else 'sum'}({alias}.{name})"


def named_pairs(pairs: Pairs) -> dict[str, str]:
    """Parts of a statement that name rows of a rollup: ``first``, ``last``, ``hours``, ``gens``."""
    return {
        "first": str(min(int(at) for at, _ in pairs)),
        "last": str(max(int(at) for at, _ in pairs)),
        "hours": ", ".join(str(int(at)) for at, _ in pairs),
        "gens": ", ".join(f"'{UUID(gen)}'" for _, gen in pairs),
    }


def _within(times: Sequence[tuple[datetime, datetime]]) -> str:
    """The condition on ``e.ts`` that stands for these stretches."""
    if not times:
        return "0"
    if len(times) <= _MOST_TIMES:
        return " OR ".join(f"({_between(since, until)})" for since, until in times)
    hours = _clean_between(times)
    return f"({_between(times[0][0], times[-1][1])}) AND toUnixTimestamp(toStartOfHour(e.ts)) NOT IN ({', '.join(map(str, hours))})"


def _clean_between(times: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """Hours (Unix seconds) between stretches: those that rollups answer for."""
    return [hour for (_, end), (start, _) in pairwise(times) for hour in range(int(end.timestamp()), int(start.timestamp()), 3_600)]


def _between(since: datetime, until: datetime) -> str:
    return f"e.ts >= toDateTime64('{stamp(since)}', 6, 'UTC') AND e.ts < toDateTime64('{stamp(until)}', 6, 'UTC')"
