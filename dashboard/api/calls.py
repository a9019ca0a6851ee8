"""``GET calls``, ``calls/{trace_id}/{span_id}``, ``traces/{trace_id}``: single entries of the ledger and what they were posted from."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from dashboard.api.answers import answer, plain, rows, said
from dashboard.api.inputs import About, Asked, SeesCalls, Shared
from dashboard.api.problems import BadInput
from warehouse import queries

router = APIRouter(tags=["calls"])
TraceId = Annotated[str, Path(description="32 hexadecimal digits")]
SpanId = Annotated[str, Path(description="16 hexadecimal digits")]


@router.get("/calls", summary="Calls, newest first")
def calls(
    who: SeesCalls,
    shared: Shared,
    about: About,
    asked: Asked,
    limit: Annotated[int, Query(ge=1, le=1000, description="Rows a page")] = 50,
    cursor: Annotated[str, Query(description="`next_cursor` of the page before")] = "",
) -> Response:
    """Entries of the window, newest first. Follow `next_cursor` until it is null; pages stay consistent while new calls arrive."""
    page = shared.connections.ask(who, lambda client: queries.calls(client, about, limit=limit, cursor=cursor, scored=who.may("quality")))
    return answer({**said(asked), "rows": rows(page.rows), "next_cursor": page.cursor or None})


@router.get("/calls/{trace_id}/{span_id}", summary="One call")
def call(who: SeesCalls, shared: Shared, trace_id: TraceId, span_id: SpanId) -> Response:
    """Every column of one entry, found by its own span or by any span that tells it (`members`)."""
    trace, span = hexadecimal(trace_id, 32, "trace_id"), hexadecimal(span_id, 16, "span_id")
    return answer(plain(shared.connections.ask(who, lambda client: queries.call(client, trace, span, teams=who.teams or None))))


@router.get("/traces/{trace_id}", summary="One trace")
def trace(who: SeesCalls, shared: Shared, trace_id: TraceId) -> Response:
    """The journal of one trace (spans in order of time; null for roles that do not see it) and the entries posted from it."""
    trace = hexadecimal(trace_id, 32, "trace_id")
    found = shared.connections.trace(who, trace)
    spans = rows(found.spans.drop("facts", strict=False)) if who.may("journal") else None
    return answer({"trace_id": trace, "spans": spans, "entries": rows(found.entries)})


def hexadecimal(text: str, digits: int, field: str) -> str:
    """A checked id in lower case.

    Raises:
        BadInput: it is not ``digits`` hexadecimal digits.
    """
    if not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", text):
        raise BadInput(field, f"{field} must be {digits} hexadecimal digits")
    return text.lower()
