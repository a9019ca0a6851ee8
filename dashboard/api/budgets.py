"""``GET/POST budgets``, ``PUT/DELETE budgets/{name}``, ``POST budgets/{name}/acknowledge``: limits, and what periods have cost against them.

Budgets of the policy file are read here and changed there; those that people set stand in the warehouse and mean the same.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Response
from pydantic import Field, StringConstraints

from dashboard.access import Caller
from dashboard.api.alerting import Taking
from dashboard.api.answers import answer
from dashboard.api.inputs import Operates, SeesSums, SetsBudgets, Shared
from dashboard.api.problems import BadInput, Conflict
from dashboard.context import Context
from dashboard.incidents import active, budgets_seen, take_on
from spanledger.errors import AccessDenied, NotFound
from spanledger.policy import Budget
from spanledger.policy.base import Ratio
from warehouse import stored_budgets
from warehouse.budgeting import Standing, crossed, team_of
from warehouse.stored_budgets import Stored

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

router = APIRouter(tags=["budgets"])

_LARGEST = 16_384  # characters of a budget as JSON
_one_at_a_time = threading.Lock()

Name = Annotated[str, StringConstraints(pattern=stored_budgets.NAME), Field(description="Letters, digits, spaces and `.:@-_`, up to 100")]
Step = Annotated[Ratio, Field(gt=0, le=10)]


class Limit(Budget):
    """A limit on spend per period, as under `budgets:` of the policy file."""

    steps: list[Step] = Field(
        default=[Decimal("0.6"), Decimal("0.8"), Decimal("1")], min_length=1, max_length=20, description="Each alerts once a period"
    )


class NewLimit(Limit):
    """A limit and its name."""

    name: Name


class ChangedLimit(Limit):
    """A limit whose name is in the address."""

    name: str = Field(default="", description="As in the address, or left out")


@router.get("/budgets", summary="Where budgets stand in their periods")
def budgets(who: SeesSums, shared: Shared) -> Response:
    """Spent, expected at the period's end (null while less than a week is known) and limit, as decimal strings in USD; steps that are reached.

    `source`: `file`, or `api` with who set it and when. A team's people see the budgets that are about one of their teams alone.
    """
    those = {one.budget.name: one for one in shared.connections.checked(stored_budgets.stored)}
    configured = {one.name for one in shared.policy.budgets}
    rows = [plain(one) | _source(None if one.budget.name in configured else those.get(one.budget.name)) for one in _seen(shared, who)]
    return answer({"rows": rows})


@router.post("/budgets", summary="Set a budget", status_code=201)
def create(who: SetsBudgets, shared: Shared, body: NewLimit) -> Response:
    """Checked as the policy file's, in force within half a minute, kept over restarts. 409 where the name is taken. Stands in the audit log."""
    budget = _budget(body, body.name)
    _of_own_teams(who, budget)

    def store(client: Client) -> Stored:
        known = stored_budgets.stored(client)
        if any(one.budget.name == budget.name for one in known):
            raise Conflict(f"there is a budget {budget.name!r}: change it with PUT")
        if len(known) >= stored_budgets.MOST:
            raise Conflict(f"there are {len(known)} budgets: remove one first, or write them into the policy file")
        return stored_budgets.write(client, budget, actor=who.name, tenant_hash=shared.tenant_hash)

    return answer(_told(_stored(shared, budget, store)), 201)


@router.put("/budgets/{name}", summary="Change a budget")
def change(who: SetsBudgets, shared: Shared, name: str, body: ChangedLimit) -> Response:
    """The whole of it: what is left out is as by default. A step that has fired in this period does not fire again. Stands in the audit log."""
    if body.name not in ("", name):
        raise BadInput("name", "a budget keeps its name: set a new one and remove this one")
    budget = _budget(body, name)
    _of_own_teams(who, budget)

    def store(client: Client) -> Stored:
        before = _known(client, who, name).budget
        return stored_budgets.write(client, budget, actor=who.name, tenant_hash=shared.tenant_hash, before=before)

    return answer(_told(_stored(shared, budget, store)))


@router.delete("/budgets/{name}", summary="Remove a budget")
def remove(who: SetsBudgets, shared: Shared, name: str) -> Response:
    """Its alerts end. One of the policy file is removed there. Stands in the audit log."""
    if any(one.name == name for one in shared.policy.budgets):
        raise Conflict(f"{name!r} stands in the policy file: remove it there")

    def store(client: Client) -> None:
        stored_budgets.remove(client, _known(client, who, name).budget, actor=who.name, tenant_hash=shared.tenant_hash)

    with _one_at_a_time:
        shared.connections.write(store)
    return answer({"removed": name})


@router.post("/budgets/{name}/acknowledge", summary="Take on what a budget has passed")
def acknowledge(who: Operates, shared: Shared, name: str, body: Annotated[Taking | None, Body()] = None) -> Response:
    """All its alerts that go on. Stands in the audit log."""
    found = [one for one in active(shared, who) if one.kind == "budget" and one.rule == name]
    if not found:
        raise NotFound(f"no alert of a budget {name!r} goes on")
    take_on(shared, who, found, body.comment if body else "")
    return answer({"acknowledged": [one.id for one in found]})


def _seen(shared: Context, who: Caller) -> list[Standing]:
    return budgets_seen(shared, who, datetime.now(UTC))


def _budget(body: Limit, name: str) -> Budget:
    """What is stored: a budget of the policy, without what only requests are held to. Raises ``BadInput`` for one too large."""
    budget = Budget.model_validate(body.model_dump() | {"name": name})
    if len(budget.model_dump_json()) > _LARGEST:
        raise BadInput("match", f"larger than {_LARGEST} characters")
    return budget


def _of_own_teams(who: Caller, budget: Budget) -> None:
    if who.teams and team_of(budget) not in who.teams:
        raise AccessDenied(f"your budgets are about one of your teams: `match.team` must be {' or '.join(who.teams)}")


def _stored(shared: Context, budget: Budget, store: Any) -> Stored:
    if (problem := stored_budgets.refusal(shared.policy, budget)) is not None:
        field, reason = problem
        raise Conflict(reason) if field == "name" else BadInput(field, reason)
    with _one_at_a_time:
        return shared.connections.write(store)


def _known(client: Client, who: Caller, name: str) -> Stored:
    found = next((one for one in stored_budgets.stored(client) if one.budget.name == name), None)
    if found is None or (who.teams and team_of(found.budget) not in who.teams):
        raise NotFound(f"no budget {name!r} has been set here")
    return found


def _told(one: Stored) -> dict[str, Any]:
    return one.budget.model_dump(mode="json") | _source(one)


def _source(one: Stored | None) -> dict[str, Any]:
    return {"source": "api", "set_by": one.actor, "set_at": one.at} if one is not None else {"source": "file", "set_by": None, "set_at": None}


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
        "on_exceeded": budget.on_exceeded,
        "advised_tier": budget.advised_tier or None,
        "receivers": list(budget.receivers),
    }
