"""Several tellings of one call that differ: which figures, model and price the entry takes, and what makes two calls of them."""

from decimal import Decimal

import pytest

from collector.posting import PostingRules, post
from spanledger.model import Span, Usage

RULES = PostingRules()
S = 1_000_000_000
T0 = 1_795_000_000 * S


def u(n_in: int, n_out: int = 0, **more: int) -> Usage:
    return Usage(input=n_in, output=n_out, **more)


def span(name: str, parent: str = "", start: float = 0, end: float = 1, usage: Usage | None = None, **told) -> Span:
    base = {
        "project": "p", "service": "shop", "trace_id": b"t" * 16, "span_id": name.encode().ljust(8, b"\0"), "name": name, "scope": "a",
        "status": "ok", "parent_id": parent.encode().ljust(8, b"\0") if parent else b"",
        "start_ns": T0 + int(start * S), "end_ns": T0 + int(end * S),
    }  # fmt: skip
    return Span(**{**base, "usage": usage, **told})


def call(name: str, parent: str = "", start: float = 0, end: float = 1, usage: Usage | None = None, **told) -> Span:
    model = {"provider": "openai", "model": "gpt-4o-2024-08-06", "model_requested": "gpt-4o", "authority": 2}
    return span(name, parent, start, end, usage, **{"kind": "llm", "role": "call", **model, **told})


def test_a_framework_that_knows_only_a_streams_output_tells_the_same_call():
    fw = call("fw", "q", 0, 1, u(0, 50), scope="fw", authority=1)
    sdk = call("sdk", "q", 0.1, 1, u(1896, 50, cache_read=768), scope="sdk", authority=3, response_id="msg_000001")
    (entry,) = post([fw, sdk], RULES)
    assert (entry.tokens_in, entry.tokens_out, entry.tokens_cache_read, entry.conflict) == (1896, 50, 768, 0)


def test_a_telling_without_cached_tokens_is_the_same_call_as_one_with_them():
    bare = call("bare", "q", 0, 1, u(1000, 50), scope="agentops")
    sdk = call("sdk", "q", 0, 1, u(1896, 50, cache_read=768, cache_write=128), scope="sdk", authority=3)
    (entry,) = post([bare, sdk], RULES)
    assert (entry.tokens_in, entry.tokens_cache_read, entry.tokens_cache_write, entry.conflict) == (1896, 768, 128, 0)


def test_input_that_leaves_cached_tokens_out_is_completed_by_a_member_that_has_the_whole():
    excluding = call("ex", "q", 0, 1, u(1000, 50, cache_read=768, cache_write=128), scope="other")
    whole = call("in", "q", 0, 1, u(1896, 50), scope="client")
    (entry,) = post([excluding, whole], RULES)
    assert (entry.tokens_in, entry.tokens_cache_read, entry.tokens_cache_write, entry.conflict) == (1896, 768, 128, 0)


def test_zeros_of_one_member_do_not_hide_what_another_one_knows():
    zeros = call("z", "q", 0, 1, u(1000, 50, cache_read=0, cache_write=0, reasoning=0, audio_in=0), scope="a")
    knows = call("k", "z", 0.1, 1, u(1000, 50, cache_read=768), scope="b")
    (entry,) = post([zeros, knows], RULES)
    assert (entry.tokens_in, entry.tokens_cache_read) == (1000, 768)


def test_a_fallback_inside_one_call_is_priced_as_the_model_that_answered():
    outer = call("outer", start=0, end=1, usage=u(1000, 50), scope="litellm", model="openai/gpt-4o", model_requested="openai/gpt-4o")
    failure = call("try1", "outer", 0.1, 0.2, scope="litellm", status="error", outcome="rate_limited", model="openai/gpt-4o")
    answer = call("try2", "outer", 0.3, 0.9, u(1000, 50), scope="litellm", model="openai/gpt-4o-mini", model_requested="openai/gpt-4o-mini")
    kept = [e for e in post([outer, failure, answer], RULES) if e.billed]
    assert [(e.model, e.cost_estimate_usd) for e in kept] == [("openai/gpt-4o-mini", Decimal("0.000180000"))]


def test_an_alias_for_a_deployment_gives_way_to_the_name_that_has_a_price():
    inner = call("inner", "outer", 0.1, 0.9, u(1000, 50), scope="b", model="prod-deployment-7", model_requested="prod-deployment-7")
    (entry,) = post([call("outer", usage=u(1000, 50)), inner], RULES)
    assert (entry.model, entry.cost_source) == ("gpt-4o-2024-08-06", "computed")


#: Two ids and the calls they stand for; the last one is LiteLLM's own for an answer of the provider's.
_TOLD = [
    ("chatcmpl-1", "msg_0001", 1), ("resp_00001", "msg_00001", 1), ("resp_00001", "resp_00002", 2),
    ("resp_00001", "resp_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haTttb2RlbF9pZDpOb25l", 1),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "calls"), _TOLD)
def test_ids_of_different_makes_say_nothing_about_two_tellings(one, other, calls):
    tellings = [call("a", "q", 0, 1, u(1000, 50), scope="a", response_id=one), call("b", "q", 0, 1, u(1000, 50), scope="b", response_id=other)]
    assert len(post(tellings, RULES)) == calls


def test_a_native_span_that_drops_cached_tokens_is_completed_by_a_client_that_knows_them():
    native = call("n", "c", 0.1, 0.9, u(1000, 50), scope="botocore", authority=3)
    client = call("c", "q", 0, 1, u(1896, 50, cache_read=768, cache_write=128), scope="oi")
    (entry,) = post([client, native], RULES)
    assert (entry.tokens_in, entry.tokens_cache_read, entry.tokens_cache_write, entry.conflict) == (1896, 768, 128, 0)


def test_the_tokens_that_a_stream_of_anthropics_begins_with_make_no_second_call():
    claude = {"provider": "anthropic", "model": "claude-sonnet-4-5", "model_requested": "claude-sonnet-4-5"}
    counted_twice = call("a", "q", 0, 1, u(1000, 51), scope="opentelemetry.instrumentation.anthropic", **{**claude, "authority": 0})
    (entry,) = post([counted_twice, call("b", "q", 0, 1, u(1000, 50), scope="ai", **{**claude, "authority": 1})], RULES)
    assert (entry.tokens_in, entry.tokens_out, entry.conflict) == (1000, 50, 2)
    assert len(post([counted_twice, call("b", "q", 0, 1, u(1000, 90), scope="ai", **claude)], RULES)) == 2


def test_a_count_that_may_be_the_instrumentations_own_gives_way_to_one_of_the_provider():
    guess = call("g", "q", 0, 1, u(4, 7), scope="@traceloop/instrumentation-openai", attrs={"usage_possibly_estimated": "true"})
    (entry,) = post([guess, call("b", "q", 0, 1, u(1000, 50), scope="other", authority=1)], RULES)
    assert (entry.tokens_in, entry.tokens_out, entry.conflict) == (1000, 50, 0)


def test_a_sum_over_one_call_completes_it_with_what_the_call_itself_drops():
    whole = u(1000, 50, cache_read=768, reasoning=32)
    spans = [span("a", end=9, usage=whole, kind="agent", role="aggregate", aggregate_rule="sum"), call("c", "a", 0, 1, u(1000, 50))]
    (entry,) = post(spans, RULES)
    assert (entry.tokens_in, entry.tokens_cache_read, entry.tokens_out, entry.tokens_reasoning) == (1000, 768, 50, 32)
    two = post([*spans, call("d", "a", 2, 3, u(1000, 50))], RULES)
    assert [e.tokens_cache_read for e in two if e.entry_kind == "call"] == [0, 0]  # whose cached tokens they were, nobody knows


def test_a_claude_stream_is_one_call_though_one_teller_adds_its_first_tokens_and_the_other_drops_its_cached_ones():
    whole = call("a", "r", scope="a", usage=u(1896, 51, cache_read=768, cache_write=128), model="claude-sonnet-4-5", model_requested="")
    bare = call("b", "r", scope="b", usage=u(1000, 50), model="claude-sonnet-4-5-20250929", model_requested="")
    (entry,) = post([whole, bare], RULES)
    assert (entry.tokens_in, entry.tokens_cache_read) == (1896, 768)


@pytest.mark.parametrize(("other", "calls"), [({}, 1), ({"end": 1.000001}, 2), ({"usage": u(1001)}, 2), ({"link_kind": "session"}, 2)])
@pytest.mark.parametrize("trace", [b"t" * 16, b"r" * 16])
def test_callbacks_of_one_library_tell_a_call_once_though_only_its_times_say_so(other, calls, trace):
    told = {"usage": u(1407), "kind": "embedding", "model": "text-embedding-3-small", "model_requested": "", "link_kind": "instant"}
    first = call("one", **{**told, "link": "litellm"})
    second = call("two", **{**told, "link": "litellm", "trace_id": trace, **other})
    entries = [e for e in post([first, second], RULES) if e.billed]
    assert len(entries) == calls


def stray(name: str, start: float = 0, end: float = 1, usage: Usage | None = None, **told) -> Span:
    """A call's telling without surroundings, in a trace of its own."""
    lost = {"trace_id": name.encode().ljust(16, b"\0"), "scope": "client", "link": "stray:shop::1", "link_kind": "stray"}
    return call(name, "", start, end, usage, **{**lost, **told})


LC = {"scope": "framework", "authority": 1}


@pytest.mark.parametrize(
    ("inner", "calls"),
    [
        ({}, 1),
        ({"usage": u(1000, 50, cache_read=768)}, 1),
        ({"start_ns": T0 - 2_000_000}, 1),  # whole milliseconds
        ({"usage": u(1000, 51)}, 2),
        ({"model": "gpt-4.1", "model_requested": "gpt-4.1"}, 2),
        ({"end_ns": T0 + 2 * S}, 2),
        ({"start_ns": T0 - S}, 2),
        ({"scope": "framework"}, 2),
        ({"service": "other"}, 2),
        ({"authority": 1}, 1),  # two frameworks' instrumentations: either may be the outer one
        ({"authority": 1, "start_ns": T0 - S, "end_ns": T0 + 2 * S}, 1),
        ({"authority": 1, "start_ns": T0 - S}, 2),
        ({"trace_id": b"fw".ljust(16, b"\0"), "start_ns": T0 + 2 * S, "end_ns": T0 + 3 * S}, 2),
        ({"link": "stray:shop::2"}, 2),
        ({"response_id": "chatcmpl-2222222222222222"}, 2),
        ({"status": "error"}, 2),
    ],
)
def test_a_framework_and_the_client_within_it_tell_a_call_once_in_two_traces(inner, calls):
    outer = stray("fw", 0, 1, u(1000, 50), response_id="chatcmpl-1111111111111111", **LC)
    entries = post([outer, stray("c", **{"start": 0.1, "end": 0.9, **inner})], RULES)
    assert sum(e.billed or e.outcome == "error" for e in entries) == calls
    assert calls == 2 or (entries[0].tokens_in, entries[0].tokens_out) == (1000, 50)


def test_concurrent_strays_stay_as_many_as_they_are():
    outer = [stray(f"fw{n}", n / 1000, 1 + n / 1000, u(1000, 50), response_id=f"chatcmpl-{n}111111111111111", **LC) for n in range(4)]
    inner = [stray(f"c{n}", n / 1000, 1 + n / 1000) for n in range(6)]  # two that no framework asked for
    for spans in (outer + inner, inner[::-1] + outer):
        entries = post(spans, RULES)
        assert (len(entries), sum(e.tokens_in for e in entries)) == (6, 4000)


def test_a_crowd_of_equal_strays_is_paired_one_to_one():
    client = [stray(f"c{n}", n / 500 + 0.003, n / 500 + 1, u(1000, 50)) for n in range(300)]
    framework = [stray(f"f{n}", n / 500, n / 500 + 1.002, u(1000, 50), **LC) for n in range(300)]
    for spans in (client + framework, framework[::-1] + client):
        assert [(e.tokens_in, e.tokens_out) for e in post(spans, RULES)] == [(1000, 50)] * 300


def test_three_tellings_in_three_traces_are_one_call_also_where_two_share_an_id():
    told = [
        stray("lc", 0, 1, u(1000, 50), response_id="chatcmpl-1111111111111111", **LC),
        stray("sdk", 0.2, 0.8, u(1000, 50), response_id="chatcmpl-1111111111111111", link="", link_kind=""),
        stray("other", 0.1, 0.9, u(1000, 50), scope="callback", authority=1),
    ]
    for spans in (told, told[::-1]):
        assert [(e.tokens_in, e.tokens_out) for e in post(spans, RULES)] == [(1000, 50)]


def test_a_client_tells_no_frameworks_call_whose_usage_nobody_knows():
    assert len(post([stray("fw", **LC), stray("c", 0.1, 0.9)], RULES)) == 2


def test_calls_of_one_scope_at_one_instant_are_not_one_for_being_strays():
    assert len(post([stray("a", usage=u(9, 9)), stray("b", usage=u(9, 9))], RULES)) == 2


def _two_below_lost_spans(**outer) -> list[Span]:
    """A framework's telling of two calls; the spans between (no GenAI's) were let go, so that the calls' parents are not here."""
    fw = call("fw", "q", 0, 5, **{"scope": "fw", "authority": 1, **outer})
    one = call("one", "gone1", 0.5, 1, u(1111, 183), scope="client", response_id="chatcmpl-000000001")
    two = call("two", "gone2", 2, 3, u(1148, 194), scope="client", response_id="chatcmpl-000000002")
    return [span("q", start=0, end=6), fw, one, two]


def _billed(spans: list[Span]) -> list[tuple[int, int]]:
    posted = [sorted((e.tokens_in, e.tokens_out) for e in post(order, RULES) if e.billed or e.tokens_in) for order in (spans, spans[::-1])]
    assert posted[0] == posted[1]
    return posted[0]


def test_a_telling_of_exactly_the_sum_of_calls_whose_parents_were_let_go_repeats_them():
    assert _billed(_two_below_lost_spans(usage=u(2259, 377))) == [(1111, 183), (1148, 194)]


def test_it_also_repeats_them_where_it_leaves_their_cached_tokens_out():
    spans = _two_below_lost_spans(usage=u(2259 - 768, 377))
    spans[2].usage = u(1111, 183, cache_read=768)
    assert _billed(spans) == [(1111, 183), (1148, 194)]


def test_it_repeats_those_of_its_calls_that_add_up_while_others_run_beside_them():
    beside = call("beside", "gone3", 1, 2, u(500, 20), scope="client", response_id="chatcmpl-000000003")
    assert _billed([*_two_below_lost_spans(usage=u(2259, 377)), beside]) == [(500, 20), (1111, 183), (1148, 194)]


@pytest.mark.parametrize(
    "other",
    [
        {"usage": u(2260, 377)},  # not their sum
        {"usage": u(2259, 377), "response_id": "chatcmpl-000000009"},  # an answer of its own
        {"usage": u(2259, 377), "end_ns": T0 + 2 * S},  # ended before they did
        {"usage": u(2259, 377), "scope": "client"},  # the same instrumentation
        {"usage": u(2259, 377), "model": "gpt-4.1-mini", "model_requested": "gpt-4.1-mini"},
    ],
)
def test_a_call_beside_others_stays_a_call(other: dict):
    spans = _two_below_lost_spans(**other)
    assert _billed(spans) == [(1111, 183), (1148, 194), (other["usage"].input, 377)]


def test_calls_whose_parents_are_here_are_not_added_up():
    spans = _two_below_lost_spans(usage=u(2259, 377))
    spans[2].parent_id = spans[3].parent_id = spans[0].span_id
    assert _billed(spans) == [(1111, 183), (1148, 194), (2259, 377)]
