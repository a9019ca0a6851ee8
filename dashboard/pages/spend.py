"""Spend: what it costs, who causes it, how it moves, and how much of it is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import streamlit as st

from dashboard import cards, figures, money
from dashboard.asking import Question
from dashboard.cards import Card, Column
from dashboard.collector_metrics import complete
from dashboard.context import current
from dashboard.view import View
from warehouse import queries

GROUPS = {"Team": "team", "App": "app", "Model tier": "model_tier", "Model": "model", "Provider": "provider"}
MEASURES = {"Spend": ("cost_usd", "$"), "Tokens": ("tokens", "tokens"), "Requests": ("calls", "requests")}
TABLE_BY = ("app", "team", "model_tier")
COVERED = "Requests with reported usage and a known price"

KNOWN = "Billed requests with reported usage and a known price. The rest may make the total too low."


def show(view: View) -> None:
    """The page."""
    said = "What providers metered, priced at the day's price; every call counted once."
    asked_at, samples = datetime.now(UTC), current().collector_samples()
    st.html(cards.head("Spend", view.window.words, f"{said} {complete(samples, asked_at)}" if samples else said))
    top, place = st.container(), st.empty()
    chart = place.container()
    with chart:
        by, measure = _choices(view)
    answers = view.ask(**asks(view, by))
    table: pl.DataFrame = answers["table"]
    total = summed(table)
    if not total["calls"]:
        place.empty()
        with top:
            st.html(cards.empty(*nothing(view)))
        return
    with top:
        st.html(cards.cards(kpis(total, summed(answers["before"]) if view.whole_before(answers["before"]) else {})))
    with chart:
        _over_time(view, answers["over_time"], by, measure)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _parts(total)
    with right:
        _tiers(view, table.group_by("model_tier").agg(pl.col("cost_usd", "calls").sum()))
    _table(view, table, total, by)


def asks(view: View, by: str = "team") -> dict[str, Question]:
    """The page's questions."""
    return {
        "before": view.days_before(),
        "over_time": view.about(queries.spend_over_time, grain=view.window.step, by=(by,)),
        "table": view.about(queries.spend, by=TABLE_BY),
    }


def kpis(total: Mapping[str, Any], before: Mapping[str, Any]) -> list[Card]:
    """The row of cards: what finance asks first."""
    tokens, tokens_before = total["tokens_in"] + total["tokens_out"], before.get("tokens_in", 0) + before.get("tokens_out", 0)
    per, per_before = money.per_thousand(total["cost_usd"], total["calls"]), money.per_thousand(before.get("cost_usd"), before.get("calls"))
    covered, unpriced, missing = coverage(total), total["unpriced_calls"] + total["partial_calls"], total["usage_missing"]
    gap = "" if covered in (1, None) else "warn"
    classes = f"{money.count(total['tokens_in'])} in (cached included), {money.count(total['tokens_out'])} out"
    spent = money.change(total["cost_usd"], before.get("cost_usd"))
    return [
        Card("Spend", money.usd(total["cost_usd"], compact=True), spent, "down", tone="first", hint=f"${total['cost_usd']:f}"),
        Card("Requests", money.compact(total["calls"]), money.change(total["calls"], before.get("calls")), hint=money.count(total["calls"])),
        Card("Tokens", money.compact(tokens), money.change(tokens, tokens_before), hint=classes),
        Card("Per 1,000 requests", money.usd(per), money.change(per, per_before), "down"),
        Card("Coverage", money.share(covered), under="of billed requests", tone=gap, hint=KNOWN),
        Card("Unpriced", money.count(unpriced), under="requests lack a price" if unpriced else "all have a price", tone="warn" if unpriced else ""),
        Card("Without usage", money.count(missing), under="requests told none" if missing else "all told theirs", tone="warn" if missing else ""),
    ]


def summed(frame: pl.DataFrame) -> dict[str, Any]:
    """The total of a spend frame over all its groups; sums are of integers and decimals, so they are exact."""
    return frame.drop("day", *TABLE_BY, strict=False).sum().row(0, named=True)


def coverage(row: Mapping[str, Any]) -> float | None:
    """Share of billed calls whose usage was reported and whose price is known; None without billed calls."""
    return row["covered_calls"] / row["billed_calls"] if row["billed_calls"] else None


def _choices(view: View) -> tuple[str, str]:
    """The chart's heading with its two switches: what to stack by, what to add up."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(cards.section("Over time", f"per {view.window.step}, UTC"))
        with st.container(horizontal=True, width="content"):
            by = st.segmented_control(
                "Stack by", list(GROUPS), key="by", bind="query-params", default="Team", required=True, label_visibility="collapsed"
            )
            of = st.segmented_control(
                "Measure", list(MEASURES), key="of", bind="query-params", default="Spend", required=True, label_visibility="collapsed"
            )
    return GROUPS[by], of


def _over_time(view: View, frame: pl.DataFrame, by: str, measure: str) -> None:
    value, unit = MEASURES[measure]
    data = frame.rename({view.window.step: "at"}).with_columns((pl.col("tokens_in") + pl.col("tokens_out")).alias("tokens"))
    figure = figures.stacked(data, value=value, name=by, colours=view.colours(by, frame), window=view.window, unit=unit)
    st.plotly_chart(figure, config=dict(figures.CONFIG), key="over-time")


def _parts(total: Mapping[str, Any]) -> None:
    st.html(cards.section("What the money buys", "by token class"))
    classes = {
        "Input": "cost_in_usd",
        "Cached input": "cost_cache_read_usd",
        "Cache writes": "cost_cache_write_usd",
        "Output": "cost_out_usd",
        "Other": "cost_other_usd",
    }
    rows = [(name, total[column]) for name, column in classes.items() if total[column]]
    priced = sum((amount for _, amount in rows), Decimal(0))
    if total["cost_usd"] != priced:
        rows.append(("Told as a whole", total["cost_usd"] - priced))
    parts = [{"part": name, "cost_usd": cost, "share": cost / total["cost_usd"] if total["cost_usd"] else None} for name, cost in rows]
    columns = [
        Column("part", "Token class"),
        Column("cost_usd", "Spend", money.usd, number=True, bar=True),
        Column("share", "Share", money.share, number=True),
    ]
    st.html(cards.table(sorted(parts, key=lambda row: -row["cost_usd"]), columns, key="parts"))


def _tiers(view: View, frame: pl.DataFrame) -> None:
    st.html(cards.section("Cost per 1,000 requests", "by model tier"))
    rows = [row | {"per_thousand": money.per_thousand(row["cost_usd"], row["calls"])} for row in frame.iter_rows(named=True)]
    columns = [
        Column("model_tier", "Model tier", cards.named),
        Column("per_thousand", "Per 1,000 requests", money.usd, number=True, bar=True),
        Column("calls", "Requests", money.count, number=True),
    ]
    dots = {"model_tier": view.colours("model_tier", frame)}
    st.html(cards.table(sorted(rows, key=lambda row: -(row["per_thousand"] or 0)), columns, dots=dots, key="tiers"))


def _table(view: View, frame: pl.DataFrame, total: Mapping[str, Any], by: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(cards.section("By app, team and model tier", cards.coverage_words(dict(total)) or "every request is priced from reported usage"))
        st.download_button(
            "Download CSV",
            lambda: csv(frame),
            f"spend-{view.window.since:%Y%m%d}-{view.window.until:%Y%m%d}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    rows = [_with_derived(row) for row in frame.sort("cost_usd", descending=True).head(200).iter_rows(named=True)]
    shown = pl.DataFrame(rows, infer_schema_length=None)
    columns = [
        Column("app", "App", cards.named),
        Column("team", "Team", cards.named),
        Column("model_tier", "Model tier", cards.named),
        Column("cost_usd", "Spend", money.usd, number=True, bar=True),
        Column("share", "Share", money.share, number=True),
        Column("calls", "Requests", money.count, number=True),
        Column("tokens", "Tokens", money.compact, number=True),
        Column("per_thousand", "Per 1,000 requests", money.usd, number=True),
        Column("coverage", "Coverage", money.share, number=True, hint=COVERED),
    ]
    whole = total["cost_usd"]
    shown = shown.with_columns(pl.Series("share", [float(cost / whole) if whole else None for cost in shown["cost_usd"]], dtype=pl.Float64))
    foot = _with_derived(dict(total)) | {"app": f"Total ({frame.height} rows)", "share": 1.0 if whole else None}
    st.html(cards.table(shown, columns, total=foot, dots={by: view.colours(by, frame)} if by in TABLE_BY else {}, key="spend"))


def _with_derived(row: dict[str, Any]) -> dict[str, Any]:
    return row | {
        "tokens": row["tokens_in"] + row["tokens_out"],
        "per_thousand": money.per_thousand(row["cost_usd"], row["calls"]),
        "coverage": coverage(row),
    }


def csv(frame: pl.DataFrame) -> bytes:
    """The table as CSV, money exact; cells that a spreadsheet would run as formulas are quoted."""
    words = [name for name, kind in frame.schema.items() if kind == pl.String]
    formula = [pl.when(pl.col(name).str.contains(r"^[=+\-@\t\r]")).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name) for name in words]
    return frame.with_columns(formula).write_csv().encode()


def nothing(view: View) -> tuple[str, str, str]:
    """What a page with nothing to show says: choose more, or send the first export. Title, words, lines to type."""
    if any(view.known.values()):
        return "Nothing in this window matches.", "Choose a longer time range or fewer filters.", ""
    address = current().connections.address("otlp_http")
    return (
        "No call has been recorded yet.",
        "Point any instrumented service at this instance; calls appear here about a second after they are exported.",
        "\n".join(
            (
                f"export OTEL_EXPORTER_OTLP_ENDPOINT=http://{address}",
                "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
                "export OTEL_RESOURCE_ATTRIBUTES=team=my-team,deployment.environment.name=prod",
            )
        ),
    )
