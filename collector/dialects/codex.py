"""OpenAI Codex CLI: the log event ``codex.sse_event`` (``response.completed`` with counts) tells the call; counts are partly text, inclusive.

One call is some 450 spans: kept are the turn (session identity, sum), the request (its model and time) and, nested in it, the one that
reads the response (same counts, no model, no id); the bare spans between keep the tree whole. Usage records carry no trace id: session
and spans meet through the turn's ``thread.id``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.table import Dialect, Event
from collector.values import to_int
from spanledger.model import Span

#: Between the turn and the span that reads the response.
_LINKS = ("session_task.run", "run_turn", "run_sampling_request", "try_run_sampling_request", "receiving_stream")


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    span.provider = span.provider or "openai"
    span.operation = span.operation or ("responses" if span.role == "call" else "")
    status = to_int(attributes.get("http.response.status_code"))
    if span.signal == "log" and status and status >= 400:
        span.status = "error"


CODEX = Dialect(
    name="codex",
    scopes=("codex_*", "codex.*", "codex"),
    marks=("codex.*",),
    fields={
        "model": ("model",), "model_requested": ("model", "slug"), "latency_ms": ("duration_ms",), "tool_name": ("tool_name",),
            "tool_call_id": ("call_id",),
        "http_status": ("http.response.status_code",), "error_message": ("error.message", "error"), "attempt": (), "endpoint": ("endpoint",),
    },
    usage={
        "input": ("input_token_count", "gen_ai.usage.input_tokens", "codex.turn.token_usage.input_tokens"),
        "output": ("output_token_count", "gen_ai.usage.output_tokens", "codex.turn.token_usage.output_tokens"),
        "cache_read": ("cached_token_count", "gen_ai.usage.cache_read.input_tokens", "codex.turn.token_usage.cached_input_tokens"),
        "cache_write": ("cache_write_token_count", "gen_ai.usage.cache_write.input_tokens", "codex.turn.token_usage.cache_write_input_tokens"),
        "reasoning": ("reasoning_token_count", "codex.usage.reasoning_output_tokens", "codex.turn.token_usage.reasoning_output_tokens"),
        "total": ("tool_token_count", "codex.usage.total_tokens", "codex.turn.token_usage.total_tokens"),
    },
    content={"input": ("prompt",), "tool_input": ("arguments",), "tool_output": ("output",)},
    kinds=(("name", {**dict.fromkeys(_LINKS, "step"), "session_task.turn": "agent", "run_sampling_request": "llm", "handle_responses": "llm"}),),
    default_kind="step",
    authority=0,
    keep_names=("session_task.turn", *_LINKS),
    link=("conversation.id", "thread.id"),
    events={
        "codex.sse_event": Event("call", needs=("input_token_count",), only=(("event.kind", "response.completed"),)),
        "codex.user_prompt": Event("content", needs=("prompt",)), "codex.tool_result": Event("tool", needs=("tool_name",)),
        "codex.api_request": Event("failure", needs=("http.response.status_code",)),
    },
    refine=_refine,
)  # fmt: skip
