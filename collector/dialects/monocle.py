"""Monocle (LF AI): ``span.type`` tells the kind, numbered ``entity.N.*`` provider and model, a span event ``metadata`` the usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.table import Dialect
from collector.outcomes import provider_of
from spanledger.model import Span

_TYPES = {
    "inference": "llm", "inference.framework": "llm", "inference.modelapi": "llm", "embedding": "embedding", "embedding.modelapi": "embedding",
    "retrieval": "retriever", "agentic.tool.invocation": "tool", "agentic.mcp.invocation": "tool", "agentic.invocation": "agent",
    "agentic.delegation": "step", "agentic.turn": "workflow", "workflow": "workflow", "generic": "chain", "http.process": "chain",
    "http.send": "chain",
}  # fmt: skip


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    for n in range(1, 5):
        kind, name = str(attributes.get(f"entity.{n}.type", "")), str(attributes.get(f"entity.{n}.name", ""))
        if kind.startswith(("model.llm", "model.embedding")) and span.role == "call":
            span.model_requested = name[:512]
        elif kind.startswith("inference.") and span.role == "call":
            span.provider = provider_of(kind.partition(".")[2], "")
        elif kind.startswith("tool.") and span.kind == "tool":
            span.tool_name = name[:512]
    span.provider = span.provider or provider_of("", span.model_requested)


MONOCLE = Dialect(
    name="monocle",
    scopes=("monocle_apptrace*",),
    marks=("monocle_apptrace.version",),
    usage={
        "input": ("prompt_tokens",), "output": ("completion_tokens",), "total": ("total_tokens",), "cache_read": ("cache_read_input_tokens",),
        "cache_write": ("cache_creation_input_tokens",), "reasoning": ("reasoning_tokens",),
    },
    fields={"finish_reason": ("finish_reason",), "server_url": ("entity.1.inference_endpoint",), "error_type": ("error_code",)},
    content={"input": ("input",), "output": ("response",), "tool_input": ("input",), "tool_output": ("response",), "documents": ("response",)},
    kinds=(("span.type", _TYPES),),
    default_kind="chain",
    authority=1,
    own_events=("metadata", "data.input", "data.output"),
    refine=_refine,
)  # fmt: skip
