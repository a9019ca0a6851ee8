"""Logfire's OpenAI and Anthropic instrumentation, and pydantic-ai's own spans.

A stream is two spans of one scope: the request (no usage) and, when it ends, a ``logfire.span_type = log`` span of no duration that
carries usage and answer: a companion, known by the same parent, model and prompt. Values may be scrubbed (``[Scrubbed due to …]``).
pydantic-ai's agents say ``gen_ai.aggregated_usage.*``: sums by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from collector.dialects.answers import merged
from collector.dialects.table import Dialect
from collector.outcomes import by_model
from collector.usage import from_object
from collector.values import dig, parse, to_text
from spanledger.model import Span


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    if not span.model_requested and "request_data" in attributes and (span.role == "call" or span.kind == "chain"):
        _by_request(span, attributes)
    if span.role != "call":
        return
    counts = from_object(attributes["usage"]) if "usage" in attributes else None  # OpenAI Agents: the SDK's own object
    if counts:
        span.usage = merged(span.usage, counts)
    asked = to_text(attributes.get("request_data")) + to_text(attributes.get("gen_ai.input.messages"))
    ended = attributes.get("logfire.span_type") == "log"
    if ended:
        span.role = "companion"
        span.stream = True
        duration = attributes.get("duration")
        if isinstance(duration, int | float):
            span.latency_ms = round(duration * 1000, 3)
    if ended or span.usage is None:
        key = blake2b(span.parent_id + asked.encode("utf-8", "replace"), digest_size=8).hexdigest()
        span.companion_of = f"{span.trace_id.hex()}:{key}"


def _by_request(span: Span, attributes: Mapping[str, Any]) -> None:
    """Logfire 3 says of some calls only what was asked: the request's body names the model."""
    model = dig(parse(attributes["request_data"]), "model")
    if isinstance(model, str) and model:
        span.kind = "embedding" if "embed" in model else "llm"
        span.role, span.model_requested = "call", model[:512]
        span.provider = span.provider or by_model(model)


#: What an answered request of pydantic-ai's says, whatever content is kept; ``gen_ai.response.model`` is set for others too.
_ANSWERED = ("events", "output.value", "gen_ai.response.finish_reasons", "gen_ai.response.id", "operation.cost")


def _never_answered(span: Span, attributes: Mapping[str, Any]) -> None:
    """A stream that was refused ends its span like any other, but for what an answer adds to it."""
    if span.role == "call" and span.usage is None and span.status == "unset" and not any(n in attributes for n in _ANSWERED):
        said = parse(attributes.get("gen_ai.output.messages"))
        if not any(dig(message, "parts") or dig(message, "content") for message in (said if isinstance(said, list) else ())):
            span.outcome = "error"


LOGFIRE = Dialect(
    name="logfire",
    scopes=("logfire.*", "logfire"),
    default_kind="chain",
    usage_objects=("gen_ai.usage.raw", "response_data"),
    content={"input": ("gen_ai.input.messages", "request_data"), "output": ("gen_ai.output.messages", "response_data")},
    authority=2,
    refine=_refine,
)

PYDANTIC_AI = Dialect(
    name="pydantic-ai",
    scopes=("pydantic-ai*", "pydantic_ai*"),
    fields={"tool_name": ("gen_ai.tool.name",)},
    content={
        "input": ("gen_ai.input.messages", "pydantic_ai.all_messages", "all_messages_events"), "output": ("gen_ai.output.messages", "final_result"),
        "tool_input": ("gen_ai.tool.call.arguments", "tool_arguments"), "tool_output": ("gen_ai.tool.call.result", "tool_response"),
        "schema": ("model_request_parameters",),
    },
    kinds=(("name", {"agent run": "agent", "running tools": "step", "running": "tool"}),),
    default_kind="chain",
    authority=1,
    refine=_never_answered,
)  # fmt: skip
