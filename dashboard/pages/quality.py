"""Quality: how risky answers are, where, and since when; safety counts; what people said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
import streamlit as st

from dashboard import cards, figures, money
from dashboard.asking import Question
from dashboard.cards import Card, Column
from dashboard.pages import calls
from dashboard.pages.spend import nothing
from dashboard.theme import AMBER, BLUE
from dashboard.view import View
from dashboard.windows import Window
from warehouse import queries

GROUPS = {"App": "app", "Model": "model", "Prompt version": "prompt_version", "Route": "route", "Team": "team"}
OBJECTIVE = 0.02  # average hallucination_score of the usual objective (DESIGN §4)
ENOUGH = 50  # scored answers below which there is no verdict
MEANING = "0 = nothing in the answer goes beyond its evidence, 1 = it contradicts it. Floored and calibrated: 0.02 is about one bad answer in ten."


def show(view: View) -> None:
    """The page."""
    st.html(
        cards.head("Quality", view.window.words, "Hallucination risk without an LLM judge: each average stands with the number of answers behind it.")
    )
    if not view.caller.may("quality"):
        st.html(
            cards.empty(
                "Quality is not shown to this role", f"The role {view.caller.role!r} sees spend; viewer, operator, auditor and admin see quality."
            )
        )
        return
    top, place = st.container(), st.empty()
    side = place.container()
    with side, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(cards.section("Side by side", f"no verdict below {ENOUGH} scored answers"))
        name = st.segmented_control(
            "By", list(GROUPS), key="grouped", bind="query-params", default="App", required=True, label_visibility="collapsed"
        )
    step = view.window.step
    answers = view.ask(**asks(view, GROUPS[name]))
    total = answers["total"].row(0, named=True) if answers["total"].height else {}
    with top:
        if not total.get("answers") and not total.get("safety"):
            place.empty()
            st.html(cards.empty(*unscored(view)))
            return
        whole = view.whole_before(answers["days"]) and answers["before"].height
        before = answers["before"].row(0, named=True) if whole else {}
        st.html(cards.cards(kpis(total, before)))
        if not total.get("answers"):
            place.empty()
            st.html(cards.empty(*unscored(view)))
            return
        _over_time(answers["over_time"].rename({step: "at"}), view.window)
    with side:
        st.html(_table(view, name, answers["rows"]))
    riskiest = worst(view, answers["worst"]) if "worst" in answers else ""
    if riskiest:  # Streamlit refuses to draw nothing
        st.html(riskiest)


def asks(view: View, by: str = "app") -> dict[str, Question]:
    """The page's questions, as far as the caller may ask them."""
    if not view.caller.may("quality"):
        return {}
    asked = {
        "total": view.about(queries.quality, by=()),
        "days": view.days_before(),
        "before": view.about(queries.quality, by=(), before=True),
        "over_time": view.about(queries.quality, by=(view.window.step,), safety=False),
        "rows": view.about(queries.quality, by=(by,)),
    }
    return asked | ({"worst": view.about(queries.worst_answers, limit=15)} if view.caller.may("calls") else {})


def unscored(view: View) -> tuple[str, str, str]:
    """What the page says without a score: nothing recorded, or nothing that could be judged."""
    if not any(view.known.values()):
        return nothing(view)
    words = "Detectors need retrieved documents or a JSON schema in the telemetry, and a few seconds after a call."
    return "No answer in this window has been scored.", words, ""


def kpis(total: Mapping[str, Any], before: Mapping[str, Any]) -> list[Card]:
    """The row of cards: what an owner of answers asks first."""

    def worse(name: str) -> float | None:
        return money.change(total[name], before.get(name))

    average, scored = total["score_avg"], total["scored"]
    high = scored >= ENOUGH and average is not None and average >= OBJECTIVE
    checked, compared = money.count(total["schema_checked"]), money.count(total["contradiction_scored"])
    safety = "Content filters, guardrails, policy checks, refusals"
    return [
        Card("Average risk", score(average), worse("score_avg"), "down", f"n = {money.count(scored)}", "warn" if high else "first", MEANING),
        Card("Flagged", money.share(total["flagged_share"]), worse("flagged_share"), "down", f"n = {money.count(total['flagged'])}"),
        Card(
            "Scored", money.share(total["coverage"]), under=f"of {money.count(total['answers'])} answers", hint="The rest had no evidence to judge by"
        ),
        Card("Schema failures", money.share(total["schema_failure_rate"]), worse("schema_failure_rate"), "down", f"of {checked}"),
        Card("Contradictions", money.share(total["contradiction_rate"]), under=f"of {compared} compared"),
        Card("Safety", money.count(total["safety"]), worse("safety"), "down", "violations told", "warn" if total["safety"] else "", safety),
    ]


def score(value: float | None) -> str:
    """A score in three decimals; unknown is a dash, never 0."""
    return money.DASH if value is None else f"{value:.3f}"


def _over_time(frame: pl.DataFrame, window: Window) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.html(cards.section("Average risk", f"per {window.step}; dotted: the usual objective, {OBJECTIVE}"))
        figure = figures.lines(frame, values={"score_avg": ("average risk", BLUE)}, window=window, unit="", limit=OBJECTIVE)
        st.plotly_chart(figure, config=dict(figures.CONFIG), key="risk")
    with right:
        st.html(cards.section("Flagged answers and schema failures", f"per {window.step}, share of what was judged"))
        shown = {"flagged_share": ("flagged", AMBER), "schema_failure_rate": ("schema failures", "#a855f7")}
        figure = figures.lines(frame, values=shown, window=window, unit="", percent=True)
        st.plotly_chart(figure, config=dict(figures.CONFIG), key="flagged")


def _table(view: View, name: str, frame: pl.DataFrame) -> str:
    by = GROUPS[name]
    columns = [
        Column(by, name, cards.named),
        Column("score_avg", "Average risk", score, number=True, hint=MEANING),
        Column("scored", "Scored", money.count, number=True),
        Column("coverage", "Of answers", money.share, number=True),
        Column("flagged_share", "Flagged", money.share, number=True),
        Column("grounding_avg", "Grounding", score, number=True),
        Column("schema_failure_rate", "Schema failures", money.share, number=True),
        Column("contradiction_rate", "Contradictions", money.share, number=True),
        Column("safety", "Safety", money.count, number=True),
        Column("verdict", "Verdict", lambda words: cards.pill(words, VERDICTS[words])),
    ]
    words = [verdict(row["score_avg"], row["scored"]) for row in frame.iter_rows(named=True)]
    shown = frame.with_columns(pl.Series("verdict", words, dtype=pl.String)).sort("score_avg", descending=True, nulls_last=True)
    return cards.table(shown.head(100), columns, dots={by: view.colours(by, frame)} if by in view.known else {}, key="quality")


VERDICTS: dict[str, Literal["good", "warn", ""]] = {"too few": "", "over the objective": "warn", "within the objective": "good"}


def verdict(average: float | None, scored: int) -> str:
    """The average against the usual objective, in words."""
    if scored < ENOUGH or average is None:
        return "too few"
    return "over the objective" if average >= OBJECTIVE else "within the objective"


def worst(view: View, frame: pl.DataFrame) -> str:
    """The answers most at risk, each with a way to its trace; empty without any."""
    risky = frame.filter(pl.col("flagged"))
    if risky.is_empty():
        return ""
    rows = [
        {
            "ts": calls.linked(f"{row['ts']:%d %b %H:%M:%S}", row["trace_id"], row["span_id"]),
            "app": row["app_id"],
            "model": row["model"],
            "version": row["prompt_version"],
            "score": next((one for one in (row["hallucination_score"], row["score"]) if one is not None), None),
            "label": row["label"] or ", ".join(row["coverage"] or ()),
        }
        for row in risky.iter_rows(named=True)
    ]
    columns = [
        Column("ts", "Start (UTC)", lambda cell: cell),
        Column("app", "App", cards.named),
        Column("model", "Model", cards.named),
        Column("version", "Prompt version", cards.named),
        Column("score", "Risk", lambda one: f"{one:.2f}", number=True, bar=True),
        Column("label", "Finding", cards.named),
    ]
    dots = {"app": view.colours("app", risky.rename({"app_id": "app"}))}
    return cards.section("Riskiest answers", "open one to see its trace, its text and its findings") + cards.table(
        rows, columns, dots=dots, key="worst"
    )
