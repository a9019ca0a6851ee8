"""Mastra: ``mastra.span.type`` tells what a span is; names and counts are semconv's or OpenInference's (its exporter for Arize).

``model_generation`` ⊃ ``model_step`` ⊃ ``model_inference`` ⊃ ``model_chunk``. Semconv's exporter gives usage to each inference; the one for
Arize gives the sum to the generation, and its steps, which tell neither model nor usage, are the calls. A chunk is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.openinference import OPENINFERENCE
from collector.dialects.table import Dialect
from collector.values import dig, parse
from spanledger.model import Span

_TYPES = {
    "model_chunk": "chain", "agent_run": "agent", "workflow_run": "workflow", "tool_call": "tool", "mcp_tool_call": "tool",
    "processor_run": "guardrail", "generic": "chain", "workflow_step": "step",
}  # fmt: skip


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    if "openinference.span.kind" in attributes and OPENINFERENCE.refine is not None:
        OPENINFERENCE.refine(span, attributes)
    if span.role != "call" or span.usage is not None or span.outcome:
        return
    said = parse(attributes.get("output.value"))
    step = isinstance(said, dict) and said.get("text") == "" and not said.get("toolCalls") and "object" not in said
    whole = dig(said, 0, "parts", 0, "content") == "" and dig(said, 0, "parts", 1) is None
    if step or whole:
        span.outcome = "error"  # neither words nor usage: only the agent's span tells the exception


MASTRA = Dialect(
    name="mastra",
    scopes=("@mastra/otel-exporter", "@mastra/otel-bridge", "@mastra/arize", "mastra"),
    marks=("mastra.span.type",),
    kinds=(("mastra.span.type", _TYPES),),
    default_kind="chain",
    refine=_refine,
    authority=1,
)  # fmt: skip
