"""Budgets: what a period has cost and will, against its limit; every step is an alert that comes up once a period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from alerts.findings import Finding
from spanledger.policy import Budget
from warehouse.budgeting import LATE, Standing, crossed, team_of
from warehouse.matching import sole

ACTUAL, FORECAST = "actual", "forecast"
KIND = "budget"


def findings(standing: Standing) -> Iterator[Finding]:
    """One finding for every step, actual and (while the period goes on) forecast; a step that is reached is not forecast any more."""
    budget, period = standing.budget, standing.period
    spent, steps = standing.spent_usd, sorted(set(budget.steps))
    reached = crossed(spent, budget.limit_usd, steps)
    for step in steps:
        yield _finding(standing, step, ACTUAL, step in reached, spent)
    if budget.forecast and standing.forecast_usd is not None:
        expected = crossed(standing.forecast_usd, budget.limit_usd, steps)
        for step in steps:
            yield _finding(standing, step, FORECAST, step in expected and step not in reached, standing.forecast_usd, period.until)


def _finding(standing: Standing, step: Decimal, basis: str, holds: bool, amount: Decimal, until: datetime | None = None) -> Finding:
    budget, period = standing.budget, standing.period
    told = "has spent" if basis == ACTUAL else "is expected to spend"
    severity = "critical" if step >= 1 and basis == ACTUAL else "warning" if step >= 1 or basis == ACTUAL else "info"
    return Finding(
        rule=budget.name, kind=KIND, severity=severity,
        labels={"budget": budget.name, "period": period.name, "step": f"{(step * 100).normalize():f}%", "basis": basis, **_about(budget)},
        holds=holds, value=float(amount), bound=float(step * budget.limit_usd),
        summary=f"Budget {budget.name} {told} {dollars(amount)} of {dollars(budget.limit_usd)} in {period.name}, past {step * 100:.0f} %",
        team=team_of(budget), receivers=tuple(budget.receivers), until=until or period.until + LATE, stays=basis == ACTUAL,
    )  # fmt: skip


def _about(budget: Budget) -> Mapping[str, str]:
    """App and team, where the budget is about one of each."""
    told = {"app_id": sole(budget.match, "app"), "team": sole(budget.match, "team")}
    return {name: value for name, value in told.items() if value}


def dollars(amount: Decimal) -> str:
    """As people read it: two decimals, more for less than a cent."""
    return f"${amount:,.2f}" if not amount or abs(amount) >= Decimal("0.01") else f"${amount.normalize():f}"
