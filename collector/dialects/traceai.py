"""traceAI (Future AGI): a scope per instrumented library, names of OpenTelemetry or OpenInference, inclusive counts, Bedrock's included.

The model of an OpenAI stream stands among the request's parameters only. Under its Claude Agent SDK instrumentation (``claude_agent.*``)
turns are calls and conversations agents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.openinference import OPENINFERENCE
from collector.dialects.table import Dialect
from collector.outcomes import by_model
from collector.values import dig, parse
from spanledger.model import Span


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    if span.role == "call" and not span.model and not span.model_requested:
        asked = dig(parse(attributes.get("gen_ai.request.parameters", attributes.get("llm.invocation_parameters"))), "model")
        if isinstance(asked, str):
            span.model_requested, span.provider = asked[:512], span.provider or by_model(asked)


TRACEAI = Dialect(
    name="traceai",
    scopes=("traceai*", "fi_instrumentation*"),
    marks=("claude_agent.*",),
    fields={
        "model": ("claude_agent.model",), "tool_name": ("claude_agent.tool.name",), "tool_call_id": ("claude_agent.tool.use_id",),
        "provider": OPENINFERENCE.fields["provider"],
    },
    usage=OPENINFERENCE.usage,
    content={**OPENINFERENCE.content, "tool_input": ("claude_agent.tool.input", *OPENINFERENCE.content["tool_input"])},
    kinds=(
        ("claude_agent.span_kind", {"conversation": "agent", "subagent": "agent", "assistant_turn": "llm", "tool_execution": "tool"}),
        *OPENINFERENCE.kinds,
    ),
    default_kind="chain",
    authority=2,
    authorities={f"traceai_{name}*": 1 for name in ("langchain", "llama", "openai_agents", "litellm", "crewai", "agno", "claude_agent")},
    refine=_refine,
)  # fmt: skip
