"""A trace as a tree of rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dashboard import trees

AT = datetime(2026, 11, 21, tzinfo=UTC)


def span(span_id: str, parent: str = "0" * 16, at: int = 0, **more: Any) -> dict[str, Any]:
    start = AT + timedelta(milliseconds=at)
    told = {"kind": "llm", "name": span_id, "status": "ok", "model": "", "tokens_in": 0, "tokens_out": 0}
    return {"span_id": span_id, "parent_span_id": parent, "ts": start, "end_ts": start + timedelta(milliseconds=10), **told, **more}


def entry(span_id: str, *members: str, **more: Any) -> dict[str, Any]:
    told = {"model": "m", "usage_source": "reported", "cost_source": "computed", "outcome": "success", "billed": True}
    return {"span_id": span_id, "members": [span_id, *members], "tokens_in": 5, "tokens_out": 7, "cost_usd": Decimal("0.25"), **told, **more}


def test_children_stand_under_their_parent_in_order_of_time() -> None:
    rows = trees.grow([span("b", "a", 5), span("c", "a", 1), span("a"), span("d", "c", 2)], [])
    assert [(row.span["span_id"], row.depth) for row in rows] == [("a", 0), ("c", 1), ("d", 2), ("b", 1)]


def test_a_span_whose_parent_never_came_is_a_root() -> None:
    assert [row.depth for row in trees.grow([span("a", "lost"), span("b", "a")], [])] == [0, 1]


def test_an_entry_stands_on_one_span_and_its_other_members_say_so() -> None:
    outer, inner = trees.grow([span("outer"), span("inner", "outer")], [entry("outer", "inner")])
    assert outer.entry is not None
    assert inner.told_by == "outer"
    html = trees.drawn([outer, inner])
    assert html.count("$0.25") == 1
    assert "same call" in html


def test_an_entry_without_its_span_is_still_shown() -> None:
    rows = trees.grow([], [entry("gone")])
    assert "$0.25" in trees.drawn(rows)


def test_names_from_telemetry_are_escaped() -> None:
    html = trees.drawn(trees.grow([span("a", name="<img src=x onerror=alert(1)>", kind='"><script>')], []))
    assert "<img" not in html
    assert "<script" not in html


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=20))
def test_every_span_stands_exactly_once_whatever_the_parents_are(pairs: list[tuple[int, int]]) -> None:
    spans = [span(f"s{i}", f"s{parent}") for i, parent in dict(pairs).items()]
    rows = trees.grow(spans, [])
    assert sorted(row.span["span_id"] for row in rows) == sorted(one["span_id"] for one in spans)
