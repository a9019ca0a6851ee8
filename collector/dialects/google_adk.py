"""Google ADK: ``invocation``, ``agent_run``/``invoke_agent``, ``call_llm`` and ``generate_content`` nested (one call), ``execute_tool``.

Usage inclusive under ``gen_ai.usage.*``. Version 1 keeps request and response as JSON in ``gcp.vertex.agent.*``, with Gemini's own usage
object inside the response, which rules: output beside it is the total (up to 1.5) or leaves thoughts out. The provider
``gcp.vertex.agent`` is ADK itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect
from collector.usage import from_object, normalise
from collector.values import dig, parse
from spanledger.model import Span


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    if span.role == "call" and "gcp.vertex.agent.llm_response" in attributes:
        answer = parse(attributes["gcp.vertex.agent.llm_response"])
        found = from_object(dig(answer, "usage_metadata") or dig(answer, "usageMetadata"))  # Python or JavaScript
        if found:
            span.usage = normalise(found)
    u = span.usage
    if u is not None and u.reasoning and (u.output or 0) > u.reasoning and _through_litellm(span.model_requested or span.model):
        span.usage = structs.replace(u, output=(u.output or 0) - u.reasoning)


def _through_litellm(model: str) -> bool:
    """LiteLLM's names are ``provider/model``; its answers count reasoning within output, to which ADK adds it once more."""
    return "/" in model and not model.startswith(("projects/", "models/", "publishers/"))


GOOGLE_ADK = Dialect(
    name="google-adk",
    scopes=("gcp.vertex.agent*", "google.adk*", "google_adk*"),
    marks=("gcp.vertex.agent.*",),
    fields={"tool_call_id": ("gen_ai.tool.call.id", "gcp.vertex.agent.tool_call_id")},
    content={
        "input": ("gen_ai.input.messages", "gcp.vertex.agent.llm_request"), "output": ("gen_ai.output.messages", "gcp.vertex.agent.llm_response"),
        "tool_input": ("gen_ai.tool.call.arguments", "gcp.vertex.agent.tool_call_args"),
        "tool_output": ("gen_ai.tool.call.result", "gcp.vertex.agent.tool_response"),
    },
    kinds=(("gen_ai.operation.name", OPERATIONS), ("name", {"call_llm": "llm", "generate_content": "llm", "invocation": "workflow",
        "agent_run": "agent"})),
    default_kind="chain",
    authority=1,
    refine=_refine,
)  # fmt: skip
