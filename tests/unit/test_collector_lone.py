"""Ledger rows made in columns equal those made one by one."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import lone
from collector.lone import lone_calls
from collector.posting import PostingRules, post_singles
from collector.posting.rules import AppEntry
from collector.rows import calls_batch
from spanledger.model import Span, Usage

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


@settings(max_examples=150, deadline=None)
@given(spans=st.lists(_spans, min_size=1, max_size=40), registered=st.booleans())
def test_columns_equal_entries_made_one_by_one(spans: list[Span], registered: bool) -> None:
    rules = PostingRules(apps={"shop": _SHOP}) if registered else PostingRules()
    fewest, lone._FEWEST = lone._FEWEST, 1
    try:
        rows, done, left = lone_calls(spans, rules)
    finally:
        lone._FEWEST = fewest
    assert len(done) + len(left) == len(spans)
    batches = ([rows(7)] if rows else []) + [calls_batch(post_singles(left, rules), 7)]
    assert _rows(batches) == _rows([calls_batch(post_singles(spans, rules), 7)])


def _call(i: int) -> Span:
    return Span(
        project="p", service="s", trace_id=i.to_bytes(16), span_id=i.to_bytes(8), start_ns=1_760_000_000_000_000_000 + i * 1_000_000_000,
        end_ns=1_760_000_001_000_000_000 + i * 1_000_000_000, kind="llm", role="call", provider="openai", model="gpt-4o-2024-08-06",
        usage=Usage(input=100 + i, output=i + 1), own={"user": f"u{i}", "route": "/a"}, response_id=f"chatcmpl-{i:012d}",
    )  # fmt: skip


def test_ordinary_calls_take_the_short_way() -> None:
    spans = [_call(i) for i in range(500)]
    rows, done, left = lone_calls(spans, PostingRules())
    assert rows is not None
    assert len(done) == 500
    assert not left
    assert _rows([rows(3)]) == _rows([calls_batch(post_singles(spans, PostingRules()), 3)])


@pytest.mark.parametrize("few", [0, 1, 63])
def test_a_handful_of_calls_takes_the_ordinary_way(few: int) -> None:
    rows, done, left = lone_calls([_call(i) for i in range(few)], PostingRules())
    assert rows is None
    assert not done
    assert len(left) == few
