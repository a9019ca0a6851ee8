"""The OTLP points that exporters rely on (opentelemetry-proto docs/specification.md), over real gRPC and HTTP."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest, ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def llm_span(n: int = 1, *, bad: int = 0, text: str = "hi", service: str = "shop") -> ExportTraceServiceRequest:
    """An export of ``n`` good and ``bad`` id-less LLM spans."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    attribute = resource.resource.attributes.add(key="service.name")
    attribute.value.string_value = service
    scope = resource.scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.genai.openai"
    now = time.time_ns()
    for i in range(n + bad):
        span = scope.spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name="chat gpt-4o")
        span.start_time_unix_nano, span.end_time_unix_nano = now - 10**9, now
        if i >= n:
            span.span_id = b"\0" * 8
        values: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.response.id": "chatcmpl-" + os.urandom(8).hex(),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": text}]}]),
        }
        for key, value in values.items():
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 100
        span.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = 10
    return request


def test_tokens_decide_the_project_and_their_absence_is_refused(start_collector: Callable[..., Any]) -> None:
    from hashlib import sha256

    policy = f"projects:\n  shop:\n    tokens: [{{name: ci, sha256: {sha256(b'secret').hexdigest()}}}]\n"
    one = start_collector(policy)
    body = llm_span().SerializeToString()
    reply = httpx.post(one.url("/v1/traces"), content=body, headers=PROTOBUF)
    assert reply.status_code == 401
    with grpc.insecure_channel(one.addresses["otlp_grpc"]) as channel:
        call = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
        with pytest.raises(grpc.RpcError) as refused:
            call(body)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
        call(body, metadata=(("authorization", "Bearer secret"),))
    assert one.settled("SELECT count() FROM spanledger.ledger WHERE project = 'shop'", 1) == 1


def test_a_stop_posts_everything_that_was_acknowledged(start_collector: Callable[..., Any]) -> None:
    one = start_collector()
    for _ in range(5):
        assert httpx.post(one.url("/v1/traces"), content=llm_span(20).SerializeToString(), headers=PROTOBUF).status_code == 200
    one.stop()
    again = start_collector(data=one.data)
    assert again.settled("SELECT count() FROM spanledger.ledger", 100) == 100


@pytest.fixture
def collector(shared_collector: Any) -> Any:
    return shared_collector


def test_an_answer_does_not_wait_for_the_clients_acknowledgement(collector: Any) -> None:
    """Nagle's algorithm and a delayed acknowledgement together make every answer on a kept connection 40 ms late."""
    took = []
    with httpx.Client() as client:
        for _ in range(20):
            began = time.monotonic()
            assert client.get(collector.url("/healthz")).status_code == 200
            took.append(time.monotonic() - began)
    assert min(took[1:]) < 0.03


def test_every_encoding_and_transport_reaches_the_ledger_once(collector: Any) -> None:
    one = llm_span(service="once").SerializeToString()
    assert httpx.post(collector.url("/v1/traces"), content=one, headers=PROTOBUF).status_code == 200
    assert httpx.post(collector.url("/v1/traces"), content=one, headers=PROTOBUF).status_code == 200  # a retry
    zipped = gzip.compress(llm_span(service="once").SerializeToString())
    assert httpx.post(collector.url("/v1/traces"), content=zipped, headers={**PROTOBUF, "content-encoding": "gzip"}).status_code == 200
    langfuse = collector.url("/api/public/otel/v1/traces")
    plain = llm_span(service="once").SerializeToString()
    assert httpx.post(langfuse, content=plain, headers=PROTOBUF, auth=("pk-lf-1", "sk-lf-1")).status_code == 200
    with grpc.insecure_channel(collector.addresses["otlp_grpc"]) as channel:
        call = channel.unary_unary(EXPORT, ExportTraceServiceRequest.SerializeToString, ExportTraceServiceResponse.FromString)
        assert not call(llm_span(service="once")).HasField("partial_success")
        assert not call(llm_span(service="once"), compression=grpc.Compression.Gzip).HasField("partial_success")
    assert collector.settled("SELECT count() FROM spanledger.ledger WHERE service = 'once'", 5) == 5
    assert collector.query("SELECT sum(tokens_in), sum(tokens_out) FROM spanledger.ledger WHERE service = 'once'") == [(500, 50)]


def test_json_takes_hexadecimal_ids_of_any_case_numbers_as_text_and_unknown_fields(collector: Any) -> None:
    now = time.time_ns()
    span = {
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174", "name": "chat", "kind": 3, "futureField": {"a": 1},
        "startTimeUnixNano": str(now - 10**9), "endTimeUnixNano": now,
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.response.model", "value": {"stringValue": "gpt-4o"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 7}},
            {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "3"}},
        ],
        "status": {"code": 1},
    }  # fmt: skip
    reply = httpx.post(collector.url("/v1/traces"), json={"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}], "unknown": []})
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/json")
    assert reply.json() == {}
    assert collector.settled("SELECT sum(tokens_in) FROM spanledger.ledger WHERE service = ''", 7) == 7
    assert collector.query("SELECT lower(hex(trace_id)) FROM spanledger.ledger WHERE service = ''") == [("5b8efff798038103d269b633813fc60c",)]


@pytest.mark.parametrize(
    ("signal", "request_type", "response_type"),
    [
        ("traces", ExportTraceServiceRequest, ExportTraceServiceResponse),
        ("logs", ExportLogsServiceRequest, ExportLogsServiceResponse),
        ("metrics", ExportMetricsServiceRequest, ExportMetricsServiceResponse),
    ],
)
def test_an_empty_export_is_a_success_without_partial_success(collector: Any, signal: str, request_type: Any, response_type: Any) -> None:
    with_parameter = {"content-type": "application/x-protobuf; x=1"}
    reply = httpx.post(collector.url(f"/v1/{signal}"), content=request_type().SerializeToString(), headers=with_parameter)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/x-protobuf")
    assert not response_type.FromString(reply.content).HasField("partial_success")
    assert httpx.post(collector.url(f"/v1/{signal}"), content=b"{}", headers=JSON).json() == {}


def test_bad_spans_are_told_and_the_good_ones_kept(collector: Any) -> None:
    reply = httpx.post(collector.url("/v1/traces"), content=llm_span(2, bad=1, service="mixed").SerializeToString(), headers=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(reply.content).partial_success
    assert (reply.status_code, partial.rejected_spans) == (200, 1)
    assert partial.error_message
    assert collector.settled("SELECT count() FROM spanledger.ledger WHERE service = 'mixed'", 2) == 2


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, 400),
        (b"{not json", JSON, 400),
        (b"[]", JSON, 400),
        (b"x", {"content-type": "text/plain"}, 415),
        (b"x", {**PROTOBUF, "content-encoding": "br"}, 415),
        (b"x", {**PROTOBUF, "content-encoding": "gzip"}, 400),
        (b"\0" * 200_001, PROTOBUF, 413),
        (gzip.compress(b"\0" * 200_001), {**PROTOBUF, "content-encoding": "gzip"}, 413),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_status_body_and_no_retry(collector: Any, body: bytes, headers: dict[str, str], status: int) -> None:
    reply = httpx.post(collector.url("/v1/traces"), content=body, headers=headers)
    assert reply.status_code == status
    assert "retry-after" not in reply.headers
    if headers is JSON:
        assert reply.json()["message"]
    else:
        assert status_pb2.Status.FromString(reply.content).message


def test_grpc_refuses_in_its_own_words(collector: Any) -> None:
    with grpc.insecure_channel(collector.addresses["otlp_grpc"]) as channel:
        call = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
        with pytest.raises(grpc.RpcError) as bad:
            call(b"\xff\xff\xff")
        assert bad.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(grpc.RpcError) as large:
            call(llm_span(text="x" * 300_000).SerializeToString())
        assert large.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "grpc-status-details-bin" not in dict(large.value.trailing_metadata() or ())


def test_a_full_queue_says_when_to_come_back(tmp_path: Any) -> None:
    """Both doors before an intake whose threads were never started: the first export waits, the second is refused."""
    from fastapi.testclient import TestClient

    from collector.credentials import IngestAuth
    from collector.intake import Intake
    from collector.receivers import http
    from collector.receivers.answers import refusal
    from spanledger.errors import WarehouseBusy
    from spanledger.policy import Policy

    intake = Intake(None, None, None, None, queue_bytes=10, batch_rows=10, max_message_bytes=1000)  # type: ignore[arg-type]
    intake.submit("traces", b"x" * 9, json=False, encoding="", project="default")
    auth = IngestAuth(Policy())
    with TestClient(http.app(intake, lambda: auth, lambda: {"ready": False}, max_message_bytes=1000)) as client:
        reply = client.post("/v1/traces", content=b"yy", headers=PROTOBUF)
        assert reply.status_code == 429
        assert int(reply.headers["retry-after"]) >= 1
        assert client.get("/readyz").status_code == 503
    status = refusal(WarehouseBusy("the queue is full")).status()
    advice = error_details_pb2.RetryInfo()
    assert status.code == code_pb2.UNAVAILABLE
    assert status.details[0].Unpack(advice)
    assert advice.retry_delay.ToMilliseconds() > 0


def test_health_readiness_and_metrics_are_served(collector: Any) -> None:
    assert httpx.get(collector.url("/healthz")).json()["status"] == "ok"
    assert httpx.get(collector.url("/readyz")).json()["ready"] is True
    httpx.post(collector.url("/v1/traces"), content=llm_span().SerializeToString(), headers=PROTOBUF)
    assert "spanledger_spans_journaled_total" in httpx.get(collector.url("/metrics")).text
    ended = time.monotonic() + 30
    while "\nspanledger_ledger_behind_seconds 0.0\n" not in httpx.get(collector.url("/metrics")).text:
        assert time.monotonic() < ended
        time.sleep(0.05)
