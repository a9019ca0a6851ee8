"""Ledger rows made in columns equal those made one by one."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import lone
from collector.families import Recent, cold_keys, cold_keys_of
from collector.lone import LoneCalls, spooled, spooled_batch
from collector.posting import PostingRules, family_keys, post_singles, response_keys_of
from collector.posting.rules import AppEntry
from collector.pricing import Contract, PriceBook
from collector.rows import calls_batch, facts_of, version_of
from spanledger.model import Span, Usage
from warehouse.tables import SPANS

_DAY = 86_400_000_000_000
_count = st.sampled_from([None, 0, 1, 250, 90_000, 300_000, 5_000_000_000])
_usages = st.none() | st.builds(
    Usage, input=_count, output=_count, cache_read=_count, cache_write=_count, cache_write_1h=_count, reasoning=_count,
    audio_in=st.sampled_from([None, None, None, 7]),
)  # fmt: skip
_who = st.dictionaries(
    st.sampled_from(["app", "team", "tenant", "user", "session", "route", "prompt_version", "env", "region"]),
    st.sampled_from(["a", "b", ""]),
    max_size=5,
)
_spans = st.builds(
    Span,
    project=st.just("p"),
    service=st.sampled_from(["s1", "s2"]),
    trace_id=st.binary(min_size=16, max_size=16),
    span_id=st.binary(min_size=8, max_size=8),
    parent_id=st.sampled_from([b"", b"12345678"]),
    start_ns=st.integers(1_760_000_000_000_000_000, 1_760_000_000_000_000_000 + 3 * _DAY),
    end_ns=st.integers(1_760_000_000_000_000_000, 1_760_000_000_000_000_000 + 3 * _DAY),
    kind=st.just("llm"),
    role=st.sampled_from(["call", "call", "call", "aggregate", "none"]),
    status=st.sampled_from(["unset", "ok", "error"]),
    provider=st.sampled_from(["openai", "anthropic", ""]),
    model=st.sampled_from(["gpt-4o-2024-08-06", "claude-sonnet-4-5-20250929", "no-such-model", ""]),
    model_requested=st.sampled_from(["gpt-4o", "claude-sonnet-4-5"]),
    response_id=st.sampled_from(["", "chatcmpl-12345678"]),
    finish_reason=st.sampled_from(["", "stop", "content_filter"]),
    service_tier=st.sampled_from(["", "", "batch"]),
    stream=st.booleans(),
    cache_hit=st.sampled_from([False, False, True]),
    billed=st.sampled_from([None, None, None, False]),
    outcome=st.sampled_from(["", "success", "timeout"]),
    usage=_usages,
    usage_estimated=st.booleans(),
    ttft_ms=st.sampled_from([None, 12.5]),
    latency_ms=st.sampled_from([None, 900.25, 1e9]),
    cost_usd=st.sampled_from([None, None, None, Decimal("0.5")]),
    safety=st.sampled_from([0, 0, 2]),
    safety_types=st.sampled_from([(), ("policy", "guardrail")]),
    own=_who,
    inherited=_who,
    prompt_hash=st.sampled_from(["", "ab"]),
    attrs=st.sampled_from([{}, {"k": "v"}, {"k": "w"}]),
    biz=st.sampled_from([{}, {}, {"orders": 2.0}]),
)


_SHOP = AppEntry(team="retail", owner="ann", cost_centre="cc7", env="prod", aliases=("a*",))


def _rows(batches: list[pa.RecordBatch]) -> list[dict[str, object]]:
    return sorted((row for b in batches for row in b.to_pylist()), key=lambda r: (r["trace_id"], r["span_id"], str(r)))


def _spooled(spans: list[Span]) -> pa.RecordBatch:
    facts = [facts_of(s) for s in spans]
    return spooled_batch(spans, facts, [version_of(s, f) for s, f in zip(spans, facts, strict=True)])


def _in_columns(spans: list[Span], rules: PostingRules, calls: LoneCalls) -> tuple[list[pa.RecordBatch], list[Span]]:
    """Ledger rows made in columns, and the spans that are left."""
    rows, taken = calls.rows(whole := _spooled(spans), np.arange(len(spans)), rules, whole)
    return ([rows(7)] if rows else []), [s for s, done in zip(spans, taken.tolist(), strict=True) if not done]


@settings(max_examples=150, deadline=None)
@given(spans=st.lists(_spans, min_size=1, max_size=40), more=st.lists(_spans, max_size=10), registered=st.booleans())
def test_columns_equal_entries_made_one_by_one(spans: list[Span], more: list[Span], registered: bool) -> None:
    rules = PostingRules(apps={"shop": _SHOP}) if registered else PostingRules()
    calls = LoneCalls()
    fewest, lone.FEW = lone.FEW, 1
    try:
        for some in (spans, more):  # the second time from what is remembered of the first
            batches, left = _in_columns(some, rules, calls)
            batches.append(calls_batch(post_singles(left, rules), 7))
            assert _rows(batches) == _rows([calls_batch(post_singles(some, rules), 7)])
    finally:
        lone.FEW = fewest


def _call(i: int) -> Span:
    return Span(
        project="p", service="s", trace_id=i.to_bytes(16), span_id=i.to_bytes(8), start_ns=1_760_000_000_000_000_000 + i * 1_000_000_000,
        end_ns=1_760_000_001_000_000_000 + i * 1_000_000_000, kind="llm", role="call", provider="openai", model="gpt-4o-2024-08-06",
        usage=Usage(input=100 + i, output=i + 1), own={"user": f"u{i}", "route": "/a"}, response_id=f"chatcmpl-{i:012d}",
    )  # fmt: skip


def test_ordinary_calls_take_the_short_way() -> None:
    spans = [_call(i) for i in range(500)]
    batches, left = _in_columns(spans, PostingRules(), LoneCalls())
    assert not left
    assert _rows(batches) == _rows([calls_batch(post_singles(spans, PostingRules()), 7)])


@pytest.mark.parametrize("few", [0, 1, 63])
def test_a_handful_of_calls_takes_the_ordinary_way(few: int) -> None:
    spans = [_call(i) for i in range(few)]
    assert _in_columns(spans, PostingRules(), LoneCalls()) == ([], spans)


def test_other_prices_reach_calls_of_a_known_combination() -> None:
    spans = [_call(i) for i in range(100)]
    calls, cheaper = LoneCalls(), PostingRules(prices=PriceBook.load(contracts=[Contract(discount=Decimal("0.5"))]))
    before, _ = _in_columns(spans, PostingRules(), calls)
    after, left = _in_columns(spans, cheaper, calls)
    assert not left
    assert _rows(after) == _rows([calls_batch(post_singles(spans, cheaper), 7)]) != _rows(before)


def test_rows_that_an_earlier_version_spooled_have_no_figures_and_take_the_ordinary_way() -> None:
    spans = [_call(i) for i in range(100)]
    old = spooled(_spooled(spans).select(SPANS.names))
    rows, taken = LoneCalls().rows(old, np.arange(100), PostingRules(), old)
    assert rows is None
    assert not taken.any()


@given(st.lists(_spans, min_size=1, max_size=8))
def test_link_keys_in_columns_are_those_of_the_spans(spans: list[Span]) -> None:
    plain = [msgspec.structs.replace(s, cache_hit=False, link="") for s in spans]
    columns = [s.project for s in plain], [s.provider for s in plain], [s.response_id.encode() for s in plain]
    assert response_keys_of(*columns) == [(*family_keys(s)[1:], b"")[0] for s in plain]
    if rows := [s for s in plain if s.trace_id]:
        assert cold_keys_of(_spooled(rows).slice(1)).tolist() == [list(cold_keys(s)[:2]) for s in rows[1:]]


def _recent(spans: list[Span]) -> Recent:
    recent = Recent(1_000)
    rows = _spooled(spans)
    recent.asleep.add(pa.Table.from_batches([rows]), np.ones(len(spans), bool), [(*family_keys(s)[1:], b"")[0] for s in spans], cold_keys_of(rows))
    return recent


def test_a_call_sleeps_until_a_span_of_its_trace_or_with_its_response_id_comes() -> None:
    spans = [_call(i) for i in range(3)]
    recent = _recent(spans)
    sibling = msgspec.structs.replace(_call(7), trace_id=spans[0].trace_id)
    twin = msgspec.structs.replace(_call(8), response_id=spans[1].response_id)
    recent.add(1, sibling, whole=True)
    recent.add(1, twin, whole=True)
    assert recent.spans(recent.family(spans[0].trace_id)) == [spans[0], sibling]
    assert recent.family(twin.trace_id) == {twin.trace_id, spans[1].trace_id}
    assert recent.traces[spans[1].trace_id].posted == {("p", "s", spans[1].start_ns // 1000, spans[1].trace_id, spans[1].span_id): None}
    assert [s.trace_id in recent.traces for s in spans] == [True, True, False]
    assert all(s.trace_id in recent for s in spans)


def test_sleepers_that_leave_memory_are_looked_for_in_the_journal() -> None:
    spans = [_call(i) for i in range(1, 5)]
    recent = _recent(spans)
    recent.add(1, msgspec.structs.replace(_call(7), trace_id=spans[0].trace_id), whole=True)
    recent.forget_all()
    known = recent.cold.known(np.array([cold_keys(s) for s in [*spans, _call(9)]], np.uint64))
    assert known.tolist() == [*[[True, True, False]] * 4, [False, False, False]]
    assert not any(key in recent for s in spans for key in family_keys(s))
