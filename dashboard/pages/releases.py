"""Prompts & releases: versions of one app side by side, and what each unit of business costs."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboard import cards, figures, money
from dashboard.cards import Column
from dashboard.pages.quality import ENOUGH, score
from dashboard.pages.spend import COVERED, coverage, nothing
from dashboard.theme import colours
from dashboard.view import View
from warehouse import queries

SPLIT = {"Version": ("prompt", "prompt_version"), "Version and model": ("prompt", "prompt_version", "model"), "Model": ("model",)}


def show(view: View) -> None:
    """The page."""
    st.html(cards.head("Prompts & releases", view.window.words, "Prompt versions and models of one app: what changed in cost, speed and quality."))
    apps = [name for name in view.filters.app or view.known.get("app", ()) if name]
    if not apps:
        st.html(cards.empty(*nothing(view)))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        app = st.selectbox("App", apps, key="release-app", bind="query-params", width=280)
        split = st.segmented_control("Compare", list(SPLIT), key="split", bind="query-params", default="Version", required=True)
    by = SPLIT[split]
    scope = view.narrowed(app=(app,))
    answers = view.ask(
        releases=view.about(queries.releases, by=by, scope=scope, drawn=True),
        over_time=view.about(queries.spend_over_time, grain=view.window.step, by=(by[-1],), scope=scope),
        units=view.about(queries.unit_economics, by=by, scope=scope),
    )
    frame: pl.DataFrame = answers["releases"]
    if frame.is_empty():
        st.html(cards.empty(*nothing(view)))
        return
    frame = frame.with_columns(pl.Series("release", [label(row, by) for row in frame.iter_rows(named=True)], dtype=pl.String))
    st.html(side_by_side(frame.head(8)))
    _over_time(view, answers["over_time"], by[-1])
    _all(frame)
    _units(answers["units"], by)


def label(row: dict[str, Any], by: tuple[str, ...]) -> str:
    """How a release is called: its parts that were told."""
    return " · ".join(str(row[name]) for name in by if row[name]) or "(not told)"


#: Rows of the comparison: column, words, how it is written, whether less is better.
ROWS = (
    ("calls", "Requests", money.count, None),
    ("cost_usd", "Spend", money.usd, None),
    ("coverage", "Coverage of spend", money.share, None),
    ("cost_per_1000_usd", "Cost per 1,000 requests", money.usd, True),
    ("tokens_in_avg", "Input tokens a request", money.count, True),
    ("tokens_out_avg", "Output tokens a request", money.count, True),
    ("p50_ms", "Latency p50", money.milliseconds, True),
    ("p99_ms", "Latency p99", money.milliseconds, True),
    ("failure_rate", "Failed", money.share, True),
    ("score_avg", "Average risk", score, True),
    ("flagged_share", "Flagged answers", money.share, True),
    ("schema_failure_rate", "Schema failures", money.share, True),
    ("safety", "Safety violations", money.count, None),
)


def side_by_side(frame: pl.DataFrame) -> str:
    """Releases as columns, latest first; each figure with its change against the release before it (the next column)."""
    rows = [shares(row) for row in frame.iter_rows(named=True)]
    table: list[dict[str, Any]] = []
    for column, words, write, less in ROWS:
        if all(row[column] is None for row in rows):
            continue
        cells: dict[str, Any] = {"measure": words}
        for i, row in enumerate(rows):
            older = rows[i + 1][column] if i + 1 < len(rows) else None
            moved = money.change(row[column], older) if less is not None and older and enough(row, column) else None
            cells[f"r{i}"] = cards.beside(write(row[column]), moved)
        table.append(cells)
    columns = [
        Column("measure", "Latest first, with its change from the release to its right" if len(rows) > 1 else "The only release of this window")
    ]
    columns += [
        Column(f"r{i}", f"{row['release']}", write=lambda cell: cell, number=True, hint=f"{row['first_hour']} – {row['last_hour']} UTC")
        for i, row in enumerate(rows)
    ]
    return cards.table(table, columns, key="releases")


def shares(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the share of billed requests behind its spend, and shares of what was judged; None where nothing was."""
    scored, checked = row["scored"] or 0, row["schema_checked"] or 0
    return row | {
        "coverage": coverage(row),
        "flagged_share": row["flagged"] / scored if scored else None,
        "schema_failure_rate": row["schema_failures"] / checked if checked else None,
    }


def enough(row: dict[str, Any], column: str) -> bool:
    """Whether there are enough answers behind a quality figure (or requests behind any other) to call a change one."""
    behind = {"score_avg": "scored", "flagged_share": "scored", "schema_failure_rate": "schema_checked"}.get(column, "calls")
    return (row[behind] or 0) >= ENOUGH


def _over_time(view: View, frame: pl.DataFrame, name: str) -> None:
    st.html(cards.section("Requests over time", f"per {view.window.step}, UTC: a release taking over from another"))
    shades = view.colours(name, frame) if name in view.known else colours(frame[name].unique().to_list())
    data = frame.rename({view.window.step: "at"})
    figure = figures.stacked(data, value="calls", name=name, colours=shades, window=view.window, unit="requests")
    st.plotly_chart(figure, config=dict(figures.CONFIG), key="release-calls")


def _all(frame: pl.DataFrame) -> None:
    if frame.height <= 8:
        return
    st.html(cards.section("All releases", "latest first"))
    columns = [
        Column("release", "Release"),
        Column("calls", "Requests", money.count, number=True),
        Column("cost_per_1000_usd", "Per 1,000 requests", money.usd, number=True),
        Column("coverage", "Coverage", money.share, number=True, hint=COVERED),
        Column("p50_ms", "p50", money.milliseconds, number=True),
        Column("failure_rate", "Failed", money.share, number=True),
        Column("score_avg", "Average risk", score, number=True),
        Column("last_hour", "Last seen (UTC)", lambda at: f"{at:%d %b %H:00}"),
    ]
    st.html(cards.table([shares(row) for row in frame.head(200).iter_rows(named=True)], columns, key="all-releases"))


def _units(frame: pl.DataFrame, by: tuple[str, ...]) -> None:
    if frame.is_empty():
        return
    st.html(cards.section("Unit economics", "business events sent with the calls, and what one of them costs"))
    named = frame.with_columns(pl.Series("release", [label(row, by) for row in frame.iter_rows(named=True)], dtype=pl.String))
    columns = [
        Column("metric", "Event"),
        Column("release", "Release"),
        Column("events", "Events", money.count, number=True),
        Column("cost_usd", "Spend", money.usd, number=True),
        Column("cost_per_event_usd", "Cost per event", money.usd, number=True),
        Column("coverage", "Coverage", money.share, number=True, hint=COVERED),
    ]
    rows = [row | {"coverage": coverage(row)} for row in named.head(60).iter_rows(named=True)]
    st.html(cards.table(rows, columns, key="units"))
