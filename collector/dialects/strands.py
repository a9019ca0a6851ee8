"""AWS Strands agents: ``gen_ai.*`` with messages in span events; agents repeat the sum, and over runs of one object it keeps growing.

Time to first token is in milliseconds under the name that elsewhere means seconds; ``prompt_tokens`` and ``input_tokens`` are twins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.table import Dialect
from spanledger.model import Span


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    """Version 0.1 names no operation: an agent's span bears its name and says model and usage like a call."""
    if span.role == "call" and "gen_ai.operation.name" not in attributes and span.name == attributes.get("gen_ai.agent.name"):
        span.kind, span.role, span.aggregate_rule = "agent", "none" if span.usage is None else "aggregate", "cumulative"


STRANDS = Dialect(
    name="strands",
    scopes=("strands.*", "strands-agents*", "strands"),
    fields={"ttft_ms": ("gen_ai.server.time_to_first_token",)},
    kinds=(("name", {"model": "llm", "cycle": "step", "tool:": "tool"}),),
    default_kind="step",
    aggregate_rule="cumulative",
    authority=1,
    refine=_refine,
)
