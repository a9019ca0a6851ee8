"""Genkit (JavaScript, Go, Python): ``genkit:*`` attributes; a model's action is the call, ``generate`` around it repeats its answer.

All figures stand in ``genkit:output``: the provider's own object under ``raw`` or ``custom``, and Genkit's own count beside it, which
drops OpenAI's cached tokens and reasoning and leaves Gemini's thoughts out of output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.answers import merged
from collector.dialects.table import Dialect
from collector.outcomes import finish_of, provider_of
from collector.usage import from_object, normalise
from collector.values import dig, parse
from spanledger.model import Span

_SUBTYPES = {
    **dict.fromkeys(("model", "background-model", "backgroundmodel"), "llm"), "embedder": "embedding", "reranker": "rerank",
    "retriever": "retriever", "indexer": "retriever", "tool": "tool", "flow": "workflow", "flowstep": "step", "prompt": "chain",
    "executable-prompt": "chain", "evaluator": "evaluator", "util": "chain", "action": "chain", "helper": "chain",
}  # fmt: skip
_COUNTS = {
    "input": "inputTokens",
    "output": "outputTokens",
    "total": "totalTokens",
    "cache_read": "cachedContentTokens",
    "reasoning": "thoughtsTokens",
}


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    if span.role != "call":
        if span.kind == "tool":
            span.tool_name = str(attributes.get("genkit:name", ""))[:512]
        return
    plugin, _, model = str(attributes.get("genkit:name", "")).partition("/")
    span.model_requested = (model or plugin)[:512]
    answer = parse(attributes.get("genkit:output"))
    if not isinstance(answer, dict):
        answer = {}
    own = next((found for name in ("raw", "custom") if isinstance(found := answer.get(name), dict) and found), {})
    told = own.get("model") or own.get("modelVersion")
    span.model = told[:512] if isinstance(told, str) else ""
    span.provider = provider_of(plugin, span.model or span.model_requested)
    reason = answer.get("finishReason") or dig(answer, "candidates", 0, "finishReason")
    span.finish_reason = span.finish_reason or (finish_of(reason) if isinstance(reason, str) else "")
    usage = answer.get("usage")
    counts = {k: usage.get(name) for k, name in _COUNTS.items()} if isinstance(usage, dict) else {}
    exact = from_object(own)
    span.usage = normalise(exact or counts)
    if exact and counts.get("input"):
        span.usage = merged(span.usage, counts)


GENKIT = Dialect(
    name="genkit",
    scopes=("genkit-tracer*", "genkit*"),
    marks=("genkit:*",),
    content={"input": ("genkit:input",), "output": ("genkit:output",), "tool_input": ("genkit:input",), "tool_output": ("genkit:output",),
             "query": ("genkit:input",), "documents": ("genkit:output",)},
    kinds=(("genkit:metadata:subtype", _SUBTYPES), ("genkit:type", _SUBTYPES)),
    default_kind="chain",
    authority=1,
    refine=_refine,
)  # fmt: skip
