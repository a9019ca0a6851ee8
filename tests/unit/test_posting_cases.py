"""Shapes of real traces and what the ledger says of each (DESIGN §4 posting; research/peers.md §1.3, conventions.md §3-4)."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from collector.posting import AppEntry, GatewayRule, PostingRules, family_keys, post, rules_from
from spanledger.model import Entry, Span, Usage
from spanledger.policy import Policy

RULES = PostingRules()
S = 1_000_000_000
T0 = 1_795_000_000 * S
T, U = b"t" * 16, b"u" * 16


def u(n_in: int, n_out: int = 0, **more: int) -> Usage:
    return Usage(input=n_in, output=n_out, **more)


def span(name: str, parent: str = "", start: float = 0, end: float = 1, usage: Usage | None = None, **told) -> Span:
    base = {
        "project": "p", "service": "shop", "trace_id": T, "span_id": name.encode().ljust(8, b"\0"), "name": name, "scope": "a", "status": "ok",
        "parent_id": parent.encode().ljust(8, b"\0") if parent else b"", "start_ns": T0 + int(start * S), "end_ns": T0 + int(end * S),
    }  # fmt: skip
    return Span(**{**base, "usage": usage, **told})


def call(name: str, parent: str = "", start: float = 0, end: float = 1, usage: Usage | None = None, **told) -> Span:
    model = {"provider": "openai", "model": "gpt-4o-2024-08-06", "model_requested": "gpt-4o", "authority": 2}
    return span(name, parent, start, end, usage, **{"kind": "llm", "role": "call", **model, **told})


def agent(name: str, parent: str = "", start: float = 0, end: float = 9, usage: Usage | None = None, rule: str = "sum", **told) -> Span:
    return span(name, parent, start, end, usage, **{"kind": "agent", "role": "aggregate", "aggregate_rule": rule, **told})


def run(name: str, **told) -> Span:
    return msgspec.structs.replace(agent(name, rule="cumulative", **told), name="invoke_agent")


def summed(entries: list[Entry]) -> tuple[int, int, int]:
    return sum(e.tokens_in for e in entries), sum(e.tokens_out for e in entries), sum(e.billed for e in entries)


SHAPES = {
    "leaf chat": ([call("c", usage=u(100))], (100, 0, 1)),
    "agent over step over two chats": (
        [agent("a", usage=u(200)), agent("s", "a", usage=u(200)), call("c1", "s", 0, 1, u(100)), call("c2", "s", 2, 3, u(100))], (200, 0, 2),
    ),
    "embeddings parent and child with one operation": (
        [call("e1", usage=u(28), kind="embedding", scope="ai"), call("e2", "e1", 0.1, 0.9, u(28), kind="embedding", scope="ai")], (28, 0, 1),
    ),
    "framework call over client call, no ids": ([call("fw", scope="fw", usage=u(100)), call("cl", "fw", 0.1, 0.9, u(100), scope="cl")], (100, 0, 1)),
    "agent tells its last turn only": (
        [agent("a", usage=u(80), rule="last"), call("c1", "a", 0, 1, u(100)), call("c2", "a", 2, 3, u(80))], (180, 0, 2),
    ),
    "agent span alone": ([agent("a", usage=u(180))], (180, 0, 1)),
    "failed attempt, then success": (
        [call("c1", "r", 0, 1, status="error", http_status=429), call("c2", "r", 1.1, 2, u(100))], (100, 0, 1),
    ),
    "aggregate present, one child lost": ([agent("a", usage=u(200)), call("c1", "a", 0, 1, u(120))], (200, 0, 1)),
    "sub-agent inside a tool call": (
        [
            agent("a", usage=u(300)), call("c1", "a", 0, 1, u(100)), span("t", "a", 1, 4, kind="tool"), agent("b", "t", 1, 4, u(200)),
            call("c2", "b", 1, 2, u(100)), call("c3", "b", 2.5, 3.5, u(100)),
        ], (300, 0, 3),
    ),
    "a tool that asks a model is a call of its own": (
        [call("c", usage=u(100)), span("t", "c", 0.2, 0.8, kind="tool"), call("i", "t", 0.3, 0.7, u(50))], (150, 0, 2),
    ),
    "chat parents an unrelated guardrail chat": (
        [call("c", usage=u(100)), call("g", "c", 0.1, 0.3, u(50), model="llama-guard-3", model_requested="", provider="groq")], (150, 0, 2),
    ),
    "outer generation over two client calls": (
        [call("o", usage=u(200), scope="fw"), call("c1", "o", 0, 0.4, u(100), scope="cl"), call("c2", "o", 0.5, 1, u(100), scope="cl")], (200, 0, 2),
    ),
    "outer generation with usage over two calls without": (
        [call("o", usage=u(200), scope="fw"), call("c1", "o", 0, 0.4, scope="cl"), call("c2", "o", 0.5, 1, scope="cl")], (200, 0, 2),
    ),
    "nested calls with ids that differ": (
        [call("o", usage=u(100), response_id="resp_one"), call("i", "o", 0.1, 0.9, u(100), response_id="resp_two", scope="b")], (200, 0, 2),
    ),
    "two runs of a cumulative agent": (
        [
            run("a1", usage=u(100), end=2), call("c1", "a1", 0, 1, u(100)), run("a2", usage=u(300), start=3), call("c2", "a2", 4, 5, u(200)),
        ], (300, 0, 2),
    ),
    "two runs of a cumulative agent without calls": (
        [run("a1", usage=u(100), end=2), run("a2", usage=u(300), start=3)], (300, 0, 2),
    ),
    "agent with usage over calls without, unknown rule": (
        [agent("a", usage=u(300, 30), rule="unknown"), call("c1", "a", 0, 1), call("c2", "a", 2, 3)], (300, 30, 2),
    ),
    "two runs that sum over calls without, one after the other": (
        [
            agent("a", usage=u(300, 30), end=2), call("c1", "a", 0, 1), agent("b", usage=u(100, 40), start=3), call("c2", "b", 4, 5),
        ], (400, 70, 2),
    ),
    "a call below a sum whose other teller ends later": (
        [agent("a", usage=u(100, 9), end=1), call("c", "a", 0, 1, u(100, 9)), call("x", "", 0, 3, u(100, 9), scope="b")], (100, 9, 1),
    ),
    "call that hangs beside its agent": ([agent("a", usage=u(100), rule="unknown"), call("c", "", 1, 2, u(100))], (100, 0, 1)),
    "twins side by side": ([call("x", "r", usage=u(100, 9)), call("y", "r", 0.1, 1.3, u(100, 9), scope="b")], (100, 9, 1)),
    "twins, one without usage": ([call("x", "r"), call("y", "r", 0.1, 1.3, u(100, 9), scope="b")], (100, 9, 1)),
    "twins, one of which guessed": (
        [call("x", "r", usage=u(42, 16), usage_estimated=True), call("y", "r", 0.1, 1.3, u(100, 9), scope="b")], (100, 9, 1),
    ),
    "twins that name the kind of call differently": (
        [call("x", "r", usage=u(28), kind="embedding"), call("y", "r", 0.1, 1.3, u(28), scope="b")], (28, 0, 1),
    ),
    "equal calls of one scope stay two": ([call("x", "r", usage=u(100, 9)), call("y", "r", 0, 1, u(100, 9))], (200, 18, 2)),
    "four equal calls by two instrumentations stay four": (
        [call(f"{scope}{i}", "r", i / 10, 1 + i / 10, u(7, 7), scope=scope) for i in range(4) for scope in "ab"],
        (28, 28, 4),
    ),
    "stream companions": (
        [call("q", "r", 0, 0.1, companion_of="k"), call("z", "r", 5, 5, u(100, 9), companion_of="k", role="companion")], (100, 9, 1),
    ),
    "identical concurrent streams with companions": (
        [call(f"q{i}", "r", 0, 0.1, companion_of="k") for i in range(3)]
        + [call(f"z{i}", "r", 5 + i, 5 + i, u(100, 9), companion_of="k", role="companion") for i in range(3)],
        (300, 27, 3),
    ),
    "a companion whose other half was lost": ([call("z", "r", 5, 5, u(100, 9), companion_of="k", role="companion")], (100, 9, 1)),
    "response cache": (
        [
            call("c1", "r", 0, 1, u(100), response_id="chatcmpl-1"), call("p1", "c1", 0.1, 0.9, u(100), response_id="chatcmpl-1", scope="gw"),
            call("c2", "r", 2, 3, u(100), response_id="chatcmpl-1"),
            call("p2", "c2", 2.1, 2.9, u(100), response_id="chatcmpl-1", scope="gw", cache_hit=True),
        ], (100, 0, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_shape(name):
    spans, truth = SHAPES[name]
    assert summed(post(spans, RULES)) == truth
    assert summed(post(spans[::-1], RULES)) == truth


def test_a_lost_child_leaves_an_unattributed_entry_that_is_no_call():
    entries = post([agent("a", usage=u(200, 20, cache_read=90), model="gpt-4o", provider="openai"), call("c1", "a", 0, 1, u(120, 5))], RULES)
    rest = next(e for e in entries if e.entry_kind == "unattributed")
    assert (rest.tokens_in, rest.tokens_out, rest.tokens_cache_read, rest.billed, rest.usage_source) == (80, 15, 80, False, "aggregate")
    assert rest.cost_estimate_usd > 0


def test_an_agent_alone_is_one_aggregate_entry():
    (entry,) = post([agent("a", usage=u(180, 20), model="gpt-4o", provider="openai")], RULES)
    assert (entry.entry_kind, entry.usage_source, entry.billed) == ("aggregate", "aggregate", True)


def test_figures_come_from_the_most_detailed_member_and_text_from_all():
    outer = call("fw", scope="fw", authority=1, usage=u(100, 10), own={"session": "s"}, prompt_hash="p")
    inner = call(
        "cl", "fw", 0.2, 0.9, u(100, 10, cache_read=60, reasoning=4), scope="cl", response_id="chatcmpl-9", finish_reason="stop", ttft_ms=120.0
    )
    (entry,) = post([inner, outer], RULES)
    assert (entry.tokens_cache_read, entry.tokens_reasoning, entry.response_id, entry.finish_reason) == (60, 4, "chatcmpl-9", "stop")
    assert (entry.span_id, entry.session_hash, entry.prompt_hash, entry.ttft_ms, entry.latency_ms) == (outer.span_id, "s", "p", 120.0, 1000.0)
    assert entry.members == (outer.span_id, inner.span_id)
    assert entry.conflict == 0


def test_the_providers_own_client_wins_a_disagreement_which_is_marked():
    wrong = call("x", "r", usage=u(100, 51, cache_read=5, reasoning=1), response_id="msg_1", authority=2)
    right = call("y", "r", 0.1, 0.9, u(100, 50), scope="sdk", response_id="msg_1", authority=3)
    (entry,) = post([wrong, right], RULES)
    assert (entry.tokens_out, entry.tokens_cache_read, entry.conflict) == (50, 5, 2)


def test_calls_without_usage_are_calls_and_say_so():
    (entry,) = post([call("c")], RULES)
    assert (entry.billed, entry.usage_source, entry.cost_source, entry.cost_estimate_usd) == (True, "missing", "partial", 0)
    (guess,) = post([call("c", prompt_chars=400, response_chars=41)], replace(RULES, estimate_missing=True))
    assert (guess.usage_source, guess.tokens_in, guess.tokens_out) == ("estimated", 100, 11)
    assert guess.cost_source == "computed"


@pytest.mark.parametrize(
    ("told", "billed", "outcome"),
    [
        ({"status": "error", "http_status": 429}, False, "rate_limited"),
        ({"status": "error", "error_type": "ReadTimeout"}, False, "timeout"),
        ({"status": "error", "error_type": "ValueError"}, False, "error"),
        ({"status": "error", "error_type": "ValueError", "usage": u(5, 5)}, True, "error"),
        ({"status": "error", "error_type": "ValueError", "finish_reason": "stop"}, True, "error"),
        ({"status": "error", "error_type": "InternalServerError", "finish_reason": "stop", "usage": u(0, 0)}, False, "error"),
        ({"status": "error", "outcome": "cancelled", "stream": True}, True, "cancelled"),
        ({"status": "error", "outcome": "cancelled"}, False, "cancelled"),
        ({"status": "ok", "outcome": "filtered", "usage": u(5, 0)}, True, "filtered"),
        ({"status": "ok", "finish_reason": "content_filter"}, True, "filtered"),
        ({"status": "ok", "finish_reason": "length", "usage": u(5, 5)}, True, "success"),
        ({"status": "unset"}, True, "success"),
        ({"status": "ok", "billed": False}, False, "success"),
        ({"status": "ok", "cache_hit": True, "usage": u(5, 5)}, False, "success"),
    ],
)
def test_what_is_billed_and_how_it_ended(told, billed, outcome):
    (entry,) = post([call("c", **told)], RULES)
    assert (entry.billed, entry.outcome) == (billed, outcome)
    if not billed:
        assert (entry.cost_estimate_usd, entry.tokens_in) == (0, 0)


def test_an_answer_that_the_framework_could_not_read_is_billed_and_an_error():
    (entry,) = post([call("fw", status="error", error_type="OutputParserException"), call("cl", "fw", 0.1, 0.9, u(9, 9), scope="b")], RULES)
    assert (entry.billed, entry.outcome, entry.tokens_in) == (True, "error", 9)


def test_a_response_cache_hit_is_a_row_without_cost():
    first = call("c1", "r", 0, 1, u(100, 10), response_id="chatcmpl-1")
    hit = call("c2", "r", 2, 3, u(100, 10), response_id="chatcmpl-1", cache_hit=True)
    one, two = post([first, hit], RULES)
    assert (one.billed, one.cache_hit, two.billed, two.cache_hit) == (True, False, False, True)
    assert (two.cost_estimate_usd, two.tokens_in, two.attrs["cache_hit_tokens"]) == (0, 0, "110")


def test_retries_and_fallbacks_are_counted():
    failed = {"status": "error", "http_status": 429, "usage": None}
    spans = [call("1", "r", 0, 1, **failed), call("2", "r", 1.5, 2, **failed), call("3", "r", 3, 4, u(1, 1))]
    other = (
        call("4", "q", 0, 1, **failed),
        call("5", "q", 2, 3, u(1, 1), model="claude-sonnet-4-5", model_requested="claude-sonnet-4-5", provider="anthropic"),
    )
    entries = {e.span_id[:1]: e for e in post([*spans, *other], RULES)}
    assert [(entries[k].retry, entries[k].fallback) for k in (b"1", b"2", b"3")] == [(0, False), (1, False), (2, False)]
    assert (entries[b"5"].retry, entries[b"5"].fallback) == (0, True)


def test_identity_flows_from_span_ancestor_resource_and_registry():
    rules = replace(RULES, apps={"shop-bot": AppEntry(team="payments", owner="ada", cost_centre="cc", aliases=("shop*",))})
    root = span("r", own={"prompt_version": "7", "session": "root"}, inherited={"app": "shop"}, kind="carrier")
    mid = span("m", "r", own={"session": "mid"}, kind="chain", inherited={"app": "shop"})
    (entry,) = post([root, mid, call("c", "m", usage=u(1), own={"user": "u1"}, inherited={"app": "shop", "env": "prod"})], rules)
    assert (entry.user_hash, entry.session_hash, entry.prompt_version, entry.env) == ("u1", "mid", "7", "prod")
    assert (entry.app_id, entry.team, entry.attrs) == ("shop-bot", "payments", {"owner": "ada", "cost_centre": "cc"})


def test_identity_reaches_a_call_whose_ancestors_between_were_let_go():
    root = span("r", own={"prompt_version": "7"}, kind="carrier")
    (entry,) = post([root, call("c", "gone", usage=u(1))], RULES)
    assert entry.prompt_version == "7"
    (unsure,) = post([root, span("r2", own={"prompt_version": "8"}, kind="carrier"), call("c", "gone", usage=u(1))], RULES)
    assert unsure.prompt_version == ""


def test_the_callers_side_names_app_and_team_before_its_gateway():
    client = call("c", usage=u(1), response_id="chatcmpl-1", inherited={"app": "shop", "team": "payments"})
    own = {"team": "keys", "session": "s1"}
    proxy = call("p", "c", 0.1, 0.9, u(1), response_id="chatcmpl-1", service="proxy", scope="gw", own=own, inherited={"app": "proxy"})
    (entry,) = post([client, proxy], RULES)
    assert (entry.app_id, entry.team, entry.session_hash) == ("shop", "payments", "s1")


def test_traces_are_linked_by_response_id_only_if_model_usage_and_time_agree():
    here = call("c", usage=u(100, 9), response_id="chatcmpl-123")
    there = call("p", start=1, end=2, usage=u(100, 9), response_id="chatcmpl-123", trace_id=U, service="gw", scope="gw")
    assert set(family_keys(here)) & set(family_keys(there))
    assert summed(post([here, there], RULES)) == (100, 9, 1)
    for other in (
        {"usage": u(101, 9)},
        {"model": "o4-mini", "model_requested": ""},
        {"start_ns": there.start_ns + 700 * S},
        {"provider": "azure"},
        {"cache_hit": True},
    ):
        entries = post([here, msgspec.structs.replace(there, **other)], RULES)
        assert len(entries) == 2, other


def test_an_id_that_nobody_gives_twice_links_traces_whatever_provider_they_name():
    """A client that asks Anthropic through a gateway's OpenAI door names OpenAI, the gateway names Anthropic or itself."""
    answer = "chatcmpl-24f07b9cdd5a4ee3af09"
    here = call("c", usage=u(100, 9), response_id=answer, provider="openai")
    there = call("p", start=1, end=2, usage=u(100, 9), response_id=answer, trace_id=U, service="gw", scope="gw", provider="anthropic")
    assert set(family_keys(here)) & set(family_keys(there))
    assert summed(post([here, there], RULES)) == (100, 9, 1)


def agent_log(name: str, start: float, usage: Usage, request: str = "", **told) -> Span:
    trace = name.encode().ljust(16, b"L")
    return call(name, "", start, start + 1, usage, signal="log", trace_id=trace, scope="events", link="s", request_id=request, dialect="cli", **told)


def test_in_an_agents_session_events_rule_and_spans_lend_their_place():
    spans = [call(f"s{i}", "turn", i * 5, i * 5 + 1.1, u(50, 5), link="s", dialect="cli", request_id=f"req_{i}") for i in range(3)]
    turn = agent("turn", usage=u(150, 15), end=20, link="s", dialect="cli")
    events = [agent_log(f"e{i}", i * 5, u(90, 9, cache_read=40), request=f"req_{i}") for i in range(3)]
    entries = post([*spans, turn, *events], RULES)
    assert summed(entries) == (270, 27, 3)
    assert {e.trace_id for e in entries} == {T}
    assert all(e.tokens_cache_read == 40 for e in entries)
    assert summed(post([*spans, turn], RULES)) == (150, 15, 3)  # without events the spans tell


def test_spans_that_no_event_matches_are_set_aside_in_a_session_told_by_events():
    lost = call("s", "turn", 300, 301, u(50, 5), link="s", dialect="cli")
    entries = post([lost, agent_log("e", 0, u(90, 9))], RULES)
    assert summed(entries) == (90, 9, 1)


def test_events_and_spans_without_ids_join_one_to_one_by_usage_and_time():
    spans = [call(f"s{i}", "turn", i, i + 1, u(100 + i % 2, 5), link="s", dialect="cli", model="") for i in range(4)]
    events = [agent_log(f"e{i}", i + 0.2, u(100 + i % 2, 5)) for i in range(4)]
    entries = post([*spans, *events], RULES)
    assert summed(entries) == (402, 20, 4)
    assert all(len(e.members) == 2 for e in entries)


def test_metrics_count_tokens_only_where_nothing_else_tells_the_session():
    metric = agent("m", usage=u(90, 9), signal="metric", trace_id=U, link="s", dialect="cli")
    (alone,) = post([metric], RULES)
    assert (alone.entry_kind, alone.billed, alone.tokens_in) == ("unattributed", False, 90)
    for teller in (agent_log("e", 0, u(90, 9)), call("c", usage=u(90, 9), link="s", dialect="cli")):
        assert summed(post([metric, teller], RULES)) == (90, 9, 1)


def test_a_gateway_under_an_agents_span_stays_one_call():
    own = call("s", usage=u(1000, 50), link="s", dialect="cli", request_id="req_1")
    proxy = call("p", "s", 0.1, 0.9, u(1000, 50), service="proxy", scope="gw", response_id="msg_777", gateway_agent="claude-cli/2")
    event = agent_log("e", 0, u(1000, 50), request="req_1")
    (entry,) = post([own, proxy, event], RULES)
    assert (entry.billed, entry.conflict, len(entry.members)) == (True, 0, 3)


def test_gateway_twins_without_a_common_id_are_marked_and_left_to_a_policy():
    proxy = call("p", trace_id=U, usage=u(1000, 50), service="proxy", scope="gw", response_id="msg_777", gateway_agent="claude-cli/2")
    event = agent_log("e", 0.5, u(1000, 50), service="claude-code")
    both = post([proxy, event], RULES)
    assert summed(both) == (2000, 100, 2)
    assert sorted(e.conflict for e in both) == [0, 4]
    for policy, kept in (("prefer_client", "claude-code"), ("prefer_gateway", "proxy")):
        other = "proxy" if policy == "prefer_client" else "claude-code"
        rules = replace(RULES, gateways=(GatewayRule(policy, {"service": (other,)}),))
        entries = {e.service: e for e in post([proxy, event], rules)}
        assert summed(list(entries.values())) == (1000, 50, 1)
        assert entries[kept].billed
        assert entries[other].attrs["set_aside"] == policy
        assert entries[other].cost_estimate_usd == 0


def test_a_call_that_lost_its_context_finds_its_request():
    told = {"link": "moment:x", "link_kind": "moment"}
    root = span("r", trace_id=U, end=2, kind="carrier", own={"prompt_version": "7", "user": "u"}, **told)
    lost = call("c", start=0.1, usage=u(1), own={"user": "u"}, **told)
    assert post([root, lost], RULES)[0].prompt_version == "7"
    second = span("q", trace_id=b"v" * 16, end=2, kind="carrier", own={"prompt_version": "8"}, **told)
    assert post([root, second, lost], RULES)[0].prompt_version == ""  # two may be it: nothing is guessed


def test_tools_safety_and_business_metrics_reach_their_call():
    spans = [
        span("r", end=9, kind="carrier", biz={"ticket_solved": 1.0}), span("g", "r", 0, 0.4, kind="guardrail", safety=2, safety_types=("pii",)),
        call("c1", "r", 0.5, 1, u(1)), span("t1", "r", 1.1, 1.5, kind="tool", tool_name="search"),
        span("t2", "t1", 1.2, 1.4, kind="tool", tool_name="search"),
        span("t3", "r", 1.6, 1.7, kind="tool", tool_name="book"), call("c2", "r", 2, 3, u(1), safety=1, safety_types=("content_filter",)),
    ]  # fmt: skip
    one, two = post(spans, RULES)
    assert (one.tool_calls, one.safety, one.safety_types, one.biz_metric) == (2, 2, ("pii",), {"ticket_solved": 1.0})
    assert (two.tool_calls, two.safety, two.safety_types, two.biz_metric) == (0, 1, ("content_filter",), {})


def test_costs_sent_along_are_kept_beside_or_used_by_rule():
    own = call("c", usage=u(1000, 50), cost_usd=Decimal("0.5"))
    (kept,) = post([own], RULES)
    assert (kept.cost_source, kept.cost_supplied_usd, kept.conflict) == ("computed", Decimal("0.5"), 5)
    (provider,) = post([msgspec.structs.replace(own, cost_is_provider=True)], RULES)
    assert (provider.cost_source, provider.cost_estimate_usd) == ("provider", Decimal("0.5"))
    parts = provider.cost_in_usd + provider.cost_cache_read_usd + provider.cost_cache_write_usd + provider.cost_out_usd + provider.cost_other_usd
    assert parts == Decimal("0.5")
    (unknown,) = post([msgspec.structs.replace(own, model="mystery", model_requested="")], RULES)
    assert (unknown.cost_source, unknown.cost_estimate_usd) == ("supplied", Decimal("0.5"))
    (odd,) = post([msgspec.structs.replace(own, cost_usd=Decimal("NaN"))], RULES)
    assert odd.cost_supplied_usd is None


def test_rules_come_from_the_policy_file():
    policy = Policy.model_validate(
        {
            "apps": {"bot": {"team": "search", "tenant": "acme", "aliases": ["shop*"]}},
            "tiers": {"rules": [{"tier": "premium", "match": {"app": "bot"}}]},
            "prices": {
                "contracts": [{"provider": "openai", "discount": "10%"}],
                "overrides": [{"model": "mine", "input_usd_per_mtok": "2"}],
                "self_hosted": [{"model": "llama*", "gpu_hour_usd": "3.6", "input_tokens_per_s": 1000, "output_tokens_per_s": 100}],
            },
            "aliases": {"prod-deployment": {"model": "gpt-4o", "provider": "azure"}},
            "gateways": [{"match": {"service": "proxy"}, "policy": "prefer_client"}],
        }
    )
    rules = rules_from(policy, seal_tenant=lambda t: f"h:{t}")
    (entry,) = post([call("c", usage=u(1_000_000), inherited={"app": "shop-eu"})], rules)
    assert (entry.app_id, entry.team, entry.tenant_hash, entry.model_tier) == ("bot", "search", "h:acme", "premium")
    assert entry.cost_estimate_usd == Decimal("2.25")
    (alias,) = post([call("c", usage=u(1_000_000), model="prod-deployment")], rules)
    assert alias.price_id.split("/")[2] == "azure"
    (mine,) = post([call("c", usage=u(1_000_000), model="mine", model_requested="")], rules)
    assert mine.cost_estimate_usd == Decimal("2")
    (own,) = post([call("c", usage=u(1_000_000), model="llama-3", model_requested="", provider="vllm")], rules)
    assert own.cost_estimate_usd == Decimal("1")
