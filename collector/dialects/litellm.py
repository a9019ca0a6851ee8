"""LiteLLM, SDK and proxy: callback ``otel`` (request span or the caller's own span), ``LITELLM_OTEL_V2``, raw request spans, virtual keys.

Known by scope or by its attributes on the caller's span, never by span names (``metadata.generation_name`` renames them). Cached tokens
stand only in ``metadata.usage_object``, a Python repr; without it in ``llm.<provider>.usage`` of the raw request span. An id that equals
``litellm.call_id`` is LiteLLM's, not the provider's. The price is its own (``response_cost`` in ``hidden_params``). The raw request span
below a request span tells the same call, even where the gateway made an id of its own for its caller: both say exactly the same times.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from collector.dialects.answers import merged
from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect
from collector.ids import recover
from collector.outcomes import by_model, provider_of
from collector.usage import from_object, normalise
from collector.values import dig, first_text, parse, to_float, to_int, to_text
from spanledger.model import Span

_INTERNAL = (
    "auth", "cache.get", "cache.set", "cache", "failed", "received", "route", "router", "redis", "postgres", "self", "batch_write_to_db",
    "reset_budget_job", "proxy_pre_call", "pod_lock_manager", "litellm_overhead", "management_endpoint", "prometheus",
)  # fmt: skip
#: One of these is on every request span: OpenTelemetry's names or, from the callbacks for Arize, Phoenix, Weave and Langfuse, OpenInference's.
_REQUEST = ("gen_ai.usage.input_tokens", "gen_ai.request.model", "openinference.span.kind")
#: Endings of ``llm.<provider>.…`` that only raw request spans have.
_RAW = (".messages", ".usage", ".usageMetadata", ".id", ".choices", ".model", ".stringified_raw_response", ".input")


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    if attributes.get("guardrail_name"):
        span.kind, span.role = "guardrail", "none"
        return
    if span.usage is None and span.name.lower().partition(" ")[0] in _INTERNAL and "gen_ai.response.id" not in attributes:
        span.kind, span.role = "step", "none"  # the proxy's own work, named alike in every version
        return
    request = any(name in attributes for name in _REQUEST)
    raw = None if request else _raw_request(attributes)
    if raw is not None:
        _understand_raw(span, raw, attributes)
        return
    if not request and "gen_ai.operation.name" not in attributes:
        span.kind, span.role, span.usage = "chain", "none", None
        return
    made_up = to_text(attributes.get("litellm.call_id"))
    span.companion_of = _same_request(span, span.span_id)
    if span.response_id and span.response_id == made_up:
        span.request_id, span.response_id = span.request_id or made_up, ""
    hidden = parse(attributes.get("hidden_params"))
    cost = to_float(dig(hidden, "response_cost"))
    if cost and span.cost_usd is None:
        span.cost_usd = Decimal(str(cost))
    headers = dig(hidden, "additional_headers")
    span.fallback = span.fallback or bool(to_int(dig(headers, "x-litellm-attempted-fallbacks")))
    span.retry = span.retry or min(to_int(dig(headers, "x-litellm-attempted-retries")) or 0, 255)
    if dig(hidden, "cache_hit") is True or to_text(attributes.get("litellm.cache_hit")).lower() == "true":
        span.cache_hit, span.billed = True, False
    model = to_text(attributes.get("litellm.provider.model"))
    if not span.provider and model:
        span.provider = provider_of(model.partition("/")[0], model) if "/" in model else by_model(model)
    if span.status == "error":
        span.usage = None  # zeros of a failed call are no metering
    elif (counts := from_object(dig(parse(attributes.get("metadata")), "usage_object"))) is not None:
        span.usage = merged(span.usage, counts)  # OpenInference's names have one attribute for all else that LiteLLM knows


def _same_request(span: Span, request: bytes) -> str:
    """The key that a request span shares with the raw request span below it."""
    return f"{request.hex()}:{span.start_ns}:{span.end_ns}"


def _raw_request(attributes: Mapping[str, Any]) -> str | None:
    """The provider in ``llm.<provider>.…`` names of a raw request span."""
    for name in attributes:
        if name.startswith("llm.") and name.endswith(_RAW):
            parts = name.split(".")
            if len(parts) == 3:
                return parts[1]
    return None


def _understand_raw(span: Span, provider: str, attributes: Mapping[str, Any]) -> None:
    prefix = f"llm.{provider}."
    span.companion_of = _same_request(span, span.parent_id)
    body = parse(attributes.get(prefix + "stringified_raw_response"))
    span.model = span.model or to_text(attributes.get(prefix + "model") or dig(body, "model"))[:512]
    span.provider = span.provider or provider_of("" if provider == "None" else provider, span.model)
    counts = from_object(attributes.get(prefix + "usage")) or from_object(attributes.get(prefix + "usageMetadata")) or from_object(dig(body, "usage"))
    span.usage = normalise(counts) if counts else None
    span.response_id = to_text(attributes.get(prefix + "id") or dig(body, "id"))[:512] or recover(
        to_text(attributes.get(prefix + "stringified_raw_response", ""))
    )
    embedding = prefix + "input" in attributes and prefix + "messages" not in attributes and (counts is None or not counts.get("output"))
    span.kind, span.role = ("embedding" if embedding and "embed" in span.model.lower() else "llm"), "companion"
    span.stream = to_text(attributes.get(prefix + "stream")).lower() == "true"
    tier = to_text(attributes.get(prefix + "service_tier"))
    span.service_tier = span.service_tier or ("" if tier == "None" else tier)
    span.finish_reason = span.finish_reason or first_text(dig(parse(attributes.get(prefix + "choices")), 0, "finish_reason"))


LITELLM = Dialect(
    name="litellm",
    scopes=("litellm", "litellm.*"),
    marks=(
        "litellm.call_id", "litellm.model_group", "metadata.user_api_key_hash", "litellm.provider.model", "llm.openai.*", "llm.anthropic.*",
        "llm.azure.*", "llm.bedrock.*", "llm.gemini.*", "llm.vertex_ai.*", "llm.None.*",
    ),
    fields={
        "request_id": ("litellm.call_id",), "cost": ("gen_ai.cost.total_cost", "litellm.cost.total", "gen_ai.cost.original_cost"),
        "http_status": ("http.response.status_code", "error.code", "litellm.provider.error.code"), "endpoint": ("http.route", "url.path"),
        "cache_hit": ("litellm.cache_hit", "metadata.cache_hit"),
    },
    usage_objects=("metadata.usage_object", "litellm.metadata.usage_object"),
    content={
        "input": ("gen_ai.input.messages", "llm.openai.messages", "llm.anthropic.messages", "llm.None.messages"),
        "output": ("gen_ai.output.messages", "llm.openai.choices", "llm.anthropic.content", "llm.openai.stringified_raw_response"),
    },
    kinds=(("gen_ai.operation.name", OPERATIONS), ("llm.request.type", OPERATIONS)),
    default_kind="chain",
    authority=0,
    loses_context=True,
    refine=_refine,
)  # fmt: skip
