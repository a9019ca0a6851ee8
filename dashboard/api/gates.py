"""``POST gates``: may a candidate release take the place of a baseline?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboard import windows
from dashboard.api.answers import answer, said
from dashboard.api.inputs import SeesCalls, Shared
from dashboard.api.problems import BadInput
from warehouse.gates import Limits, gate

router = APIRouter(tags=["quality"])


class Bounds(BaseModel):
    """What the candidate may do; null: no worse than the baseline. Increases and rates are shares: 0.05 is 5 %."""

    model_config = ConfigDict(extra="forbid")
    cost_increase: float = Field(0.05, ge=0)
    latency_increase: float = Field(0.10, ge=0)
    error_rate: float | None = Field(None, ge=0, le=1)
    schema_failure_rate: float | None = Field(None, ge=0, le=1)
    hallucination: float | None = Field(None, ge=0, le=1)
    min_calls: int = Field(50, ge=50, le=20_000)


class Question(BaseModel):
    """Which releases of which app, and where to look."""

    model_config = ConfigDict(extra="forbid")
    app: str
    baseline: str
    candidate: str
    by: Literal["prompt_version", "model"] = "prompt_version"
    since: str = "7d"
    until: str = "now"
    limits: Bounds = Bounds()  # pyright: ignore[reportCallIssue]


@router.post("/gates", summary="May a candidate release take the place of a baseline?")
def gates(who: SeesCalls, shared: Shared, body: Question) -> Response:
    """`pass`, `fail` or `not enough data`, with every check: cost, latency, failures, schema, hallucination, safety."""
    who.must("quality")
    try:
        asked = windows.window(body.since, body.until, datetime.now(UTC))
    except ValueError as exc:
        raise BadInput("since", str(exc)) from exc
    limits, window = Limits(**body.limits.model_dump()), (asked.since, asked.until)
    found = shared.connections.ask(
        who, lambda client: gate(client, body.app, body.by, body.baseline, body.candidate, window, limits, teams=who.teams or None)
    )
    return answer({"app": body.app, "by": body.by, "baseline": body.baseline, "candidate": body.candidate, **said(asked), **found.told()})
