"""Calls: the latest entries of the ledger, and the whole trace behind one of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import polars as pl
import streamlit as st

from dashboard import cards, money, trees
from dashboard.asking import question
from dashboard.context import current
from dashboard.pages.spend import nothing
from dashboard.view import View
from spanledger.errors import NotFound
from warehouse import queries

OUTCOMES = ("success", "error", "timeout", "rate_limited", "filtered", "cancelled")
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


def _list(view: View) -> None:
    st.html(cards.head("Calls", view.window.words, "Every provider call once, newest first. Choose a row to see its trace."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        outcomes = st.multiselect("Outcome", OUTCOMES, key="outcome", bind="query-params", placeholder="All", width=260)
        sought = st.text_input("Trace id", placeholder="32 hexadecimal digits", width=330, icon=":material/search:")
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
    chosen = st.dataframe(
        _shown(frame),
        column_config=_columns(),
        hide_index=True,
        height=min(640, 37 * (frame.height + 1)),
        on_select="rerun",
        selection_mode="single-row",
        key=f"calls-{rows}",
    )
    picked = chosen.selection.rows
    if picked:
        row = frame.row(picked[0], named=True)
        _open(row["trace_id"], row["span_id"])
    if frame.height == rows and rows < _MOST and st.button(f"Show {_PAGE} more", icon=":material/expand_more:"):
        st.session_state["rows"] = rows + _PAGE
        st.rerun()


def _found(view: View, outcomes: tuple[str, ...], words: str, rows: int) -> pl.DataFrame:
    scope = view.narrowed(outcome=outcomes)
    if words:
        return current().connections.search(view.caller, scope, words, limit=rows).rows
    return view.ask(it=question(queries.calls, scope, limit=rows, scored=view.caller.may("quality"), kept_s=5))["it"].rows


def _open(trace: str, span: str = "") -> None:
    st.query_params["trace"] = trace
    if span:
        st.query_params["span"] = span
    st.rerun()


def _shown(frame: pl.DataFrame) -> pl.DataFrame:
    """What the list shows of each call, money as words so that small amounts stay visible."""
    marks = {"success": "✓", "cancelled": "–"}
    return frame.select(
        pl.col("ts"),
        pl.col("app_id").alias("app"),
        "team",
        "model",
        pl.Series("outcome", [f"{marks.get(one, '✗')} {one.replace('_', ' ')}" for one in frame["outcome"]]),
        pl.Series("tokens", [_tokens(row) for row in frame.iter_rows(named=True)]),
        pl.Series("cost", [_cost(row) for row in frame.iter_rows(named=True)]),
        pl.Series("latency", [money.milliseconds(one) for one in frame["latency_ms"]]),
        pl.col("env"),
        pl.col("prompt_version").alias("version"),
        pl.col("trace_id"),
    )


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "ts": column.DatetimeColumn("Start (UTC)", format="DD MMM HH:mm:ss", timezone="UTC", width=118),
        "app": column.TextColumn("App", width=145),
        "team": column.TextColumn("Team", width=85),
        "model": "Model",
        "outcome": column.TextColumn("Outcome", width=100),
        "tokens": column.TextColumn("Tokens in → out", alignment="right", width=112),
        "cost": column.TextColumn("Cost", alignment="right", width=92),
        "latency": column.TextColumn("Latency", alignment="right", width=70),
        "env": column.TextColumn("Env", width=88),
        "version": column.TextColumn("Version", width=70, help="Prompt version"),
        "trace_id": column.TextColumn("Trace", width=120),
    }


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


def link(trace: str, span: str = "") -> str:
    """The address of a trace's page."""
    return f"/calls?trace={quote(trace)}" + (f"&span={quote(span)}" if span else "")
