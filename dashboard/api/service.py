"""``GET latency``, ``GET rates``: how long calls take and how they end."""

from __future__ import annotations

from fastapi import APIRouter, Response

from dashboard.api.answers import grouped
from dashboard.api.inputs import About, Asked, By, SeesSums, Shared
from warehouse import queries

router = APIRouter(tags=["service"])


@router.get("/latency", summary="Latency quantiles")
def latency(who: SeesSums, shared: Shared, about: About, asked: Asked, by: By = "model,endpoint") -> Response:
    """p50, p90 and p99 of latency and of time to first token, in milliseconds (within 1.1 % of the exact quantile)."""
    return grouped(shared, who, about, asked, by, queries.latency)


@router.get("/rates", summary="How calls ended")
def rates(who: SeesSums, shared: Shared, about: About, asked: Asked, by: By = "app") -> Response:
    """Errors, timeouts, rate limits, filters, cache hits (with what they saved), fallbacks, model switches, retries: counts and shares of calls."""
    return grouped(shared, who, about, asked, by, queries.rates)
