"""Where budgets stand: what their periods have cost, read from the ledger, and what they are expected to end at.

Spend that is told late counts for the period in which it was made: the last period is looked at for another day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from spanledger.policy import Budget
from spanledger.policy.periods import Period, period_of
from warehouse import alerting
from warehouse.matching import Hash, filters, sole
from warehouse.queries import Scope, spend

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

LATE = timedelta(days=1)

#: Name of a budget → its newest forecast (:func:`warehouse.alerting.forecasts`).
Expected = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a budget stands. ``forecast_usd``: what its period is expected to end at, ``None`` while that is not known."""

    budget: Budget
    period: Period
    spent_usd: Decimal
    forecast_usd: Decimal | None = None

    @property
    def used(self) -> Decimal | None:
        """Share of the limit that is spent; ``None`` where the limit is nothing."""
        return self.spent_usd / self.budget.limit_usd if self.budget.limit_usd else None


def crossed(spent_usd: Decimal, limit_usd: Decimal, steps: Sequence[Decimal]) -> list[Decimal]:
    """Steps (shares of the limit) that this spend has reached; nothing spent reaches none."""
    return [step for step in sorted(set(steps)) if spent_usd > 0 and spent_usd >= step * limit_usd]


def periods(kind: str, now: datetime) -> list[Period]:
    """The period that ``now`` lies in, last; before it the one before, while spend of it may still be told."""
    today = now.astimezone(UTC).date()
    current = period_of(kind, today)
    if now - current.since < LATE:
        return [period_of(kind, current.begins - timedelta(days=1)), current]
    return [current]


def expected(client: Client, now: datetime) -> Expected:
    """What the budgets' periods of ``now`` are expected to end at, as last told."""
    return alerting.forecasts(client, now.astimezone(UTC).date())


def standings(client: Client, budget: Budget, tenant_hash: Hash, now: datetime, forecasts: Expected) -> list[Standing]:
    """Where a budget stands in the period of ``now``, last; before it the one that may still be told of."""
    told = forecasts.get(budget.name)
    found = []
    for period in periods(budget.period, now):
        window = Scope(period.since, period.until)
        rows = spend(client, Scope(period.since, period.until, filters(client, budget.match, window, tenant_hash)), by=())
        spent = Decimal(rows["cost_usd"][0] or 0) if rows.height else Decimal(0)
        ends_at = max(spent, Decimal(str(round(told["total_usd"], 9)))) if told and told["begins"] == period.begins else None
        found.append(Standing(budget, period, spent, ends_at))
    return found


def team_of(budget: Budget) -> str:
    """The one team that a budget is about; "" for more than one."""
    return sole(budget.match, "team")
