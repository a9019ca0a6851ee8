"""``POST decision``, ``DELETE decision/{reservation}``: may this app spend? Answered from memory, for callers who wait for it before each call.

The functions are coroutines on purpose: they wait for nothing, and the threads of the other questions may all be taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dashboard import money
from dashboard.access import Caller
from dashboard.api.answers import answer
from dashboard.api.inputs import caller
from dashboard.context import Context, current
from dashboard.decisions.book import Asked, Decision
from dashboard.decisions.limits import Limit, Standing
from spanledger.errors import AccessDenied, NotFound
from spanledger.policy import App, Policy
from warehouse.quotas import Used

router = APIRouter(tags=["decisions"])

Text = Annotated[str, Field(max_length=300)]


def _asker(request: Request) -> Caller:
    who = caller(request, current(), request.headers.get("authorization"))
    who.must("aggregates")
    return who


class Call(BaseModel):
    """A call that is to be made. `team`, `tenant` and `env` that are left out are those of the app registry; limits that narrow by what is not told
    do not apply."""

    model_config = ConfigDict(extra="forbid")
    app: Annotated[str, Field(min_length=1, max_length=300, description="App id or alias")]
    team: Text = ""
    tenant: Text = Field("", description="As telemetry tells it; hashed at once")
    user: Text = Field("", description="As telemetry tells it; hashed at once")
    env: Text = ""
    route: Text = ""
    provider: Text = ""
    model: Text = Field("", description="Its tier is found by the policy's tier rules, else as its latest calls had it")
    model_tier: Text = ""
    prompt_version: Text = ""
    service: Text = ""
    estimated_cost_usd: Decimal = Field(Decimal(0), ge=0, max_digits=38, decimal_places=12, description="Must still fit into every limit")
    estimated_tokens: int = Field(0, ge=0, le=2**53, description="In and out; must still fit into every limit")
    reserve_s: int = Field(0, ge=0, le=3600, description="Hold the estimate and one request for so long, or until the ledger has the call; 0: do not")
    trace_id: Annotated[str, Field(pattern=r"^([0-9a-fA-F]{32})?$", description="Of the call that is reserved for: how the ledger will know it")] = ""


_HEADER = {"name": "authorization", "in": "header", "required": False, "schema": {"type": "string"}}
_BODY = {"required": True, "content": {"application/json": {"schema": Call.model_json_schema()}}}


@router.post("/decision", summary="May this app spend?", openapi_extra={"requestBody": _BODY, "parameters": [_HEADER]})
async def decide(request: Request) -> Response:
    """`allow`, `warn`, `throttle` or `deny`, with what is left, who decides, when it begins anew, the advised tier and a reason.

    Always 200: whoever asks acts on it. The gravest of all limits that fit decides. Figures are those of the ledger, read in the background:
    `age_s` is how old the oldest is, `lag_s` for how long telemetry waits to be posted. `known` is false where a limit's use is not known; it
    then answers as `decisions.when_unknown` of the policy says (`allow` unless told otherwise).
    """
    shared, who, now = current(), _asker(request), datetime.now(UTC)
    asked = _asked(shared, who, _call(await request.body()))
    made = shared.book.decide(asked, now)
    return answer(_told(made, who, asked, shared, now))


@router.delete("/decision/{reservation}", summary="Give a reservation back", openapi_extra={"parameters": [_HEADER]})
async def give_back(request: Request, reservation: str) -> Response:
    """Of a call that was not made. One that was made ends its reservation by itself, if `trace_id` was told."""
    _asker(request)
    if not current().book.give_back(reservation):
        raise NotFound(f"no reservation {reservation!r} is open")
    return answer({"given_back": reservation})


def _call(body: bytes) -> Call:
    """What stands in the request, read here and not by the framework, which takes as long for it as the decision does."""
    try:
        return Call.model_validate_json(body)
    except ValidationError as exc:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in exc.errors(include_url=False, include_input=False)]) from exc


def _asked(shared: Context, who: Caller, call: Call) -> Asked:
    """The call as the ledger will have it. Raises ``AccessDenied`` for an app or team that is not the caller's."""
    app, entry = _registered(shared.policy, call.app)
    team, tenant = call.team or entry.team, call.tenant or entry.tenant
    if who.teams and not {team, entry.team or team} <= set(who.teams):
        raise AccessDenied("you may ask for apps of your teams: " + ", ".join(who.teams))
    labels = {
        "app_id": app, "team": team, "tenant_hash": shared.tenant_hash(tenant) if tenant else "", "env": call.env or entry.env, "route": call.route,
        "provider": call.provider, "model": call.model, "model_tier": call.model_tier, "prompt_version": call.prompt_version, "service": call.service,
    }  # fmt: skip
    users = tuple(shared.user_hashes(tenant, call.user)) if call.user else ()
    reserve = timedelta(seconds=call.reserve_s) if call.reserve_s else None
    return Asked(labels, users, Used(1, call.estimated_tokens, call.estimated_cost_usd), reserve, call.trace_id.lower())


_NOBODY = App()


def _registered(policy: Policy, name: str) -> tuple[str, App]:
    """The app of a name or alias, and what is registered of it."""
    if (entry := policy.apps.get(name)) is not None:
        return name, entry
    found = ((app, entry) for app, entry in policy.apps.items() if any(fnmatchcase(name, alias) for alias in entry.aliases))
    return next(found, (name, _NOBODY))


def _told(made: Decision, who: Caller, asked: Asked, shared: Context, now: datetime) -> dict[str, Any]:
    by = made.by if made.by is not None and made.answer != "allow" else None
    seen = [one for one in made.standings if _may_see(who, one.limit)]
    left = [one.remaining for one in seen if one.limit.measure == "cost_usd" and one.remaining is not None]
    ages = [one.age_s for one in made.standings if one.age_s is not None]
    return {
        "decision": made.answer,
        "reason": _reason(by, who) if by is not None else "" if made.known else _UNKNOWN,
        "decided_by": {"kind": by.limit.meter.kind, "name": by.limit.meter.name, "measure": by.limit.measure} if by is not None else None,
        "remaining_usd": f"{min(left):f}" if left else None,
        "advised_tier": _advised(made.standings, asked),
        "resets_at": by.resets_at if by is not None and _may_see(who, by.limit) else None,
        "retry_after_s": by.retry_after_s if by is not None else None,
        "reservation": made.reservation or None,
        "known": made.known,
        "age_s": round(max(ages), 3) if ages else None,
        "lag_s": round(shared.book.lag_s, 3),
        "as_of": now - timedelta(seconds=max(ages)) if ages else None,
        "limits": [_limit(one, _may_see(who, one.limit)) for one in made.standings],
    }


_UNKNOWN = "what is used is not known yet: the ledger has not been read"


def _may_see(who: Caller, limit: Limit) -> bool:
    """Whether a limit's figures are of the caller's teams alone: others only learn what it answers."""
    return not who.teams or limit.meter.team in who.teams or limit.meter.per in ("app", "team")


def _advised(standings: Sequence[Standing], asked: Asked) -> str | None:
    told = [one for one in standings if one.answer != "allow" and one.limit.advised_tier and one.used is not None]
    chosen = max(told, key=lambda one: one.share, default=None)
    return chosen.limit.advised_tier if chosen is not None and chosen.limit.advised_tier != asked.labels.get("model_tier") else None


def _limit(one: Standing, seen: bool) -> dict[str, Any]:
    limit, meter = one.limit, one.limit.meter
    figures = {name: _figure(getattr(one, name)) if seen else None for name in ("used", "held", "remaining")}
    return {
        "kind": meter.kind, "name": meter.name, "per": meter.per, "measure": limit.measure, "answer": one.answer,
        "limit": _figure(limit.most) if seen else None, **figures, "period": meter.period or None,
        "window_s": meter.window.total_seconds() if meter.window is not None else None, "resets_at": one.resets_at if seen else None,
        "age_s": round(one.age_s, 3) if one.age_s is not None else None,
    }  # fmt: skip


def _figure(amount: Decimal | int | None) -> str | int | None:
    return f"{amount:f}" if isinstance(amount, Decimal) else amount


def _reason(one: Standing, who: Caller) -> str:
    limit, name = one.limit, f"{one.limit.meter.kind} {one.limit.meter.name}"
    if one.used is None:
        return f"{name}: what is used is not known" + (f", it was last read {one.age_s:.0f} s ago" if one.age_s is not None else "")
    if not _may_see(who, limit):
        return f"{name} is used up" if one.answer == limit.action else f"{name} is nearly used up"
    if limit.measure == "cost_usd":
        figures = f"{money.usd(Decimal(one.used))} of {money.usd(Decimal(limit.most))}"
    else:
        figures = f"{one.used:,} of {limit.most:,} {limit.measure}"
    held = f", {_figure(one.held)} more are held" if one.held else ""
    return f"{name} has used {figures}{held}" + (": the call does not fit" if one.answer == limit.action and one.remaining else "")
