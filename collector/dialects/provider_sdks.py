"""Providers' SDKs that make spans by themselves: Mistral's (Python, opt-in) and xAI's. Both inclusive; Anthropic's: ``anthropic_sdk``.

Mistral's says nothing of a failure, only less: no HTTP status and no answer. xAI leaves reasoning out of output, which its total tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.table import Dialect
from spanledger.model import Span


def _unanswered(span: Span, attributes: Mapping[str, Any]) -> None:
    if span.role == "call" and not span.http_status and not span.response_id and span.usage is None and not span.outcome:
        span.outcome = "error"


MISTRAL_SDK = Dialect(name="mistral-sdk", scopes=("mistralai_sdk_tracer",), default_kind="chain", authority=3, refine=_unanswered)

XAI_SDK = Dialect(
    name="xai-sdk",
    scopes=("xai_sdk*",),
    usage={"cache_read": ("gen_ai.usage.cached_prompt_text_tokens",)},
    kinds=(("name", {"chat.sample": "llm", "chat.stream": "llm", "chat.defer": "llm", "chat.parse": "llm"}),),
    default_kind="chain",
    authority=3,
)
