"""Content mode `none`: nothing is stored, the detectors' window in memory gets the redacted text, a schema verdict is made on the way."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from detectors.in_flight import schema_verdict
from detectors.window import Window, served
from spanledger import instance
from spanledger.model import Content, Message, Span
from spanledger.policy import parse_policy


def test_texts_of_mode_none_reach_the_window_redacted_and_no_table(start_collector: Callable[..., Any]) -> None:
    one = start_collector("content: {default: none}\n")
    window = Window(1 << 20, 600)
    with served(window, lambda: instance.token(one.data)) as address:
        instance.report(one.data, "window", {"texts": address})
        request, trace, now = ExportTraceServiceRequest(), os.urandom(16), time.time_ns()
        scope = request.resource_spans.add().scope_spans.add()
        span = scope.spans.add(trace_id=trace, span_id=os.urandom(8), name="chat", start_time_unix_nano=now - 10**9, end_time_unix_nano=now)
        values = {
            "gen_ai.operation.name": "chat", "gen_ai.response.model": "gpt-4o",
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "write to ann@example.com"}]}]),
        }  # fmt: skip
        for key, value in values.items():
            span.attributes.add(key=key).value.string_value = value
        reply = httpx.post(one.url("/v1/traces"), content=request.SerializeToString(), headers={"content-type": "application/x-protobuf"})
        assert reply.status_code == 200
        deadline = time.monotonic() + 10
        while not window.texts([trace.hex()]) and time.monotonic() < deadline:
            time.sleep(0.05)
        (text,) = window.texts([trace.hex()])[trace.hex()]
        assert text.response.startswith("write to [EMAIL")
        assert one.settled("SELECT count() FROM spanledger.ledger", 1) == 1
        assert one.query("SELECT count() FROM spanledger.contents") == [(0,)]
        assert one.query("SELECT response_hash != '' FROM spanledger.ledger") == [(True,)]


def test_a_verdict_is_made_against_the_schema_of_telemetry_or_of_the_registry() -> None:
    policy = parse_policy("detectors: {schemas: [{app: shop, schema: {type: object, required: [a]}}]}\n")
    span = Span(project="p", service="s", trace_id=b"t" * 16, span_id=b"i" * 8, start_ns=1, end_ns=2, kind="llm", role="call", own={"app": "shop"})
    other = Span(project="p", service="s", trace_id=b"t" * 16, span_id=b"i" * 8, start_ns=1, end_ns=2, kind="llm", role="call")
    answered = Content(messages=[Message("user", "hi")], response='{"b": 1}')
    assert json.loads(schema_verdict(span, answered, policy))["strict_valid"] is False
    assert schema_verdict(other, answered, policy) == ""
    told = Content(response='{"b": 1}', schema='{"type": "object", "required": ["b"]}')
    assert json.loads(schema_verdict(other, told, policy))["strict_valid"] is True
