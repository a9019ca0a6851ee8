"""Metrics: points for reconciliation, never calls; sessions told by metrics alone are kept as aggregates with a stable identity."""

from __future__ import annotations

import json
from typing import Any

from collector.decode import DecodeOptions, MetricsDecoded, decode_metrics

AT = 1795248042_000000000


def export(
    points: list[tuple[dict[str, str], float, int]], *, metric: str = "claude_code.token.usage", temporality: int = 1, start: int = AT
) -> MetricsDecoded:
    """Points as (attributes, value, time)."""
    made: list[dict[str, Any]] = [
        {
            "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in attributes.items()],
            "startTimeUnixNano": str(start),
            "timeUnixNano": str(at),
            "asDouble": value,
        }
        for attributes, value, at in points
    ]
    metrics = [{"name": metric, "unit": "tokens", "sum": {"aggregationTemporality": temporality, "dataPoints": made}}]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]}
    body = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": "com.anthropic.claude_code"}, "metrics": metrics}]}]}
    return decode_metrics(json.dumps(body).encode(), json=True, project="p", options=DecodeOptions())


SESSION = {"session.id": "7945e8e6-a1f0", "model": "claude-sonnet-4-5"}
CLASSES = {"input": 1000.0, "output": 50.0, "cacheRead": 768.0, "cacheCreation": 128.0}


def of_all_classes(at: int, factor: float = 1) -> list[tuple[dict[str, str], float, int]]:
    return [({**SESSION, "type": name}, value * factor, at) for name, value in CLASSES.items()]


def test_points_of_one_interval_are_one_aggregate_with_billed_counts() -> None:
    decoded = export(of_all_classes(AT + 5))
    assert decoded.received == len(decoded.points) == 4
    [(span, content)] = decoded.records
    assert content is None
    assert (span.signal, span.role, span.link, span.model) == ("metric", "aggregate", "claude-code:7945e8e6-a1f0", "claude-sonnet-4-5")
    assert span.usage is not None
    assert (span.usage.input, span.usage.output, span.usage.cache_read, span.usage.cache_write) == (1896, 50, 768, 128)


def test_delta_intervals_are_different_and_repeated_ones_the_same() -> None:
    one, two = (export(of_all_classes(at), start=at - 5).records[0][0].span_id for at in (AT + 5, AT + 10))
    again = export(of_all_classes(AT + 5), start=AT).records[0][0].span_id
    assert one == again
    assert one != two


def test_a_later_cumulative_point_replaces_the_earlier_one() -> None:
    early = export(of_all_classes(AT + 5), temporality=2).records[0][0]
    late = export(of_all_classes(AT + 10, factor=2), temporality=2).records[0][0]
    assert early.span_id == late.span_id
    assert late.end_ns > early.end_ns
    assert late.usage is not None
    assert late.usage.output == 100


def test_points_without_a_session_and_other_metrics_give_no_span() -> None:
    assert export([({"type": "input"}, 5.0, AT + 5)]).records == []
    other = export([(SESSION, 1.0, AT + 5)], metric="claude_code.session.count")
    assert (other.records, other.points, other.let_go) == ([], [], {"metric_not_tokens_or_cost": 1})
    cost = export([(SESSION, 0.00375, AT + 5)], metric="claude_code.cost.usage")
    assert (len(cost.points), cost.points[0].value, cost.records) == (1, 0.00375, [])
