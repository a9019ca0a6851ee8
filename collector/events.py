"""Log records that matter: calls told by coding agents, failures, tools' work, and text that belongs to a span.

A record has no identity of its own for at-least-once delivery: its span id is the first 8 bytes of BLAKE2b over resource, scope, time
and attributes (and, without a trace, its trace id 16 bytes of the same). Text events carry role ``none`` and the id of the span that
they speak of as parent, so that the text is joined by (trace, parent).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from collector.canonical import Raw, Source, build
from collector.dialects import by_marks, by_scope
from collector.dialects.genai import BASE, DETAILS_EVENT, MESSAGE_EVENTS
from collector.dialects.table import Dialect, Event
from collector.messages import answer, turns
from collector.otlp_json import Log
from collector.outcomes import ended
from collector.plans import Plans, names_of
from collector.transcript import content_of, from_events
from collector.values import dig, parse, to_float, to_json, to_text
from spanledger.model import Content, Span

Record = tuple[Span, Content | None]


def read_event(source: Source, log: Log, resource: Mapping[str, Any], plans: Plans, *, want_content: bool) -> Record | str:
    """The record of a log event, or the reason why it is let go."""
    name = event_name(log)
    dialect = by_scope(source.scope) or (BASE if name.startswith("gen_ai.") else by_marks(log.attributes)) or None
    if dialect is None:
        return "log_not_genai"
    event = _event(dialect, name)
    if event is None or any(n not in log.attributes for n in event.needs) or any(to_text(log.attributes.get(k, "")) != v for k, v in event.only):
        return "log_noise"
    if event.tells == "content":
        return _content(source, log, resource, plans, dialect, name) if want_content else "log_content_unwanted"
    raw = _raw(source, log, resource, name)
    shape = plans.shape(source.scope, names_of(raw.attributes), dialect)
    span = build(source, raw, shape)
    if event.tells == "tool":
        _as_tool(span, raw)
    elif event.tells == "evaluation":
        span.kind, span.role, span.usage = "evaluator", "none", None
    elif event.tells == "failure":
        if span.http_status and span.http_status < 400:
            return "log_noise"
        _as_failure(span, raw)
    else:
        span.kind, span.role = "llm", "call"
        if span.status == "unset" and not span.error_type:
            span.status = "ok"
    content = content_of(span, raw, shape)
    return span, content if want_content else None


def event_name(log: Log) -> str:
    """The event's name: its own field, the attribute ``event.name``, or a short body that looks like one."""
    name = to_text(log.attributes.get("event.name", "")) or log.event_name
    if not name and isinstance(log.body, str) and len(log.body) < 80 and " " not in log.body:
        name = log.body
    return name


def _event(dialect: Dialect, name: str) -> Event | None:
    found = dialect.events.get(name)
    if found is None and "." in name:
        found = dialect.events.get(name.rpartition(".")[2]) if dialect.name == "claude-code" else BASE.events.get(name)
    return found


def event_time(log: Log) -> int:
    """Nanoseconds: the record's time, else its ``event.timestamp``, else when it was observed."""
    if log.time_ns:
        return log.time_ns
    stamp = log.attributes.get("event.timestamp")
    if isinstance(stamp, str):
        try:
            at = datetime.fromisoformat(stamp.strip().replace("Z", "+00:00"))
            if at.tzinfo is not None:
                whole = int(at.replace(microsecond=0).timestamp())
                return whole * 1_000_000_000 + at.microsecond * 1000
        except ValueError:
            pass
    return log.observed_ns


def event_id(source: Source, log: Log, resource: Mapping[str, Any], at_ns: int) -> bytes:
    """24 bytes by which a repeated export of the same record is the same record."""
    digest = blake2b(digest_size=24, person=b"spl-event")
    for part in (resource, source.scope, at_ns, log.event_name, log.trace_id.hex(), log.span_id.hex(), log.attributes, log.body):
        digest.update(to_json(part).encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.digest()


def _raw(source: Source, log: Log, resource: Mapping[str, Any], name: str) -> Raw:
    at_ns = event_time(log)
    made = event_id(source, log, resource, at_ns)
    lasted = to_float(log.attributes.get("duration_ms"))
    start = at_ns - int(lasted * 1e6) if lasted and 0 < lasted < 86_400_000 else at_ns
    return Raw(log.trace_id or made[8:24], made[:8], log.span_id, name, start, at_ns, dict(log.attributes), signal="log")


def _as_tool(span: Span, raw: Raw) -> None:
    span.kind, span.role, span.usage = "tool", "none", None
    done = to_text(raw.attributes.get("success", "")).lower()
    if done in ("false", "0"):
        span.status, span.outcome = "error", span.outcome or "error"
    elif done in ("true", "1"):
        span.status = "ok"


def _as_failure(span: Span, raw: Raw) -> None:
    span.kind, span.role, span.billed, span.usage, span.status = "llm", "call", False, None, "error"
    message = to_text(raw.attributes.get("error") or raw.attributes.get("error.message") or "")
    if span.outcome in ("", "error"):
        span.outcome = ended(span.error_type, message, span.http_status, span.finish_reason)


def _content(source: Source, log: Log, resource: Mapping[str, Any], plans: Plans, dialect: Dialect, name: str) -> Record | str:
    """Text of a span that came as a log event: a record of role ``none`` under that span."""
    raw = _raw(source, log, resource, name)
    content = Content()
    probe = Span(project="", service="", trace_id=b"", span_id=b"", start_ns=0, end_ns=0, kind="llm")
    told = _told(log, name)
    if name == DETAILS_EVENT or name in MESSAGE_EVENTS:
        from_events(content, probe, [(name, 0, told)])
    else:
        names = plans.shape(source.scope, names_of(raw.attributes), dialect).content
        if "input" in names:
            content.messages = turns(raw.attributes[names["input"][0]])
        elif "output" in names:
            content.response = answer(raw.attributes[names["output"][0]])[0]
        elif isinstance(log.body, str | dict):
            content.messages = turns(log.body)
    if content.empty:
        return "log_without_text"
    shape = plans.shape(source.scope, (), dialect)
    bare = Raw(raw.trace_id, raw.span_id, raw.parent_id, raw.name, raw.start_ns, raw.end_ns, {}, signal="log")
    span = build(source, bare, shape)
    span.kind, span.role, span.finish_reason, span.n_attrs = "step", "none", probe.finish_reason, len(log.attributes)
    if dialect.link:
        value = next((to_text(log.attributes[n]) for n in dialect.link if n in log.attributes), "")
        span.link = f"{dialect.name}:{value}" if value else ""
    return span, content


def _told(log: Log, name: str) -> dict[str, Any]:
    """Attributes and body of a message event as one mapping."""
    body = log.body if isinstance(log.body, dict) else parse(log.body)
    told = dict(log.attributes)
    if isinstance(body, dict):
        inner = body.get("message")
        told.update(body)
        if isinstance(inner, dict):
            told["content"] = inner.get("content") if inner.get("content") else inner
    elif isinstance(log.body, str) and log.body:
        told.setdefault("content", log.body)
    if "gen_ai.event.content" in told and "content" not in told:
        inner = parse(told["gen_ai.event.content"])
        told["content"] = dig(inner, "message", "content") or dig(inner, "content") or told["gen_ai.event.content"]
    return told


__all__ = ["Record", "event_id", "event_name", "event_time", "read_event"]
