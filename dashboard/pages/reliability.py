"""Reliability: how long calls take, how they end, what caches and fallbacks do."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl
import streamlit as st

from dashboard import cards, figures, money
from dashboard.asking import Question
from dashboard.cards import Card, Column
from dashboard.pages.spend import nothing
from dashboard.theme import AMBER, BLUE, GREY, HUES, RED, VIOLET
from dashboard.view import View
from dashboard.windows import Window
from warehouse import queries

GROUPS = {"Model": "model", "App": "app", "Provider": "provider", "Endpoint": "endpoint"}
FAILURES = {
    "errors": ("error", RED),
    "timeouts": ("timeout", AMBER),
    "rate_limited": ("rate limited", HUES[8]),
    "filtered": ("filtered", VIOLET),
    "cancelled": ("cancelled", GREY),
}


FAILING = 0.05  # share of failed requests from which the card asks for a look
SWITCHED = "Answered by a fallback; below, answered by another model than asked for"
SAVED = "Estimate: response-cache hits and cached input tokens, at what the same model's other calls paid"


def show(view: View) -> None:
    """The page."""
    st.html(cards.head("Reliability", view.window.words, "Latency as callers saw it; shares are of all requests."))
    top, place = st.container(), st.empty()
    side = place.container()
    with side, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(cards.section("Side by side"))
        name = st.segmented_control("By", list(GROUPS), key="side", bind="query-params", default="Model", required=True, label_visibility="collapsed")
    step = view.window.step
    answers = view.ask(**asks(view, GROUPS[name]))
    rates = _first(answers["rates"])
    with top:
        if not rates.get("calls"):
            place.empty()
            st.html(cards.empty(*nothing(view)))
            return
        older = [_first(answers[name]) if view.whole_before(answers["days"]) else {} for name in ("before", "latency_before")]
        st.html(cards.cards(kpis(rates, older[0], _first(answers["latency"]), older[1])))
        _over_time(answers["latency_over_time"].rename({step: "at"}), answers["rates_over_time"].rename({step: "at"}), view.window)
    with side:
        st.html(_table(view, name, answers["latency_by"], answers["rates_by"]))
    _kinds(answers["kinds"])


def asks(view: View, by: str = "model") -> dict[str, Question]:
    """The page's questions."""
    step = view.window.step
    return {
        "rates": view.about(queries.rates, by=()),
        "days": view.days_before(),
        "before": view.about(queries.rates, by=(), before=True),
        "latency": view.about(queries.latency, by=()),
        "latency_before": view.about(queries.latency, by=(), before=True),
        "rates_over_time": view.about(queries.rates, by=(step,)),
        "latency_over_time": view.about(queries.latency, by=(step,)),
        "rates_by": view.about(queries.rates, by=(by,)),
        "latency_by": view.about(queries.latency, by=(by,)),
        "kinds": view.about(queries.errors_by_type),
    }


def _over_time(latency: pl.DataFrame, rates: pl.DataFrame, window: Window) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.html(cards.section("Latency", f"per {window.step}: half, nine in ten, 99 in 100 requests were faster"))
        shown = {"p50_ms": ("p50", BLUE), "p90_ms": ("p90", AMBER), "p99_ms": ("p99", RED)}
        seconds = latency.with_columns(pl.col(list(shown)) / 1_000)
        st.plotly_chart(figures.lines(seconds, values=shown, window=window, unit="s"), config=dict(figures.CONFIG), key="latency")
    with right:
        st.html(cards.section("How requests failed", f"per {window.step}, share of requests"))
        kinds = {column: words for column, (words, _) in FAILURES.items()}
        shares = rates.with_columns(pl.col(list(kinds)) / pl.col("calls")).unpivot(list(kinds), index="at", variable_name="kind", value_name="share")
        shares = shares.with_columns(pl.col("kind").replace(kinds))
        figure = figures.stacked(
            shares, value="share", name="kind", colours=dict(FAILURES.values()), window=window, unit="%", order=list(kinds.values())
        )
        st.plotly_chart(figure, config=dict(figures.CONFIG), key="failures")


def _first(frame: pl.DataFrame) -> dict[str, Any]:
    return frame.row(0, named=True) if frame.height else {}


def kpis(rates: Mapping[str, Any], before: Mapping[str, Any], latency: Mapping[str, Any], latency_before: Mapping[str, Any]) -> list[Card]:
    """The row of cards: what an operator asks first."""

    def slower(name: str) -> float | None:
        return money.change(latency[name], latency_before.get(name))

    def more(name: str) -> float | None:
        return money.change(rates[name], before.get(name))

    failing = rates["failure_rate"] or 0
    saved = (rates["cache_saved_usd"] or Decimal(0)) + (rates["prompt_cache_saved_usd"] or Decimal(0))
    ended = f"{rates['errors']} errors, {rates['timeouts']} timeouts, {rates['rate_limited']} rate limited"
    return [
        Card("Requests", money.compact(rates["calls"]), more("calls"), tone="first", hint=money.count(rates["calls"])),
        Card("Failed", money.share(failing), more("failure_rate"), "down", hint=ended, tone="warn" if failing > FAILING else ""),
        Card("Median latency", money.milliseconds(latency["p50_ms"]), slower("p50_ms"), "down"),
        Card("p99 latency", money.milliseconds(latency["p99_ms"]), slower("p99_ms"), "down"),
        Card("First token, p50", money.milliseconds(latency["ttft_p50_ms"]), slower("ttft_p50_ms"), "down", hint="Requests that told it"),
        Card("Retried", money.share(rates["retry_rate"]), more("retry_rate"), "down", hint=f"{rates['retries']} retries"),
        Card("Fallbacks", money.share(rates["fallback_rate"]), under=f"{money.share(rates['model_switch_rate'])} other model", hint=SWITCHED),
        Card("Saved by caches", money.usd(saved, compact=True), under=f"{money.share(rates['prompt_cache_rate'])} of input", hint=SAVED),
    ]


def _table(view: View, name: str, latency: pl.DataFrame, rates: pl.DataFrame) -> str:
    by = GROUPS[name]
    frame = latency.join(rates.drop("calls"), on=by, how="left").sort("calls", by, descending=[True, False]).head(100)
    columns = [
        Column(by, name, cards.named),
        Column("calls", "Requests", money.count, number=True, bar=True),
        Column("p50_ms", "p50", money.milliseconds, number=True),
        Column("p90_ms", "p90", money.milliseconds, number=True),
        Column("p99_ms", "p99", money.milliseconds, number=True),
        Column("ttft_p50_ms", "First token p50", money.milliseconds, number=True),
        Column("error_rate", "Errors", money.share, number=True),
        Column("timeout_rate", "Timeouts", money.share, number=True),
        Column("rate_limited_rate", "Rate limited", money.share, number=True),
        Column("retry_rate", "Retried", money.share, number=True),
        Column("fallback_rate", "Fallback", money.share, number=True),
        Column("cache_hit_rate", "Cache hits", money.share, number=True),
    ]
    dots = {by: view.colours(by, frame)} if by in view.known else {}
    return cards.table(frame, columns, dots=dots, key="reliability")


def _kinds(frame: pl.DataFrame) -> None:
    st.html(cards.section("What went wrong", "outcomes and error classes as the instrumentation told them"))
    if frame.is_empty():
        st.html('<div class="sl-note">Every request of this window went well.</div>')
        return
    columns = [
        Column("outcome", "Outcome", lambda one: str(one).replace("_", " ")),
        Column("error_type", "Error", cards.named),
        Column("provider", "Provider", cards.named),
        Column("model", "Model", cards.named),
        Column("calls", "Requests", money.count, number=True, bar=True),
        Column("last_at", "Last (UTC)", lambda at: f"{at:%d %b %H:%M}"),
    ]
    st.html(cards.table(frame.head(15), columns, key="errors"))
