"""OTLP request bodies → canonical records with their raw text. Nothing is stored, hashed or redacted here.

Decoding is a pure function of body, project and options. What no ledger needs is let go and counted by reason; what cannot be a span
(ids of the wrong length, all zero) is rejected with a reason; a body that is no OTLP raises ``BadSpan``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from collector import otlp_json, wire
from collector.callers import DEFAULT_PRECEDENCE, LLM_ROUTES, from_resource
from collector.canonical import Raw, Source, build
from collector.events import read_event
from collector.lifting import lift
from collector.plans import Plans, Shape, names_of
from collector.points import MetricsDecoded, read_metrics
from collector.sources import Sources
from collector.stencils import Stamp
from collector.transcript import content_of
from collector.values import to_text
from spanledger.errors import BadSpan
from spanledger.model import Content, Span

_ROUTES = ("http.route", "url.path", "http.target")


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How to decode. ``identity_precedence``: attribute names per identity field, most trusted first (see ``collector.callers``)."""

    keep_unknown_spans: bool = False
    identity_precedence: Mapping[str, Sequence[str]] = field(default_factory=lambda: DEFAULT_PRECEDENCE)
    want_content: bool = True
    stamps: bool = False  # plain calls of a known stencil stay stamps, where content is wanted


@dataclass(slots=True)
class Decoded:
    """One request, understood.

    ``records``: canonical spans with their raw text, if any; ``stamps``: calls that need none (:mod:`collector.stencils`); ``received``:
    records in the request; ``let_go``: how many were not kept, by reason; ``rejected``: why single records are bad (OTLP partial success).
    """

    records: list[tuple[Span, Content | None]] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    received: int = 0
    let_go: Counter[str] = field(default_factory=Counter)
    rejected: list[str] = field(default_factory=list)


_plans: dict[Any, tuple[Plans, Sources]] = {}


def _plans_of(options: DecodeOptions) -> tuple[Plans, Sources]:
    """The compiled plans and stencils of a precedence list, kept between requests; fields without names of their own keep the defaults."""
    given = options.identity_precedence
    key = None if given is DEFAULT_PRECEDENCE or not given else tuple((field, tuple(names)) for field, names in sorted(given.items()))
    found = _plans.get(key)
    if found is None:
        if len(_plans) > 16:
            _plans.clear()
        found = _plans[key] = Plans({**DEFAULT_PRECEDENCE, **{field: names for field, names in given.items() if names}}), Sources()
    return found


def decode_traces(body: bytes, *, json: bool, project: str, options: DecodeOptions, tenant: str = "") -> Decoded:
    """Spans of an ``ExportTraceServiceRequest``. ``tenant``: whose they are, where neither span nor resource says it.

    Raises:
        BadSpan: the body is not OTLP.
    """
    decoded, (plans, sources) = Decoded(), _plans_of(options)
    if json:
        for resource, scope, raws in otlp_json.traces(body):
            source = _source(project, resource, scope, plans, tenant)
            for raw in raws:
                _take(decoded, source, raw, plans, options)
        return decoded
    told: dict[str, list[tuple[Source, Sequence[bytes]]]] = {}
    for rs in _parsed(wire.TracesRequest, body).resource_spans:
        resource = wire.attributes(rs.resource.attributes)
        for ss in rs.scope_spans:
            if ss.spans:
                source = _source(project, resource, wire.text(ss.scope.name), plans, tenant)
                told.setdefault(source.scope, []).append((source, ss.spans))

    def ordinary(source: Source, span: bytes) -> tuple[Raw, Shape, Span] | None:
        return _take(decoded, source, _raw_span(_parsed(wire.Span, span)), plans, options)

    for some in told.values():
        if options.stamps and options.want_content:
            stamps = sources.stamps(some, ordinary)
            decoded.received += len(stamps)
            decoded.stamps += stamps
        else:
            for source, spans in some:
                for span in spans:
                    ordinary(source, span)
    return decoded


def decode_logs(body: bytes, *, json: bool, project: str, options: DecodeOptions, tenant: str = "") -> Decoded:
    """Log records of an ``ExportLogsServiceRequest`` that tell a call, a tool's work or a span's text. ``tenant``: as for spans.

    Raises:
        BadSpan: the body is not OTLP.
    """
    decoded, (plans, _) = Decoded(), _plans_of(options)
    for resource, scope, records in otlp_json.logs(body) if json else _logs(body):
        source = _source(project, resource, scope, plans, tenant)
        for log in records:
            decoded.received += 1
            found = read_event(source, log, resource, plans, want_content=options.want_content)
            if isinstance(found, str):
                decoded.let_go[found] += 1
            else:
                decoded.records.append(found)
    return decoded


def decode_metrics(body: bytes, *, json: bool, project: str, options: DecodeOptions, tenant: str = "") -> MetricsDecoded:
    """Data points of an ``ExportMetricsServiceRequest``: counted; token and cost metrics become reconciliation points.

    Raises:
        BadSpan: the body is not OTLP.
    """
    plans, _ = _plans_of(options)
    return read_metrics(body, json=json, source_of=lambda resource, scope: _source(project, resource, scope, plans, tenant), plans=plans)


def fault_of(raw: Raw) -> str:
    """Why a span cannot be stored, or ''."""
    if len(raw.trace_id) != 16 or not any(raw.trace_id):
        return f"trace id of {len(raw.trace_id)} bytes" if len(raw.trace_id) != 16 else "trace id is all zero"
    if len(raw.span_id) != 8 or not any(raw.span_id):
        return f"span id of {len(raw.span_id)} bytes" if len(raw.span_id) != 8 else "span id is all zero"
    if len(raw.parent_id) not in (0, 8):
        return f"parent span id of {len(raw.parent_id)} bytes"
    if not 0 < raw.start_ns < 1 << 62:
        return "start time is missing or out of range"
    return ""


def _source(project: str, resource: Mapping[str, Any], scope: str, plans: Plans, tenant: str = "") -> Source:
    service = to_text(resource.get("service.name", ""))[:512]
    instance = to_text(resource.get("service.instance.id", ""))[:128]
    inherited = from_resource(resource, plans.resource_names)
    if tenant:
        inherited.setdefault("tenant", tenant)
    return Source(project, service, inherited, scope, instance)


def _take(decoded: Decoded, source: Source, raw: Raw, plans: Plans, options: DecodeOptions) -> tuple[Raw, Shape, Span] | None:
    """One span into ``decoded``; itself, its plan and what became of it, if it is kept."""
    decoded.received += 1
    fault = fault_of(raw)
    if fault:
        decoded.rejected.append(fault)
        return None
    shape = plans.shape(source.scope, names_of(raw.attributes))
    if raw.events and shape.genai and not shape.usage and lift(raw.attributes, raw.events, shape.dialect):
        shape = plans.shape(source.scope, names_of(raw.attributes))
    reason = _let_go(raw, shape)
    if reason and not options.keep_unknown_spans:
        decoded.let_go[reason] += 1
        return None
    span = build(source, raw, shape)
    content = content_of(span, raw, shape) if shape.genai else None  # also fills finish reasons
    decoded.records.append((span, content if options.want_content else None))
    return raw, shape, span


def _let_go(raw: Raw, shape: Shape) -> str:
    """Why a span is not worth a row, or ''."""
    if shape.genai:
        names = shape.dialect.keep_names
        noise = names is not None and raw.name not in names and not shape.usage and not shape.usage_objects
        return "agent_noise" if noise else ""
    if shape.reason:
        return "" if _is_door(raw.attributes) else shape.reason
    return "client_span" if raw.kind in (3, 4) else ""  # baggage copied onto every database and HTTP span makes no ancestor of it


def _is_door(attributes: Mapping[str, Any]) -> bool:
    """A server span of an LLM gateway: kept as a bare link, so that a client's span and the gateway's stay nested."""
    function = attributes.get("code.function.name")
    if isinstance(function, str) and function.startswith("litellm."):
        return True
    return any(to_text(attributes[n]).endswith(LLM_ROUTES) for n in _ROUTES if n in attributes)


def _raw_span(s: Any) -> Raw:
    status = s.status
    events = [(wire.text(e.name), e.time_unix_nano, wire.attributes(e.attributes)) for e in s.events] if s.events else None
    return Raw(
        s.trace_id,
        s.span_id,
        b"" if s.parent_span_id == b"\0" * 8 else s.parent_span_id,
        wire.text(s.name),
        s.start_time_unix_nano,
        s.end_time_unix_nano,
        wire.attributes(s.attributes),
        status.code,
        wire.text(status.message),
        events,
        wire.text(s.trace_state),
        kind=s.kind,
    )


def _logs(body: bytes) -> Iterator[tuple[dict[str, Any], str, Iterable[otlp_json.Log]]]:
    request = _parsed(wire.LogsRequest, body)
    for rl in request.resource_logs:
        resource = wire.attributes(rl.resource.attributes)
        for sl in rl.scope_logs:
            yield resource, wire.text(sl.scope.name), map(_raw_log, sl.log_records)


def _raw_log(r: Any) -> otlp_json.Log:
    return otlp_json.Log(
        r.time_unix_nano,
        r.observed_time_unix_nano,
        r.trace_id if len(r.trace_id) == 16 and any(r.trace_id) else b"",
        r.span_id if len(r.span_id) == 8 and any(r.span_id) else b"",
        wire.text(r.event_name),
        wire.any_value(r.body) if r.body else None,
        wire.attributes(r.attributes),
    )


def _parsed(message: Any, body: bytes) -> Any:
    try:
        return message.FromString(body)
    except DecodeError as exc:
        raise BadSpan("the body is not an OTLP protobuf message of this signal") from exc


__all__ = ["DecodeOptions", "Decoded", "MetricsDecoded", "decode_logs", "decode_metrics", "decode_traces", "fault_of"]
