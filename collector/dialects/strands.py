"""AWS Strands agents: ``gen_ai.*`` with messages in span events; agents repeat the sum, and over runs of one object it keeps growing.

Time to first token is in milliseconds under the name that elsewhere means seconds; ``prompt_tokens`` and ``input_tokens`` are twins. The
SDK for TypeScript names scope and provider after the service, is known by its events' times, and passes on what Anthropic and Bedrock
count: input without cached tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from collector.dialects.table import Dialect
from collector.outcomes import by_model
from collector.values import to_int
from spanledger.model import Span


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    """Version 0.1 names no operation: an agent's span bears its name and says model and usage like a call."""
    if span.role == "call" and "gen_ai.operation.name" not in attributes and span.name == attributes.get("gen_ai.agent.name"):
        span.kind, span.role, span.aggregate_rule = "agent", "none" if span.usage is None else "aggregate", "cumulative"
    if span.scope.startswith("strands."):
        return
    u, maker = span.usage, by_model(span.model or span.model_requested)
    span.provider = maker if span.provider in (span.scope.lower(), "") else span.provider
    cached = (u.cache_read or 0) + (u.cache_write or 0) if u is not None else 0
    if u is not None and cached and maker in ("anthropic", "aws"):
        span.usage = structs.replace(u, input=(to_int(attributes.get("gen_ai.usage.input_tokens")) or 0) + cached)


STRANDS = Dialect(
    name="strands",
    scopes=("strands.*", "strands-agents*", "strands"),
    marks=("gen_ai.event.start_time", "agent_loop.cycle_id"),
    fields={"ttft_ms": ("gen_ai.server.time_to_first_token",)},
    kinds=(("name", {"model": "llm", "cycle": "step", "tool:": "tool", "execute_agent_loop_cycle": "step"}),),
    default_kind="step",
    aggregate_rule="cumulative",
    authority=1,
    refine=_refine,
)
