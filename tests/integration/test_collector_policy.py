"""A policy file that changes under a running collector: taken over when valid, and on the record."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.identity import load_identity_keys
from spanledger.errors import ConfigError


def test_a_changed_policy_is_in_the_audit_log_and_an_invalid_one_is_not_taken(start_collector: Callable[..., Any], tmp_path: Path) -> None:
    policy = tmp_path / "data" / "spanledger.yaml"
    policy.parent.mkdir()
    policy.write_text("content: {default: none}\n")
    one = start_collector(follow=policy, config=policy)
    told = "SELECT arrayStringConcat(groupArray(action), ' ') FROM (SELECT action FROM spanledger.audit_log ORDER BY seq)"
    assert one.settled(told, "config_loaded") == "config_loaded"
    policy.write_text("content: {default: nonsense}\n")
    time.sleep(3)  # longer than the collector's look at the file
    assert one.query(told) == [("config_loaded",)]
    policy.write_text("content: {default: redacted}\n# changed\n")
    assert one.settled(told, "config_loaded config_changed") == "config_loaded config_changed"
    one.stop()
    one = start_collector(follow=policy, config=policy, data=one.data)
    time.sleep(3)
    assert one.query(told) == [("config_loaded config_changed",)], "a restart changes nothing"
    one.stop()
    policy.write_text("content: {default: none}\n")
    one = start_collector(follow=policy, config=policy, data=one.data)
    told_at_last = "config_loaded config_changed config_changed"
    assert one.settled(told, told_at_last) == told_at_last, "what changed while nothing ran is on the record too"
    digest = sha256(policy.read_bytes()).hexdigest()
    assert one.query("SELECT JSONExtractString(detail, 'sha256'), subject FROM spanledger.audit_log ORDER BY seq DESC LIMIT 1") == [
        (digest, "spanledger.yaml")
    ]


def test_a_key_that_the_first_transcript_made_is_on_the_record_once(start_collector: Callable[..., Any]) -> None:
    kek = base64.b64encode(b"k" * 32).decode()
    one = start_collector("content: {default: audit}\n", kek=kek)
    assert _say(one, "acme", "hello") == 200
    made = "SELECT count() FROM spanledger.audit_log WHERE action = 'keys_init' AND actor = 'collector'"
    assert one.settled(made, 1) == 1
    hashed = load_identity_keys(one.data / "keys").name("", "tenant", "acme")
    assert one.query("SELECT subject FROM spanledger.audit_log WHERE action = 'keys_init'") == [(hashed,)]
    assert _say(one, "acme", "again") == 200
    assert one.settled("SELECT count() FROM spanledger.audit_objects", 2) == 2
    time.sleep(3)
    assert one.query(made) == [(1,)]


def test_a_transcript_without_a_key_is_dropped_and_counted_and_its_redacted_text_kept(start_collector: Callable[..., Any]) -> None:
    one = start_collector("content: {default: audit}\n")
    assert _say(one, "acme", "the plain word xylophone, to ann@example.com") == 200
    assert one.settled("SELECT count() FROM spanledger.contents", 1) == 1
    assert one.query("SELECT count() FROM spanledger.audit_objects") == [(0,)]
    assert "ann@example.com" not in str(one.query("SELECT * FROM spanledger.contents"))
    assert 'spanledger_content_dropped_total{reason="audit_key_unavailable"} ' in httpx.get(one.url("/metrics")).text
    assert not list((one.data / "keys" / "tenants").glob("*.json"))


def _say(one: Any, tenant: str, text: str) -> int:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name="chat")
    span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.prompt", text), ("tenant.id", tenant)):
        span.attributes.add(key=key).value.string_value = value
    return httpx.post(one.url("/v1/traces"), content=request.SerializeToString(), headers={"content-type": "application/x-protobuf"}).status_code


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
