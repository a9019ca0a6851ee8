"""A policy file that changes under a running collector: taken over when valid, and on the record."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanledger.errors import ConfigError


def test_a_changed_policy_is_in_the_audit_log_and_an_invalid_one_is_not_taken(start_collector: Callable[..., Any], tmp_path: Path) -> None:
    policy = tmp_path / "data" / "spanledger.yaml"
    policy.parent.mkdir()
    policy.write_text("content: {default: none}\n")
    one = start_collector(follow=policy)
    policy.write_text("content: {default: nonsense}\n")
    entry = "SELECT count() FROM spanledger.audit_log WHERE action = 'config_changed'"
    time.sleep(3)  # longer than the collector's look at the file
    assert one.query(entry) == [(0,)]
    policy.write_text("content: {default: redacted}\n# changed\n")
    assert one.settled(entry, 1) == 1


def test_the_organisations_own_rule_redacts_and_a_wish_we_cannot_fulfil_stops_the_start(start_collector: Callable[..., Any]) -> None:
    rule = "{name: EMPLOYEE_ID, pattern: 'EMP-[0-9]{6}', positives: ['EMP-123456', 'see EMP-000001', 'EMP-999999.'], negatives: [EMP-1, EMP, emp]}"
    one = start_collector(f"redaction: {{rules: [{rule}]}}\n")
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="chat for EMP-123456")
    span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
    reply = httpx.post(one.url("/v1/traces"), content=request.SerializeToString(), headers={"content-type": "application/x-protobuf"})
    assert reply.status_code == 200
    assert one.settled("SELECT any(name) FROM spanledger.spans", "chat for [EMPLOYEE_ID]") == "chat for [EMPLOYEE_ID]"
    one.stop()
    with pytest.raises(ConfigError, match=r"redaction\.ner"):
        start_collector("redaction: {ner: true}\n", data=one.data)


def test_the_registry_says_whose_text_it_is_when_telemetry_does_not(start_collector: Callable[..., Any]) -> None:
    one = start_collector("apps: {checkout: {tenant: acme, aliases: ['checkout-*']}}\ncontent: {default: redacted, tenants: {acme: none}}\n")
    request = ExportTraceServiceRequest()
    for n, service in enumerate((b"checkout", b"checkout-eu", b"helpdesk")):
        spans = request.resource_spans.add()
        spans.resource.attributes.add(key="service.name").value.string_value = service.decode()
        span = spans.scope_spans.add().spans.add(trace_id=bytes([n + 1]) * 16, span_id=b"s" * 8, name="chat")
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
        span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
        span.attributes.add(key="gen_ai.prompt").value.string_value = f"text of {service.decode()}"
    reply = httpx.post(one.url("/v1/traces"), content=request.SerializeToString(), headers={"content-type": "application/x-protobuf"})
    assert reply.status_code == 200
    assert one.settled("SELECT count() FROM spanledger.spans", 3) == 3
    assert one.query("SELECT service FROM spanledger.contents") == [("helpdesk",)]
