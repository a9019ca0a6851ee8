"""OpenInference (Arize): ``openinference.span.kind``, ``llm.*`` attributes, one scope per instrumented library.

No response id attribute: recovered from ``output.value``. The requested model stands in ``llm.invocation_parameters``; for images and
audio also the only model there is. Inclusive counts throughout, Python's Bedrock included; JavaScript's Bedrock leaves cached tokens out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect
from collector.messages import documents
from collector.outcomes import by_model
from collector.requested import schema_in
from collector.values import dig, parse, to_text
from spanledger.model import Content, Span

#: Span names of OpenAI's other endpoints under kind LLM.
_ENDPOINTS = {"imagesresponse": "image", "transcription": "audio", "translation": "audio", "speech": "audio", "httpxbinaryresponsecontent": "audio"}


_MAKERS = frozenset({"anthropic", "amazon", "meta", "mistral", "cohere", "ai21", "deepseek"})


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    asked = parse(attributes.get("llm.invocation_parameters"))
    if span.model in _MAKERS:  # JavaScript, Bedrock: the maker where the model belongs
        told = dig(parse(attributes.get("input.value")), "modelId") or dig(parse(attributes.get("output.value")), "model")
        span.model = told[:512] if isinstance(told, str) else ""
    if span.model == "unknown":  # Pipecat: the service's model stands among its settings
        span.model, span.model_requested = to_text(attributes.get("metrics.model"))[:512], ""
        span.provider = span.provider or by_model(span.model)
    if isinstance(asked, dict):
        model = asked.get("model") or asked.get("model_name") or asked.get("modelId")
        if isinstance(model, str):
            span.model_requested = span.model_requested or model[:512]
            span.provider = span.provider or by_model(model)
        if asked.get("stream") is True:
            span.stream = True
        tier = asked.get("service_tier")
        if isinstance(tier, str):
            span.service_tier = span.service_tier or tier
    if span.role == "call" and span.usage is None and ("._prepare" in span.name or _mere_event(span)):
        span.kind, span.role = "chain", "none"  # LlamaIndex traces the making of a request as kind LLM, BeeAI every token
    elif span.kind == "llm":
        span.kind = _ENDPOINTS.get(span.name.lower(), span.kind)  # type: ignore[assignment]


def _mere_event(span: Span) -> bool:
    return span.end_ns - span.start_ns < 1_000_000 and not (span.model or span.model_requested or span.response_id or span.status == "error")


def _text(content: Content, span: Span, attributes: Mapping[str, Any]) -> None:
    content.schema = content.schema or schema_in(to_text(attributes.get("llm.invocation_parameters")))
    if span.kind == "rerank":
        content.context = content.context or documents(attributes.get("input.value"))


OPENINFERENCE = Dialect(
    name="openinference",
    scopes=("openinference.*", "@arizeai/openinference-*", "@arizeai/*"),
    marks=("openinference.span.kind", "llm.token_count.*", "llm.input_messages.*"),
    fields={
        "provider": ("llm.provider", "llm.system"), "model": ("llm.model_name", "embedding.model_name", "reranker.model_name"),
        "response_id": ("llm.response.id",), "finish_reason": ("llm.finish_reason",), "tool_name": ("tool.name",),
        "tool_call_id": ("tool.id", "tool_call.id"), "cost": ("llm.cost.total",),
    },
    usage={"input": ("llm.token_count.prompt",), "output": ("llm.token_count.completion",)},
    content={"input": ("input.value",), "output": ("output.value",), "tool_input": ("tool.parameters", "input.value"), "query": ("input.value",)},
    kinds=(("openinference.span.kind", OPERATIONS),),
    default_kind="chain",
    authority=2,
    exclusive_input=("@arizeai/openinference-instrumentation-bedrock",),
    exclusive_for={"openinference.instrumentation.agno": ("anthropic", "aws")},
    strays=("@arizeai/*", *(f"openinference.instrumentation.{name}" for name in ("langchain", "openai", "anthropic"))),
    authorities={
        **{f"@arizeai/openinference-instrumentation-{name}": 1 for name in ("langchain*", "beeai", "mcp", "claude-agent-sdk")},
        **{f"openinference.instrumentation.{name}": 1
        for name in (
            "langchain", "llama_index", "openai_agents", "agents", "crewai", "dspy", "haystack", "smolagents", "pydantic_ai", "autogen",
            "autogen_agentchat", "agno", "beeai", "mcp", "guardrails", "instructor", "litellm", "google_adk", "strands_agents", "portkey", "pipecat",
        )}
    },
    refine=_refine,
    text=_text,
)  # fmt: skip
