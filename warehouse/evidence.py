"""What an alert is about: the latest calls of its window and labels, and their redacted texts."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from spanledger.policy import Match, Policy
from warehouse import queries
from warehouse.alerting import Alert
from warehouse.matching import Hash, filters
from warehouse.queries import DIMENSIONS, Filters, Scope
from warehouse.queries.ask import frame
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

_BEFORE = timedelta(days=1)  # of a budget or an anomaly, which look at more than one window
_TEXTS_A_CALL = 4  # at most: an agent's trace holds more spans than calls


@dataclass(frozen=True, slots=True)
class About:
    """Which calls an alert is about."""

    match: Match
    since: datetime
    until: datetime


def about(policy: Policy, alert: Alert, now: datetime) -> About:
    """The window that its rule looked at before it came up, until it ended; a rule that is gone narrows nothing but by labels."""
    rule = next((r for r in policy.alerts.rules if r.name == alert.rule), None)
    budget = next((b for b in policy.budgets if b.name == alert.rule), None)
    before = rule.over if rule is not None and rule.kind in ("threshold", "coverage") else _BEFORE
    match = rule.match if rule is not None else budget.match if budget is not None else Match()
    return About(match, alert.pending_at - before, min(now, alert.resolved_at or now))


def calls(client: Client, alert: Alert, told: About, tenant_hash: Hash, *, limit: int, teams: Sequence[str] | None = None) -> pl.DataFrame:
    """The latest entries that the alert is about, newest first: columns of ``queries.calls``."""
    chosen = filters(client, told.match, Scope(told.since, told.until), tenant_hash)
    scope = Scope(told.since, told.until, _narrowed(chosen, alert), teams)
    return queries.calls(client, scope, limit=limit).rows


def texts(client: Client, trace_ids: Sequence[str], *, calls: int) -> pl.DataFrame:
    """Redacted texts of so many calls' traces: ``ts, trace_id, span_id, kind, prompt, response, context``."""
    return frame(client, sql("traces_contents"), {"traces": list(trace_ids), "rows": _TEXTS_A_CALL * max(1, calls)})


def _narrowed(chosen: Filters, alert: Alert) -> Filters:
    names = {DIMENSIONS[one.name]: one.name for one in fields(Filters)}
    return replace(chosen, **{names[label]: (value,) for label, value in alert.labels.items() if label in names})
