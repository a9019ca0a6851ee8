"""``GET prices``: which prices the entries of a window carry, and what the policy says besides the list."""

from __future__ import annotations

from fastapi import APIRouter, Response

from dashboard.api.answers import answer, plain, rows, said
from dashboard.api.inputs import About, Asked, SeesPrices, Shared
from warehouse import queries

router = APIRouter(tags=["spend"])


@router.get("/prices", summary="Prices in use")
def prices(who: SeesPrices, shared: Shared, about: About, asked: Asked) -> Response:
    """`used`: price ids per provider and model with calls and cost. `overrides`, `contracts`, `self_hosted`: the policy's own prices."""
    used = shared.connections.ask(who, lambda client: queries.prices_used(client, about))
    own = shared.policy.prices
    told = {name: [plain(one.model_dump()) for one in getattr(own, name)] for name in ("overrides", "contracts", "self_hosted")}
    return answer({**said(asked), "used": rows(used), **told})
