"""``GET alerts``, ``POST alerts/{id}/acknowledge``, ``GET/POST/DELETE silences``: what is wrong, who has taken it on, what is to be quiet.

Acknowledgements and silences stand in the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboard.api.answers import answer
from dashboard.api.inputs import Asked, Operates, SeesAlerts, Shared
from dashboard.api.problems import BadInput
from dashboard.comments import redacted
from dashboard.incidents import active, take_on
from spanledger.errors import NotFound
from spanledger.policy import Match
from warehouse import alerting, audit_log
from warehouse.alerting import Alert, Quiet, Taken

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

router = APIRouter(tags=["alerts"])

_LONGEST = timedelta(days=90)


@router.get("/alerts", summary="Alerts that go on, and those that ended in the window")
def alerts(
    who: SeesAlerts,
    shared: Shared,
    asked: Asked,
    state: Annotated[Literal["pending", "firing", "resolved"] | None, Query(description="Only these")] = None,
) -> Response:
    """Newest first, with who took them on. `fingerprint` stays when an alert comes up again, `id` does not. A team's people see their team's."""
    found = shared.connections.ask(who, lambda client: alerting.alerts(client, since=asked.since, teams=who.teams or None))
    told = [one for one in found if state is None or one.state == state]
    taken = shared.connections.checked(lambda client: alerting.acknowledgements(client, [one.id for one in told]))
    return answer({"rows": [plain(one, taken.get(one.id)) for one in told]})


class Taking(BaseModel):
    """Why, or what is being done."""

    model_config = ConfigDict(extra="forbid")

    comment: str = Field("", max_length=1000, description="Stored redacted")


@router.post("/alerts/{id}/acknowledge", summary="Take an alert on")
def acknowledge(who: Operates, shared: Shared, id: str, body: Annotated[Taking | None, Body()] = None) -> Response:
    """It is not told of again while it goes on; what comes up anew is. Stands in the audit log."""
    found = next((one for one in active(shared, who) if one.id == id), None)
    if found is None:
        raise NotFound(f"no alert {id} goes on")
    take_on(shared, who, [found], body.comment if body else "")
    return answer({"acknowledged": [id]})


@router.get("/silences", summary="Quiet times that go on or are to come")
def silences(who: SeesAlerts, shared: Shared) -> Response:
    """Those of the policy file (`planned`) and those that people have set."""
    now = datetime.now(UTC)
    quiet = shared.connections.checked(lambda client: alerting.silences(client, since=now))
    planned = [one.model_dump(mode="json", exclude_defaults=True) for one in shared.policy.alerts.silences if one.ends_at > now]
    return answer({"rows": [_silence(one) for one in quiet], "planned": planned})


class Silencing(BaseModel):
    """A quiet time: alerts that match are recorded and not sent."""

    model_config = ConfigDict(extra="forbid")

    rules: list[str] = Field([], max_length=100, description="Names of rules or budgets; empty: all")
    match: Match = Field(Match(), description="As in the policy file: app, team, …; wildcards allowed")
    starts_at: AwareDatetime | None = Field(None, description="Now, when left out")
    ends_at: AwareDatetime
    comment: str = Field("", max_length=1000, description="Stored redacted")


@router.post("/silences", summary="Set a quiet time", status_code=201)
def silence(who: Operates, shared: Shared, body: Silencing) -> Response:
    """At most 90 days, and about something: a silence of everything is not taken. Stands in the audit log."""
    now = datetime.now(UTC)
    begins = max(now, body.starts_at or now)
    patterns = body.match.patterns()
    if not body.rules and not patterns:
        raise BadInput("match", "say what is to be quiet: `rules`, `match` or both")
    if not begins < body.ends_at <= now + _LONGEST:
        raise BadInput("ends_at", "must lie in the future, after `starts_at` and within 90 days")
    if who.teams:
        patterns["team"] = list(who.teams)
    quiet = Quiet(begins, body.ends_at, who.name, tuple(body.rules), patterns, redacted(shared, body.comment))
    told = {"rules": body.rules, "match": patterns, "starts_at": begins.isoformat(), "ends_at": body.ends_at.isoformat(), "comment": quiet.comment}

    def store(client: Client) -> None:
        audit_log.append(client, actor=who.name, action="silence_set", subject=f"silence:{quiet.id}", detail=told)
        alerting.write_silence(client, quiet)

    shared.connections.write(store)
    return answer(_silence(quiet), 201)


@router.delete("/silences/{id}", summary="End a quiet time")
def unsilence(who: Operates, shared: Shared, id: str) -> Response:
    """At once. Stands in the audit log."""
    now = datetime.now(UTC)
    quiet = next((q for q in shared.connections.checked(lambda client: alerting.silences(client, since=now)) if q.id == id), None)
    if quiet is None or (who.teams and not set(quiet.matchers.get("team", [""])) <= set(who.teams)):
        raise NotFound(f"no silence {id} goes on")
    ended = Quiet(quiet.starts_at, max(now, quiet.starts_at), quiet.actor, quiet.rules, quiet.matchers, quiet.comment, quiet.id, quiet.at)

    def store(client: Client) -> None:
        audit_log.append(client, actor=who.name, action="silence_ended", subject=f"silence:{id}")
        alerting.write_silence(client, ended)

    shared.connections.write(store)
    return answer(_silence(ended))


def plain(alert: Alert, taken: Taken | None) -> dict[str, Any]:
    """An alert as it is told."""
    return {
        **alert.told(),
        "team": alert.team,
        "pending_at": alert.pending_at,
        "firing_at": alert.firing_at,
        "resolved_at": alert.resolved_at,
        "acknowledged": {"by": taken.actor, "at": taken.at, "comment": taken.comment} if taken else None,
    }


def _silence(quiet: Quiet) -> dict[str, Any]:
    told: Mapping[str, Any] = {
        "id": quiet.id, "rules": list(quiet.rules), "match": dict(quiet.matchers), "starts_at": quiet.starts_at, "ends_at": quiet.ends_at,
        "comment": quiet.comment, "actor": quiet.actor,
    }  # fmt: skip
    return dict(told)
