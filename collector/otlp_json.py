"""OTLP/JSON bodies: hexadecimal ids of either case, integer enums, 64-bit numbers as text or number, unknown fields ignored."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from collector.canonical import Raw
from collector.values import to_float, to_int
from spanledger.errors import BadSpan

_MAX_DEPTH = 24
_BASE64_IDS = (24, 12)  # characters of 16 and of 8 bytes


@dataclass(slots=True)
class Log:
    """One log record before it is understood. Ids empty where the record has none; times in nanoseconds, 0 when unset."""

    time_ns: int
    observed_ns: int
    trace_id: bytes
    span_id: bytes
    event_name: str
    body: Any
    attributes: dict[str, Any]


def traces(body: bytes) -> Iterator[tuple[dict[str, Any], str, Iterable[Raw]]]:
    """(resource attributes, scope name, spans) of a JSON trace request. Raises ``BadSpan`` when it is none."""
    for resource, scope, items in _groups(body, "resourceSpans", "scopeSpans", "spans"):
        yield resource, scope, map(_span, items)


def logs(body: bytes) -> Iterator[tuple[dict[str, Any], str, Iterable[Log]]]:
    """(resource attributes, scope name, records) of a JSON logs request. Raises ``BadSpan`` when it is none."""
    for resource, scope, items in _groups(body, "resourceLogs", "scopeLogs", "logRecords"):
        yield resource, scope, map(_log, items)


def metrics(body: bytes) -> Iterator[tuple[dict[str, Any], str, Iterable[dict[str, Any]]]]:
    """(resource attributes, scope name, metrics as parsed) of a JSON metrics request. Raises ``BadSpan`` when it is none."""
    yield from _groups(body, "resourceMetrics", "scopeMetrics", "metrics")


def _groups(body: bytes, outer: str, middle: str, inner: str) -> Iterator[tuple[dict[str, Any], str, list[dict[str, Any]]]]:
    try:
        request = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as exc:
        raise BadSpan("the body is not JSON") from exc
    if not isinstance(request, dict):
        raise BadSpan("the body is not an OTLP JSON request")
    groups = request.get(outer)
    if groups is not None and not isinstance(groups, list):
        raise BadSpan(f"{outer} is not a list")
    for group in _dicts(groups):
        resource = group.get("resource")
        shared = attributes(resource.get("attributes")) if isinstance(resource, dict) else {}
        for part in _dicts(group.get(middle)):
            scope = part.get("scope")
            name = scope.get("name") if isinstance(scope, dict) else ""
            yield shared, name if isinstance(name, str) else "", list(_dicts(part.get(inner)))


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (v for v in value if isinstance(v, dict)) if isinstance(value, list) else iter(())


def attributes(value: Any) -> dict[str, Any]:
    """Plain attributes by name; empty strings and unset values left out, as in ``wire.attributes``."""
    out: dict[str, Any] = {}
    for pair in _dicts(value):
        key = pair.get("key")
        plain = any_value(pair.get("value"))
        if isinstance(key, str) and plain is not None and plain != "":
            out[key] = plain
    return out


def any_value(value: Any, depth: int = 0) -> Any:
    """``{"stringValue": …}`` and its kin as plain Python; None for anything else."""
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return None
    for kind, inner in value.items():
        if kind == "stringValue":
            return inner if isinstance(inner, str) else None
        if kind == "intValue":
            return _int64(inner)
        if kind == "boolValue":
            return inner if isinstance(inner, bool) else None
        if kind == "doubleValue":
            return to_float(inner)
        if kind == "arrayValue" and isinstance(inner, dict):
            return [any_value(v, depth + 1) for v in _dicts(inner.get("values"))]
        if kind == "kvlistValue" and isinstance(inner, dict):
            return {v["key"]: any_value(v.get("value"), depth + 1) for v in _dicts(inner.get("values")) if isinstance(v.get("key"), str)}
        if kind == "bytesValue":
            return _readable(inner) if isinstance(inner, str) else None
    return None


def _readable(encoded: str) -> str:
    """Base64 that holds text as that text, anything else as it came."""
    try:
        return b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return encoded


def _int64(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and len(value) < 24 and value.strip().lstrip("+-").isdigit():
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else None


def time_ns(value: Any) -> int:
    """Nanoseconds as text or number; 0 when unset or nonsense."""
    return _int64(value) or 0


def hex_id(value: Any) -> bytes:
    """Bytes of a hexadecimal id of either case; one bad byte when it is none, so that it is rejected and not taken for absent.

    Senders that write JSON with protobuf's own encoder tell ids as base64, which no hexadecimal number ends like.
    """
    if not isinstance(value, str) or not value:
        return b""
    try:
        return b64decode(value, validate=True) if value[-1] == "=" and len(value) in _BASE64_IDS else bytes.fromhex(value)
    except ValueError:
        return b"?"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _span(s: dict[str, Any]) -> Raw:
    status = s.get("status")
    status = status if isinstance(status, dict) else {}
    events = [(_text(e.get("name")), time_ns(e.get("timeUnixNano")), attributes(e.get("attributes"))) for e in _dicts(s.get("events"))]
    parent = hex_id(s.get("parentSpanId"))
    return Raw(
        hex_id(s.get("traceId")),
        hex_id(s.get("spanId")),
        b"" if parent == b"\0" * 8 else parent,
        _text(s.get("name")),
        time_ns(s.get("startTimeUnixNano")),
        time_ns(s.get("endTimeUnixNano")),
        attributes(s.get("attributes")),
        to_int(status.get("code")) or 0,
        _text(status.get("message")),
        events or None,
        _text(s.get("traceState")),
        kind=to_int(s.get("kind")) or 0,
    )


def _log(r: dict[str, Any]) -> Log:
    trace, span = hex_id(r.get("traceId")), hex_id(r.get("spanId"))
    return Log(
        time_ns(r.get("timeUnixNano")),
        time_ns(r.get("observedTimeUnixNano")),
        trace if len(trace) == 16 and any(trace) else b"",
        span if len(span) == 8 and any(span) else b"",
        _text(r.get("eventName")),
        any_value(r.get("body")),
        attributes(r.get("attributes")),
    )
