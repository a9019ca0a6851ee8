"""A span copied from a prototype is the span that would have been made anew."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collector.callers import DEFAULT_PRECEDENCE
from collector.canonical import Raw, Source, build
from collector.plans import Plans, names_of

_VALUES: dict[str, list[Any]] = {
    "gen_ai.operation.name": ["chat", "embeddings", "execute_tool", "invoke_agent", ""],
    "gen_ai.provider.name": ["openai", "azure.ai.openai", True, 1],
    "gen_ai.request.model": ["gpt-4o", "text-embedding-3-small", "claude-haiku-4-5"],
    "gen_ai.response.model": ["gpt-4o-2024-08-06", 1, 1.0],
    "gen_ai.response.id": ["chatcmpl-1234567890", '"resp_abcdefgh"', 7],
    "gen_ai.response.finish_reasons": [["stop"], ["content_filter"], "length", [1], [True]],
    "gen_ai.usage.input_tokens": [0, 12, "34", None, -1],
    "gen_ai.usage.output_tokens": [0, 5],
    "gen_ai.usage.cache_read.input_tokens": [0, 6, 90],
    "gen_ai.output.messages": ['[{"role":"assistant","parts":[{"type":"text","content":"hi"}]}]', '{"id": "chatcmpl-zzzzzzzz", "refusal": "no"}'],
    "server.address": ["api.example.com", "localhost"],
    "server.port": [443, "8080"],
    "error.type": ["RateLimitError", "openai.APITimeoutError"],
    "http.response.status_code": [200, 429, "500"],
    "user.id": ["u1", "u2", 3],
    "session.id": ["s1", "s2"],
    "prompt.version": ["v1", 1, True],
    "route": ["/a", "/v1/chat/completions"],
    "metadata": ['{"tenant_id": "acme", "user_id": "x"}', "no json", {"team": "a"}],
    "deployment.ring": ["blue", 1, True],
    "spanledger.cost": [0.5, 0],
}
_attributes = st.dictionaries(st.sampled_from(sorted(_VALUES)), st.integers(0, 4), max_size=len(_VALUES)).map(
    lambda chosen: {n: _VALUES[n][i % len(_VALUES[n])] for n, i in sorted(chosen.items()) if _VALUES[n][i % len(_VALUES[n])] not in (None, "")}
)
_raws = st.builds(
    Raw,
    trace_id=st.binary(min_size=16, max_size=16),
    span_id=st.binary(min_size=8, max_size=8),
    parent_id=st.sampled_from([b"", b"parent__"]),
    name=st.sampled_from(["chat gpt-4o", "embeddings x", "execute_tool t", "step"]),
    start_ns=st.integers(1, 10**18),
    end_ns=st.integers(1, 10**18),
    attributes=_attributes,
    status=st.integers(0, 3),
    status_message=st.sampled_from(["", "429 Too Many Requests"]),
    events=st.sampled_from([None, [("exception", 5, {"exception.type": "TimeoutError"})], [("first_token", 5, {})]]),
    trace_state=st.sampled_from(["", "ot=th:8"]),
)
_SCOPES = ("opentelemetry.instrumentation.openai_v2", "openinference.instrumentation.openai", "litellm", "app")


@given(st.sampled_from(_SCOPES), st.lists(_raws, min_size=2, max_size=12))
def test_a_copied_span_equals_the_span_made_anew(scope: str, raws: list[Raw]) -> None:
    source = Source("p", "svc", {"app": "svc", "env": "prod"}, scope, "instance-1")
    shared = Plans(DEFAULT_PRECEDENCE)
    for raw in [*raws, *raws]:
        fresh = Plans(DEFAULT_PRECEDENCE)
        shape = fresh.shape(scope, names_of(raw.attributes))
        assert build(source, raw, shared.shape(scope, names_of(raw.attributes))) == build(source, raw, shape)


def test_a_shape_whose_spans_never_repeat_is_given_up() -> None:
    source = Source("p", "svc", {}, "opentelemetry.instrumentation.openai_v2")
    plans = Plans(DEFAULT_PRECEDENCE)
    spans = []
    for i in range(5_000):
        raw = Raw(bytes(16), bytes(8), b"", f"chat {i}", 1, 2, {"gen_ai.operation.name": "chat", "gen_ai.request.model": f"m{i}", "ring": str(i)})
        shape = plans.shape(source.scope, names_of(raw.attributes))
        spans.append(build(source, raw, shape))
    assert not shape.prototypes.worth
    assert [(s.name, s.model_requested, s.attrs) for s in spans] == [(f"chat {i}", f"m{i}", {"ring": str(i)}) for i in range(5_000)]


def test_copies_share_nothing_that_sealing_changes() -> None:
    source = Source("p", "svc", {"user": "u"}, "opentelemetry.instrumentation.openai_v2")
    plans = Plans(DEFAULT_PRECEDENCE)
    raw = Raw(bytes(16), bytes(8), b"", "chat", 1, 2, {"gen_ai.operation.name": "chat", "route": "/a", "ring": "blue"})
    one, two = (build(source, raw, plans.shape(source.scope, names_of(raw.attributes))) for _ in range(2))
    one.own["route"], one.inherited["user"], one.attrs["ring"] = "x", "y", "z"
    assert (two.own, two.inherited, two.attrs) == ({"route": "/a"}, {"user": "u"}, {"ring": "blue"})
