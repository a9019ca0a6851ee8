"""Claude Code: log events tell calls (``api_request``), spans are beta, metrics repeat the money.

Input leaves cached tokens out in every signal. The spans' ``gen_ai.response.id`` is the HTTP request id (``req_…``), the log's
``request_id``: what links the two. ``cost_usd`` is the CLI's list-price estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.table import Dialect, Event
from spanledger.model import Span


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    span.provider = span.provider or "anthropic"
    if span.response_id.startswith("req_") or span.response_id == span.request_id:
        span.request_id, span.response_id = span.request_id or span.response_id, ""
    span.operation = span.operation or ("chat" if span.role == "call" else "")
    if attributes.get("speed") == "fast":
        span.service_tier = "fast"
    if attributes.get("success") in (False, "false") and span.status == "unset":
        span.status = "error"
        span.outcome = span.outcome or "error"


CLAUDE_CODE = Dialect(
    name="claude-code",
    scopes=("com.anthropic.claude_code*",),
    fields={
        "model": ("model",), "model_requested": ("gen_ai.request.model", "model"), "request_id": ("request_id",),
            "response_id": ("gen_ai.response.id",),
        "finish_reason": ("stop_reason", "gen_ai.response.finish_reasons"), "http_status": ("status_code",), "cost": ("cost_usd",),
        "tool_name": ("tool_name",), "tool_call_id": ("tool_use_id", "gen_ai.tool.call.id"), "error_message": ("error",),
            "latency_ms": ("duration_ms",),
    },
    usage={"input": ("input_tokens",), "output": ("output_tokens",), "cache_read": ("cache_read_tokens",), "cache_write": ("cache_creation_tokens",)},
    content={
        "input": ("prompt", "user_prompt"), "output": ("response",), "tool_input": ("tool_parameters", "tool_input"),
            "tool_output": ("tool_result", "tool_output"),
    },
    kinds=(
        ("span.type", {
            "llm_request": "llm", "interaction": "agent", "tool": "tool", "tool.execution": "step", "tool.blocked_on_user": "step", "hook": "step",
        }),
    ),
    default_kind="step",
    aggregate_rule="sum",
    authority=0,
    exclusive_input=("*",),
    link=("session.id",),
    events={
        "api_request": Event("call", needs=("input_tokens",)), "api_error": Event("failure"), "user_prompt": Event("content", needs=("prompt",)),
        "assistant_response": Event("content", needs=("response",)), "tool_result": Event("tool", needs=("tool_name",)),
    },
    metrics={"claude_code.token.usage": {"input": "input", "output": "output", "cacheRead": "cache_read", "cacheCreation": "cache_write"}},
    refine=_refine,
)  # fmt: skip
