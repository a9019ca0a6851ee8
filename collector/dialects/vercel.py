"""Vercel AI SDK: version 5 and 6 (scope ``ai``: ``ai.generateText`` around ``.doGenerate`` per step), version 7 (``gen_ai`` scope names).

Outer spans carry the sum of their steps. Version 6 counts inclusively and says ``inputTokenDetails``; version 5 passes Anthropic's
and Bedrock's exclusive counts on, and Gemini's without thoughts: the provider's own object in ``ai.response.providerMetadata`` tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import structs

from collector.dialects.table import Dialect
from collector.usage import from_object, normalise
from collector.values import dig, parse, to_float, to_int
from spanledger.model import Span, Usage

_OUTER = dict.fromkeys(
    ("ai.generatetext", "ai.streamtext", "ai.generateobject", "ai.streamobject", "ai.embed", "ai.embedmany", "ai.agent", "ai.rerank"), "chain"
)  # fmt: skip
_INNER = {
    **dict.fromkeys(
        ("ai.generatetext.dogenerate", "ai.streamtext.dostream", "ai.generateobject.dogenerate", "ai.streamobject.dostream"), "llm"
    ),
    "ai.embed.doembed": "embedding", "ai.embedmany.doembed": "embedding", "ai.rerank.dorerank": "rerank",
    "ai.generateimage.dogenerate": "image", "ai.transcribe": "audio", "ai.generatespeech": "audio", "ai.toolcall": "tool",
}  # fmt: skip


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    operation = str(attributes.get("ai.operationId", "")).partition(" ")[0]
    span.operation = span.operation.partition(" ")[0]
    if "stream" in operation.lower():
        span.stream = True
    if span.kind == "embedding" and span.usage is not None and span.usage.output == 0:
        span.usage = normalise({"input": span.usage.input})
    if span.role != "call" or span.usage is None or "ai.usage.inputTokenDetails.noCacheTokens" in attributes:
        return
    metadata = parse(attributes.get("ai.response.providerMetadata"))
    if span.usage.cache_read is None and isinstance(metadata, dict):
        span.usage = _with_parts(span.usage, metadata)
        _openrouter(span, metadata.get("openrouter"))
    whole = _gemini(metadata)
    if whole is not None:
        span.usage = whole
    raw = dig(metadata, "anthropic") or dig(metadata, "bedrock")
    if not isinstance(raw, dict):
        return
    told = raw.get("usage")
    own: dict[str, Any] = told if isinstance(told, dict) else {}
    given = to_int(attributes.get("ai.usage.inputTokens", attributes.get("gen_ai.usage.input_tokens")))
    read = _count(own, raw, "cache_read_input_tokens", "cacheReadInputTokens") or span.usage.cache_read or 0
    write = _count(own, raw, "cache_creation_input_tokens", "cacheCreationInputTokens", "cacheWriteInputTokens") or span.usage.cache_write or 0
    if given is not None and (read or write):
        exclusive = to_int(own["input_tokens"]) == given if "input_tokens" in own else True
        counts = {"input": given, "output": span.usage.output, "cache_read": read, "cache_write": write, "reasoning": span.usage.reasoning}
        span.usage = normalise(counts, exclusive_input=exclusive)


def _openrouter(span: Span, told: Any) -> None:
    """What OpenRouter's own object adds: cached tokens, reasoning, and what it charged."""
    usage = dig(told, "usage")
    if not isinstance(usage, dict) or span.usage is None or to_int(usage.get("promptTokens")) != span.usage.input:
        return
    read, thought = to_int(dig(usage, "promptTokensDetails", "cachedTokens")), to_int(dig(usage, "completionTokensDetails", "reasoningTokens"))
    span.usage = structs.replace(span.usage, cache_read=read, reasoning=span.usage.reasoning if thought is None else thought)
    if cost := to_float(usage.get("cost")):
        span.cost_usd, span.cost_is_provider = Decimal(str(cost)), True


def _gemini(metadata: Any) -> Usage | None:
    """Google's own object, which tells thoughts that the count beside it leaves out."""
    for told in metadata.values() if isinstance(metadata, dict) else ():
        counts = from_object(told.get("usageMetadata")) if isinstance(told, dict) else None
        if counts:
            return normalise(counts)
    return None


def _count(own: Mapping[str, Any], raw: Mapping[str, Any], *names: str) -> int | None:
    return next((to_int(where[name]) for where in (own, raw) for name in names if where.get(name) is not None), None)


def _with_parts(usage: Usage, metadata: Mapping[str, Any]) -> Usage:
    """Version 4 keeps cached and reasoning tokens in the provider's metadata only (OpenAI, Azure, DeepSeek, Google)."""
    for told in metadata.values():
        if not isinstance(told, dict):
            continue
        read = to_int(told.get("cachedPromptTokens", told.get("promptCacheHitTokens")))
        thought = to_int(told.get("reasoningTokens"))
        if read is not None or thought is not None:
            read = read if read is not None and read <= (usage.input or 0) else None
            return structs.replace(usage, cache_read=read, reasoning=usage.reasoning if thought is None else thought)
    return usage


VERCEL = Dialect(
    name="vercel-ai",
    scopes=("ai", "@ai-sdk/*", "@vercel/otel*", "ai-sdk*", "vercel-ai*"),
    marks=("ai.operationId", "ai.model.id", "ai.response.*"),
    fields={
        "operation": ("gen_ai.operation.name", "ai.operationId"), "model_requested": ("gen_ai.request.model", "ai.model.id"),
        "model": ("gen_ai.response.model", "ai.response.model"), "ttft_ms": ("ai.response.msToFirstChunk",),
    },
    content={
        "input": ("gen_ai.input.messages", "ai.prompt.messages", "ai.prompt", "ai.value", "ai.values"),
        "output": ("gen_ai.output.messages", "ai.response.text", "ai.response.object", "ai.response.toolCalls"),
        "tool_input": ("gen_ai.tool.call.arguments", "ai.toolCall.args"), "tool_output": ("gen_ai.tool.call.result", "ai.toolCall.result"),
        "tool_definitions": ("gen_ai.tool.definitions", "ai.prompt.tools"), "schema": ("ai.schema",),
    },
    kinds=(("ai.operationId", {**_OUTER, **_INNER}),),
    default_kind="chain",
    authority=1,
    refine=_refine,
)  # fmt: skip
