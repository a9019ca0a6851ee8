"""How much of budgets and quotas is used: requests, tokens and dollars of a window, per app, team, tenant or user; read from the ledger."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import polars as pl

from spanledger.policy import Match
from warehouse.matching import COLUMNS, Hash, matches
from warehouse.queries import Scope
from warehouse.queries.ask import aware, frame, stamp
from warehouse.queries.sources import composed
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

#: Who a limit is counted for → dimension of the ledger.
PER: Mapping[str, tuple[str, ...]] = {"app": ("app_id",), "team": ("team",), "tenant": ("tenant_hash",), "user": ("user_hash",), "all": ()}
MOST = 50_000  # of them are kept of each limit, those that have used most
_APART = {"route", "prompt_version", "service"}  # no rollup has two of them
_AHEAD = timedelta(minutes=5)  # clocks of senders may be fast
_TIERS_OF = timedelta(days=7)

Key = TypeVar("Key", bound=Hashable)


class Used(NamedTuple):
    """What was used; ``tokens``: in and out."""

    requests: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    def plus(self, more: Used, times: int = 1) -> Used:
        """The sum; ``times`` -1: the difference."""
        return Used(self.requests + times * more.requests, self.tokens + times * more.tokens, self.cost_usd + times * more.cost_usd)


class Usage(NamedTuple):
    """Use by app, team, … ; ``rest``: what the largest has used, measure by measure, of those that were too many to keep."""

    of: Mapping[str, Used]
    rest: Used = Used()


def together(match: Match) -> frozenset[str]:
    """Matches for which this is equal are best asked about together: what else they narrow by is in the same rollups."""
    return frozenset(match.patterns()) & _APART


def usages(client: Client, those: Mapping[Key, Match], per: str, since: datetime, now: datetime, tenant_hash: Hash) -> dict[Key, Usage]:
    """What the calls of each match have used from ``since`` on, per ``per`` (a name of :data:`PER`; ``all``: under ""); one question for all."""
    columns = sorted({COLUMNS.get(field, field) for match in those.values() for field in match.patterns()})
    by = [*dict.fromkeys([*PER[per], *columns])]
    rows = frame(client, *composed(client, by, Scope(since, now + _AHEAD), ["calls", "tokens_in", "tokens_out", "cost_usd"]))
    told = rows.select(
        *columns, key=pl.col(PER[per][0]) if PER[per] else pl.lit(""), requests="calls", tokens=pl.col("tokens_in") + pl.col("tokens_out"),
        cost_usd="cost_usd",
    )  # fmt: skip
    if PER[per]:
        told = told.filter(pl.col("key") != "")
    there = {column: told[column].unique().to_list() for column in columns}
    return {key: _usage(told.filter(*_fits(match, there, tenant_hash))) for key, match in those.items()}


def _fits(match: Match, there: Mapping[str, Sequence[str]], tenant_hash: Hash) -> Iterator[pl.Expr]:
    for field, patterns in match.patterns().items():
        column = COLUMNS.get(field, field)
        yield pl.col(column).is_in([value for value in there[column] if matches({field: patterns}, {column: value}, tenant_hash)])


def _usage(rows: pl.DataFrame) -> Usage:
    sums = rows.group_by("key").agg(pl.col("requests", "tokens", "cost_usd").sum()).sort("cost_usd", "tokens", "requests", descending=True)
    kept, left = sums.head(MOST), sums.slice(MOST)
    rest = Used(*left.select("requests", "tokens", "cost_usd").max().row(0)) if left.height else Used()
    return Usage({str(key): Used(n, tokens, Decimal(cost or 0)) for key, n, tokens, cost in kept.iter_rows()}, rest)


def tiers(client: Client, now: datetime) -> dict[str, str]:
    """Model → the tier that most of its calls of the last days had."""
    rows = frame(client, *composed(client, ("model", "model_tier"), Scope(now - _TIERS_OF, now + _AHEAD), ["calls"]))
    return dict(rows.sort("calls").select("model", "model_tier").iter_rows())


def entries_of(client: Client, traces: Sequence[str], since: datetime) -> dict[str, list[datetime]]:
    """Trace (hexadecimal) → when its entries from ``since`` on began, in order; traces without one are left out."""
    rows = frame(client, sql("entries_of_traces"), {"traces": list(traces), "since": stamp(since)}) if traces else pl.DataFrame()
    return {trace: [aware(at) for at in begun] for trace, begun in rows.iter_rows()}


def unposted(client: Client) -> tuple[bool, int]:
    """Whether journal rows wait to be posted, and the batch that posting has come to."""
    row = frame(client, sql("unposted"), {}).row(0, named=True)
    return bool(row["behind"]), int(row["through"] or 0)


__all__ = ["MOST", "PER", "Usage", "Used", "entries_of", "tiers", "together", "unposted", "usages"]
