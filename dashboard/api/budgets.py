"""``GET budgets``, ``POST budgets/{name}/acknowledge``: what periods have cost against their limits. The policy file tells which there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from dashboard.api.alerting import Taking
from dashboard.api.answers import answer
from dashboard.api.inputs import Operates, SeesSums, Shared
from dashboard.incidents import active, budgets_seen, take_on
from spanledger.errors import NotFound
from warehouse.budgeting import Standing, crossed

router = APIRouter(tags=["budgets"])


@router.get("/budgets", summary="Where budgets stand in their periods")
def budgets(who: SeesSums, shared: Shared) -> Response:
    """Spent, expected at the period's end (null while less than a week is known) and limit, as decimal strings in USD; steps that are reached.

    A team's people see the budgets that are about one of their teams alone.
    """
    return answer({"rows": [plain(one) for one in budgets_seen(shared, who, datetime.now(UTC))]})


@router.post("/budgets/{name}/acknowledge", summary="Take on what a budget has passed")
def acknowledge(who: Operates, shared: Shared, name: str, body: Annotated[Taking | None, Body()] = None) -> Response:
    """All its alerts that go on. Stands in the audit log."""
    found = [one for one in active(shared, who) if one.kind == "budget" and one.rule == name]
    if not found:
        raise NotFound(f"no alert of a budget {name!r} goes on")
    take_on(shared, who, found, body.comment if body else "")
    return answer({"acknowledged": [one.id for one in found]})


def plain(one: Standing) -> dict[str, Any]:
    """A budget as it is told."""
    budget, period = one.budget, one.period
    return {
        "name": budget.name,
        "owner": budget.owner,
        "match": budget.match.patterns(),
        "period": period.name,
        "since": period.since,
        "until": period.until,
        "limit_usd": f"{budget.limit_usd:f}",
        "spent_usd": f"{one.spent_usd:f}",
        "used": f"{one.used:.6f}" if one.used is not None else None,
        "remaining_usd": f"{budget.limit_usd - one.spent_usd:f}",
        "forecast_usd": f"{one.forecast_usd:f}" if one.forecast_usd is not None else None,
        "steps": [f"{step:f}" for step in budget.steps],
        "reached": [f"{step:f}" for step in crossed(one.spent_usd, budget.limit_usd, budget.steps)],
    }
