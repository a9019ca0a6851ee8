"""``GET spend``: what was spent, by whom, on what; with its total and how much of it is known."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response

from dashboard.api.answers import answer, grouped, plain, rows, said
from dashboard.api.inputs import About, Asked, By, SeesSums, Shared, groups
from warehouse import queries

router = APIRouter(tags=["spend"])


@router.get("/spend", summary="Spend by any dimension")
def spend(
    who: SeesSums,
    shared: Shared,
    about: About,
    asked: Asked,
    by: By = "app,team,model_tier",
    scaled: Annotated[bool, Query(description="Scale sampled calls up to an estimate of all traffic")] = False,
) -> Response:
    """Rows (dearest first, or in order of time), their total, and `coverage`: how much of the total is known.

    `cost_usd` and its parts are decimal strings in USD; their sum over rows is `total.cost_usd` to the last digit.
    """
    names = groups(by)
    report = shared.connections.ask(who, lambda client: queries.spend_report(client, about, by=names, scaled=scaled))
    known = report.coverage
    coverage = asdict(known) | {"priced_share": known.priced_share, "usage_share": known.usage_share, "complete": known.complete}
    return answer({"by": list(names), **said(asked), "rows": rows(report.rows), "total": plain(report.total), "coverage": coverage})


@router.get("/tokens", summary="Tokens by class")
def tokens(who: SeesSums, shared: Shared, about: About, asked: Asked, by: By = "app,model") -> Response:
    """Tokens by class, per billed call and as shares."""
    return grouped(shared, who, about, asked, by, queries.tokens)


@router.get("/unpriced", summary="Calls without a price or without usage")
def unpriced(who: SeesSums, shared: Shared, about: About, asked: Asked) -> Response:
    """What makes the total too low: models without a price, calls without usage."""
    models = shared.connections.ask(who, lambda client: queries.unpriced(client, about))
    silent = shared.connections.ask(who, lambda client: queries.missing_usage(client, about))
    return answer({**said(asked), "models": rows(models), "without_usage": rows(silent)})
