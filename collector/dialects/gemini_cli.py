"""Gemini CLI and its descendant Qwen Code: ``….api_response`` log events tell calls. Nearly the same names, one difference of money:

Gemini's output count leaves thoughts out (50 + 32 billed), Qwen's holds them. Gemini's ``gen_ai.client.inference.operation.details``
event and ``llm_call`` span look more standard but know neither cache nor thoughts: the event of our table wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.table import Dialect, Event
from collector.ids import recover
from spanledger.model import Span

_FIELDS = {
    "model": ("model",), "model_requested": ("model", "gen_ai.request.model"), "latency_ms": ("duration_ms",),
        "http_status": ("status_code", "http.status_code"),
    "finish_reason": ("finish_reasons",), "response_id": ("response_id", "gen_ai.response.id"), "tool_name": ("function_name", "gen_ai.tool.name"),
    "error_message": ("error", "error_message"), "error_type": ("error_type", "error.type"), "tool_call_id": ("call_id", "gen_ai.tool.call.id"),
}  # fmt: skip
_USAGE = {
    "input": ("input_token_count",), "output": ("output_token_count",), "cache_read": ("cached_content_token_count",),
    "reasoning": ("thoughts_token_count",), "total": (),
}  # fmt: skip
_CONTENT = {
    "input": ("gen_ai.input.messages", "request_text", "prompt"), "output": ("gen_ai.output.messages", "response_text"),
    "tool_input": ("function_args",), "tool_output": ("result",),
}  # fmt: skip


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    if span.role == "call" and not span.response_id:
        span.response_id = recover(attributes.get("response_text"))
    if span.signal == "span" and span.kind == "llm":
        span.provider = span.provider or "google"
    span.operation = "generate_content" if span.role == "call" else span.operation
    if attributes.get("success") in (False, "false"):
        span.status = "error"
        span.outcome = span.outcome or "error"


def _events(prefix: str) -> dict[str, Event]:
    return {
        f"{prefix}.api_response": Event("call", needs=("input_token_count",)),
        f"{prefix}.api_error": Event("failure"),
        f"{prefix}.user_prompt": Event("content", needs=("prompt",)),
        f"{prefix}.tool_call": Event("tool", needs=("function_name",)),
        "gen_ai.client.inference.operation.details": Event("content", needs=("gen_ai.response.id",)),
    }


GEMINI_CLI = Dialect(
    name="gemini-cli",
    scopes=("gemini-cli*",),
    fields=_FIELDS,
    usage=_USAGE,
    content=_CONTENT,
    kinds=(("gen_ai.operation.name", {"tool_call": "tool", "agent_call": "agent", "user_prompt": "agent", "system_prompt": "step",
        "schedule_tool_calls": "step"}),),
    default_kind="step",
    authority=0,
    exclusive_output=("*",),
    link=("session.id", "gen_ai.conversation.id"),
    events=_events("gemini_cli"),
    metrics={"gemini_cli.token.usage": {"input": "input", "output": "output", "cache": "cache_read", "thought": "reasoning"}},
    refine=_refine,
)  # fmt: skip

QWEN_CODE = Dialect(
    name="qwen-code",
    scopes=("qwen-code*",),
    fields=_FIELDS,
    usage=_USAGE,
    content=_CONTENT,
    default_kind="step",
    authority=0,
    link=("session.id",),
    events=_events("qwen-code"),
    metrics={"qwen-code.token.usage": {"input": "input", "output": "output", "cache": "cache_read", "thought": "reasoning"}},
    refine=_refine,
)
