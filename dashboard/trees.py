"""A trace as a tree of rows: spans under their parents, entries of the ledger on the spans that carry them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dashboard import money
from dashboard.theme import AMBER, BLUE, GREEN, GREY, RED, VIOLET

KIND_COLOURS = {
    "llm": BLUE, "embedding": "#06b6d4", "rerank": "#06b6d4", "image": "#06b6d4", "audio": "#06b6d4", "agent": VIOLET, "chain": "#6366f1",
    "workflow": "#6366f1", "step": "#6366f1", "tool": "#d97706", "retriever": "#0d9488", "guardrail": RED, "evaluator": RED, "cache": GREEN,
}  # fmt: skip


@dataclass(frozen=True)
class Branch:
    """One row of a trace tree.

    Attributes:
        span: the journal's row (``trace_spans``), or an empty mapping where only an entry is known.
        depth: 0 for roots.
        entry: the ledger's row that stands on this span, if any.
        told_by: span id of the entry that this span helps to tell (counted there, not here), "" otherwise.
    """

    span: Mapping[str, Any]
    depth: int
    entry: Mapping[str, Any] | None = None
    told_by: str = ""


def grow(spans: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]) -> list[Branch]:
    """Rows in reading order. Spans whose parent is unknown (or that form a ring) are roots; each span stands once."""
    known = {span["span_id"] for span in spans}
    children: dict[str, list[Mapping[str, Any]]] = {}
    for span in sorted(spans, key=lambda one: (one["ts"], one["span_id"])):
        parent = span["parent_span_id"]
        children.setdefault(parent if parent in known and parent != span["span_id"] else "", []).append(span)
    standing = {entry["span_id"]: entry for entry in entries}
    teller = {member: entry["span_id"] for entry in entries for member in entry["members"] if member != entry["span_id"]}
    rows: list[Branch] = []
    seen: set[str] = set()

    def descend(first: str, depth: int) -> None:
        stack = [(span, depth) for span in reversed(children.get(first, []))]
        while stack:
            span, level = stack.pop()
            here = span["span_id"]
            if here in seen:
                continue
            seen.add(here)
            rows.append(Branch(span, level, standing.get(here), "" if here in standing else teller.get(here, "")))
            stack += [(child, level + 1) for child in reversed(children.get(here, []))]

    descend("", 0)
    for span in spans:  # rings have no root
        if span["span_id"] not in seen:
            seen.add(span["span_id"])
            rows.append(Branch(span, 0, standing.get(span["span_id"]), ""))
            descend(span["span_id"], 1)
    rows += [Branch({}, 0, entry) for here, entry in standing.items() if here not in seen]
    return rows


def drawn(rows: Sequence[Branch], chosen: str = "") -> str:
    """The tree as HTML: name and kind, a bar on the trace's time line, duration, tokens, cost. ``chosen`` is highlighted."""
    timed = [row.span for row in rows if row.span]
    first = min((span["ts"] for span in timed), default=None)
    whole = max(((span["end_ts"] - first).total_seconds() for span in timed), default=0.0) if first else 0.0
    titles = "".join(f'<div class="sl-num">{title}</div>' for title in ("Duration", "Tokens in → out", "Cost"))
    head = f'<div class="sl-span sl-headrow"><div>Span</div><div></div>{titles}</div>'
    return f'<div class="sl-scroll"><div class="sl-tree" role="tree">{head}{"".join(_row(row, first, whole, chosen) for row in rows)}</div></div>'


def _row(row: Branch, first: Any, whole: float, chosen: str) -> str:
    span, entry = row.span, row.entry
    here = span.get("span_id") or (entry or {}).get("span_id", "")
    kind = str(span.get("kind") or "call")
    colour = KIND_COLOURS.get(kind, GREY)
    name = escape(str(span.get("name") or (entry or {}).get("model") or "entry without span"))
    model = escape(str((entry or {}).get("model") or span.get("model") or ""))
    beside = f' <span class="sl-note">{model}</span>' if model and model not in name else ""
    failed = span.get("status") == "error" or (entry or {}).get("outcome", "success") not in ("success", "")
    mark = f' <span class="sl-pill sl-bad">{escape(str((entry or {}).get("outcome") or "error"))}</span>' if failed else ""
    tokens, cost = _tokens(row), _cost(row)
    track = ""
    if span and whole > 0:
        left = (span["ts"] - first).total_seconds() / whole * 100
        width = max(0.4, (span["end_ts"] - span["ts"]).total_seconds() / whole * 100)
        track = (
            f'<i style="left:{min(left, 99.5):.2f}%;width:{min(width, 100 - min(left, 99.5)):.2f}%;background:{colour if not failed else RED}"></i>'
        )
    took = money.milliseconds((span["end_ts"] - span["ts"]).total_seconds() * 1000) if span else money.DASH
    tip = escape(" · ".join(str(span[key]) for key in ("scope", "dialect", "service") if span.get(key)))
    badge = f'<span class="sl-kind" style="background:{colour}">{escape(kind)}</span>'
    opening = f'<div class="sl-span{" sl-chosen" if chosen and here == chosen else ""}" role="treeitem" data-span="{escape(here)}" title="{tip}">'
    title = f'<div class="sl-name" style="padding-left:{row.depth * 1.15:.2f}rem">{badge}{name}{beside}{mark}</div>'
    figures = "".join(f'<div class="sl-num">{words}</div>' for words in (took, tokens, cost))
    return f'{opening}{title}<div class="sl-track">{track}</div>{figures}</div>'


def _tokens(row: Branch) -> str:
    if row.entry is not None and row.entry["usage_source"] == "missing":
        return "not told"
    source = row.entry if row.entry is not None else row.span
    if not source.get("tokens_in") and not source.get("tokens_out"):
        return ""
    words = f"{money.count(source['tokens_in'])} → {money.count(source['tokens_out'])}"
    return words if row.entry is not None else f'<span class="sl-flat" title="as told by this span; counted once, on the call">({words})</span>'


def _cost(row: Branch) -> str:
    if row.entry is None:
        return '<span class="sl-flat" title="this span tells the same call as another one; counted there">same call</span>' if row.told_by else ""
    if row.entry["cost_source"] == "unpriced" and row.entry["billed"]:
        return f'<span class="sl-pill" style="border-color:{AMBER}">unpriced</span>'
    return money.usd(row.entry["cost_usd"])
