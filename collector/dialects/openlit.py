"""OpenLIT: official-looking ``gen_ai.*``; Anthropic and Bedrock input leaves cached tokens out; workflows repeat the last call's usage.

Without usage from the provider OpenLIT counts the tokens of a stream itself and does not say so: such a span is kept as reported and
marked ``usage_possibly_estimated`` among its attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.table import Dialect
from spanledger.model import Span

_WRAPPERS = ("langchain", "langgraph", "llamaindex", "haystack", "crewai", "ag2", "autogen", "agno", "openai_agents", "dspy", "smolagents",
             "pydantic_ai", "mcp", "litellm", "controlflow", "dynamiq", "letta", "julep", "phidata", "mem0", "strands",
                 "claude_agent_sdk")  # fmt: skip


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    if span.role == "call" and span.stream and span.usage is not None and span.usage.cache_read is None and span.usage.reasoning is None:
        span.attrs["usage_possibly_estimated"] = "true"


OPENLIT = Dialect(
    name="openlit",
    scopes=("openlit*", "@openlit/*"),
    marks=("openlit.*",),
    fields={"service_tier": ("openai.response.service_tier",)},
    content={"documents": ("gen_ai.retrieval.documents",), "query": ("gen_ai.retrieval.query.text",)},
    default_kind="chain",
    aggregate_rule="last",
    authority=2,
    authorities={f"openlit.instrumentation.{n}": 1 for n in _WRAPPERS},
    exclusive_input=(
        "openlit.instrumentation.anthropic*",
        "openlit.instrumentation.bedrock*",
        "@openlit/instrumentation-anthropic*",
        "@openlit/instrumentation-bedrock*",
    ),
    refine=_refine,
)
