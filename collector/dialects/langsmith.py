"""LangSmith in OTel mode: ``langsmith.*`` beside ``gen_ai.*``; cached and reasoning tokens only inside ``langsmith.metadata.usage_metadata``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect
from collector.values import dig, parse
from spanledger.model import Span


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    """LangChain's answer names the answering model, the finish reason and, in its metadata, the provider's id."""
    if span.role != "call":
        return
    output = parse(attributes.get("gen_ai.completion"))
    metadata = dig(output, "generations", 0, 0, "message", "kwargs", "response_metadata") or dig(output, "llm_output")
    model = dig(metadata, "model_name") or dig(output, "model")
    if isinstance(model, str):
        span.model = span.model or model[:512]


LANGSMITH = Dialect(
    name="langsmith",
    scopes=("langsmith", "langsmith*"),
    marks=("langsmith.*",),
    fields={"provider": ("langsmith.metadata.ls_provider", "gen_ai.system"), "operation": ("gen_ai.operation.name", "langsmith.span.kind")},
    usage_objects=(
        "langsmith.metadata.usage_metadata",
        "langsmith.usage_metadata",
        "gen_ai.usage.input_token_details",
        "gen_ai.usage.output_token_details",
    ),
    content={
        "tool_input": ("gen_ai.prompt",),
        "tool_output": ("gen_ai.completion",),
        "query": ("gen_ai.prompt",),
        "documents": ("gen_ai.completion",),
        "schema": ("langsmith.metadata.ls_structured_output_format",),
    },
    kinds=(("langsmith.span.kind", OPERATIONS),),
    default_kind="chain",
    authority=1,
    strays=("langsmith*",),
    refine=_refine,
)
