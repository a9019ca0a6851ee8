"""Questions about service: latency quantiles, error, cache, fallback and retry rates, how many people."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from warehouse.queries.ask import Scope, arrow, fill, frame, group_clause, listed, order_of, ordered, polars
from warehouse.queries.finishing import quantile_ms, share
from warehouse.queries.model_names import switched
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
    "told_switches",
    "switch_pairs",
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

_COUNTS = [
    "calls", "errors", "timeouts", "rate_limited", "filtered", "cancelled", "cache_hits", "fallbacks", "model_switches", "retried_calls", "retries",
    "safety",
]  # fmt: skip


def _per(cost: pl.Expr, tokens: pl.Expr) -> pl.Expr:
    """USD a token, 0 without tokens."""
    return share(cost.cast(pl.Float64), tokens.cast(pl.Float64)).fill_null(0.0)


_CALLS, _IN, _READ = pl.col("calls"), pl.col("tokens_in").cast(pl.Int64), pl.col("tokens_cache_read").cast(pl.Int64)
_HIT_IN, _HIT_OUT = pl.col("hit_tokens_in").cast(pl.Int64), pl.col("hit_tokens_out").cast(pl.Int64)
_SHARES = {
    "error_rate": share(pl.col("errors"), _CALLS),
    "timeout_rate": share(pl.col("timeouts"), _CALLS),
    "rate_limited_rate": share(pl.col("rate_limited"), _CALLS),
    "filtered_rate": share(pl.col("filtered"), _CALLS),
    "failure_rate": share(pl.col("errors") + pl.col("timeouts") + pl.col("rate_limited"), _CALLS),
    "cache_hit_rate": share(pl.col("cache_hits"), _CALLS),
    "fallback_rate": share(pl.col("fallbacks"), _CALLS),
    "model_switch_rate": share(pl.col("model_switches"), _CALLS),
    "retry_rate": share(pl.col("retried_calls"), _CALLS),
    "prompt_cache_rate": share(pl.col("tokens_cache_read"), pl.col("tokens_in")),
}
#: Of one model's calls of a group. A hit's saving is its tokens at what the model's other calls paid per token; a cached input token's is the
#: difference to an uncached one.
_SAVED = {
    "cache_saved_usd": _HIT_IN * _per(pl.col("cost_in_usd") + pl.col("cost_cache_read_usd") + pl.col("cost_cache_write_usd"), _IN - _HIT_IN)
    + _HIT_OUT * _per(pl.col("cost_out_usd"), pl.col("tokens_out").cast(pl.Int64) - _HIT_OUT),
    "prompt_cache_saved_usd": _READ * _per(pl.col("cost_in_usd"), _IN - _READ - pl.col("tokens_cache_write").cast(pl.Int64) - _HIT_IN)
    - pl.when(pl.col("cost_in_usd") > 0).then(pl.col("cost_cache_read_usd").cast(pl.Float64)).otherwise(0.0),
}
_LATENCY = {
    "mean_ms": share(pl.col("latency_us") / 1000, _CALLS),
    **{f"p{q}_ms": quantile_ms("latency_quantiles", i) for i, q in enumerate((50, 90, 99))},
    **{f"ttft_p{q}_ms": quantile_ms("ttft_quantiles", i) for i, q in enumerate((50, 90, 99))},
}
_JUDGED: dict[str, bool] = {}  # pairs of model names
_MOST_JUDGED = 10_000


def latency(
    client: Client,
    scope: Scope,
    *,
    by: Sequence[str] = ("model", "endpoint"),
) -> pl.DataFrame:
    """``calls``, ``mean_ms``, ``p50_ms``, ``p90_ms``, ``p99_ms`` and ``ttft_…_ms`` per group (Float64, null where nothing was told).

    Quantiles come from histograms with 2 % buckets: within 1.1 % of the exact ones, and the same whichever hours are rolled up.
    """
    rows = frame(client, *composed(client, by, scope, ["calls", "latency_us", "latency_quantiles", "ttft_quantiles"]))
    return ordered(rows.select(*by, "calls", **_LATENCY), by, "calls")


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
    found = arrow(client, *composed(client, inner, scope, _RATES))
    judged = _switches(client, found["switch_pairs"].to_pylist())
    rows = polars(found.drop_columns("switch_pairs")).with_columns(model_switches=pl.col("told_switches") + judged, **_SAVED)
    sums = [pl.col(name).sum() for name in (*_COUNTS, "tokens_in", "tokens_cache_read", *_SAVED)]
    told = (rows.group_by(by).agg(sums) if by else rows.select(sums)).with_columns(**_SHARES)
    saved = [pl.Series(name, map(_usd, told[name]), pl.Decimal(38, 9)) for name in _SAVED]
    return ordered(told.select(*by, *_COUNTS, *_SHARES, *saved), by, "calls")


def _switches(client: Client, told: Sequence[Sequence[tuple[str, int]]]) -> pl.Series:
    """How many calls of each row were answered by another model than they asked for, of pairs of names and how often they came."""
    known = _two_models(client, {pair for row in told for pair, _ in row})
    return pl.Series([sum(n for pair, n in row if known[pair]) for row in told], dtype=pl.UInt64)


def _two_models(client: Client, pairs: set[str]) -> dict[str, bool]:
    """Whether these pairs (asked, a line break, answered) are two models: a matter of their names alone, judged once."""
    known = {pair: _JUDGED[pair] for pair in pairs if pair in _JUDGED}
    if new := sorted(pairs - known.keys()):
        found = frame(client, fill("model_pairs", {"switched": switched("pair[1]", "pair[2]")}), {"pairs": new})
        known |= dict(zip(found["pair_"].to_list(), map(bool, found["switched"].to_list()), strict=True))
        if len(_JUDGED) > _MOST_JUDGED:
            _JUDGED.clear()
        _JUDGED.update(known)
    return known


def _usd(amount: float) -> Decimal:
    return Decimal(int(amount * 1e9)).scaleb(-9)


def people(
    client: Client,
    scope: Scope,
    *,
    by: Sequence[str] = ("app",),
) -> pl.DataFrame:
    """Distinct ``users`` and ``sessions`` per group (estimates, about 1 % off; empty ids do not count)."""
    source = composed(client, by, scope, ["users", "sessions"], base="people")
    parts = {"names": listed([f"`{n}`" for n in by]), "source": source.sql, "order": order_of(by, "users DESC"), "group": group_clause(by)}
    return frame(client, fill("people", parts), source.params)
