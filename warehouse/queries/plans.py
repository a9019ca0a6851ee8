"""Which hours and days of a window rollups answer for, as of now: looked up once a question, before its one statement.

What was looked up is kept: as long as the book-keeping's print (``clean_print.sql``) is what it was before it was read, nothing has been
written to it since, and the plan holds. That costs a question a third of looking up again. Rows of the book-keeping are only ever added, with
a later sequence number, or merged away for a later one: no print comes back.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Any

from spanledger.errors import QueryRefused
from warehouse.queries.ask import Scope, arrow, aware, frame
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

HOUR = timedelta(hours=1)
_MOST_HOURS = 2_500  # (hour, generation) pairs in one question (a server takes parameters of 128 KiB); the rest is asked of the base
_MOST_KEPT = 64  # plans

Pairs = list[tuple[int, str]]  # (start of the hour or day in Unix seconds, generation)
_Told = dict[str, dict[int, tuple[Any, ...]]]  # what the plan's statement says: kind → moment → gen, state, n, pair
_DAY_S, _HOUR_S = 86_400, 3_600
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


def clean_days(client: Client, bases: Sequence[str], since: datetime, until: datetime, *, daily: bool = True) -> dict[str, list[Day]]:
    """The whole hours of a window that rollups of each base answer for now, by day, in order of time; ``daily``: with the days' own rows."""
    first, last = _whole_hours(since, until)
    if first >= last:
        return {base: [] for base in bases}
    told: dict[str, _Told] = {base: {"p": {}, "m": {}, "d": {}} for base in bases}
    statement = sql("clean_plan") + (sql("clean_plan_days") if daily and -(-first // _DAY_S) < last // _DAY_S else "")
    for base, kind, at, *rest in frame(client, statement, {"bases": list(bases), "since": first, "until": last}).iter_rows():
        told[base][kind][at] = tuple(rest)
    return {base: _days(told[base]) for base in bases}


def _whole_hours(since: datetime, until: datetime) -> tuple[int, int]:
    """First and last edge (Unix seconds) of the whole UTC hours that lie in a window."""
    first, last = (min(max(math.ceil(since.timestamp()), 0), _LAST_S), min(max(math.floor(until.timestamp()), 0), _LAST_S))
    return -(-first // _HOUR_S) * _HOUR_S, last // _HOUR_S * _HOUR_S


def _days(told: _Told) -> list[Day]:
    days: dict[int, Day] = {}
    pairs: dict[int, list[int]] = {}
    for at, (gen, state, frozen, pair) in sorted(told["p"].items()):
        _, marked, is_open, _ = told["m"].get(at, ("", None, 0, 0))
        if frozen or (not is_open and marked == state):
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


class _Kept:
    """Clean days by what was asked, each with the print of the book-keeping from before they were read; the latest used are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._days: OrderedDict[tuple[Any, ...], dict[str, list[Day]]] = OrderedDict()

    def get(self, key: tuple[Any, ...]) -> dict[str, list[Day]] | None:
        with self._lock:
            if key in self._days:
                self._days.move_to_end(key)
            return self._days.get(key)

    def put(self, key: tuple[Any, ...], days: dict[str, list[Day]]) -> None:
        with self._lock:
            self._days[key] = days
            if len(self._days) > _MOST_KEPT:
                self._days.popitem(last=False)


_KEPT = _Kept()


def plans(client: Client, bases: Sequence[str], scope: Scope, *, daily: bool) -> dict[str, Plan]:
    """The plan of each base for a window, as of now. ``daily``: whole days may come from daily rows.

    Raises:
        QueryRefused: too many hours for one statement that only rollups know.
    """
    since, until = aware(scope.since), aware(scope.until)
    return {base: _plan(days, since, until, daily) for base, days in _clean_days_kept(client, bases, since, until, daily).items()}


def closed_hours(client: Client, scope: Scope, *, daily: bool) -> int:
    """How many whole hours of a window are rolled up and nothing changes them; ``daily`` as that of the question beside it."""
    days = _clean_days_kept(client, ("calls",), aware(scope.since), aware(scope.until), daily)["calls"]
    return sum(len(day.hours) for day in days)


def _clean_days_kept(client: Client, bases: Sequence[str], since: datetime, until: datetime, daily: bool) -> dict[str, list[Day]]:
    first, last = _whole_hours(since, until)
    if first >= last:
        return {base: [] for base in bases}
    key = (_print(client), tuple(bases), first, last, daily)
    found = _KEPT.get(key)
    if found is None:
        found = clean_days(client, bases, since, until, daily=daily)
        _KEPT.put(key, found)
    return found


def _print(client: Client) -> tuple[Any, ...]:
    """What the book-keeping holds, in a few numbers."""
    told = arrow(client, sql("clean_print"), {})
    return tuple(sorted(zip(*(column.to_pylist() for column in told.columns), strict=True)))


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
    end, following = since, 0
    for hour in hours:
        if hour != following:
            if following:
                end = datetime.fromtimestamp(following, UTC)
            start = datetime.fromtimestamp(hour, UTC)
            if start > end:
                found.append((end, start))
        following = hour + _HOUR_S
    if following:
        end = datetime.fromtimestamp(following, UTC)
    return [*found, (end, until)] if end < until else found
