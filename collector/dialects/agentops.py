"""AgentOps: old names (``gen_ai.usage.prompt_tokens``, ``gen_ai.prompt.0.content``), ``agentops.span.kind``; cached tokens are not sent."""

from __future__ import annotations

from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect

AGENTOPS = Dialect(
    name="agentops",
    scopes=("agentops*",),
    marks=("agentops.*",),
    fields={"finish_reason": ("gen_ai.completion.0.finish_reason",), "tool_name": ("tool.name", "gen_ai.tool.name")},
    content={
        "input": ("agentops.entity.input",), "output": ("agentops.entity.output",), "tool_input": ("tool.parameters", "agentops.entity.input"),
        "tool_output": ("tool.result", "agentops.entity.output"),
    },
    kinds=(("agentops.span.kind", OPERATIONS), ("gen_ai.operation.name", OPERATIONS)),
    default_kind="chain",
    authority=2,
)  # fmt: skip
