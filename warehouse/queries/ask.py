"""How a question becomes SQL: windows, filters and grouping from fixed lists; every value is a bound parameter.

Where the rows come from, rollups or the exact base, is decided in :mod:`warehouse.queries.sources`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from string import Template
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from spanledger.errors import AccessDenied, QueryFailed, QueryRefused, WarehouseBusy, WarehouseUnavailable
from warehouse.queries.model_names import switched
from warehouse.sqlfiles import MEASURES, measure, sql
from warehouse.tables import CALLS, SCORES

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

#: What money and service levels may be grouped and filtered by: the name in questions → column of the ledger.
DIMENSIONS: Mapping[str, str] = {
    "project": "project",
    "service": "service",
    "app": "app_id",
    "app_id": "app_id",
    "team": "team",
    "tenant": "tenant_hash",
    "tenant_hash": "tenant_hash",
    "env": "env",
    "region": "region",
    "device_class": "device_class",
    "route": "route",
    "endpoint": "endpoint",
    "operation": "operation",
    "provider": "provider",
    "model": "model",
    "model_requested": "model_requested",
    "tier": "model_tier",
    "model_tier": "model_tier",
    "prompt": "prompt_id",
    "prompt_id": "prompt_id",
    "prompt_version": "prompt_version",
    "prompt_hash": "prompt_hash",
    "user": "user_hash",
    "user_hash": "user_hash",
    "session": "session_hash",
    "session_hash": "session_hash",
    "outcome": "outcome",
    "error_type": "error_type",
    "finish_reason": "finish_reason",
    "service_tier": "service_tier",
    "usage_source": "usage_source",
    "cost_source": "cost_source",
    "price_id": "price_id",
    "entry_kind": "entry_kind",
    "dialect": "dialect",
    "scope": "scope",
    "circuit_state": "circuit_state",
    "detector": "detector",
    "detector_version": "detector_version",
}

#: Grains of time: a name in ``by`` → the start of the period that an hour lies in (UTC; weeks start on Monday).
GRAINS: Mapping[str, str] = {
    "hour": "toDateTime64(toStartOfHour(%s), 6, 'UTC')",
    "day": "toDate(%s)",
    "week": "toMonday(%s)",
    "month": "toStartOfMonth(%s)",
}

#: Rollups of each base, the smallest first: the first that holds all dimensions answers.
ROLLUPS = {
    "calls": ("spend_outcome_hour", "spend_hour", "prompt_hour"),
    "scores": ("score_route_hour", "score_prompt_hour", "score_hour"),
    "people": ("people_hour",),
}
_COLUMNS = {
    name: tuple(columns.split())
    for name, columns in {
        "spend_hour": "project app_id team tenant_hash env region device_class provider model model_tier endpoint route operation",
        "prompt_hour": "project app_id team tenant_hash env provider model model_tier prompt_id prompt_version",
        "spend_outcome_hour": "project app_id team tenant_hash env provider model model_tier endpoint operation outcome error_type"
        " entry_kind usage_source cost_source",
        "score_route_hour": "project app_id team tenant_hash env route model model_tier detector detector_version",
        "score_prompt_hour": "project app_id team tenant_hash env model model_tier prompt_id prompt_version detector detector_version",
        "score_hour": "project app_id team tenant_hash env route model model_tier prompt_id prompt_version detector detector_version",
        "people_hour": "project app_id team tenant_hash env",
    }.items()
}


@dataclass(frozen=True)
class Filters:
    """Keep rows whose dimension is one of these values; empty: all. Names as in :data:`DIMENSIONS`."""

    project: Sequence[str] = ()
    service: Sequence[str] = ()
    app: Sequence[str] = ()
    team: Sequence[str] = ()
    tenant: Sequence[str] = ()
    env: Sequence[str] = ()
    region: Sequence[str] = ()
    route: Sequence[str] = ()
    endpoint: Sequence[str] = ()
    operation: Sequence[str] = ()
    provider: Sequence[str] = ()
    model: Sequence[str] = ()
    tier: Sequence[str] = ()
    prompt: Sequence[str] = ()
    prompt_version: Sequence[str] = ()
    user: Sequence[str] = ()
    session: Sequence[str] = ()
    outcome: Sequence[str] = ()
    cost_source: Sequence[str] = ()
    usage_source: Sequence[str] = ()

    def given(self) -> dict[str, Sequence[str]]:
        """Ledger column → allowed values, for the dimensions that are restricted."""
        return {column: values for name, column in _FILTERED if (values := getattr(self, name))}


_FILTERED = tuple((f.name, DIMENSIONS[f.name]) for f in fields(Filters))
NO_FILTERS = Filters()

_READ = pa.ipc.IpcReadOptions(use_threads=False)  # answers are small: handing columns to other threads costs more than reading them


@dataclass(frozen=True)
class Scope:
    """Which rows a question is about: a half-open UTC window, filters, and the teams that the asker may see (``None``: all)."""

    since: datetime
    until: datetime
    filters: Filters = NO_FILTERS
    teams: Sequence[str] | None = None

    @classmethod
    def ever(cls, teams: Sequence[str] | None = None) -> Scope:
        """All of time."""
        return cls(datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), NO_FILTERS, teams)

    @property
    def columns(self) -> set[str]:
        """Columns that the conditions need."""
        return set(self.filters.given()) | ({"team"} if self.teams is not None else set())

    @property
    def where(self) -> str:
        """Conditions on ``e``, each starting with AND."""
        return self.conditions(self.columns)

    def conditions(self, columns: set[str]) -> str:
        """Those on these columns."""
        parts = [f" AND e.{column} IN {{f_{column}:Array(String)}}" for column in self.filters.given() if column in columns]
        if self.teams is not None and "team" in columns:
            parts.append(" AND e.team IN {scope_teams:Array(String)}")
        return "".join(parts)

    @property
    def params(self) -> dict[str, Any]:
        """Values of the conditions and of the window."""
        bound: dict[str, Any] = {f"f_{column}": list(values) for column, values in self.filters.given().items()}
        if self.teams is not None:
            bound["scope_teams"] = list(self.teams)
        return bound | {"since": stamp(self.since), "until": stamp(self.until)}


def aware(at: datetime) -> datetime:
    """The moment in UTC; a naive datetime is taken as UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def stamp(at: datetime) -> str:
    """UTC text of a moment for a ``DateTime64(6, 'UTC')`` parameter; a naive datetime is taken as UTC."""
    return aware(at).strftime("%Y-%m-%d %H:%M:%S.%f")


def grouping(by: Sequence[str]) -> tuple[list[str], set[str]]:
    """Select-list items ``(… AS name)`` over ``e`` with time ``$time``, and the ledger columns that they need.

    Raises:
        QueryRefused: a name that is neither a dimension nor a grain.
    """
    items, columns = [], set[str]()
    for name in by:
        if name in GRAINS:
            items.append(f"{GRAINS[name] % '$time'} AS `{name}`")
        elif name in DIMENSIONS:
            items.append(f"e.{DIMENSIONS[name]} AS `{name}`")
            columns.add(DIMENSIONS[name])
        else:
            raise QueryRefused(f"cannot group by {name!r}: one of {', '.join([*DIMENSIONS, *GRAINS])}")
    return items, columns


@cache
def measures(name: str) -> dict[str, str]:
    """Measure → expression over ``e`` of a rollup, from ``sql/measures``."""
    name = "spend_hour" if name in ROLLUPS["calls"] else "score_hour" if name in ROLLUPS["scores"] else name
    text = (MEASURES / f"{name}.sql").read_text(encoding="utf8")
    lines = Template(text).substitute(switched=switched("pair[1]", "pair[2]"), weight=measure("_sampling_weight")).splitlines()
    pairs = (line.rpartition(" AS ") for line in lines if line and not line.startswith("--"))
    return {alias: expression for expression, _, alias in pairs}


def rollup_dimensions(table: str) -> tuple[str, ...]:
    """Dimension columns of a rollup table."""
    return _COLUMNS[table]


def require(scope: Scope, base: str, columns: Iterable[str] = ()) -> None:
    """Raise ``QueryRefused`` for a dimension that the base table does not hold."""
    unknown = (scope.columns | set(columns)) - set((SCORES if base == "scores" else CALLS).names)
    if unknown:
        raise QueryRefused(f"{base} know no {', '.join(sorted(unknown))}")


def group_clause(by: Sequence[str]) -> str:
    """GROUP BY the names, or nothing."""
    return f"GROUP BY {', '.join(f'`{name}`' for name in by)}" if by else ""


def order_of(by: Sequence[str], otherwise: str) -> str:
    """ORDER BY list: periods first, then the measure, then the names (so that equal rows keep their order)."""
    grains = [f"`{name}`" for name in by if name in GRAINS]
    names = [f"`{name}`" for name in by if name not in GRAINS]
    return ", ".join([*grains, otherwise, *names])


def ordered(rows: pl.DataFrame, by: Sequence[str], measure: str) -> pl.DataFrame:
    """As :func:`order_of`, done here: a layer of SQL around thirty measures costs ten milliseconds to plan."""
    grains, names = ([name for name in by if (name in GRAINS) is grain] for grain in (True, False))
    return rows.sort(*grains, measure, *names, descending=[*(False for _ in grains), True, *(False for _ in names)])


def listed(items: Sequence[str]) -> str:
    """``a, b, `` for use before further select-list items; empty for none."""
    return "".join(f"{item}, " for item in items)


def fill(name: str, parts: Mapping[str, str]) -> str:
    """The SQL file ``name`` with its ``$parts`` put in; parts are made here from fixed lists, never from values. ``$within``: of the window,
    in two parts where the table is read and no view."""
    hours, moments = sql("_within_hours"), sql("_within_moments")
    known = {"within": f"{hours} AND {moments}", "within_hours": hours, "within_moments": moments}
    return Template(sql(name)).substitute({**known, **parts})


def frame(client: Client, statement: str, params: Mapping[str, Any]) -> pl.DataFrame:
    """Run and read as Polars."""
    return polars(arrow(client, statement, params))


def arrow(client: Client, statement: str, params: Mapping[str, Any]) -> pa.Table:
    """Run and read as Arrow."""
    used = {name: value for name, value in params.items() if f"{{{name}:" in statement}  # without any, the driver takes % for a format
    with query_errors():
        told = client.raw_query(statement, used or None, fmt="ArrowStream")
    return pa.ipc.open_stream(told, options=_READ).read_all()


def polars(table: pa.Table) -> pl.DataFrame:
    """The same rows. A lookup's come in one batch, which Polars takes over in a third of the time that a table takes."""
    batches = table.to_batches()
    return pl.DataFrame(batches[0] if len(batches) == 1 else table)


@contextmanager
def query_errors() -> Generator[None]:
    """Translate driver exceptions.

    Unreachable → ``WarehouseUnavailable``, limits → ``WarehouseBusy``, rights → ``AccessDenied``, else ``QueryFailed``.
    """
    try:
        yield
    except (OperationalError, ConnectionError, TimeoutError) as exc:
        raise WarehouseUnavailable(f"the warehouse does not answer: {str(exc)[:300]}") from exc
    except ClickHouseError as exc:
        message = str(exc)
        if any(f"Code: {code}." in message for code in (159, 202, 241)):  # time, concurrency, memory
            raise WarehouseBusy(f"the warehouse gave up on a query: {message[:300]}") from exc
        if "Code: 497." in message:
            raise AccessDenied(f"the warehouse does not let this role read that: {message[:300]}") from exc
        raise QueryFailed(message[:600]) from exc
