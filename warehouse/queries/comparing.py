"""Questions that compare: releases side by side, cost per business event, the dearest prompts, users and sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from warehouse.queries.answers import by_detector
from warehouse.queries.ask import Scope, fill, frame, listed
from warehouse.queries.finishing import quantile_ms, share
from warehouse.queries.plans import Plan, plans
from warehouse.queries.sources import composed

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_DRAWN = [
    "calls", "cost_usd", "tokens_in", "tokens_out", "latency_quantiles", "errors", "timeouts", "rate_limited", "safety", "first_hour", "last_hour",
    "billed_calls", "covered_calls",
]  # fmt: skip
_CALLS = pl.col("calls")
_TOLD = {
    **{name: pl.col(name) for name in ("first_hour", "last_hour", "calls", "cost_usd")},
    "cost_per_1000_usd": share(pl.col("cost_usd") * 1000, _CALLS.cast(pl.Decimal(38, 0))),
    "tokens_in_avg": share(pl.col("tokens_in"), _CALLS),
    "tokens_out_avg": share(pl.col("tokens_out"), _CALLS),
    **{f"p{q}_ms": quantile_ms("latency_quantiles", i) for i, q in enumerate((50, 90, 99))},
    **{name: pl.col(name) for name in ("errors", "timeouts", "rate_limited", "billed_calls", "covered_calls")},
    "failure_rate": share(pl.col("errors") + pl.col("timeouts") + pl.col("rate_limited"), _CALLS),
    "safety": pl.col("safety"),
}
_BESIDE = ["filtered", "cache_hits", "fallbacks", "retries", "unpriced_calls", "usage_missing"]


def releases(client: Client, scope: Scope, *, by: Sequence[str] = ("app", "prompt", "prompt_version", "model"), drawn: bool = False) -> pl.DataFrame:
    """Releases beside each other, latest first: cost per 1,000, tokens a call, quantiles, failure rate, safety, and their scores.

    ``by``: what both rollups and scores hold (app, team, tenant, env, model, tier, prompt, prompt_version). Nulls: not scored.
    ``drawn=True``: without the counts that the page does not draw (filtered, cache hits, …): each costs a millisecond.
    """
    held = plans(client, ("calls", "scores"), scope, daily="hour" not in by)
    beside = [] if drawn else _BESIDE
    rows = frame(client, *composed(client, by, scope, [*_DRAWN, *beside], held=held)).select(*by, *beside, **_TOLD)
    rows = rows.sort("last_hour", "calls", *by, descending=[True, True, *(False for _ in by)], nulls_last=True)
    scores = _release_scores(client, scope, by, held)
    return rows.join(scores, on=list(by), how="left", maintain_order="left") if by else rows.hstack(scores)


def _release_scores(client: Client, scope: Scope, by: Sequence[str], held: Mapping[str, Plan]) -> pl.DataFrame:
    """What detectors say of each release: ``scored`` of ``answers``, ``score_avg``, ``flagged``, schema, grounding, contradictions."""
    kept = ("scored", "answers", "score_avg", "flagged", "schema_checked", "schema_failures", "grounding_avg", "contradictions")
    return by_detector(client, scope, by, held).select(*by, *kept)


def release_calls(client: Client, scope: Scope, *, limit: int = 20_000) -> pl.DataFrame:
    """The single calls of a release (chosen by the scope's filters): cost, latency, outcome, score; a sample by hash beyond ``limit``."""
    return frame(client, fill("release_calls", {"where": scope.where}), scope.params | {"rows": limit})


def unit_economics(client: Client, scope: Scope, *, by: Sequence[str] = ("app",), metric: str = "") -> pl.DataFrame:
    """Business events sent with the calls (``biz_metric``), per group: ``metric``, ``events``, ``cost_usd``, ``cost_per_event_usd``.

    ``cost_usd`` is that of all calls of the group, whether they carried the metric or not; ``covered_calls`` of its ``billed_calls`` have a price and
    reported usage. ``metric=""``: every one.
    """
    source = composed(client, by, scope, ["calls", "cost_usd", "biz", "billed_calls", "covered_calls"])
    parts = {"names": listed([f"`{n}`" for n in by]), "source": source.sql}
    return frame(client, fill("unit_economics", parts), source.params | {"metric": metric})


def top(client: Client, scope: Scope, *, of: Sequence[str] = ("prompt", "prompt_version"), limit: int = 20) -> pl.DataFrame:
    """The dearest groups: prompts, users, routes, … with calls, tokens, ``cost_usd`` and ``cost_per_call_usd``."""
    wanted = ["calls", "billed_calls", "tokens_in", "tokens_out", "cost_usd", "errors", "cache_hits"]
    source = composed(client, of, scope, wanted)
    parts = {"names": listed([f"`{n}`" for n in of]), "source": source.sql}
    return frame(client, fill("top", parts), source.params | {"rows": limit})


def sessions(client: Client, scope: Scope, *, limit: int = 50) -> pl.DataFrame:
    """Sessions by cost: first and last call, ``calls``, ``traces``, tokens, ``tool_calls``, ``failures``, ``cost_usd``."""
    return frame(client, fill("sessions", {"where": scope.where}), scope.params | {"rows": limit})


def errors_by_type(client: Client, scope: Scope, *, limit: int = 100) -> pl.DataFrame:
    """Calls that did not end well: ``outcome``, ``error_type``, ``provider``, ``model``, ``calls``, ``cost_usd``, ``last_at`` (an hour)."""
    only, by = " AND e.outcome NOT IN ('success', '')", ["outcome", "error_type", "provider", "model"]
    source = composed(client, by, scope, ["calls", "cost_usd", "last_hour"], only=(only, only))
    return frame(client, fill("errors_by_type", {"source": source.sql}), source.params | {"rows": limit})


def conflicts(client: Client, scope: Scope) -> pl.DataFrame:
    """Entries that carry a doubt: ``conflict`` (reason number, see ``Entry.conflict``), app, model, ``calls``, ``cost_usd``."""
    return frame(client, fill("conflicts", {"where": scope.where}), scope.params)


def prices_used(client: Client, scope: Scope) -> pl.DataFrame:
    """Price ids that the entries of a window carry, per provider and model, with calls and cost."""
    return frame(client, fill("prices_used", {"where": scope.where}), scope.params)
