"""Where a question's rows come from: days and hours that nothing changes from rollups, every other moment from the exact base.

First the clean hours of the window are looked up, once; then one statement asks for just these rows of just these generations, and the
base for the rest, so that the parts fit together whatever is rolled up meanwhile (superseded rows stay readable for a while). A day's
rows are used where they stand for exactly the hours that are clean now. A figure never depends on which source answered.

Hours, generations and moments are parameters, so that the same question is the same statement, whatever is clean: the SQL endpoint need
not judge it again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise
from operator import xor
from typing import TYPE_CHECKING, Any, NamedTuple

from spanledger.errors import QueryRefused
from warehouse.queries.ask import ROLLUPS, Scope, aware, fill, frame, group_clause, grouping, listed, measures, require, rollup_dimensions, stamp
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_HOUR = timedelta(hours=1)
_MOST_HOURS = 2_500  # (hour, generation) pairs in one question (a server takes parameters of 128 KiB); the rest is asked of the base
COUNTS = {"calls": "e.is_deleted = 0", "scores": "e.reason != 'retired'"}  # as the views ``ledger`` and ``verdicts``
_MOST_TIMES = 20  # stretches of time named one by one
_OF_SERVICES = {"app_id", "team", "tenant_hash", "route", "prompt_id"}  # mostly, a service's rows have few of these
_OPAQUE = "identity(e.ts)"  # no index sees through it: a part with the last version must not be left out because that lies beyond an edge

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
_Told = dict[str, dict[int, tuple[Any, ...]]]  # what the plan's statement says: kind → moment → gen, state, n, pair
_DAY_S = 86_400
_LAST_S = (1 << 32) - 1  # of a DateTime


@dataclass
class Day:
    """Clean hours of one UTC day: ``hours`` (Unix seconds), ``gens`` and ``frozen`` are parallel. ``gen``: the day's own, "" for none."""

    start: int
    hours: list[int] = field(default_factory=list)
    gens: list[str] = field(default_factory=list)
    frozen: list[bool] = field(default_factory=list)
    gen: str = ""


@dataclass(frozen=True)
class Plan:
    """What answers for a window: rows of a rollup, daily or hourly, and the stretches ``[since, until)`` left to the base."""

    rows: Pairs
    times: list[tuple[datetime, datetime]]


class Source(NamedTuple):
    """A sub-query and the values of all its parameters."""

    sql: str
    params: dict[str, Any]


def clean_days(client: Client, bases: Sequence[str], since: datetime, until: datetime, *, daily: bool = True) -> dict[str, list[Day]]:
    """The whole hours of a window that rollups of each base answer for now, by day, in order of time; ``daily``: with the days' own rows."""
    told: dict[str, _Told] = {base: {"p": {}, "m": {}, "d": {}} for base in bases}
    first, last = (min(max(math.ceil(at.timestamp()), 0), _LAST_S) for at in (since, until))
    statement = sql("clean_plan") + (sql("clean_plan_days") if daily and -(-first // _DAY_S) < last // _DAY_S else "")
    for base, kind, at, *rest in frame(client, statement, {"bases": list(bases), "since": first, "until": last}).iter_rows():
        told[base][kind][at] = tuple(rest)
    return {base: _days(told[base], until) for base in bases}


def _days(told: _Told, until: datetime) -> list[Day]:
    days: dict[int, Day] = {}
    pairs: dict[int, list[int]] = {}
    for at, (gen, state, frozen, pair) in sorted(told["p"].items()):
        _, marked, is_open, _ = told["m"].get(at, ("", None, 0, 0))
        if (frozen or (not is_open and marked == state)) and datetime.fromtimestamp(at, UTC) + _HOUR <= until:
            start = at - at % _DAY_S
            day = days.setdefault(start, Day(start))
            day.hours.append(at)
            day.gens.append(gen)
            day.frozen.append(bool(frozen))
            pairs.setdefault(start, []).append(pair)
    for start, day in days.items():
        gen, all_pairs, hours, _ = told["d"].get(start, ("", 0, 0, 0))
        if hours == len(day.hours) and all_pairs == reduce(xor, pairs[start]):
            day.gen = gen
    return list(days.values())


def plans(client: Client, bases: Sequence[str], scope: Scope, *, daily: bool) -> dict[str, Plan]:
    """The plan of each base for a window, as of now. ``daily``: whole days may come from daily rows.

    Raises:
        QueryRefused: too many hours for one statement that only rollups know.
    """
    since, until = aware(scope.since), aware(scope.until)
    return {base: _plan(days, since, until, daily) for base, days in clean_days(client, bases, since, until, daily=daily).items()}


def _plan(found: Sequence[Day], since: datetime, until: datetime, daily: bool) -> Plan:
    days: Pairs = []
    hours: list[tuple[bool, int, str]] = []  # frozen, start, generation
    clean: list[int] = []
    for day in found:
        if daily and day.gen:
            days.append((day.start, day.gen))
            clean += day.hours
        else:
            hours += zip(day.frozen, day.hours, day.gens, strict=True)
    hours.sort()
    if len(hours) > _MOST_HOURS and hours[-_MOST_HOURS - 1][0]:
        raise QueryRefused(f"more than {_MOST_HOURS} hours whose calls are gone: ask by day, or for a shorter time")
    pairs = sorted((at, gen) for _, at, gen in hours[-_MOST_HOURS:])
    return Plan(sorted([*days, *pairs]), uncovered(since, until, sorted([*clean, *(at for at, _ in pairs)])))


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


def composed(
    client: Client, by: Sequence[str], scope: Scope, wanted: Sequence[str], *, base: str = "calls", held: Mapping[str, Plan] | None = None
) -> Source:
    """A sub-query with one row per group: the ``by`` columns and the ``wanted`` measures, exact at the moment of reading.

    ``base``: ``calls`` (measures of ``spend_hour``), ``scores`` (of ``score_hour``) or ``people`` (of ``people_hour``: states); besides
    ``first_hour``, ``last_hour`` (null: no row), and ``latency_quantiles``, ``ttft_quantiles``: ([bucket at 50, 90, 99 %], values).
    ``held``: plans looked up already, for several sources of one question.
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
        named = {"items": listed(items).replace("$time", "e.hour"), "measures": told, "table": table, "where": scope.where}
        parts.append(fill("_rolled", named))
        params |= named_pairs(plan.rows)
    if plan.times or not parts:
        told = ", ".join(f"{_BESIDE[m][1] if m in _BESIDE else known[m]} AS {m}" for m in wanted)
        named = {"items": listed(items).replace("$time", "e.ts"), "measures": told, "table": source, "counts": COUNTS[source]}
        hours, times, values = _within(plan.times)
        where = {"where": scope.where, "services": _services(scope, hours) if source == "calls" and len(wanted) > 2 else ""}
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
    return {"rows_first": min(hours), "rows_last": max(hours), "rolled": [(at, gen.replace("-", "")) for at, gen in pairs]}


def _within(times: Sequence[tuple[datetime, datetime]]) -> tuple[str, str, dict[str, Any]]:
    """The conditions on ``e.ts`` that stand for the hours around these stretches and for the stretches, and their parameters."""
    if len(times) > _MOST_TIMES:
        first, last = times[0][0], times[-1][1]
        hours = f"{_between('h_', 'e.ts')} AND toUnixTimestamp(toStartOfHour(e.ts)) NOT IN {{t_rolled:Array(UInt32)}}"
        return hours, _between("t_", _OPAQUE), around(first, last) | _ends("t_", first, last) | {"t_rolled": _clean_between(times)}
    values: dict[str, Any] = {}
    for i, (since, until) in enumerate(times):
        values |= around(since, until, f"h{i}_") | _ends(f"t{i}_", since, until)
    hours, exact = (
        " OR ".join(f"({_between(f'{name}{i}_', told)})" for i in range(len(times))) or "0" for name, told in (("h", "e.ts"), ("t", _OPAQUE))
    )
    return hours, exact, values


def around(since: datetime, until: datetime, prefix: str = "h_") -> dict[str, str]:
    """Both ends of the whole UTC hours that ``[since, until)`` lies in, as parameters ``prefix`` + since, until."""
    first, last = (at.replace(minute=0, second=0, microsecond=0) for at in (since, until))
    return _ends(prefix, first, last if last == until else last + _HOUR)


def _ends(prefix: str, since: datetime, until: datetime) -> dict[str, str]:
    return {f"{prefix}since": stamp(since), f"{prefix}until": stamp(until)}


def _clean_between(times: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """Hours (Unix seconds) between stretches: those that rollups answer for."""
    return [hour for (_, end), (start, _) in pairwise(times) for hour in range(int(end.timestamp()), int(start.timestamp()), 3_600)]


def _between(prefix: str, told: str) -> str:
    return f"{told} >= {{{prefix}since:DateTime64(6, 'UTC')}} AND {told} < {{{prefix}until:DateTime64(6, 'UTC')}}"
