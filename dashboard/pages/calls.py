"""Calls: the latest entries of the ledger, and the whole trace behind one of them."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import urlencode

import polars as pl
import streamlit as st

from dashboard import cards, money, trees
from dashboard.asking import Question, question
from dashboard.cards import Column, Html
from dashboard.context import current
from dashboard.pages.spend import csv, nothing
from dashboard.view import BOXES, View
from spanledger.errors import NotFound
from warehouse import queries

OUTCOMES = ("success", "error", "timeout", "rate_limited", "filtered", "cancelled")
ORDERS = {"Newest": "", "Most expensive": "cost_usd", "Slowest": "latency_ms"}
_PAGE = 100
_MOST = 2_000


def show(view: View) -> None:
    """The page: one trace when the URL names it, else the list."""
    trace = st.query_params.get("trace", "").lower()
    if not view.caller.may("calls"):
        st.html(cards.head("Calls", view.window.words))
        st.html(
            cards.empty(
                "Single calls are not shown to this role", f"The role {view.caller.role!r} sees sums; finance, operator, auditor and admin see calls."
            )
        )
        return
    if trace:
        _trace(view, trace, st.query_params.get("span", "").lower())
    else:
        _list(view)


def asks(view: View, outcomes: tuple[str, ...] = (), rows: int = _PAGE) -> dict[str, Question]:
    """The list's question, as far as the caller may ask it."""
    if not view.caller.may("calls"):
        return {}
    return {"calls": question(queries.calls, view.narrowed(outcome=outcomes), limit=rows, scored=view.caller.may("quality"), kept_s=5)}


def _list(view: View) -> None:
    st.html(cards.head("Calls", view.window.words, "Every provider call once, newest first. Open one to see its trace."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        outcomes = st.multiselect("Outcome", OUTCOMES, key="outcome", bind="query-params", placeholder="All", width=240)
        sought = st.text_input("Trace id", placeholder="32 hexadecimal digits", width=300, icon=":material/search:")
        words = (
            st.text_input("Words in prompt or response", placeholder="redacted text", width=280, icon=":material/manage_search:")
            if view.caller.may("content")
            else ""
        )
    if sought:
        _open(sought.strip().lower())
    rows = int(st.session_state.get("rows", _PAGE))
    frame = _found(view, tuple(outcomes), words.strip(), rows)
    if frame.is_empty():
        st.html(cards.empty(*nothing(view)))
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        order = st.segmented_control(
            "Order", list(ORDERS), key="order", bind="query-params", default="Newest", required=True, label_visibility="collapsed"
        )
        st.download_button("Download CSV", lambda: csv(exported(frame)), "calls.csv", "text/csv", icon=":material/download:", on_click="ignore")
    if ORDERS[order] and frame.height == rows:
        st.caption(f"Of the latest {rows} calls; the window may hold dearer and slower ones before them.")
    st.html(listed(view, ordered(frame, order)))
    if frame.height == rows and rows < _MOST and st.button(f"Show {_PAGE} more", icon=":material/expand_more:"):
        st.session_state["rows"] = rows + _PAGE
        st.rerun()


def _found(view: View, outcomes: tuple[str, ...], words: str, rows: int) -> pl.DataFrame:
    if words:
        return current().connections.search(view.caller, view.narrowed(outcome=outcomes), words, limit=rows).rows
    return view.ask(**asks(view, outcomes, rows))["calls"].rows


def _open(trace: str, span: str = "") -> None:
    st.query_params["trace"] = trace
    if span:
        st.query_params["span"] = span
    st.rerun()


def ordered(frame: pl.DataFrame, order: str) -> pl.DataFrame:
    """The calls found, the newest, the dearest or the slowest first."""
    column = ORDERS[order]
    return frame.sort(column, descending=True, nulls_last=True, maintain_order=True) if column else frame


def exported(frame: pl.DataFrame) -> pl.DataFrame:
    """What the CSV holds of each call, money exact."""
    kept = ("ts", "app_id", "team", "provider", "model", "model_tier", "outcome", "error_type", "tokens_in", "tokens_out", "usage_source")
    more = ("cost_usd", "cost_source", "latency_ms", "env", "prompt_id", "prompt_version", "trace_id", "span_id")
    return frame.select(name for name in (*kept, *more) if name in frame.columns)


def listed(view: View, frame: pl.DataFrame) -> str:
    """The list of calls, each with a way to its trace."""
    rows = [
        row
        | {
            "ts": linked(f"{row['ts']:%d %b %H:%M:%S}", row["trace_id"], row["span_id"]),
            "outcome": _outcome(row["outcome"]),
            "tokens": _tokens(row),
            "cost": _cost(row),
        }
        for row in frame.iter_rows(named=True)
    ]
    columns = [
        Column("ts", "Start (UTC)", _as_it_is),
        Column("app_id", "App", cards.named),
        Column("team", "Team", cards.named),
        Column("model", "Model", cards.named),
        Column("outcome", "Outcome", _as_it_is),
        Column("tokens", "Tokens in → out", number=True),
        Column("cost", "Cost", number=True),
        Column("latency_ms", "Latency", money.milliseconds, number=True),
        Column("hallucination_score", "Risk", lambda one: f"{one:.2f}", number=True, hint="Hallucination risk, 0 to 1; – where nothing was judged"),
        Column("env", "Env", cards.named),
        Column("prompt_version", "Version", cards.named, hint="Prompt version"),
    ]
    columns = [one for one in columns if one.name in rows[0]]
    return cards.table(rows, columns, dots={"team": view.colours("team", frame)}, key="calls")


def _outcome(told: str) -> str:
    return "success" if told == "success" else cards.pill(told.replace("_", " "), "" if told == "cancelled" else "bad")


def _as_it_is(cell: Any) -> Any:
    return cell


def _tokens(row: dict[str, Any]) -> str:
    if not row.get("billed", True) and not row["tokens_in"] and not row["tokens_out"]:
        return money.DASH
    return "not told" if row["usage_source"] == "missing" else f"{money.count(row['tokens_in'])} → {money.count(row['tokens_out'])}"


def _cost(row: dict[str, Any]) -> str:
    if not row.get("billed", True) and not row["cost_usd"]:
        return "not billed"
    return "unpriced" if row["cost_source"] == "unpriced" and row.get("billed", True) else money.usd(row["cost_usd"])


def _trace(view: View, trace: str, span: str) -> None:
    st.html(cards.head("Trace", trace))
    if st.button("All calls", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.pop("trace", None)
        st.query_params.pop("span", None)
        st.rerun()
    try:
        found = current().connections.trace(view.caller, trace, drawn=True)
    except NotFound:
        st.html(cards.empty("There is no such trace here", "Its details may have expired, or it belongs to another team. Sums stay in the ledger."))
        return
    spans, entries = found.spans.to_dicts(), found.entries.to_dicts()
    st.html(cards.cards(_summary(spans, entries)))
    st.html(trees.drawn(trees.grow(spans, entries), span))
    entry = next((one for one in entries if one["span_id"] == span or span in one["members"]), entries[0] if len(entries) == 1 else None)
    if len(entries) > 1:
        labels = {one["span_id"]: f"{one['ts']:%H:%M:%S}  {one['model'] or one['operation']}  {money.usd(one['cost_usd'])}" for one in entries}
        names = list(labels)
        picked = st.selectbox("Call", names, index=names.index(entry["span_id"]) if entry else 0, format_func=labels.__getitem__, width=520)
        entry = next(one for one in entries if one["span_id"] == picked)
    if entry is not None:
        _entry(view, trace, entry)


def _summary(spans: list[dict[str, Any]], entries: list[dict[str, Any]]) -> list[cards.Card]:
    cost = sum((one["cost_usd"] for one in entries), start=Decimal(0)) if entries else None
    took = (max(one["end_ts"] for one in spans) - min(one["ts"] for one in spans)).total_seconds() * 1000 if spans else None
    calls = sum(one["entry_kind"] != "unattributed" for one in entries)
    started = min(one["ts"] for one in spans or entries)
    app = cards.named(entries[0]["app_id"]) if entries else money.DASH
    return [
        cards.Card("Cost", money.usd(cost), tone="first", under="of the whole trace"),
        cards.Card("Calls", money.count(calls), under=f"told by {sum(len(one['members']) for one in entries)} of {len(spans)} spans"),
        cards.Card(
            "Tokens",
            f"{money.compact(sum(one['tokens_in'] for one in entries))} → {money.compact(sum(one['tokens_out'] for one in entries))}",
            under="in → out",
        ),
        cards.Card("Duration", money.milliseconds(took)),
        cards.Card("Started", f"{started:%H:%M:%S}", under=f"{started:%d %b %Y} UTC"),
        cards.Card("App", app, under=entries[0]["team"] if entries else "", hint=app),
    ]


def _entry(view: View, trace: str, entry: dict[str, Any]) -> None:
    st.html(cards.section("The call", "as it stands in the ledger"))
    asked = entry["model_requested"]
    st.html(
        cards.facts(
            [
                ("Model", entry["model"] + (f" (asked for {asked})" if asked and asked != entry["model"] else "")),
                ("Provider", entry["provider"]),
                ("Tier", entry["model_tier"]),
                ("Outcome", " · ".join(part for part in (entry["outcome"], entry["error_type"], entry["finish_reason"]) if part)),
                ("Prompt version", f"{entry['prompt_id']} {entry['prompt_version']}".strip()),
                ("Input tokens", f"{money.count(entry['tokens_in'])} ({money.count(entry['tokens_cache_read'])} cached)"),
                ("Output tokens", f"{money.count(entry['tokens_out'])} ({money.count(entry['tokens_reasoning'])} reasoning)"),
                ("Usage", entry["usage_source"]),
                ("Cost", money.usd(entry["cost_usd"])),
                ("Price", f"{entry['cost_source']} {entry['price_id']}".strip()),
                ("Latency", money.milliseconds(entry["latency_ms"])),
                ("First token", money.milliseconds(entry["ttft_ms"]) if entry["ttft_ms"] is not None else ""),
                ("Retries", str(entry["retry"] or "")),
                ("Flags", ", ".join(name for name in ("cache_hit", "fallback") if entry[name])),
            ]
        )
    )
    if view.caller.may("quality"):
        _findings(view, trace, entry["span_id"])
    if not view.caller.may("content"):
        st.html(f'<div class="sl-note">Text is shown to operators and auditors, not to the role {view.caller.role}.</div>')
        return
    texts = current().connections.texts(view.caller, trace)
    own = texts.filter(pl.col("span_id").is_in([entry["span_id"], *entry["members"]])) if not texts.is_empty() else texts
    if own.is_empty():
        st.html('<div class="sl-note">No text is kept for this call: its tenant stores none, or it has expired.</div>')
        return
    row = own.sort(pl.col("response").str.len_bytes(), descending=True).row(0, named=True)
    for title, words in (
        ("Prompt, redacted", row["prompt"]),
        ("Response, redacted", row["response"]),
        ("Retrieved context, redacted", "\n\n".join(row["context"] or [])),
    ):
        if words:
            st.html(cards.section(title) + cards.text(words))


def _findings(view: View, trace: str, span: str) -> None:
    """What each detector found about the call."""
    found: pl.DataFrame = view.ask(it=question(queries.verdicts, trace, span, teams=view.caller.teams or None, kept_s=5))["it"]
    if found.is_empty():
        return
    columns = [
        Column("detector", "Detector"),
        Column("score", "Risk", lambda one: f"{one:.3f}", number=True),
        Column("label", "Finding", cards.named),
        Column("reason", "Why not judged", lambda words: str(words or money.DASH)),
    ]
    st.html(cards.section("Findings", "0 is fine, 1 is bad; – was not judged") + cards.table(found, columns, key="verdicts"))


def link(trace: str, span: str = "") -> str:
    """The address of a trace's page; time and filters stay as chosen."""
    kept = {name: st.query_params.get_all(name) for name in (*BOXES, "since", "days") if name in st.query_params}
    return "/calls?" + urlencode(kept | {"trace": trace} | ({"span": span} if span else {}), doseq=True)


def linked(words: str, trace: str, span: str = "") -> Html:
    """A way to a trace's page."""
    return Html(f'<a href="{escape(link(trace, span))}" target="_self">{escape(words)}</a>')
