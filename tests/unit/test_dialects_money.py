"""What counts: usage is normalised to input with cache and output with reasoning, whoever tells it and however."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from collector.decode import DecodeOptions, decode_traces
from collector.usage import from_object, normalise
from spanledger.model import Span


def decoded(scope: str, attributes: dict[str, Any], name: str = "chat", resource: dict[str, Any] | None = None, **extra: Any) -> Span:
    """The canonical span of one OTLP/JSON span."""
    span = {
        "traceId": "AB" * 16,
        "spanId": "cd" * 8,
        "name": name,
        "startTimeUnixNano": "1795248042000000000",
        "endTimeUnixNano": 1795248043000000000,
    }
    body = {
        "resourceSpans": [
            {
                "resource": {"attributes": pairs(resource or {"service.name": "shop"})},
                "scopeSpans": [{"scope": {"name": scope}, "spans": [{**span, "attributes": pairs(attributes), **extra}]}],
            }
        ]
    }
    found = decode_traces(json.dumps(body).encode(), json=True, project="p", options=DecodeOptions())
    assert len(found.records) == 1, (found.let_go, found.rejected)
    return found.records[0][0]


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": k, "value": value(v)} for k, v in attributes.items()]


def value(v: Any) -> dict[str, Any]:
    if isinstance(v, bool):
        return {"boolValue": v}
    if isinstance(v, int):
        return {"intValue": str(v)}
    if isinstance(v, float):
        return {"doubleValue": v}
    if isinstance(v, list):
        return {"arrayValue": {"values": [value(x) for x in v]}}
    return {"stringValue": v}


GEN = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50}
CACHED = {**GEN, "gen_ai.usage.cache_read.input_tokens": 768, "gen_ai.usage.cache_creation.input_tokens": 128}

#: scope -> input that the same four attributes mean there
INPUT_BY_SCOPE = {
    "opentelemetry.instrumentation.genai.openai": 1000,
    "opentelemetry.instrumentation.anthropic": 1000,
    "pydantic-ai": 1000,
    "strands.telemetry.tracer": 1000,
    "somebody.new": 1000,
    "openlit.instrumentation.anthropic": 1896,
    "openlit.instrumentation.bedrock": 1896,
    "openlit.instrumentation.openai": 1000,
    "opentelemetry.instrumentation.botocore.bedrock-runtime": 1896,
    "@traceloop/instrumentation-anthropic": 1896,
    "@traceloop/instrumentation-openai": 1000,
}


@pytest.mark.parametrize(("scope", "total"), INPUT_BY_SCOPE.items())
def test_input_holds_cached_tokens_by_the_habit_of_its_scope(scope: str, total: int) -> None:
    usage = decoded(scope, CACHED).usage
    assert usage is not None
    assert (usage.input, usage.cache_read, usage.cache_write, usage.output) == (total, 768, 128, 50)


@pytest.mark.parametrize(("provider", "total"), [("anthropic", 1896), ("openai", 1000)])
def test_some_scopes_pass_on_what_a_provider_counts(provider: str, total: int) -> None:
    usage = decoded("genai_otel.instrumentors.base", {**CACHED, "gen_ai.provider.name": provider}).usage
    assert usage is not None
    assert usage.input == total


def test_more_cached_than_input_means_that_input_leaves_it_out() -> None:
    assert normalise({"input": 100, "output": 5, "cache_read": 768}).input == 868  # type: ignore[union-attr]


def test_a_total_that_only_adds_up_with_the_cache_means_the_same() -> None:
    assert normalise({"input": 1000, "output": 50, "cache_read": 768, "total": 1818}).input == 1768  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "spelling",
    ["gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens"],
)
def test_every_live_name_of_cache_writes_is_read(spelling: str) -> None:
    assert decoded("new.scope", {**GEN, spelling: 128}).usage.cache_write == 128  # type: ignore[union-attr]


OBJECTS: list[tuple[str, Any, tuple[int | None, ...]]] = [
    ("OpenAI chat", {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050, "prompt_tokens_details": {"cached_tokens": 768},
                     "completion_tokens_details": {"reasoning_tokens": 32}}, (1000, 50, 768, None, 32)),
    ("OpenAI Responses", {"input_tokens": 1000, "output_tokens": 50, "input_tokens_details": {"cached_tokens": 768},
                          "output_tokens_details": {"reasoning_tokens": 32}}, (1000, 50, 768, None, 32)),
    ("Anthropic", {"input_tokens": 1000, "output_tokens": 50, "cache_read_input_tokens": 768, "cache_creation_input_tokens": 128},
     (1896, 50, 768, 128, None)),
    ("Gemini", {"promptTokenCount": 1000, "candidatesTokenCount": 50, "thoughtsTokenCount": 32, "cachedContentTokenCount": 768},
     (1000, 82, 768, None, 32)),
    ("Bedrock Converse", {"inputTokens": 1000, "outputTokens": 50, "cacheReadInputTokens": 768, "cacheWriteInputTokens": 128},
     (1896, 50, 768, 128, None)),
    ("Cohere", {"billed_units": {"input_tokens": 1000.0, "output_tokens": 50.0}, "tokens": {"input_tokens": 1200}}, (1000, 50, None, None, None)),
    ("LangChain", {"input_tokens": 1000, "output_tokens": 50, "input_token_details": {"cache_read": 768}, "output_token_details": {"reasoning": 32}},
     (1000, 50, 768, None, 32)),
    ("Langfuse buckets", {"input": 232, "output": 18, "total": 1050, "input_cache_read": 768, "output_reasoning": 32}, (1000, 50, 768, None, 32)),
    ("Langfuse inclusive", {"input": 1000, "output": 50, "total": 1050, "input_cached_tokens": 768}, (1000, 50, 768, None, None)),
    ("MLflow", {"input_tokens": 1000, "output_tokens": 50, "total_tokens": 1050, "cache_read_input_tokens": 768}, (1000, 50, 768, None, None)),
    ("MLflow, Gemini with thoughts", {"input_tokens": 1000, "output_tokens": 50, "total_tokens": 1082, "cache_read_input_tokens": 768},
     (1000, 82, 768, None, 32)),
    ("Anthropic with a total", {"input_tokens": 1000, "output_tokens": 50, "total_tokens": 1818, "cache_read_input_tokens": 768},
     (1768, 50, 768, None, None)),
    ("LangChain, writes by age", {"input_tokens": 1896, "output_tokens": 50, "total_tokens": 1946, "input_token_details": {
        "cache_read": 768, "cache_creation": 0, "ephemeral_5m_input_tokens": 128, "ephemeral_1h_input_tokens": 0}}, (1896, 50, 768, 128, None)),
    ("Langfuse, writes by age beside their sum", {"cache_creation_input_tokens": 128, "cache_read_input_tokens": 768, "input": 1000, "output": 50,
        "cache_creation_ephemeral_1h_input_tokens": 0, "cache_creation_ephemeral_5m_input_tokens": 128}, (1896, 50, 768, 128, None)),
    ("Langfuse, writes by age alone", {"input": 1000, "output": 50, "input_cache_read": 768, "input_ephemeral_5m_input_tokens": 128},
        (1896, 50, 768, 128, None)),
    ("Ollama", {"prompt_eval_count": 1000, "eval_count": 50}, (1000, 50, None, None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "want"), [o[1:] for o in OBJECTS], ids=[o[0] for o in OBJECTS])
def test_a_providers_own_usage_object_is_read_by_its_own_semantics(raw: dict[str, Any], want: tuple[int | None, ...]) -> None:
    for written in (raw, json.dumps(raw), repr(raw)):
        usage = normalise(from_object(written) or {})
        assert usage is not None
        assert (usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning) == want


def test_counts_as_text_are_counts_and_nonsense_is_unknown() -> None:
    usage = decoded("new.scope", {**GEN, "gen_ai.usage.input_tokens": "1000", "gen_ai.usage.output_tokens": "many"}).usage
    assert usage is not None
    assert (usage.input, usage.output) == (1000, None)


def test_old_and_new_names_of_one_count_are_not_added() -> None:
    usage = decoded("new.scope", {**GEN, "gen_ai.usage.prompt_tokens": 1000, "gen_ai.usage.completion_tokens": 50}).usage
    assert usage is not None
    assert (usage.input, usage.output) == (1000, 50)


def test_vercel_5_passes_anthropics_exclusive_count_on_and_6_does_not() -> None:
    base = {"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "claude-sonnet-4-5", "ai.model.provider": "anthropic.messages",
            "ai.usage.outputTokens": 50, "ai.usage.cachedInputTokens": 768}  # fmt: skip
    own = json.dumps({"anthropic": {"usage": {"input_tokens": 1000, "cache_read_input_tokens": 768, "cache_creation_input_tokens": 128}}})
    five = decoded("ai", {**base, "ai.usage.inputTokens": 1000, "ai.response.providerMetadata": own}).usage
    six = decoded("ai", {**base, "ai.usage.inputTokens": 1896, "ai.usage.inputTokenDetails.noCacheTokens": 1000,
                         "ai.usage.inputTokenDetails.cacheWriteTokens": 128, "ai.response.providerMetadata": own}).usage  # fmt: skip
    assert five is not None
    assert six is not None
    assert (five.input, five.cache_write) == (six.input, six.cache_write) == (1896, 128)


def test_streams_counted_by_the_instrumentation_are_marked_estimated() -> None:
    estimated = decoded("@traceloop/instrumentation-openai", {**GEN, "gen_ai.request.stream": True})
    assert estimated.usage_estimated
    assert not decoded("opentelemetry.instrumentation.openai.v1", {**GEN, "gen_ai.request.stream": True}).usage_estimated


def test_doubt_about_the_counts_of_one_span_stays_with_that_span() -> None:
    streamed = {"name": "first_token", "timeUnixNano": "1795248042500000000", "attributes": []}
    told = {"traceId": "ab" * 16, "name": "chat", "startTimeUnixNano": "1795248042000000000", "attributes": pairs(GEN)}
    spans = [{**told, "spanId": "01" * 8, "events": [streamed]}, {**told, "spanId": "02" * 8}]
    body = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "openlit.instrumentation.openai"}, "spans": spans}]}]}
    found = decode_traces(json.dumps(body).encode(), json=True, project="p", options=DecodeOptions()).records
    assert ["usage_possibly_estimated" in record[0].attrs for record in found] == [True, False]


def test_a_clients_cost_is_kept_beside_and_zero_is_no_cost() -> None:
    assert decoded("openlit.instrumentation.openai", {**GEN, "gen_ai.usage.cost": 0.00018}).cost_usd == Decimal("0.00018")
    assert decoded("openlit.instrumentation.openai", {**GEN, "gen_ai.usage.cost": 0.0}).cost_usd is None


def test_aggregates_are_not_calls_and_say_how_they_repeat() -> None:
    agent = {**GEN, "gen_ai.operation.name": "invoke_agent"}
    for scope, rule in (("strands.telemetry.tracer", "cumulative"), ("openlit.instrumentation.langchain", "last"), ("gen_ai", "sum")):
        span = decoded(scope, agent)
        assert (span.role, span.aggregate_rule) == ("aggregate", rule)
    assert decoded("gen_ai", {"gen_ai.operation.name": "invoke_agent"}).role == "none"
    outer = decoded("ai", {"ai.operationId": "ai.generateText", "ai.model.id": "m", "ai.usage.inputTokens": 2101, "ai.usage.outputTokens": 113})
    assert outer.role == "aggregate"


def test_our_own_dialect_stands_above_every_other() -> None:
    span = decoded("openinference.instrumentation.openai", {
        "openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "llm.token_count.prompt": 7, "spanledger.usage.input": 9,
        "spanledger.model": "gpt-4o-mini", "spanledger.app": "own-app", "app.id": "other", "spanledger.biz.tickets_solved": 2,
    })  # fmt: skip
    assert (span.usage.input, span.model, span.own["app"], span.biz) == (9, "gpt-4o-mini", "own-app", {"tickets_solved": 2.0})  # type: ignore[union-attr]
