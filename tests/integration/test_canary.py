"""Unique markers in every OTLP field, encoding and error path: none of them may be found in any file under the data directory."""

from __future__ import annotations

import base64
import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PROTOBUF = {"content-type": "application/x-protobuf"}
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Canaries:
    """Makes secrets that redaction must know: each is new, its core is what may not survive."""

    def __init__(self) -> None:
        self.cores: list[str] = []

    def mail(self) -> str:
        core = "canary" + os.urandom(7).hex()
        self.cores.append(core)
        return f"{core}@example.com"

    def card(self) -> int:
        """A 16-digit integer that is a valid card number."""
        digits = "4" + "".join(str(b % 10) for b in os.urandom(14))
        total = sum(int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(digits))
        number = digits + str(-total % 10)
        self.cores.append(number)
        return int(number)


def _export(c: Canaries) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    rs = request.resource_spans.add(schema_url=f"https://x/{c.mail()}")

    def put(where: Any, key: str, value: Any) -> None:
        kv = where.add(key=key)
        if isinstance(value, int):
            kv.value.int_value = value
        elif isinstance(value, list):
            for item in value:
                kv.value.array_value.values.add().string_value = item
        elif isinstance(value, dict):
            for k, v in value.items():
                kv.value.kvlist_value.values.add(key=k).value.string_value = v
        elif isinstance(value, bytes):
            kv.value.bytes_value = value
        else:
            kv.value.string_value = value

    put(rs.resource.attributes, "service.name", f"shop {c.mail()}")
    put(rs.resource.attributes, "team", c.mail())
    put(rs.resource.attributes, "process.command_args", ["agent", "-p", f"write to {c.mail()}"])
    put(rs.resource.attributes, c.mail(), "resource key")
    scope = rs.scope_spans.add(schema_url=c.mail())
    scope.scope.name, scope.scope.version = f"openinference.instrumentation.openai {c.mail()}", c.mail()
    put(scope.scope.attributes, "scope.note", c.mail())
    trace, now = os.urandom(16), time.time_ns()
    for kind in ("LLM", "TOOL", "RETRIEVER", "AGENT", "GUARDRAIL"):
        span = scope.spans.add(
            trace_id=trace, span_id=os.urandom(8), name=f"call {c.mail()}", start_time_unix_nano=now - 10**9, end_time_unix_nano=now
        )
        span.trace_state = f"v={c.mail()}"
        values: dict[str, Any] = {
            "openinference.span.kind": kind, "gen_ai.operation.name": "chat", "llm.model_name": f"gpt-4o {c.mail()}",
            "gen_ai.response.id": f"chatcmpl-{c.mail()}", "user.id": c.mail(), "session.id": c.mail(), "tenant.id": c.mail(), "app.id": c.mail(),
            "prompt.version": c.mail(), "route": f"/r/{c.mail()}", "tag.tags": [c.mail(), c.mail()], "metadata": json.dumps({"note": c.mail()}),
            "input.value": f"hello {c.mail()}", "output.value": json.dumps({"id": "chatcmpl-1", "text": f"escaped \\u0063 {c.mail()}"}),
            "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": f"my card {c.card()}",
            "llm.output_messages.0.message.content": f"sure, {c.mail()}", "llm.token_count.prompt": 12, "llm.token_count.completion": 5,
            "llm.output_messages.0.message.role": c.mail(),
            "gen_ai.input.messages": json.dumps([{"role": c.mail(), "parts": [{"type": "text", "content": c.mail()}]}]),
            "llm.invocation_parameters": json.dumps({"user": c.mail()}), "llm.prompt_template.variables": json.dumps({"ctx": c.mail()}),
            "retrieval.documents.0.document.content": f"doc of {c.mail()}", "tool.name": f"send {c.mail()}",
            "tool.parameters": json.dumps({"to": c.mail()}),
            "input.mime_type": c.mail(), "unknown.attribute": c.mail(), c.mail(): "attribute key", "card.number": c.card(), "raw": c.mail().encode(),
            "nested": {"a": c.mail(), c.mail(): "b"}, "url.full": f"https://bob:{c.mail()}@host/path?mail={c.mail()}",
            "spanledger.biz.note": c.mail(),
            "error.type": c.mail(), "llm.output_messages.0.message.finish_reason": c.mail(), "baggage.mail": c.mail(),
        }  # fmt: skip
        for key, value in values.items():
            put(span.attributes, key, value)
        event = span.events.add(name=f"exception {c.mail()}", time_unix_nano=now)
        put(event.attributes, "exception.message", f"cannot reach {c.mail()}")
        put(event.attributes, "exception.stacktrace", f"Traceback: File x, line 1, in y: {c.mail()}")
        put(event.attributes, "exception.type", c.mail())
        link = span.links.add(trace_id=os.urandom(16), span_id=os.urandom(8), trace_state=c.mail())
        put(link.attributes, "link.note", c.mail())
        span.status.code, span.status.message = 2, f"failed for {c.mail()}"
    return request


def _calls(c: Canaries, n: int = 150) -> ExportTraceServiceRequest:
    """Plain calls of one combination, which are read and stored in columns (docs/decisions/0012), with canaries in all that varies and repeats."""
    request = ExportTraceServiceRequest()
    rs = request.resource_spans.add()
    scope = rs.scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.openai_v2"
    same = {name: c.mail() for name in ("route", "deployment.ring", "gen_ai.request.model", "prompt.version")}
    for key in ("service.name", "region"):
        rs.resource.attributes.add(key=key).value.string_value = c.mail()
    for i in range(n):
        span = scope.spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name="chat gpt-4o", start_time_unix_nano=time.time_ns() - 10**9)
        span.end_time_unix_nano = span.start_time_unix_nano + 10**6
        role = c.mail() if i % 50 == 0 else "user"
        words = {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", **same, "url.full": f"https://{c.mail()}/",
            "gen_ai.response.id": f"resp/{c.mail()}" if i % 2 else f"resp_{c.card()}", "user.id": c.mail(), "session.id": c.mail(),
            "gen_ai.input.messages": json.dumps([{"role": role, "parts": [{"type": "text", "content": f"mail {c.mail()} or {c.card()}"}]}]),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": f"sent to {c.mail()}"}]}]),
        }  # fmt: skip
        for key, value in words.items():
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="gen_ai.response.finish_reasons").value.array_value.values.add().string_value = "stop"
        for side in ("input", "output"):
            span.attributes.add(key=f"gen_ai.usage.{side}_tokens").value.int_value = 7
    return request


def _logs(c: Canaries) -> ExportLogsServiceRequest:
    """A call told by an event, with a body of every kind."""
    request = ExportLogsServiceRequest()
    rl = request.resource_logs.add(schema_url=c.mail())
    rl.resource.attributes.add(key="process.command_args").value.string_value = f"-p {c.mail()}"
    scope = rl.scope_logs.add(schema_url=c.mail())
    scope.scope.name, scope.scope.version = "com.anthropic.claude_code.events", c.mail()
    scope.scope.attributes.add(key=c.mail()).value.string_value = c.mail()
    for kind in ("string", "bytes", "int", "array", "kvlist", "none"):
        record = scope.log_records.add(time_unix_nano=time.time_ns(), event_name="api_request" if kind == "string" else f"event {c.mail()}")
        record.severity_text, record.trace_id, record.span_id = c.mail(), os.urandom(16), os.urandom(8)
        body = record.body
        if kind == "string":
            body.string_value = f"claude_code.api_request {c.mail()}"
        elif kind == "bytes":
            body.bytes_value = c.mail().encode()
        elif kind == "int":
            body.int_value = c.card()
        elif kind == "array":
            body.array_value.values.add().kvlist_value.values.add(key="content").value.string_value = c.mail()
        elif kind == "kvlist":
            body.kvlist_value.values.add(key=c.mail()).value.string_value = c.mail()
            body.kvlist_value.values.add(key="content").value.string_value = f"to {c.mail()}"
        for key in ("event.name", "model", "user.email", "prompt", "session.id", "request_id", "tool_parameters", "error", "gen_ai.prompt"):
            record.attributes.add(key=key).value.string_value = "api_request" if key == "event.name" else c.mail()
        record.attributes.add(key="input_tokens").value.int_value = 5
    genai = rl.scope_logs.add()
    genai.scope.name = "opentelemetry.instrumentation.openai_v2"
    for name in ("gen_ai.user.message", "gen_ai.choice", "gen_ai.client.inference.operation.details", "exception"):
        record = genai.log_records.add(time_unix_nano=time.time_ns(), event_name=name, trace_id=os.urandom(16), span_id=os.urandom(8))
        record.body.kvlist_value.values.add(key="content").value.string_value = c.mail()
        record.body.kvlist_value.values.add(key="message").value.kvlist_value.values.add(key="content").value.string_value = c.mail()
        for key in ("exception.stacktrace", "exception.message", "gen_ai.input.messages"):
            record.attributes.add(key=key).value.string_value = json.dumps([{"role": "user", "parts": [{"type": "text", "content": c.mail()}]}])
    return request


def _metrics(c: Canaries) -> ExportMetricsServiceRequest:
    """A token metric of every kind of point, with exemplars."""
    request = ExportMetricsServiceRequest()
    rm = request.resource_metrics.add(schema_url=c.mail())
    rm.resource.attributes.add(key="process.command_args").value.string_value = f"-p {c.mail()}"
    scope = rm.scope_metrics.add(schema_url=c.mail())
    scope.scope.name, scope.scope.version = f"com.anthropic.claude_code {c.mail()}", c.mail()
    for kind in ("gauge", "sum", "histogram", "exponential_histogram", "summary"):
        for name in ("claude_code.token.usage", "claude_code.cost.usage", "gen_ai.client.token.usage", f"own {c.mail()}"):
            metric = scope.metrics.add(name=name, description=c.mail(), unit=c.mail())
            metric.metadata.add(key=c.mail()).value.string_value = c.mail()
            point = getattr(metric, kind).data_points.add(time_unix_nano=time.time_ns())
            if kind in ("gauge", "sum"):
                point.as_int = 3
            for key in ("user.email", "model", "type", "session.id", "gen_ai.token.type", "gen_ai.request.model", c.mail()):
                point.attributes.add(key=key).value.string_value = c.mail()
            point.attributes.add(key="card").value.int_value = c.card()
            if kind != "summary":  # a summary has no exemplars
                exemplar = point.exemplars.add(as_double=1.5, time_unix_nano=time.time_ns(), trace_id=os.urandom(16), span_id=os.urandom(8))
                exemplar.filtered_attributes.add(key=c.mail()).value.string_value = c.mail()
                exemplar.filtered_attributes.add(key="prompt").value.kvlist_value.values.add(key=c.mail()).value.int_value = c.card()
    return request


def _as_json(request: ExportTraceServiceRequest) -> bytes:
    """OTLP/JSON of a request: ids in hexadecimal."""
    from google.protobuf.json_format import MessageToDict

    body = MessageToDict(request)
    for rs in body["resourceSpans"]:
        for ss in rs["scopeSpans"]:
            for span in ss["spans"]:
                for one in [span, *span.get("links", [])]:
                    one["traceId"], one["spanId"] = (base64.b64decode(one[k]).hex() for k in ("traceId", "spanId"))
                span["status"]["code"] = 2
    return json.dumps(body).encode()


def _found(folder: Path, cores: list[str]) -> list[str]:
    """(file, canary) of every canary that some file holds, plain, in base64 or in gzip members' plain text."""
    hits = []
    needles = [(core, form) for core in cores for form in (core.encode(), core.encode().hex().encode(), core.encode("utf-16-le"))]
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            hits += [f"{path.relative_to(folder)}: {core}" for core, form in needles if form in data]
    return hits


def _columns_hold(collector: Any, cores: list[str]) -> list[str]:
    """Tables store compressed: read every column of every table as text and look there too."""
    hits = []
    for (table,) in collector.query("SELECT name FROM system.tables WHERE database = 'spanledger' AND engine LIKE '%MergeTree'"):
        text = str(collector.query(f"SELECT * FROM spanledger.{table}")).lower()
        hits += [f"{table}: {core}" for core in cores if core in text]
    return hits


@pytest.mark.parametrize("mode", ["redacted", "none", "audit"])
def test_no_canary_reaches_disk_log_or_answer(start_collector: Callable[..., Any], mode: str, capfd: pytest.CaptureFixture[str]) -> None:
    c = Canaries()
    kek = base64.b64encode(b"k" * 32).decode()
    one = start_collector(f"content: {{default: {mode}}}\n", kek=kek)
    with grpc.insecure_channel(one.addresses["otlp_grpc"]) as channel:
        call = channel.unary_unary(EXPORT, request_serializer=ExportTraceServiceRequest.SerializeToString, response_deserializer=None)
        call(_export(c))
        call(_calls(c))
    answers = [
        httpx.post(one.url("/v1/traces"), content=_export(c).SerializeToString(), headers=PROTOBUF),
        httpx.post(
            one.url("/v1/traces"),
            content=gzip.compress(_as_json(_export(c))),
            headers={"content-type": "application/json", "content-encoding": "gzip"},
        ),
        httpx.post(one.url("/v1/logs"), content=_logs(c).SerializeToString(), headers=PROTOBUF),
        httpx.post(one.url("/v1/metrics"), content=_metrics(c).SerializeToString(), headers=PROTOBUF),
    ]
    assert [a.status_code for a in answers] == [200] * 4
    bad = _export(c)
    bad.resource_spans[0].scope_spans[0].spans[0].span_id = b"\0"
    answers += [
        httpx.post(one.url("/v1/traces"), content=bad.SerializeToString(), headers=PROTOBUF),
        httpx.post(one.url("/v1/traces"), content=b'{"resourceSpans": [{"x": "' + c.mail().encode(), headers={"content-type": "application/json"}),
        httpx.post(one.url("/v1/traces"), content=b"\xff" + c.mail().encode(), headers=PROTOBUF),
        httpx.post(one.url(f"/v1/{c.mail()}"), content=b""),
        httpx.get(one.url("/metrics")),
    ]
    one.settled("SELECT count() >= 154 FROM spanledger.ledger", 1)
    cores = [core.lower() for core in c.cores]
    assert _columns_hold(one, cores) == []
    said = "".join(a.text for a in answers[:-2] + answers[-1:]).lower()
    assert [core for core in cores if core in said] == []
    one.stop()
    assert _found(one.data, c.cores) + _found(one.engine_dir, c.cores) == []
    captured = capfd.readouterr()
    assert [core for core in c.cores if core in captured.out + captured.err] == []
    if mode == "audit":
        from warehouse.engine import Engine

        with Engine.open(one.engine_dir) as engine:
            client = engine.client()
            assert client.query("SELECT count() > 0 FROM audit_objects").first_row[0]
            client.close()
