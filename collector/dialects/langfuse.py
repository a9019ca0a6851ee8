"""Langfuse SDKs (Python and JavaScript, OTel based): ``langfuse.observation.*``; usage as one JSON object, bucketed or as the provider sent it.

Its exporter leaves foreign parents out: a parent id that never arrives is normal. ``langfuse.observation.level = ERROR`` marks failures
whose status stays unset. The time of the first token is a timestamp.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect
from collector.outcomes import ended, provider_of
from collector.values import dig, parse, to_float, to_text
from spanledger.model import Span

_KINDS = {**OPERATIONS, "span": "chain", "event": "chain"}


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    started = to_text(attributes.get("langfuse.observation.completion_start_time"))
    if started:
        try:
            at = datetime.fromisoformat(started.replace("Z", "+00:00"))
            wait = at.timestamp() * 1e3 - span.start_ns / 1e6
            if 0 <= wait < 3_600_000:
                span.ttft_ms, span.stream = round(wait, 3), True
        except ValueError:
            pass
    if to_text(attributes.get("langfuse.observation.level")).upper() == "ERROR":
        span.status = "error"
        message = to_text(attributes.get("langfuse.observation.status_message"))
        span.outcome = span.outcome or ended(span.error_type, message, span.http_status, span.finish_reason)
    asked = parse(attributes.get("langfuse.observation.model.parameters"))
    tier = dig(asked, "service_tier")
    if isinstance(tier, str):
        span.service_tier = span.service_tier or tier
    provider = to_text(attributes.get("langfuse.observation.metadata.ls_provider"))
    if provider:
        span.provider = provider_of(provider, span.model)
    cost = parse(attributes.get("langfuse.observation.cost_details"))
    total = to_float(dig(cost, "total"))
    if total:
        span.cost_usd = Decimal(str(total))


LANGFUSE = Dialect(
    name="langfuse",
    scopes=("langfuse-sdk", "langfuse*", "@langfuse/*"),
    strays=("langfuse*",),
    marks=("langfuse.observation.*",),
    fields={
        "model": ("langfuse.observation.model.name",), "operation": ("gen_ai.operation.name", "langfuse.observation.type"),
    },
    usage_objects=("langfuse.observation.usage_details",),
    usage_objects_first=True,
    content={
        "input": ("langfuse.observation.input",), "output": ("langfuse.observation.output",), "tool_input": ("langfuse.observation.input",),
        "tool_output": ("langfuse.observation.output",), "query": ("langfuse.observation.input",),
        "schema": ("langfuse.observation.metadata.response_format", "langfuse.observation.model.parameters"),
    },
    kinds=(("langfuse.observation.type", _KINDS),),
    default_kind="chain",
    authority=2,
    refine=_refine,
)  # fmt: skip
