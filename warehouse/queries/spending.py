"""Questions about money and tokens: spend, spend over time, tokens, cost per 1,000 requests, coverage, unpriced calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from warehouse.queries.ask import Scope, fill, frame, group_clause, listed, order_of, ordered
from warehouse.queries.plans import closed_hours
from warehouse.queries.sources import composed

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Grain = Literal["hour", "day", "week", "month"]

SPEND_BY = ("app", "team", "model_tier")

_SPEND = [
    "calls",
    "billed_calls",
    "cache_hits",
    "errors",
    "tokens_in",
    "tokens_cache_read",
    "tokens_cache_write",
    "tokens_out",
    "tokens_reasoning",
    "cost_usd",
    "cost_in_usd",
    "cost_cache_read_usd",
    "cost_cache_write_usd",
    "cost_out_usd",
    "cost_other_usd",
    "cost_unattributed_usd",
    "cost_scaled_usd",
    "priced_calls",
    "covered_calls",
    "partial_calls",
    "unpriced_calls",
    "unpriced_tokens",
    "usage_reported",
    "usage_aggregate",
    "usage_estimated",
    "usage_missing",
    "sampled_calls",
    "conflicts",
    "cost_disputed",
]
_OVER_TIME = ["calls", "billed_calls", "tokens_in", "tokens_out", "cost_usd", "unpriced_calls"]
_COVERAGE = [
    "calls", "billed_calls", "priced_calls", "covered_calls", "partial_calls", "unpriced_calls", "unpriced_tokens", "usage_reported",
    "usage_aggregate", "usage_estimated", "usage_missing", "sampled_calls", "conflicts", "cost_disputed",
]  # fmt: skip
_TOKENS = [
    "calls",
    "billed_calls",
    "tokens_in",
    "tokens_cache_read",
    "tokens_cache_write",
    "tokens_cache_write_1h",
    "tokens_out",
    "tokens_reasoning",
    "tokens_audio_in",
    "tokens_audio_out",
    "images",
]


@dataclass(frozen=True)
class Coverage:
    """How much of a total is known. Shares are in [0, 1], of billed calls, and ``None`` where there are none.

    ``priced_share``: with a complete price. ``usage_share``: with usage reported (by a call or an aggregate).
    ``closed_hours`` of ``hours``: rolled up, nothing changing them. ``sampled_calls``: sent with a sampling ratio below 1.
    """

    calls: int
    billed_calls: int
    priced_calls: int
    covered_calls: int
    partial_calls: int
    unpriced_calls: int
    unpriced_tokens: int
    usage_reported: int
    usage_aggregate: int
    usage_estimated: int
    usage_missing: int
    sampled_calls: int
    conflicts: int
    cost_disputed: int
    hours: int
    closed_hours: int

    @property
    def priced_share(self) -> float | None:
        """Share of billed calls with a complete price."""
        return self.priced_calls / self.billed_calls if self.billed_calls else None

    @property
    def usage_share(self) -> float | None:
        """Share of billed calls whose usage was reported."""
        return (self.usage_reported + self.usage_aggregate) / self.billed_calls if self.billed_calls else None

    @property
    def share(self) -> float | None:
        """Share of billed calls with usage reported and a complete price: how much of the total is known."""
        return self.covered_calls / self.billed_calls if self.billed_calls else None

    @property
    def complete(self) -> bool:
        """Nothing unpriced, partial, estimated or missing."""
        return not (self.unpriced_calls or self.partial_calls or self.usage_estimated or self.usage_missing)


@dataclass(frozen=True)
class Spend:
    """Rows by group, their total (column → sum) and its coverage, all of one reading."""

    rows: pl.DataFrame
    total: dict[str, Any]
    coverage: Coverage


def spend(client: Client, scope: Scope, *, by: Sequence[str] = SPEND_BY, scaled: bool = False) -> pl.DataFrame:
    """Spend per group, dearest first (in order of time if ``by`` holds a grain: hour, day, week, month); ``by=()``: one row, the total.

    Columns: ``by`` as named, ``calls`` … UInt64, ``cost_usd`` and its parts Decimal(38, 9), counts behind the coverage.
    ``scaled``: ``cost_usd`` divided by each call's sampling ratio, an estimate; never the default.
    """
    rows = _ask(client, _SPEND, by, scope)
    return rows.with_columns(cost_usd=pl.col("cost_scaled_usd")) if scaled else rows


def spend_report(client: Client, scope: Scope, *, by: Sequence[str] = SPEND_BY, scaled: bool = False) -> Spend:
    """:func:`spend` with its total and coverage, which are sums of the same rows."""
    return _report(client, scope, by, spend(client, scope, by=by, scaled=scaled), _SPEND)


def coverage_report(client: Client, scope: Scope, *, by: Sequence[str] = ("app",)) -> Spend:
    """What is known of the calls of each group and of all: the counts of :class:`Coverage`, most calls first; half the cost of all of spend."""
    return _report(client, scope, by, _ask(client, _COVERAGE, by, scope, order="calls"), _COVERAGE)


def spend_over_time(
    client: Client,
    scope: Scope,
    *,
    grain: Grain = "day",
    by: Sequence[str] = (),
) -> pl.DataFrame:
    """What charts draw: ``calls``, ``billed_calls``, ``tokens_in``, ``tokens_out``, ``cost_usd``, ``unpriced_calls`` per period and group.

    In order of time; a column named as the grain (``hour`` Datetime, else Date). Periods without a call have no row. All measures of
    :func:`spend` are had with a grain in its ``by``; planning and adding up thirty of them costs twice as much.
    """
    return _ask(client, _OVER_TIME, [grain, *by], scope)


def tokens(
    client: Client,
    scope: Scope,
    *,
    by: Sequence[str] = ("app", "model"),
) -> pl.DataFrame:
    """Tokens by class (UInt64), per billed call and as shares (Float64, null where undefined)."""
    return _told(client, "tokens", _TOKENS, by, scope, order="tokens_in DESC")


def cost_per_1000(
    client: Client,
    scope: Scope,
    *,
    by: Sequence[str] = ("model_tier",),
) -> pl.DataFrame:
    """``calls``, ``cost_usd``, ``unpriced_calls`` and ``cost_per_1000_usd`` (Decimal(38, 9)) per group."""
    wanted = ["calls", "cost_usd", "unpriced_calls"]
    return _told(client, "cost_per_1000", wanted, by, scope)


def coverage(client: Client, scope: Scope) -> Coverage:
    """What is known of the calls of a window."""
    return coverage_report(client, scope, by=()).coverage


def unpriced(
    client: Client,
    scope: Scope,
    *,
    by: Sequence[str] = ("provider", "model"),
) -> pl.DataFrame:
    """Groups with billed calls without a (complete) price: ``unpriced_calls``, ``partial_calls``, ``unpriced_tokens``, first and last hour."""
    wanted, only = ["unpriced_calls", "partial_calls", "unpriced_tokens"], " AND e.billed AND e.cost_source IN ('unpriced', 'partial')"
    return _by_hour(client, "unpriced", wanted, by, scope, (" AND e.unpriced_calls + e.partial_calls > 0", only))


def missing_usage(
    client: Client,
    scope: Scope,
    *,
    by: Sequence[str] = ("app", "provider", "model"),
    drawn: bool = False,
) -> pl.DataFrame:
    """Groups with billed calls without usage: ``missing_calls``, ``estimated_calls``, ``billed_calls`` of those hours, first and last hour.

    ``drawn=True``: only how many, as the page draws them; whole days then answer.
    """
    if drawn:
        wanted, only = ["usage_missing", "usage_estimated"], " AND e.billed AND e.usage_source IN ('missing', 'estimated')"
        source = composed(client, by, scope, wanted, only=(" AND e.usage_missing + e.usage_estimated > 0", only))
        rows = frame(client, *source).rename({"usage_missing": "missing_calls", "usage_estimated": "estimated_calls"})
        rows = rows.filter(pl.col("missing_calls") + pl.col("estimated_calls") > 0)
        return rows.sort("missing_calls", "estimated_calls", *by, descending=[True, True, *(False for _ in by)])
    return _by_hour(client, "missing_usage", ["usage_missing", "usage_estimated", "billed_calls"], by, scope)


def _ask(client: Client, wanted: Sequence[str], by: Sequence[str], scope: Scope, *, order: str = "cost_usd") -> pl.DataFrame:
    """The measures as they are, in order."""
    return ordered(frame(client, *composed(client, by, scope, wanted)), by, order)


def _told(client: Client, name: str, wanted: Sequence[str], by: Sequence[str], scope: Scope, *, order: str = "cost_usd DESC") -> pl.DataFrame:
    source = composed(client, by, scope, wanted)
    parts = {"names": listed([f"`{n}`" for n in by]), "source": source.sql, "order": order_of(by, order), "group": group_clause(by)}
    return frame(client, fill(name, parts), source.params)


def _by_hour(client: Client, name: str, wanted: Sequence[str], by: Sequence[str], scope: Scope, only: tuple[str, str] = ("", "")) -> pl.DataFrame:
    source = composed(client, ["hour", *by], scope, wanted, only=only)
    parts = {"names": listed([f"s.`{n}` AS `{n}`" for n in by]), "source": source.sql, "group": group_clause(by)}
    return frame(client, fill(name, parts), source.params)


def _total(rows: pl.DataFrame, measures: Sequence[str]) -> dict[str, Any]:
    """Sum per measure; Decimal stays Decimal, an empty frame gives zeros."""
    zero = {m: Decimal(0) if m.endswith("_usd") else 0 for m in measures}
    return zero if rows.is_empty() else dict(rows.select(pl.col(measures).sum()).row(0, named=True))


def _report(client: Client, scope: Scope, by: Sequence[str], rows: pl.DataFrame, measures: Sequence[str]) -> Spend:
    total, closed = _total(rows, measures), closed_hours(client, scope, daily="hour" not in by)
    known = {n: int(total[n]) for n in _COVERAGE}
    return Spend(rows, total, Coverage(**known, hours=whole_hours(scope.since, scope.until), closed_hours=closed))


def whole_hours(since: datetime, until: datetime) -> int:
    """Whole UTC hours that lie in ``[since, until)``."""
    first = since.astimezone(UTC)
    floor = first.replace(minute=0, second=0, microsecond=0)
    start = floor if floor == first else floor + timedelta(hours=1)
    return max(0, (until.astimezone(UTC) - start) // timedelta(hours=1))


def dimensions(
    client: Client, scope: Scope, *, names: Sequence[str] = ("app", "team", "model_tier", "env", "provider", "model", "route")
) -> pl.DataFrame:
    """What there is to choose from: ``dimension``, ``value``, ``calls``, most used first."""
    source = composed(client, names, scope, ["calls"])
    parts = {"pairs": ", ".join(f"('{n}', toString(s.`{n}`))" for n in names), "source": source.sql}
    return frame(client, fill("dimensions", parts), source.params)


def ping(client: Client) -> None:
    """Return if the warehouse answers and has its schema; raises ``WarehouseUnavailable`` or ``QueryFailed``."""
    frame(client, fill("ping", {}), {})
