"""Where a question's rows come from: days and hours that nothing changes from rollups, every other moment from the exact base.

First the clean hours of the window are looked up, once; then one statement asks for just these rows of just these generations, and the
base for the rest, so that the parts fit together whatever is rolled up meanwhile (superseded rows stay readable for a while). A day's
rows are used where they stand for exactly the hours that are clean now. A figure never depends on which source answered.

Hours, generations and moments are parameters, so that the same question is the same statement, whatever is clean: the SQL endpoint need
not judge it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from warehouse.queries.ask import ROLLUPS, Scope, aware, fill, group_clause, grouping, listed, measures, require, rollup_dimensions, stamp
from warehouse.queries.plans import HOUR, Pairs, Plan, plans, uncovered

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

COUNTS = {"calls": "e.is_deleted = 0", "scores": "e.reason != 'retired'"}  # as the views ``ledger`` and ``verdicts``
_MOST_TIMES = 20  # stretches of time named one by one
_OF_SERVICES = {"app_id", "team", "tenant_hash", "route", "prompt_id"}  # mostly, a service's rows have few of these
_OPAQUE = "identity(e.ts)"  # no index sees through it: a part with the last version must not be left out because that lies beyond an edge

#: Measures beside those of ``sql/measures``: over a rollup's row, over entries, and how parts are put together.
_BESIDE = {
    "first_hour": ("toNullable(e.first_hour)", "minOrNull(toStartOfHour(e.ts))", "toDateTime64(min(s.first_hour), 6, 'UTC')"),
    "last_hour": ("toNullable(e.last_hour)", "maxOrNull(toStartOfHour(e.ts))", "toDateTime64(max(s.last_hour), 6, 'UTC')"),
    # Switches of model: those that rollups have judged, and pairs of names (asked, answered) still to be judged. Judging costs 15 ms to plan.
    "told_switches": ("e.model_switches", "toUInt64(0)", "sum(s.told_switches)"),
    "switch_pairs": (
        "CAST(map(), 'Map(String, UInt64)')",
        "CAST(sumMapIf(map(concat(e.model_requested, '\\n', e.model), toUInt64(1)), e.model != e.model_requested), 'Map(String, UInt64)')",
        "sumMap(s.switch_pairs)",
    ),
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


class Source(NamedTuple):
    """A sub-query and the values of all its parameters."""

    sql: str
    params: dict[str, Any]


def composed(
    client: Client,
    by: Sequence[str],
    scope: Scope,
    wanted: Sequence[str],
    *,
    base: str = "calls",
    held: Mapping[str, Plan] | None = None,
    only: tuple[str, str] = ("", ""),
) -> Source:
    """A sub-query with one row per group: the ``by`` columns and the ``wanted`` measures, exact at the moment of reading.

    ``base``: ``calls`` (measures of ``spend_hour``), ``scores`` (of ``score_hour``) or ``people`` (of ``people_hour``: states); besides
    ``first_hour``, ``last_hour`` (null: no row), and ``latency_quantiles``, ``ttft_quantiles``: ([bucket at 50, 90, 99 %], values).
    ``held``: plans looked up already, for several sources of one question. ``only``: which rows have to do with it, as conditions on a rollup's
    row and on an entry; those left out add nothing to what is wanted.
    """
    items, columns = grouping(by)
    require(scope, base, columns)
    known = measures(ROLLUPS[base][0])
    table = next((t for t in ROLLUPS[base] if columns | scope.columns <= set(rollup_dimensions(t))), None)
    source = "scores" if base == "scores" else "calls"
    if table is None:
        plan = Plan([], uncovered(aware(scope.since), aware(scope.until), []))
    else:
        plan = (held or plans(client, (source,), scope, daily="hour" not in by))[source]
    params = scope.params
    parts: list[str] = []
    if table and plan.rows:
        told = ", ".join(f"{_BESIDE[m][0] if m in _BESIDE else f'e.{m}'} AS {m}" for m in wanted)
        named = {"items": listed(items).replace("$time", "e.hour"), "measures": told, "table": table, "where": scope.where + only[0]}
        parts.append(fill("_rolled", named))
        params |= named_pairs(plan.rows)
    if plan.times or not parts:
        told = ", ".join(f"{_BESIDE[m][1] if m in _BESIDE else known[m]} AS {m}" for m in wanted)
        named = {"items": listed(items).replace("$time", "e.ts"), "measures": told, "table": source, "counts": COUNTS[source]}
        hours, times, values = _within(plan.times)
        where = {"where": scope.where + only[1], "services": _services(scope, hours) if source == "calls" and len(wanted) > 2 else ""}
        parts.append(fill("_exact", named | where | {"hours": hours, "times": times, "group": group_clause(by)}))
        params |= values
    if not (table and plan.rows) and not any(m.endswith("_quantiles") for m in wanted):
        return Source(parts[0], params)
    sums = ", ".join(f"{_BESIDE[m][2] if m in _BESIDE else merged(known[m], m, 's')} AS {m}" for m in wanted)
    named = {"names": listed([f"`{n}`" for n in by]), "sums": sums, "parts": " UNION ALL ".join(parts), "group": group_clause(by)}
    return Source(fill("_together", named), params)


def _services(scope: Scope, hours: str) -> str:
    """A condition on services where the scope's own conditions have to do with them; else nothing."""
    where = scope.conditions(_OF_SERVICES)
    return " " + fill("_exact_services", {"hours": hours, "where": where}).strip() if where else ""


def merged(expression: str, name: str, alias: str) -> str:
    """How a measure of hours is put together from parts."""
    if expression.startswith("uniq"):
        return f"uniqCombined64MergeState(12)({alias}.{name})"
    return f"{'sumMap' if expression.startswith('sumMap') else 'sum'}({alias}.{name})"


def named_pairs(pairs: Pairs) -> dict[str, Any]:
    """Parameters that name rows of a rollup (``_rolled.sql``)."""
    hours = [at for at, _ in pairs]
    rolled = ",".join([f"({at},'{gen}')" for at, gen in pairs])
    return {"rows_first": min(hours), "rows_last": max(hours), "rolled": _Written(f"[{rolled}]")}


@dataclass(frozen=True)
class _Written:
    """A parameter's value as the engine reads it: the driver spells a list sign by sign, 20 µs for each pair of hour and generation."""

    text: str

    def __str__(self) -> str:
        return self.text


def _within(times: Sequence[tuple[datetime, datetime]]) -> tuple[str, str, dict[str, Any]]:
    """The conditions on ``e.ts`` that stand for the hours around these stretches, and for the stretches within them, and their parameters.

    Only the first and the last moment may lie within an hour: in between, stretches end where a clean hour begins.
    """
    if not times:
        return "0", "", {}
    first, last = times[0][0], times[-1][1]
    values = _ends("t_", first, last)
    if len(times) > _MOST_TIMES:
        hours = f"{_between('h_', 'e.ts')} AND toUnixTimestamp(toStartOfHour(e.ts)) NOT IN {{t_rolled:Array(UInt32)}}"
        return hours, _moments(first, last), values | around(first, last) | {"t_rolled": _clean_between(times)}
    for i, (since, until) in enumerate(times):
        values |= around(since, until, f"h{i}_")
    return " OR ".join(f"({_between(f'h{i}_', 'e.ts')})" for i in range(len(times))), _moments(first, last), values


def _moments(first: datetime, last: datetime) -> str:
    """Conditions on moments, each starting with AND, for an edge that is no edge of an hour."""
    since, until = f" AND {_OPAQUE} >= {{t_since:DateTime64(6, 'UTC')}}", f" AND {_OPAQUE} < {{t_until:DateTime64(6, 'UTC')}}"
    return (since if first != _hour_of(first) else "") + (until if last != _hour_of(last) else "")


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def around(since: datetime, until: datetime, prefix: str = "h_") -> dict[str, str]:
    """Both ends of the whole UTC hours that ``[since, until)`` lies in, as parameters ``prefix`` + since, until."""
    first, last = _hour_of(since), _hour_of(until)
    return _ends(prefix, first, last if last == until else last + HOUR)


def _ends(prefix: str, since: datetime, until: datetime) -> dict[str, str]:
    return {f"{prefix}since": stamp(since), f"{prefix}until": stamp(until)}


def _clean_between(times: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """Hours (Unix seconds) between stretches: those that rollups answer for."""
    return [hour for (_, end), (start, _) in pairwise(times) for hour in range(int(end.timestamp()), int(start.timestamp()), 3_600)]


def _between(prefix: str, told: str) -> str:
    return f"{told} >= {{{prefix}since:DateTime64(6, 'UTC')}} AND {told} < {{{prefix}until:DateTime64(6, 'UTC')}}"
