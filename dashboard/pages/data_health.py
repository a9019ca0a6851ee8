"""Data health: can these numbers be trusted? Coverage, unpriced models, missing usage, suspected duplicates, lag, drops."""

from __future__ import annotations

import math

import polars as pl
import streamlit as st

from dashboard import cards, collector_metrics, money
from dashboard.asking import Question
from dashboard.cards import Card, Column
from dashboard.collector_metrics import Sample
from dashboard.context import current
from dashboard.pages.spend import coverage, nothing
from dashboard.view import View
from warehouse import queries

#: ``Entry.conflict`` in words.
DOUBTS = {
    1: "Two shards have not settled yet",
    2: "Spans of one call disagree about its usage",
    3: "Told after its journal had begun to expire",
    4: "May be the same call as a gateway's: counted once per policy",
    5: "The sender's cost differs from ours by more than 1 %",
}


def show(view: View) -> None:
    """The page."""
    st.html(cards.head("Data health", view.window.words, "How much of the total is known, and what was not kept. Nothing is dropped in silence."))
    answers = view.ask(**asks(view))
    apps: queries.Spend = answers["apps"]
    known = apps.coverage
    samples = current().collector_samples()
    if not known.calls:
        st.html(cards.empty(*nothing(view)))
        _losses(samples)
        return
    st.html(cards.cards(kpis(known, samples)))
    left, right = st.columns(2, gap="medium")
    with left:
        _unpriced(answers["unpriced"])
    with right:
        _silent(answers["silent"])
    _doubts(answers["doubts"])
    _apps(view, apps.rows)
    _losses(samples)


def asks(view: View) -> dict[str, Question]:
    """The page's questions."""
    return {
        "unpriced": view.about(queries.unpriced, by=("provider", "model")),
        "silent": view.about(queries.missing_usage, by=("app", "provider", "model"), drawn=True),
        "doubts": view.about(queries.conflicts),
        "apps": view.about(queries.coverage_report, by=("app",)),
    }


def kpis(known: queries.Coverage, samples: list[Sample] | None) -> list[Card]:
    """The row of cards: is everything there, priced, on time?"""
    covered = known.covered_calls / known.billed_calls if known.billed_calls else None
    doubts = known.conflicts
    lag = collector_metrics.quantile(samples, "spanledger_posting_lag_seconds", 0.99) if samples else None
    backlog = collector_metrics.value(samples, "spanledger_posting_backlog") if samples else None
    late = "" if lag is None else "over 30 s" if math.isinf(lag) else f"≤ {lag:g} s"
    return [
        Card("Coverage", money.share(covered), under="of billed requests", tone="first" if covered in (1, None) else "warn"),
        Card("Priced", money.share(known.priced_share), under=f"{money.count(known.unpriced_calls)} unpriced"),
        Card("Usage told", money.share(known.usage_share), under=f"{money.count(known.usage_missing)} told none"),
        Card("Doubtful", money.count(doubts), under="entries to look at" if doubts else "entries", tone="warn" if doubts else ""),
        Card(
            "Sampled",
            money.count(known.sampled_calls),
            under="calls",
            tone="warn" if known.sampled_calls else "",
            hint="Totals are not scaled up",
        ),
        Card("Posting lag, p99", late or money.DASH, under="from receipt to ledger", hint="Since the collector started"),
        Card("Backlog", money.count(backlog), under="spans to be posted"),
        Card(
            "Rolled up",
            money.share(known.closed_hours, known.hours),
            under=f"{known.closed_hours} of {known.hours} hours",
            hint="Hours read from rollups; all others from the ledger itself",
        ),
    ]


def _unpriced(frame: pl.DataFrame) -> None:
    st.html(cards.section("Models without a price", "their cost is not in any total; add a price override to change that"))
    if frame.is_empty():
        st.html('<div class="sl-note">Every model of this window has a price.</div>')
        return
    columns = [
        Column("provider", "Provider", cards.named),
        Column("model", "Model", cards.named),
        Column("unpriced_calls", "Requests", money.count, number=True, bar=True),
        Column("unpriced_tokens", "Tokens", money.compact, number=True),
        Column("last_hour", "Last (UTC)", lambda at: f"{at:%d %b %H:00}"),
    ]
    st.html(cards.table(frame.head(12), columns, key="unpriced"))


def _silent(frame: pl.DataFrame) -> None:
    st.html(cards.section("Calls without usage", "the instrumentation told no token counts; streams often need include_usage"))
    if frame.is_empty():
        st.html('<div class="sl-note">Every call of this window told its usage.</div>')
        return
    columns = [
        Column("app", "App", cards.named),
        Column("provider", "Provider", cards.named),
        Column("model", "Model", cards.named),
        Column("missing_calls", "Requests", money.count, number=True, bar=True),
        Column("estimated_calls", "Estimated", money.count, number=True),
    ]
    st.html(cards.table(frame.head(12), columns, key="missing"))


def _doubts(frame: pl.DataFrame) -> None:
    st.html(cards.section("Suspected duplicates and other doubts"))
    if frame.is_empty():
        st.html('<div class="sl-note">No entry of this window carries a doubt.</div>')
        return
    words = [DOUBTS.get(int(one), f"reason {one}") for one in frame["conflict"]]
    columns = [
        Column("doubt", "Doubt"),
        Column("app_id", "App", cards.named),
        Column("model", "Model", cards.named),
        Column("calls", "Entries", money.count, number=True, bar=True),
        Column("cost_usd", "Spend of these", money.usd, number=True),
    ]
    st.html(cards.table(frame.with_columns(pl.Series("doubt", words, dtype=pl.String)).head(30), columns, key="doubts"))


def _apps(view: View, frame: pl.DataFrame) -> None:
    st.html(cards.section("Coverage by app"))
    shown = frame.with_columns(pl.Series("coverage", [coverage(row) for row in frame.iter_rows(named=True)], dtype=pl.Float64)).sort(
        "coverage", "app", nulls_last=True
    )
    columns = [
        Column("app", "App", cards.named),
        Column("coverage", "Coverage", money.share, number=True),
        Column("billed_calls", "Billed requests", money.count, number=True),
        Column("unpriced_calls", "Unpriced", money.count, number=True),
        Column("partial_calls", "Priced in part", money.count, number=True),
        Column("usage_missing", "Without usage", money.count, number=True),
        Column("usage_estimated", "Estimated", money.count, number=True),
        Column("sampled_calls", "Sampled", money.count, number=True),
        Column("cost_disputed", "Cost disputed", money.count, number=True, hint="The sender's own cost differs by more than 1 %"),
    ]
    st.html(cards.table(shown.head(60), columns, dots={"app": view.colours("app", frame)}, key="coverage"))


def _losses(samples: list[Sample] | None) -> None:
    st.html(cards.section("What was not kept", "counted by the collector since it started"))
    if samples is None:
        st.html('<div class="sl-note">The collector runs elsewhere or does not answer; its /metrics page has these counters.</div>')
        return
    rows = collector_metrics.losses(samples)
    if not rows:
        st.html('<div class="sl-note">Nothing: every record was kept.</div>')
        return
    frame = pl.DataFrame(rows, schema={"what": pl.String, "reason": pl.String, "n": pl.Int64}, orient="row")
    columns = [Column("what", "What"), Column("reason", "Reason", cards.named), Column("n", "How many", money.count, number=True)]
    st.html(cards.table(frame, columns, key="losses"))
