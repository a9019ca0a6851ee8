"""The schema verdict of an answer while its text is still whole: called by the collector before redaction, only the verdict is stored."""

from __future__ import annotations

import orjson

from detectors.judging import registered
from detectors.schema import check
from spanledger.model import Content, Span
from spanledger.policy import Policy


def schema_verdict(span: Span, content: Content, policy: Policy) -> str:
    """JSON of the verdict, or "" where neither telemetry nor the registry names a schema, or nothing was answered.

    An answer that ended in tool calls has no text to check. ``policy``: the registry ``detectors.schemas``, entries with inline schemas.
    """
    if span.role != "call" or "schema" in policy.detectors.disable or (not content.response and span.finish_reason in ("tool_calls", "tool_use")):
        return ""
    schema = content.schema or _registered(span, policy)
    return orjson.dumps(check(content.response, schema, span.finish_reason).to_dict()).decode() if schema else ""


def _registered(span: Span, policy: Policy) -> dict[str, object] | None:
    if not policy.detectors.schemas:
        return None
    named = {name: span.own.get(name) or span.inherited.get(name) or "" for name in ("app", "route", "prompt_id", "prompt_version")}
    entry = registered(policy.detectors.schemas, {**named, "app_id": named["app"]})
    return entry.json_schema if entry else None
