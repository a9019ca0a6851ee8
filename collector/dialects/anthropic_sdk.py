"""The Anthropic Python SDK 2.x's own spans (scope ``com.anthropic.sdk.python``): closest to the wire, inclusive input, 5 m / 1 h cache split."""

from __future__ import annotations

from collector.dialects.table import Dialect

ANTHROPIC_SDK = Dialect(
    name="anthropic-sdk",
    scopes=("com.anthropic.sdk.*",),
    fields={"finish_reason": ("anthropic.message.stop_reason",), "request_id": ("anthropic.request.id",), "endpoint": ("http.route",)},
    default_kind="llm",
    authority=3,
)
