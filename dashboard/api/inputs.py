"""What requests carry in common: the bearer token, the window, filters, grouping."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request

from dashboard import windows
from dashboard.access import LOCAL_ADMIN, Caller, Right, caller_of, is_loopback
from dashboard.api.problems import BadInput, NotLoggedIn
from dashboard.context import Context, current
from spanledger import instance
from spanledger.errors import AccessDenied
from warehouse import queries


def context() -> Context:
    """The process's context, as a dependency."""
    return current()


Shared = Annotated[Context, Depends(context)]


def caller(request: Request, shared: Shared, authorization: Annotated[str | None, Header()] = None) -> Caller:
    """Who asks: the bearer token's holder, or the local admin where nobody has configured tokens.

    Raises:
        NotLoggedIn: no token where one is needed, or an unknown one.
    """
    if authorization:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise NotLoggedIn("send the token as `Authorization: Bearer TOKEN`")
        own = instance.token(shared.settings.data_dir) if shared.settings.embedded else ""
        if own and hmac.compare_digest(secret.strip().encode(), own.encode()):
            return Caller("instance", "admin")
        try:
            return caller_of(secret.strip(), shared.policy.tokens)
        except AccessDenied as exc:
            raise NotLoggedIn(str(exc)) from exc
    if shared.open and _same_site(request):
        return LOCAL_ADMIN
    raise NotLoggedIn("a token is needed: `Authorization: Bearer TOKEN` (see `tokens:` in the policy file)")


def _same_site(request: Request) -> bool:
    """Not a page of another site that makes a browser on this machine ask: its Origin, Sec-Fetch-Site or (rebound) Host gives it away."""
    origin = request.headers.get("origin")
    if not is_loopback(request.url.hostname or ""):
        return False
    return request.headers.get("sec-fetch-site", "none") in ("none", "same-origin") and origin in (None, str(request.base_url).rstrip("/"))


Who = Annotated[Caller, Depends(caller)]


def needs(right: Right) -> Any:
    """A dependency: the caller, who must hold ``right``."""

    def allowed(who: Who) -> Caller:
        who.must(right)
        return who

    return Depends(allowed)


SeesSums = Annotated[Caller, needs("aggregates")]
SeesCalls = Annotated[Caller, needs("calls")]
SeesQuality = Annotated[Caller, needs("quality")]
SeesPrices = Annotated[Caller, needs("prices")]
SeesAlerts = Annotated[Caller, needs("alerts")]
Operates = Annotated[Caller, needs("operate")]
SetsBudgets = Annotated[Caller, needs("budgets")]
GivesFeedback = Annotated[Caller, needs("feedback")]


def window(
    since: Annotated[str, Query(description="Start: `24h`, `7d`, a date or an ISO 8601 time (UTC)")] = "7d",
    until: Annotated[str, Query(description="End, not included: as `since`, or `now`")] = "now",
) -> windows.Window:
    """The half-open UTC window asked for."""
    try:
        return windows.window(since, until, datetime.now(UTC))
    except ValueError as exc:
        raise BadInput("since", str(exc)) from exc


Asked = Annotated[windows.Window, Depends(window)]


def groups(by: str) -> tuple[str, ...]:
    """The dimensions and grains of a ``by`` parameter: names with commas between, each once; empty: one row.

    Raises:
        BadInput: a name that does not exist, or more than six of them.
    """
    names = tuple(dict.fromkeys(name.strip() for name in by.split(",") if name.strip()))
    known = [*queries.DIMENSIONS, *queries.GRAINS]
    for name in names:
        if name not in known:
            raise BadInput("by", f"cannot group by {name!r}: one of {', '.join(known)}")
    if len(names) > 6:
        raise BadInput("by", "at most six dimensions")
    return names


Several = Annotated[list[str] | None, Query(description="May be repeated: any of these values")]


def scope(
    who: Who,
    asked: Asked,
    app: Several = None,
    team: Several = None,
    env: Several = None,
    model_tier: Several = None,
    provider: Several = None,
    model: Several = None,
    route: Several = None,
    prompt_version: Several = None,
    user: Several = None,
    session: Several = None,
    outcome: Several = None,
) -> queries.Scope:
    """Which rows the request is about: window, filters, and the caller's own teams."""
    told = {
        "app": app, "team": team, "env": env, "tier": model_tier, "provider": provider, "model": model, "route": route,
        "prompt_version": prompt_version, "user": user, "session": session, "outcome": outcome,
    }  # fmt: skip
    filters = queries.Filters(**{name: tuple(values) for name, values in told.items() if values})
    return queries.Scope(asked.since, asked.until, filters, who.teams or None)


About = Annotated[queries.Scope, Depends(scope)]
By = Annotated[str, Query(description="Names with commas between: dimensions and `hour`, `day`, `week`, `month`; empty: one row")]
