"""The spending jobs: hours that cost what they should not (`anomaly/`), and what periods of budgets are expected to end at (`forecast.py`).

Once an hour, when the hour before is posted (budgets every two minutes): hourly series per app, team and tier out of the rollups, anomalous hours and
forecasts into tables. Every hour is judged with data up to that hour only, so that looking again gives the same answer.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import structlog

from detectors.anomaly import TOGETHER, of_rows, watch
from detectors.forecast import period_total
from spanledger import instance
from spanledger.errors import SpanledgerError
from spanledger.policy import AnnouncedEvent, Budget, PolicyFile
from spanledger.policy.periods import period_of
from spanledger.settings import Settings
from warehouse import alerting, queries, scoring, stored_budgets
from warehouse.budgeting import team_of
from warehouse.engine import connect
from warehouse.leases import Lease
from warehouse.matching import Hash, filters, matches
from warehouse.queries import Scope

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = structlog.get_logger()

JOB = "detectors:spending"
PAUSE_S = 10.0
HOUR = timedelta(hours=1)
FORECAST_EVERY = timedelta(minutes=2)
TRY_AGAIN = timedelta(minutes=1)
AGAIN = timedelta(hours=6)  # so many hours are judged again at every look
LEASE_S = 300.0
SETTLED = timedelta(minutes=10)  # after its end an hour is looked at: spans of it have come by then
HISTORY = timedelta(days=70)  # what is usual takes four weeks to learn, a level that stays some days more
LOOKED_BACK = timedelta(hours=48)  # hours that are told of although they were not looked at in time
FORECAST_DAYS = 120
SERIES: tuple[str, ...] = ("app_id", "team", "model_tier")
_COLUMNS = {"calls": "requests", "tokens_in": "tokens_in", "tokens_out": "tokens_out", "cost_usd": "cost_usd"}
_MOST_SERIES = 2_000


def run(settings: Settings, stop: threading.Event, tenant_hash: Hash) -> None:
    """Look until ``stop`` is set; raises what the warehouse raises, and the caller starts it again."""
    policy = PolicyFile(settings.policy_path, settings.tokens_file)
    access = instance.sql_access(settings, wait_s=30)
    with closing(connect(access.url, user=access.user, password=access.password)) as client:
        lease = Lease(client, JOB, f"{JOB}-{socket.gethostname()}-{os.getpid()}", ttl_s=LEASE_S)
        looked: datetime | None = None
        tried = datetime.min.replace(tzinfo=UTC)
        expected: tuple[datetime, Sequence[Budget]] | None = None
        while not stop.wait(PAUSE_S):
            now = datetime.now(UTC)
            policy.reload()
            told = stored_budgets.in_force(client, policy.current)
            new_hour = closed(now) != looked and now - tried > TRY_AGAIN
            stale = expected is None or now - expected[0] > FORECAST_EVERY or expected[1] != told.budgets
            if not (new_hour or (stale and told.budgets)) or not lease.hold():
                continue
            if new_hour:
                tried = now
                if look(client, told.alerts.announced, now) is not None:
                    looked = closed(now)
            if stale:
                expect(client, told.budgets, tenant_hash, now)
                expected = now, told.budgets
        with contextlib.suppress(SpanledgerError):
            lease.release()


def closed(now: datetime) -> datetime:
    """The end of the last hour that is looked at."""
    return (now - SETTLED).replace(minute=0, second=0, microsecond=0)


def look(client: Client, announced: Sequence[AnnouncedEvent], now: datetime) -> int | None:
    """Judge the hours since the last look, and the last ones again: spans may have come late. How many are anomalous.

    ``None``: nobody has told of any call in the last hour. That is no silence of every app: exports do not arrive, or history is being sent.
    """
    upto = closed(now)
    if not current(client, upto):
        return None
    mark, _ = scoring.mark(client, JOB)
    since = max(datetime.fromisoformat(mark) - AGAIN if mark else upto - AGAIN, upto - LOOKED_BACK)
    found = anomalous(client, announced, since, upto)
    known = {tuple(row[name] for name in ("hour", *SERIES)) for row in found}
    before = alerting.anomalies(client, since=since, until=upto).iter_rows(named=True)
    taken_back = [{**row, "cause": ""} for row in before if tuple(_key(row)) not in known]
    alerting.write_anomalies(client, [*found, *taken_back])
    scoring.set_mark(client, JOB, upto.isoformat(), "{}")
    if found:
        log.info("cost_anomalies", hours=len(found), taken_back=len(taken_back))
    return len(found)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    hour: datetime = row["hour"]
    return (hour.replace(tzinfo=UTC) if hour.tzinfo is None else hour.astimezone(UTC), *(row[name] for name in SERIES))


def current(client: Client, upto: datetime) -> bool:
    """Whether calls of the last hour are known."""
    return int(queries.spend(client, Scope(upto - HOUR, upto), by=())["calls"].sum()) > 0


def expect(client: Client, budgets: Sequence[Budget], tenant_hash: Hash, now: datetime) -> int:
    """Store what budgets' periods are expected to end at; how many could be told."""
    rows = [row for budget in budgets if budget.forecast and (row := forecast(client, budget, tenant_hash, now)) is not None]
    alerting.write_forecasts(client, rows)
    return len(rows)


def anomalous(client: Client, announced: Sequence[AnnouncedEvent], since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Anomalous hours in ``[since, until)``: what ``alerting.write_anomalies`` takes."""
    rows = queries.spend(client, Scope(until - HISTORY, until), by=("hour", *SERIES)).select("hour", *SERIES, *_COLUMNS)
    if rows.is_empty() or since >= until:
        return []
    rows = rows.with_columns(pl.col("hour").dt.replace_time_zone("UTC") if rows["hour"].dtype.time_zone is None else pl.col("hour"))  # type: ignore[union-attr]
    last = until - HOUR
    by_series = rows.partition_by(SERIES, as_dict=True)
    dearest = sorted(by_series.items(), key=lambda one: -float(one[1]["cost_usd"].sum()))[:_MOST_SERIES]
    found: list[dict[str, Any]] = []
    for at in range(0, len(dearest), TOGETHER):
        some = [(dict(zip(SERIES, map(str, key), strict=True)), hours) for key, hours in dearest[at : at + TOGETHER]]
        found += _of_series(some, announced, since, last)
    return found


def _of_series(
    series: Sequence[tuple[dict[str, str], pl.DataFrame]], announced: Sequence[AnnouncedEvent], since: datetime, last: datetime
) -> Iterator[dict[str, Any]]:
    grid, _ = of_rows([_row(labels, hours, announced, last) for labels, hours in series])
    found = watch(grid)
    first, until = (max(0, int((at - grid.start) / HOUR)) for at in (since, last + HOUR))
    for i, (labels, _) in enumerate(series):
        cost, begun = grid.cost_usd[i], int(grid.known[i].argmax())
        for at in (np.flatnonzero(found.alerts[i, first:until]) + first).tolist():
            told = {"cause": found.cause_of(i, at), "cost_usd": float(cost[at]), "usual_usd": usual(cost[begun:], at - begun)}
            yield {"hour": grid.start + at * HOUR, **labels, **told}


def _row(labels: Mapping[str, str], hours: pl.DataFrame, announced: Sequence[AnnouncedEvent], last: datetime) -> dict[str, Any]:
    """A series as ``anomaly.of_rows`` takes it."""
    told = hours.sort("hour")
    ts = told["hour"].to_list()
    figures = {name: told[column].cast(pl.Float64).to_list() for column, name in _COLUMNS.items()}
    if ts[-1] < last:  # silent since: an hour without requests is an hour all the same
        ts.append(last)
        figures = {name: [*values, 0.0] for name, values in figures.items()}
    events = [
        {"start": one.starts_at.isoformat(), "end": one.ends_at.isoformat()} for one in announced if matches(one.match.patterns(), labels, str)
    ]  # never by tenant
    return {"id": "/".join(labels.values()), "ts": [at.isoformat() for at in ts], **figures, "announced": events}


def usual(cost: np.ndarray[Any, Any], at: int) -> float:
    """The median of the same hour of the week in the four weeks before; of the same hour of the days before where they are fewer."""
    weeks = [cost[at - 168 * k] for k in range(1, 5) if at - 168 * k >= 0]
    days = [cost[at - 24 * k] for k in range(1, 15) if at - 24 * k >= 0]
    same = weeks if len(weeks) >= 2 else days
    return float(np.median(same)) if same else 0.0


def forecast(client: Client, budget: Budget, tenant_hash: Hash, now: datetime) -> dict[str, Any] | None:
    """What a budget's period is expected to end at; ``None``: of a day, or while less than a week is known."""
    if budget.period == "day":
        return None
    today = now.astimezone(UTC).date()
    period = period_of(budget.period, today)
    start = min(period.begins, today - timedelta(days=FORECAST_DAYS))
    window = Scope(datetime(start.year, start.month, start.day, tzinfo=UTC), datetime(today.year, today.month, today.day, tzinfo=UTC))
    chosen = filters(client, budget.match, window, tenant_hash)
    rows = queries.spend_over_time(client, Scope(window.since, window.until, chosen), grain="day").sort("day")
    days: list[date] = rows["day"].to_list()
    if not days or (today - days[0]).days < 7:
        return None
    if days[-1] < today - timedelta(days=1):
        days.append(today - timedelta(days=1))
        costs = [*map(float, rows["cost_usd"].to_list()), 0.0]
    else:
        costs = list(map(float, rows["cost_usd"].to_list()))
    found = period_total(days, costs, period.begins, period.ends)
    return {
        "name": budget.name, "begins": period.begins, "ends": period.ends, "team": team_of(budget),
        "total_usd": found.total, "low_usd": found.low, "high_usd": found.high,
    }  # fmt: skip
