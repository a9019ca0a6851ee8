"""Questions about service: latency quantiles, error, cache, fallback and retry rates, how many people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from warehouse.queries.ask import Scope, fill, frame, group_clause, listed, order_of
from warehouse.queries.sources import composed

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_RATES = [
    "calls",
    "errors",
    "timeouts",
    "rate_limited",
    "filtered",
    "cancelled",
    "cache_hits",
    "fallbacks",
    "model_switches",
    "retried_calls",
    "retries",
    "safety",
    "tokens_in",
    "tokens_out",
    "tokens_cache_read",
    "tokens_cache_write",
    "hit_tokens_in",
    "hit_tokens_out",
    "cost_in_usd",
    "cost_cache_read_usd",
    "cost_cache_write_usd",
    "cost_out_usd",
]


def latency(
    client: Client,
    scope: Scope,
    *,
    by: Sequence[str] = ("model", "endpoint"),
) -> pl.DataFrame:
    """``calls``, ``mean_ms``, ``p50_ms``, ``p90_ms``, ``p99_ms`` and ``ttft_…_ms`` per group (Float64, null where nothing was told).

    Quantiles come from histograms with 2 % buckets: within 1.1 % of the exact ones, and the same whichever hours are rolled up.
    """
    return _ask(client, "latency", ["calls", "latency_us", "latency_quantiles", "ttft_quantiles"], by, by, scope)


def rates(
    client: Client,
    scope: Scope,
    *,
    by: Sequence[str] = ("app",),
) -> pl.DataFrame:
    """How calls ended, per group: counts UInt64, ``…_rate`` Float64 shares of calls, ``cache_saved_usd`` and ``prompt_cache_saved_usd``.

    ``failure_rate`` counts errors, timeouts and rate limits. Savings are estimates from what the same model's calls of the window paid.
    """
    inner = [*by, *(n for n in ("provider", "model") if n not in by)]
    return _ask(client, "rates", _RATES, by, inner, scope)


def people(
    client: Client,
    scope: Scope,
    *,
    by: Sequence[str] = ("app",),
) -> pl.DataFrame:
    """Distinct ``users`` and ``sessions`` per group (estimates, about 1 % off; empty ids do not count)."""
    return _ask(client, "people", ["users", "sessions"], by, by, scope, order="users DESC", base="people")


def _ask(
    client: Client,
    name: str,
    wanted: Sequence[str],
    by: Sequence[str],
    inner: Sequence[str],
    scope: Scope,
    *,
    order: str = "calls DESC",
    base: str = "calls",
) -> pl.DataFrame:
    source = composed(client, inner, scope, wanted, base=base)
    parts = {"names": listed([f"`{n}`" for n in by]), "source": source.sql, "order": order_of(by, order), "group": group_clause(by)}
    return frame(client, fill(name, parts), source.params)
