"""Metrics are never calls: token and cost metrics become points for reconciliation.

One exception of use, not of principle: senders whose sessions are told by metrics alone (no log event, no span). For the agents whose
table names a token metric, each point group also gives a span of signal ``metric`` and role ``aggregate`` under the session's link;
posting counts it only where nothing else tells the session's calls, and then as unattributed usage, never as a call. Its identity is
the series (cumulative: a later point replaces an earlier) or the series and its interval (delta).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from collector import otlp_json, wire
from collector.canonical import Raw, Source, build
from collector.dialects import by_scope
from collector.dialects.table import Dialect
from collector.plans import Plans, names_of
from collector.usage import normalise
from collector.values import to_float, to_json, to_text
from spanledger.errors import BadSpan
from spanledger.model import Content, Span

Temporality = Literal["delta", "cumulative", "unspecified"]
_TEMPORALITY: tuple[Temporality, ...] = ("unspecified", "delta", "cumulative")
_TOLD = ("token", "cost")
_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One value of a token or cost metric. ``series``: hash of resource, scope, metric and attributes; times in nanoseconds."""

    series: str
    metric: str
    unit: str
    start_ns: int
    time_ns: int
    value: float
    temporality: Temporality
    attributes: dict[str, str]


@dataclass(slots=True)
class MetricsDecoded:
    """One metrics request: points for reconciliation, and spans of signal ``metric`` (see above)."""

    received: int = 0
    points: list[MetricPoint] = field(default_factory=list)
    let_go: Counter[str] = field(default_factory=Counter)
    rejected: list[str] = field(default_factory=list)
    records: list[tuple[Span, Content | None]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Point:
    attributes: dict[str, Any]
    start_ns: int
    time_ns: int
    value: float | None


def read_metrics(body: bytes, *, json: bool, source_of: Callable[[Mapping[str, Any], str], Source], plans: Plans) -> MetricsDecoded:
    """Decode a metrics request. Raises ``BadSpan`` when the body is no OTLP."""
    decoded = MetricsDecoded()
    for resource, scope, metrics in _json(body) if json else _protobuf(body):
        source, dialect = source_of(resource, scope), by_scope(scope)
        for name, unit, temporality, points in metrics:
            decoded.received += len(points)
            if not any(word in name for word in _TOLD):
                decoded.let_go["metric_not_tokens_or_cost"] += len(points)
                continue
            for p in points:
                if p.value is None:
                    decoded.let_go["metric_without_value"] += 1
                    continue
                series = _series(resource, scope, name, p.attributes)
                plain = {k: to_text(v)[:256] for k, v in p.attributes.items()}
                decoded.points.append(MetricPoint(series, name, unit, p.start_ns, p.time_ns, p.value, temporality, plain))
            if dialect is not None and name in dialect.metrics:
                decoded.records += _spans(source, resource, dialect, name, temporality, points, plans)
    return decoded


def _series(resource: Mapping[str, Any], scope: str, metric: str, attributes: Mapping[str, Any]) -> str:
    text = to_json([sorted((k, to_text(v)) for k, v in resource.items()), scope, metric, sorted((k, to_text(v)) for k, v in attributes.items())])
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, person=b"spl-series").hexdigest()


def _spans(
    source: Source, resource: Mapping[str, Any], dialect: Dialect, metric: str, temporality: Temporality, points: Iterable[_Point], plans: Plans
) -> Iterator[tuple[Span, None]]:
    """One span per point group: same attributes but ``type``, same interval; only where the points name their session."""
    classes = dialect.metrics[metric]
    groups: dict[str, list[_Point]] = defaultdict(list)
    for p in points:
        if any(n in p.attributes for n in dialect.link) and p.value is not None:
            rest = {k: v for k, v in p.attributes.items() if k != "type"}
            groups[to_json([_series(resource, source.scope, metric, rest), p.start_ns, p.time_ns])].append(p)
    for group in groups.values():
        first = group[0]
        rest = {k: v for k, v in first.attributes.items() if k != "type"}
        counts = {found: p.value for p in group if (found := classes.get(to_text(p.attributes.get("type"))))}
        identity = [_series(resource, source.scope, metric, rest), first.start_ns, first.time_ns if temporality == "delta" else 0]
        made = blake2b(to_json(identity).encode(), digest_size=24, person=b"spl-metric").digest()
        start = first.start_ns or first.time_ns
        raw = Raw(made[8:24], made[:8], b"", metric, start, first.time_ns, rest)
        shape = plans.shape(source.scope, names_of(rest), dialect)
        span = build(source, raw, shape)
        exclusive = bool(dialect.exclusive_input), bool(dialect.exclusive_output)
        span.usage = normalise(counts, exclusive_input=exclusive[0], exclusive_output=exclusive[1])
        span.signal, span.kind, span.role, span.aggregate_rule = "metric", "agent", "aggregate", "sum"
        span.response_id, span.cost_usd = "", None
        if span.usage is not None and not span.usage.empty:
            yield span, None


def _json(body: bytes) -> Iterator[tuple[dict[str, Any], str, list[tuple[str, str, Temporality, list[_Point]]]]]:
    for resource, scope, metrics in otlp_json.metrics(body):
        found = []
        for m in metrics:
            data = next((m[k] for k in _KINDS if isinstance(m.get(k), dict)), {})
            points = [_json_point(p) for p in data.get("dataPoints", []) if isinstance(p, dict)] if isinstance(data.get("dataPoints"), list) else []
            temporality = data.get("aggregationTemporality")
            told = _TEMPORALITY[temporality] if isinstance(temporality, int) and 0 <= temporality < 3 else "unspecified"
            name, unit = m.get("name"), m.get("unit")
            found.append((name if isinstance(name, str) else "", unit if isinstance(unit, str) else "", told, points))
        yield resource, scope, found


def _json_point(p: dict[str, Any]) -> _Point:
    value = next((to_float(p[k]) for k in ("asInt", "asDouble", "sum") if k in p), None)
    return _Point(
        otlp_json.attributes(p.get("attributes")), otlp_json.time_ns(p.get("startTimeUnixNano")), otlp_json.time_ns(p.get("timeUnixNano")), value
    )


def _protobuf(body: bytes) -> Iterator[tuple[dict[str, Any], str, list[tuple[str, str, Temporality, list[_Point]]]]]:
    try:
        request = ExportMetricsServiceRequest.FromString(body)
    except DecodeError as exc:
        raise BadSpan("the body is not an OTLP metrics message") from exc
    for rm in request.resource_metrics:
        resource = {kv.key: wire.plain(kv.value) for kv in rm.resource.attributes}
        for sm in rm.scope_metrics:
            found = []
            for m in sm.metrics:
                kind = m.WhichOneof("data")
                data = getattr(m, kind) if kind else None
                told = _TEMPORALITY[getattr(data, "aggregation_temporality", 0) % 3]
                points = [_point(p) for p in data.data_points] if data is not None else []
                found.append((m.name, m.unit, told, points))
            yield resource, sm.scope.name, found


def _point(p: Any) -> _Point:
    value: float | None = None
    if hasattr(p, "as_double"):
        kind = p.WhichOneof("value")
        value = float(getattr(p, kind)) if kind else None
    elif hasattr(p, "sum"):
        value = float(p.sum)
    return _Point({kv.key: wire.plain(kv.value) for kv in p.attributes}, p.start_time_unix_nano, p.time_unix_nano, value)
