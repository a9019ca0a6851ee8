"""The Anthropic Python SDK 2.x's own spans (scope ``com.anthropic.sdk.python``): closest to the wire, inclusive input, 5 m / 1 h cache split.

Every request has a span (tokens counted, sessions, batches, files, models): only those that name an operation are calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.table import Dialect
from spanledger.model import Span


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    if not span.operation and span.usage is None and span.name != "anthropic.messages.create":
        span.kind, span.role = "chain", "none"


ANTHROPIC_SDK = Dialect(
    name="anthropic-sdk",
    scopes=("com.anthropic.sdk.*",),
    fields={"finish_reason": ("anthropic.message.stop_reason",), "request_id": ("anthropic.request.id",), "endpoint": ("http.route",)},
    kinds=(("name", {"anthropic.messages.create": "llm"}),),
    default_kind="chain",
    authority=3,
    strays=("com.anthropic.sdk.*",),
    refine=_refine,
)
