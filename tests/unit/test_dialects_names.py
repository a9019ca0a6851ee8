"""Names that no table lists: token classes told by their words, usage told in span events or in an unlisted object."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collector.decode import DecodeOptions, decode_traces
from collector.dialects.genai import BASE, usage_class
from collector.outcomes import provider_of
from spanledger.model import Span, Usage

_TRACE = "5b8efff798038103d269b633813fc60c"
_CLIENT = "opentelemetry.instrumentation.openai.v1"


def span(attributes: dict[str, Any], events: list[dict[str, Any]] | None = None, scope: str = "somebody.new") -> Span:
    """The canonical form of one span with these attributes."""
    told = {"traceId": _TRACE, "spanId": "00000000000000a1", "name": "x", "startTimeUnixNano": "1795248042000000000",
            "endTimeUnixNano": "1795248043000000000", "attributes": pairs(attributes), "events": events or []}  # fmt: skip
    body = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": scope}, "spans": [told]}]}]}
    return decode_traces(json.dumps(body).encode(), json=True, project="p", options=DecodeOptions()).records[0][0]


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": k, "value": {"intValue": v} if isinstance(v, int) else {"stringValue": v}} for k, v in attributes.items()]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gen_ai.usage.input_tokens.cache_write", "cache_write"),
        ("gen_ai.usage.cachedInputTokens", "cache_read"),
        ("gen_ai.usage.cached_text_tokens", "cache_read"),
        ("gen_ai.usage.text_tokens", ""),
        ("gen_ai.usage.cache_creation.1h_input_tokens", "cache_write_1h"),
        ("gen_ai.usage.cache_creation.5m_input_tokens", ""),
        ("llm.usage.thought_tokens", "reasoning"),
        ("gen_ai.usage.audio_input_tokens", "audio_in"),
        ("gen_ai.usage.outputTokens", "output"),
        ("llm.usage.generated_tokens", "output"),
        ("gen_ai.usage.cache_hit_rate", ""),
        ("gen_ai.usage.cacheHitRate", ""),
        ("gen_ai.usage.input_tokens_uncached", ""),
        ("gen_ai.usage.input_cost", ""),
        ("gen_ai.usage.image.output_tokens", ""),
        ("gen_ai.usage.input_tokens.details", ""),
        ("app.usage.input_tokens", ""),
        ("agentscope.usage.cache_input_tokens", "cache_read"),
        ("agentscope.usage.cache_creation_input_tokens", "cache_write"),
        ("acme.token_usage.reasoning_tokens", "reasoning"),
        ("acme.usage.output_tokens.non_reasoning", ""),
        ("app.memory.usage.cached", ""),
    ],
)
def test_words_tell_the_class_of_an_unlisted_count(name: str, found: str) -> None:
    assert usage_class(name) == found


def test_listed_names_are_left_to_the_tables() -> None:
    assert not [n for names in BASE.usage.values() for n in names if usage_class(n)]


def test_unlisted_counts_complete_a_call() -> None:
    told = span(
        {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.cacheReadTokens": 768}
    )
    assert told.usage == Usage(input=1000, output=50, cache_read=768)


@pytest.mark.parametrize("names", [("input_tokens", "output_tokens"), ("inputTokens", "outputTokens")], ids=["listed", "unlisted"])
def test_usage_in_an_event_counts_as_the_spans_own_and_the_last_word_counts(names: tuple[str, str]) -> None:
    given, out = (f"gen_ai.usage.{name}" for name in names)
    counts = [{given: 1000, out: n, "gen_ai.response.id": "chatcmpl-1234567"} for n in (7, 50)]
    events = [{"name": "usage", "timeUnixNano": "1795248042500000000", "attributes": pairs(c)} for c in counts]
    told = span({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}, events)
    assert (told.usage, told.response_id) == (Usage(input=1000, output=50), "chatcmpl-1234567")


def test_an_unlisted_object_completes_counts_but_makes_no_call_of_a_step() -> None:
    whole = json.dumps({"input_tokens": 1896, "output_tokens": 50, "cache_read_tokens": 768, "cache_write_tokens": 128, "total_tokens": 1946})
    told = span({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1896, "gen_ai.usage.output_tokens": 50, "new.response.usage": whole})
    assert told.usage == Usage(input=1896, output=50, cache_read=768, cache_write=128)
    assert span({"gen_ai.agent.name": "a", "new.response.usage": whole}).usage is None


def test_what_only_a_total_tells_of_claude_is_cached_input() -> None:
    told = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.total_tokens": 1946}
    assert span(told | {"gen_ai.request.model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}).usage == Usage(input=1896, output=50)
    assert span(told | {"gen_ai.request.model": "gemini-2.5-flash"}).usage == Usage(input=1000, output=946, reasoning=896)


@pytest.mark.parametrize(
    ("attributes", "role"),
    [
        ({"mlflow.spanType": '"CHAT_MODEL"', "model_dict": '{"model_name": "gpt-4o"}', "model_name": '"gpt-4o"'}, "call"),
        ({"gen_ai.operation.name": "generate_content", "gen_ai.request.model": "gpt-4o", "invocation_params": '{"is_chat_model": true}'}, "none"),
        ({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "invocation_params": '{"model": "gpt-4o", "stream": true}'}, "call"),
    ],
)
def test_the_making_of_a_request_under_mlflow_is_no_call(attributes: dict[str, Any], role: str) -> None:
    assert span(attributes, scope="mlflow.tracing.provider").role == role


def test_a_model_that_a_service_does_not_know_stands_among_its_settings() -> None:
    told = {"openinference.span.kind": "LLM", "llm.model_name": "unknown", "gen_ai.request.model": "unknown", "metrics.model": "gpt-4o"}
    found = span(told, scope="openinference.instrumentation.pipecat")
    assert (found.model, found.model_requested, found.provider) == ("gpt-4o", "", "openai")


@pytest.mark.parametrize("told", ["microsoft.foundry", "az.ai.agents", "azure.ai.inference", "azure"])
def test_azure_is_one_provider_by_whatever_name(told: str) -> None:
    assert provider_of(told, "DeepSeek-V3.1") == "azure"


@pytest.mark.parametrize(
    ("told", "model", "found"),
    [
        ("api.openai.com", "gpt-4o", "openai"),
        ("shop.openai.azure.com", "gpt-4o", "azure"),
        ("10.0.0.7:8000", "gpt-4o", "openai"),
        ("openai:responses", "o4-mini", "openai"),
        ("chatbedrockconverse", "claude-sonnet-4-5", "aws"),
        ("agno", "claude-sonnet-4-5", "anthropic"),
        ("agno", "in-house-7b", ""),
        ("inference.shop.example:8443", "in-house-7b", ""),
        ("baseten.chat", "deepseek-v3", "baseten"),
        ("custom_openai", "claude-sonnet-4-5", "anthropic"),
        ("api.max.ai", "gpt-4o", "openai"),
        ("anthropic.messages", "claude-sonnet-4-5", "anthropic"),
        ("google", "gpt-oss-120b", "google"),
    ],
)
def test_a_provider_is_found_in_what_stands_in_its_place(told: str, model: str, found: str) -> None:
    assert provider_of(told, model) == found


@pytest.mark.parametrize(
    ("component", "output", "kind", "model"),
    [
        (
            "OpenAIChatGenerator",
            '{"replies": [{"_meta": {"model": "o4-mini-2025-04-16", "usage": {"prompt_tokens": 9}}}]}',
            "llm",
            "o4-mini-2025-04-16",
        ),
        ("MadeUpChatGenerator", "{'replies': [\"ChatMessage(_meta={'model': 'gpt-4o'})\"]}", "llm", "gpt-4o"),
        ("OpenAITextEmbedder", '{"meta": {"model": "text-embedding-3-small"}}', "embedding", "text-embedding-3-small"),
        ("SentenceTransformersTextEmbedder", '{"embedding": []}', "step", ""),
        ("ChatPromptBuilder", '{"prompt": [{"model": "gpt-4o"}]}', "step", ""),
    ],
)
def test_a_component_of_haystack_is_known_by_its_type_and_its_model_by_the_answer(component: str, output: str, kind: str, model: str) -> None:
    told = {"haystack.component.type": component, "haystack.component.output": output}
    found = span(told, scope="haystack")
    assert (found.kind, found.model, found.role) == (kind, model, "none" if kind == "step" else "call")


@pytest.mark.parametrize(
    ("scope", "more", "found"),
    [
        ("somebody.new", {}, "stray"),  # nothing but its counts and its time finds what another instrumentation tells of it
        ("somebody.new", {"gen_ai.response.id": "chatcmpl-111111"}, ""),
        ("opentelemetry.instrumentation.genai.openai", {"gen_ai.response.id": "chatcmpl-111111"}, ""),
        ("opentelemetry.instrumentation.genai.openai", {"gen_ai.response.id": "chatcmpl-111111", "gen_ai.response.time_to_first_chunk": 1}, "stray"),
        ("opentelemetry.instrumentation.genai.langchain", {"gen_ai.response.id": "chatcmpl-111111"}, "stray"),
        ("langfuse-sdk", {}, "stray"),
        # a client's call whose own request was sent within a span of another trace is told there too
        (_CLIENT, {"gen_ai.response.id": "resp_111111", "gen_ai.headers": f"{{'traceparent': '00-{'9e' * 16}-7a0f2cf5b2412cbd-03'}}"}, "stray"),
        (_CLIENT, {"gen_ai.response.id": "resp_111111", "gen_ai.headers": f"{{'traceparent': '00-{_TRACE}-7a0f2cf5b2412cbd-03'}}"}, ""),
        (_CLIENT, {"gen_ai.response.id": "resp_111111", "gen_ai.headers": "{'X-Stainless-Raw-Response': 'true'}"}, ""),
    ],
)
def test_calls_that_no_id_finds_are_found_by_counts_and_time(scope: str, more: dict[str, Any], found: str) -> None:
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 5}
    assert span({**told, **more}, scope=scope).link.partition(":")[0] == found


def test_a_region_of_a_model_is_no_provider() -> None:
    assert provider_of("us", "us.anthropic.claude-sonnet-4-5-20250929-v1:0") == "aws"
    assert provider_of("acme", "us.anthropic.claude-sonnet-4-5-20250929-v1:0") == "acme"


_OWN_WORDS = {"gen_ai.prompt": "[]", "acme.llm.model": "gpt-4o-2024-08-06", "acme.usage.output_tokens": 50, "acme.usage.cache_read_input_tokens": 768}


@pytest.mark.parametrize(
    ("told", "want"),
    [
        ({**_OWN_WORDS, "acme.usage.input_tokens": 1000}, (1000, 50, 768)),
        ({**_OWN_WORDS, "acme.usage.non_cached_input_tokens": 232}, (1000, 50, 768)),
        ({**_OWN_WORDS, "other.usage.input_tokens": 99}, (None, 50, 768)),  # who names no model may tell anybody's sums
        ({"gen_ai.request.model": "gpt-4o", "acme.llm.model": "x", "acme.usage.input_tokens": 99, "gen_ai.usage.input_tokens": 7}, (7, None, None)),
        ({"gen_ai.request.model": "gpt-4o", "acme.usage.input_tokens": 99}, None),
        ({"gen_ai.request.model": "gpt-4o", "gen_ai.usage.uncached_input_tokens": 232, "gen_ai.usage.cached_tokens": 768}, (1000, None, 768)),
        ({"gen_ai.request.model": "gpt-4o", "gen_ai.usage.uncached_input_tokens": 232, "gen_ai.usage.input_tokens": 1000}, (1000, None, None)),
    ],
)
def test_a_vendor_that_names_a_model_tells_its_calls_totals_in_its_own_words(told: dict[str, Any], want: tuple[int | None, ...] | None) -> None:
    found = span(told)
    assert (found.usage and (found.usage.input, found.usage.output, found.usage.cache_read)) == want
    assert (found.model or found.model_requested).startswith("gpt-4o")
