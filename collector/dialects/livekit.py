"""LiveKit Agents: ``llm_request`` holds a call's usage, ``llm_request_run`` within it is one attempt, ``llm_node`` around it the turn's step.

The provider is told as the host that was asked (``api.openai.com``); one that nobody knows says nothing, then the model's name does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.table import Dialect
from collector.outcomes import by_model
from collector.values import to_text
from spanledger.model import Span

#: A label of the host -> provider, the telling ones first (``NAME.openai.azure.com``).
_HOSTS = (
    ("azure", "azure"), ("amazonaws", "aws"), ("googleapis", "google"), ("openai", "openai"), ("anthropic", "anthropic"), ("mistral", "mistral"),
    ("groq", "groq"), ("deepseek", "deepseek"), ("x", "x-ai"), ("together", "together"), ("cerebras", "cerebras"), ("fireworks", "fireworks"),
    ("perplexity", "perplexity"), ("openrouter", "openrouter"), ("cohere", "cohere"),
)  # fmt: skip


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    told = to_text(attributes.get("gen_ai.provider.name"))
    if "." in told:
        labels = told.partition(":")[0].lower().split(".")
        span.provider = next((name for label, name in _HOSTS if label in labels), "") or by_model(span.model or span.model_requested)


LIVEKIT = Dialect(
    name="livekit",
    scopes=("livekit-agents*", "livekit.agents*"),
    kinds=(("name", {"llm_request": "llm", "llm_request_run": "llm", "llm_node": "llm", "function_tool": "tool"}),),
    default_kind="step",
    authority=1,
    refine=_refine,
)
