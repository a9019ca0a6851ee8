"""Journal and ledger rows: what is written can be posted again, exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.rows import (
    batch_of,
    calls_batch,
    contents_batch,
    facts_of,
    journal_columns,
    key_of,
    span_of,
    spans_of,
    tombstones,
    usd_array,
    version_of,
)
from spanledger.model import Content, Entry, Message, Span, Usage
from warehouse.tables import CALLS, CONTENTS, SPANS

words = st.text(max_size=12)
counts = st.none() | st.integers(0, 2**40)
usages = st.none() | st.builds(Usage, input=counts, output=counts, cache_read=counts, reasoning=counts)
spans = st.builds(
    Span,
    project=words,
    service=words,
    trace_id=st.binary(min_size=16, max_size=16),
    span_id=st.binary(min_size=8, max_size=8).filter(any),
    parent_id=st.just(b"") | st.binary(min_size=8, max_size=8).filter(any),
    start_ns=st.integers(0, 2**62),
    end_ns=st.integers(0, 2**62),
    name=words,
    usage=usages,
    cost_usd=st.none() | st.decimals(0, 1000, places=9),
    own=st.dictionaries(words, words, max_size=2),
    attrs=st.dictionaries(words, words, max_size=3),
    safety_types=st.lists(words, max_size=2).map(tuple),
)


@settings(deadline=None)  # the first example loads pyarrow
@given(st.lists(spans, min_size=1, max_size=5))
def test_a_span_comes_back_from_its_journal_row_as_it_was(found: list[Span]) -> None:
    facts = [facts_of(s) for s in found]
    versions = [version_of(s, f) for s, f in zip(found, facts, strict=True)]
    rows = batch_of(journal_columns(found, facts, versions), SPANS)
    assert rows.schema == SPANS
    assert spans_of(rows) == list(zip(versions, found, strict=True))


@given(spans)
def test_facts_leave_out_what_the_key_columns_hold(span: Span) -> None:
    before = (span.project, span.trace_id, span.span_id)
    facts = facts_of(span)
    assert (span.project, span.trace_id, span.span_id) == before
    again = span_of(span.project, span.service, span.trace_id, span.span_id, span.parent_id or b"\0" * 8, facts)
    assert again == span


def _span(**changes: object) -> Span:
    return Span(**{"project": "p", "service": "s", "trace_id": b"t" * 16, "span_id": b"i" * 8, "start_ns": 1, "end_ns": 2, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"end_ns": 2}, {"end_ns": 3}),
        ({"end_ns": 3, "n_attrs": 1}, {"end_ns": 3, "n_attrs": 2}),
        ({"end_ns": 2, "n_attrs": 9}, {"end_ns": 3, "n_attrs": 0}),
    ],
)
def test_of_two_versions_the_later_end_then_the_richer_wins(less: dict[str, int], more: dict[str, int]) -> None:
    a, b = _span(**less), _span(**more)
    assert version_of(a, facts_of(a)) < version_of(b, facts_of(b))


def test_equal_payloads_have_equal_versions_and_unequal_ones_do_not() -> None:
    a, b, c = _span(), _span(), _span(name="other")
    assert version_of(a, facts_of(a)) == version_of(b, facts_of(b)) != version_of(c, facts_of(c))


@given(st.lists(st.none() | st.decimals(Decimal("-999999999"), Decimal("999999999"), places=9), max_size=20))
def test_money_goes_into_the_column_to_the_last_digit(values: list[Decimal | None]) -> None:
    assert usd_array(values).to_pylist() == values


def test_ledger_rows_and_tombstones_have_the_tables_schema() -> None:
    entry = Entry(project="p", service="s", ts_us=5, trace_id=b"t" * 16, span_id=b"i" * 8, tokens_in=2**40, cost_in_usd=Decimal("0.000000001"))
    rows = calls_batch([entry], 3)
    assert rows.schema == CALLS
    assert rows["tokens_in"].to_pylist() == [2**32 - 1]  # clamped, never wrapped
    gone = tombstones([key_of(entry)], 4)
    assert gone.schema == CALLS
    assert gone["is_deleted"].to_pylist() == [1]
    assert gone["span_id"] == rows["span_id"]


def test_contents_keep_roles_documents_and_named_texts() -> None:
    content = Content(messages=[Message("system", "be brief"), Message("user", "hi")], response="hello", context=["doc"], tool_input="{}")
    rows = contents_batch([(_span(), content, 1)])
    assert rows.schema == CONTENTS
    assert rows["prompt"].to_pylist() == ["system: be brief\nuser: hi"]
    assert rows["context"].to_pylist() == [["doc"]]
    assert rows["extra"].to_pylist() == [[("tool_input", "{}")]]
