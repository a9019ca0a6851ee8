"""Budgets: what a period has cost and will, against its limit; every step is an alert that comes up once a period.

A budget's period is a UTC day, ISO week, month, quarter or year. Spend that is told late counts for the period in which it was made: the last
period is looked at for another day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from alerts.findings import Finding
from spanledger.policy.money import Budget
from spanledger.policy.periods import Period, period_of

LATE = timedelta(days=1)
ACTUAL, FORECAST = "actual", "forecast"
KIND = "budget"


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


def periods(kind: str, now: datetime) -> list[Period]:
    """The period that ``now`` lies in, and the one before while spend of it may still be told."""
    today = now.astimezone(UTC).date()
    current = period_of(kind, today)
    if now - current.since < LATE:
        return [period_of(kind, current.begins - timedelta(days=1)), current]
    return [current]


def crossed(spent_usd: Decimal, limit_usd: Decimal, steps: Sequence[Decimal]) -> list[Decimal]:
    """Steps (shares of the limit) that this spend has reached; nothing spent reaches none."""
    return [step for step in steps if spent_usd > 0 and spent_usd >= step * limit_usd]


def findings(standing: Standing, team: str = "") -> Iterator[Finding]:
    """One finding for every step, actual and (while the period goes on) forecast; a step that is reached is not forecast any more."""
    budget, period = standing.budget, standing.period
    spent, steps = standing.spent_usd, sorted(set(budget.steps))
    reached = crossed(spent, budget.limit_usd, steps)
    for step in steps:
        yield _finding(standing, team, step, ACTUAL, step in reached, spent)
    if budget.forecast and standing.forecast_usd is not None:
        expected = crossed(standing.forecast_usd, budget.limit_usd, steps)
        for step in steps:
            yield _finding(standing, team, step, FORECAST, step in expected and step not in reached, standing.forecast_usd, period.until)


def _finding(standing: Standing, team: str, step: Decimal, basis: str, holds: bool, amount: Decimal, until: datetime | None = None) -> Finding:
    budget, period = standing.budget, standing.period
    told = "has spent" if basis == ACTUAL else "is expected to spend"
    severity = "critical" if step >= 1 and basis == ACTUAL else "warning" if step >= 1 or basis == ACTUAL else "info"
    return Finding(
        rule=budget.name, kind=KIND, severity=severity,
        labels={"budget": budget.name, "period": period.name, "step": f"{(step * 100).normalize():f}%", "basis": basis, **_about(budget)},
        holds=holds, value=float(amount), bound=float(step * budget.limit_usd),
        summary=f"Budget {budget.name} {told} {dollars(amount)} of {dollars(budget.limit_usd)} in {period.name}, past {step * 100:.0f} %",
        team=team, receivers=tuple(budget.receivers), until=until or period.until + LATE, stays=basis == ACTUAL,
    )  # fmt: skip


def _about(budget: Budget) -> Mapping[str, str]:
    """App and team, where the budget is about one of each."""
    told = budget.match.patterns()
    return {name: told[field][0] for field, name in (("app", "app_id"), ("team", "team")) if len(told.get(field, ())) == 1}


def dollars(amount: Decimal) -> str:
    """As people read it: two decimals, more for less than a cent."""
    return f"${amount:,.2f}" if not amount or abs(amount) >= Decimal("0.01") else f"${amount.normalize():f}"
