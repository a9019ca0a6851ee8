"""LlamaIndex's own OpenTelemetry package: spans named ``Class.method`` without attributes, everything in span events, flattened.

``LLMChatEndEvent`` holds the provider's answer as ``response.raw.*`` and LlamaIndex's count as ``response.additional_kwargs.*``; a stream
tells only its start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from collector.dialects.table import Dialect
from collector.outcomes import finish_of, provider_of
from collector.usage import from_object, normalise
from collector.values import dig, parse
from spanledger.model import Span

_EVENTS = {
    **dict.fromkeys((f"{call}{end}" for call in ("LLMChat", "LLMCompletion") for end in ("StartEvent", "EndEvent")), "llm"),
    **dict.fromkeys((f"{call}{end}" for call in ("Embedding", "SparseEmbedding") for end in ("StartEvent", "EndEvent")), "embedding"),
    **dict.fromkeys((f"ReRank{end}" for end in ("StartEvent", "EndEvent")), "rerank"),
    **dict.fromkeys((f"Retrieval{end}" for end in ("StartEvent", "EndEvent")), "retriever"),
    "AgentToolCallEvent": "tool",
}
_RAW = "response.raw."
_USAGE = ("usage.", "usage_metadata.", "prompt_eval_count", "eval_count", "meta.", "usageMetadata.")
_COUNTS = {"input": "prompt_tokens", "output": "completion_tokens", "total": "total_tokens"}


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    if span.role != "call":
        return
    maker, _, method = span.name.partition(".")
    span.stream = span.stream or "stream" in method
    span.provider = provider_of(maker.removesuffix("Embedding").removesuffix("Like"), span.model or span.model_requested)
    reason = dig(parse(attributes.get(_RAW + "choices")), 0, "finish_reason") or attributes.get(_RAW + "stop_reason")
    span.finish_reason = span.finish_reason or (finish_of(reason) if isinstance(reason, str) else "")
    answer = nested((n[len(_RAW) :], v) for n, v in attributes.items() if n.startswith(_RAW) and n[len(_RAW) :].startswith(_USAGE))
    counts = from_object(answer) if answer else None
    if not counts:
        counts = {field: attributes.get("response.additional_kwargs." + name) for field, name in _COUNTS.items()}
    span.usage = normalise(counts)


def nested(flat: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """``{"a.b": 1}`` as ``{"a": {"b": 1}}``."""
    found: dict[str, Any] = {}
    for name, value in flat:
        *way, last = name.split(".")
        at = found
        for step in way:
            inner = at.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            at = inner
        else:
            at[last] = value
    return found


LLAMA_INDEX_OTEL = Dialect(
    name="llama-index-otel",
    scopes=("llamaindex.opentelemetry*",),
    fields={
        "model": (_RAW + "model", _RAW + "model_version"), "model_requested": ("model_dict.model_name", "model_dict.model"),
        "response_id": (_RAW + "id", _RAW + "response_id"), "service_tier": (_RAW + "service_tier",),
    },
    content={
        "input": ("messages", "prompt"), "output": ("response.message.blocks", "response.text"), "documents": ("nodes",),
        "query": ("str_or_query_bundle.query_str", "str_or_query_bundle"), "tool_input": ("arguments",),
    },
    kinds=(("class_name", {name.lower(): kind for name, kind in _EVENTS.items()}),),
    default_kind="chain",
    authority=1,
    own_events=tuple(_EVENTS),
    refine=_refine,
)  # fmt: skip
