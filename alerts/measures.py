"""The figures that rules speak of: one number for every label set of a window, with how many calls (or answers) stand behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from alerts.budgets import dollars
from spanledger.policy.alerting import Metric
from warehouse import queries
from warehouse.feedback import feedback_signals
from warehouse.queries import Scope
from warehouse.queries.objectives import judged

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Ask = Callable[..., pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Measure:
    """``value`` and ``n``: expressions over the columns of ``ask``. ``unit``: how the value is written; ``of``: what ``n`` counts."""

    words: str
    ask: Ask
    value: pl.Expr
    n: pl.Expr
    unit: str = "share"
    of: str = "requests"


def _share(count: str, of: str) -> pl.Expr:
    return pl.when(pl.col(of) > 0).then(pl.col(count) / pl.col(of))


_CALLS, _BILLED = pl.col("calls"), pl.col("billed_calls")
_COST = pl.col("cost_usd").cast(pl.Float64)
_TOKENS = pl.col("tokens_in") + pl.col("tokens_out")
_of_latency = {name: Measure(words, queries.latency, pl.col(column), _CALLS, "ms") for name, words, column in (
    ("latency_p50_ms", "median latency", "p50_ms"), ("latency_p90_ms", "p90 latency", "p90_ms"),
    ("latency_p99_ms", "p99 latency", "p99_ms"), ("ttft_p90_ms", "p90 time to first token", "ttft_p90_ms"),
)}  # fmt: skip
_of_rates = {name: Measure(words, queries.rates, pl.col(column), _CALLS) for name, words, column in (
    ("error_rate", "error rate", "failure_rate"), ("timeout_rate", "timeout rate", "timeout_rate"),
    ("cache_hit_rate", "cache hit rate", "cache_hit_rate"), ("fallback_rate", "fallback rate", "fallback_rate"),
    ("retry_rate", "retry rate", "retry_rate"),
)}  # fmt: skip

#: What the ledger tells; ``drops`` are the collector's, not here.
MEASURES: dict[str, Measure] = {
    **_of_latency,
    **_of_rates,
    "safety_violations": Measure("safety violations", queries.rates, pl.col("safety").cast(pl.Float64), _CALLS, "count"),
    "cost_usd": Measure("cost", queries.spend, _COST, _CALLS, "usd"),
    "cost_per_1k_requests": Measure("cost per 1,000 requests", queries.spend, pl.when(_CALLS > 0).then(_COST / _CALLS * 1000), _CALLS, "usd"),
    "requests": Measure("requests", queries.spend, _CALLS.cast(pl.Float64), _CALLS, "count"),
    "tokens": Measure("tokens", queries.spend, _TOKENS.cast(pl.Float64), _CALLS, "count"),
    "unpriced_share": Measure("share of calls without a complete price", queries.spend, 1 - _share("priced_calls", "billed_calls"), _BILLED),
    "missing_usage_share": Measure("share of calls without usage", queries.spend, _share("usage_missing", "billed_calls"), _BILLED),
    "hallucination_score": Measure("average hallucination score", queries.quality, pl.col("score_avg"), pl.col("scored"), "score", "scored answers"),
    "schema_failure_rate": Measure(
        "schema failure rate", queries.quality, pl.col("schema_failure_rate"), pl.col("schema_checked"), of="answers with a schema"
    ),
    "contradiction_rate": Measure(
        "contradiction rate", queries.quality, pl.col("contradiction_rate"), pl.col("contradiction_scored"), of="answers compared"
    ),
    "feedback_negative_rate": Measure("negative feedback", feedback_signals, pl.col("negative_rate"), pl.col("rated"), of="rated traces"),
}
#: Measures that mean something however few calls there were.
COUNTED = frozenset({"cost_usd", "requests", "tokens", "safety_violations"})


def figures(
    client: Client, metric: Metric, scope: Scope, by: Sequence[str], detectors: Sequence[str] = ()
) -> list[tuple[dict[str, str], float | None, int]]:
    """(labels, value, n) of every label set of a window. ``detectors``: scores of each of these, with a label ``detector``, not the composite's."""
    measure = MEASURES[metric]
    told = judged(client, scope, detectors, by=by) if detectors else measure.ask(client, scope, by=tuple(by))
    labels = [*by, "detector"] if detectors else by
    rows = told.select(*labels, value_=measure.value.cast(pl.Float64), n_=measure.n)
    found = []
    for row in rows.iter_rows(named=True):
        value, n = row.pop("value_"), int(row.pop("n_") or 0)
        found.append(({name: str(label) for name, label in row.items()}, value, n))
    return found


def written(value: float, unit: str) -> str:
    """A figure as people read it."""
    ways: dict[str, Callable[[float], str]] = {
        "share": lambda v: f"{v * 100:.2f} %",
        "usd": lambda v: dollars(Decimal(repr(round(v, 9)))),
        "ms": lambda v: f"{v:,.0f} ms" if v < 10_000 else f"{v / 1000:,.1f} s",
        "count": lambda v: f"{v:,.0f}",
        "score": lambda v: f"{v:.4f}",
    }
    return ways[unit](value)
