"""``GET quality``, ``POST feedback``: how answers are, as detectors and people see them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboard.access import Caller
from dashboard.api.answers import answer, grouped, rows, said
from dashboard.api.calls import hexadecimal
from dashboard.api.inputs import About, Asked, By, GivesFeedback, SeesCalls, SeesQuality, Shared
from dashboard.api.problems import BadInput
from dashboard.comments import redacted
from dashboard.context import Context
from warehouse import queries, scores
from warehouse.feedback import Feedback, add_feedback, feedback_signals

router = APIRouter(tags=["quality"])


@router.get("/quality", summary="Hallucination risk, schema failures, contradictions, safety")
def quality(who: SeesQuality, shared: Shared, about: About, asked: Asked, by: By = "app") -> Response:
    """Averages with the number of answers behind them. `score_avg` is null where nothing was scored; no verdict below n = 50.

    `by` may name app, team, tenant, env, route, model, model_tier, prompt, prompt_version and grains of time.
    """
    return grouped(shared, who, about, asked, by, queries.quality)


@router.get("/quality/worst", summary="The riskiest answers")
def worst(
    who: SeesCalls,
    shared: Shared,
    about: About,
    asked: Asked,
    detector: Annotated[str, Query(description="composite, grounding, schema or contradiction")] = "composite",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Ids, score, finding and evidence (offsets, never text) of the riskiest answers of the window."""
    who.must("quality")
    found = shared.connections.ask(who, lambda client: queries.worst_answers(client, about, detector=detector, limit=limit))
    return answer({**said(asked), "rows": rows(found)})


@router.get("/quality/signals", summary="What people said, as rates beside the traffic")
def signals(who: SeesQuality, shared: Shared, about: About, asked: Asked, by: By = "app") -> Response:
    """Negative thumbs of rated traces, rejections, escalations and corrections of all traces; null where there was nothing to say it of.

    `by` may name any dimension of the ledger (app, route, model, prompt_version, …) and grains of time.
    """
    return grouped(shared, who, about, asked, by, feedback_signals)


@router.get("/quality/safety", summary="Violations, filtered answers and refusals per release")
def safety(who: SeesQuality, shared: Shared, about: About, asked: Asked, by: By = "app,prompt_version,model") -> Response:
    """Counts, for zero tolerance: what providers' filters, guardrails and policy checks said."""
    return grouped(shared, who, about, asked, by, scores.safety_counts)


@router.get("/quality/shift", summary="How far each route's scores have moved from its own past")
def shift(who: SeesQuality, shared: Shared) -> Response:
    """Last day against the week before, as the jobs last looked: stability index (over 0.25 is large), distance, change of the mean, n."""
    return answer({"rows": shared.connections.ask(who, lambda client: scores.shifts(client, who.teams or None))})


class Statement(BaseModel):
    """What a person or a system says about a call, or about a whole trace when `span_id` is left out."""

    model_config = ConfigDict(extra="forbid")

    trace_id: str = Field(description="32 hexadecimal digits", examples=["4bf92f3577b34da6a3ce929d0e0e4736"])
    span_id: str = Field("", description="16 hexadecimal digits; empty: the whole trace")
    kind: Literal["thumb", "rejection", "escalation", "correction", "review", "label", "business"] = Field(examples=["thumb"])
    value: float = Field(
        1.0, description="thumb: 1 or -1; label: 1 (bad) or 0 (fine); business: how much; else 1", ge=-1e15, le=1e15, allow_inf_nan=False
    )
    name: str = Field("", max_length=100, description="business: the metric's name, such as `ticket_resolved`; else free")
    label: str = Field("", max_length=100, description="A class, such as `wrong_amount`")
    comment: str = Field("", max_length=4000, description="Free text; stored redacted")
    id: str = Field("", max_length=64, pattern=r"^[\w.:-]*$", description="Your id of this statement: sending it again replaces it")


@router.post("/feedback", summary="Say something about a call or trace", status_code=201)
def feedback(who: GivesFeedback, shared: Shared, body: Annotated[Statement | list[Statement], Body()]) -> Response:
    """Thumbs, rejections, escalations, corrections, detector labels and business events, one or up to 1,000 at once.

    Each takes app, team and tenant from the call that it is about. A statement with a known `id` replaces the earlier one.
    """
    statements = body if isinstance(body, list) else [body]
    if not 1 <= len(statements) <= 1_000:
        raise BadInput("body", "send 1 to 1,000 statements")
    stored = [_statement(shared, who, one) for one in statements]
    shared.connections.write(lambda client: add_feedback(client, stored))
    return answer({"stored": len(stored), "ids": [one.id for one in stored]}, 201)


def _statement(shared: Context, who: Caller, said: Statement) -> Feedback:
    _sensible(said)
    trace = hexadecimal(said.trace_id, 32, "trace_id")
    span = hexadecimal(said.span_id, 16, "span_id") if said.span_id else ""
    call = _about(shared, who, trace, span)
    statement = Feedback(
        kind=said.kind,
        ts=_utc(call["ts"]),
        trace_id=bytes.fromhex(trace),
        span_id=bytes.fromhex(span),
        name=said.name,
        value=said.value,
        label=said.label,
        comment=redacted(shared, said.comment),
        actor=who.name,
        project=str(call["project"]),
        app_id=str(call["app_id"]),
        team=str(call["team"]),
        tenant_hash=str(call["tenant_hash"]),
        user_hash=str(call["user_hash"]),
    )
    return replace(statement, id=said.id) if said.id else statement


def _sensible(said: Statement) -> None:
    allowed = {"thumb": (1.0, -1.0), "label": (0.0, 1.0)}.get(said.kind)
    if allowed and said.value not in allowed:
        raise BadInput("value", f"a {said.kind}'s value is {' or '.join(f'{one:g}' for one in allowed)}")
    if said.kind == "business" and not said.name:
        raise BadInput("name", "a business event needs the `name` of its metric")
    if not math.isfinite(said.value):
        raise BadInput("value", "must be a finite number")


def _about(shared: Context, who: Caller, trace: str, span: str) -> dict[str, object]:
    """The call that a statement is about; the first of the trace when it is about the whole."""
    teams = who.teams or None
    if not span:
        entries = shared.connections.ask(who, lambda client: queries.trace(client, trace, teams=teams, spans=False)).entries
        if entries.is_empty():
            raise BadInput("trace_id", f"trace {trace} holds no call")
        span = str(entries["span_id"][0])
    return shared.connections.ask(who, lambda client: queries.call(client, trace, span, teams=teams))


def _utc(at: object) -> datetime:
    assert isinstance(at, datetime)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
