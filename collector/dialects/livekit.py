"""LiveKit Agents: ``llm_request`` holds a call's usage, ``llm_request_run`` within it is one attempt, ``llm_node`` around it the turn's step.

The provider is told as the host that was asked (``api.openai.com``); one that nobody knows says nothing, then the model's name does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.makers import maker_of
from collector.dialects.table import Dialect
from collector.values import to_text
from spanledger.model import Span


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    told = to_text(attributes.get("gen_ai.provider.name"))
    if "." in told:
        known = maker_of(told, span.model or span.model_requested)
        span.provider = "" if known == told else known


LIVEKIT = Dialect(
    name="livekit",
    scopes=("livekit-agents*", "livekit.agents*"),
    kinds=(("name", {"llm_request": "llm", "llm_request_run": "llm", "llm_node": "llm", "function_tool": "tool"}),),
    default_kind="step",
    authority=1,
    refine=_refine,
)
