"""Decoding: what is refused, what is let go, what stays the same however it is sent, and that nothing sent can break it."""

from __future__ import annotations

import base64
import contextlib
import json
import random
import string
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import decode as decode_module
from collector import wire
from collector.decode import DecodeOptions, decode_logs, decode_metrics, decode_traces
from collector.dialects.genai import CONTENT, FIELDS, USAGE
from collector.ids import recover
from collector.messages import answer, documents, turns
from collector.requested import schema_of
from collector.usage import from_object, normalise
from collector.values import parse, to_float, to_int, to_text
from spanledger.errors import BadSpan

OPTIONS = DecodeOptions()
AT = 1795248042_000000000
TRACE, SPAN = bytes.fromhex("5b8efff798038103d269b633813fc60c"), bytes.fromhex("eee19b7ec3c1b174")


def put(target: Any, value: Any) -> None:
    """Fill an ``AnyValue``."""
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for v in value:
            put(target.array_value.values.add(), v)
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        for k, v in value.items():
            kv = target.kvlist_value.values.add(key=k)
            put(kv.value, v)
    else:
        target.string_value = value


def request(attributes: dict[str, Any], scope: str = "opentelemetry.instrumentation.openai_v2", **fields: Any) -> ExportTraceServiceRequest:
    """One span in a request."""
    message = ExportTraceServiceRequest()
    rs = message.resource_spans.add()
    put(rs.resource.attributes.add(key="service.name").value, "shop")
    ss = rs.scope_spans.add()
    ss.scope.name = scope
    wanted = {"trace_id": TRACE, "span_id": SPAN, "name": "chat", "start_time_unix_nano": AT, "end_time_unix_nano": AT + 10**9, **fields}
    span = ss.spans.add(**wanted)
    for k, v in attributes.items():
        put(span.attributes.add(key=k).value, v)
    return message


def as_json(message: ExportTraceServiceRequest) -> bytes:
    """The OTLP/JSON form of a request: hexadecimal ids, integer enums."""
    body = MessageToDict(message, use_integers_for_enums=True)
    for rs in body.get("resourceSpans", []):
        for ss in rs.get("scopeSpans", []):
            for span in ss.get("spans", []):
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = base64.b64decode(span[name]).hex().upper()
    return json.dumps(body).encode()


CALL: dict[str, Any] = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 7,
    "gen_ai.usage.output_tokens": 3, "gen_ai.response.id": "chatcmpl-1234567", "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.request.temperature": 0.5, "user.id": "u-1", "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
}  # fmt: skip


def test_protobuf_and_json_give_the_same_span() -> None:
    message = request(CALL, parent_span_id=b"\1" * 8)
    one = decode_traces(message.SerializeToString(), json=False, project="p", options=OPTIONS)
    two = decode_traces(as_json(message), json=True, project="p", options=OPTIONS)
    assert one.records == two.records
    assert one.received == two.received == 1


def test_ids_in_json_may_be_base64_as_protobuf_writes_them_and_nothing_else_is_an_id() -> None:
    message = request(CALL, parent_span_id=b"\1" * 8)
    one = decode_traces(message.SerializeToString(), json=False, project="p", options=OPTIONS)
    body = MessageToDict(message, use_integers_for_enums=True)
    two = decode_traces(json.dumps(body).encode(), json=True, project="p", options=OPTIONS)
    assert one.records == two.records
    span = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    for bad in ("=", "!" * 23 + "=", "A" * 11 + "=" * 13, "zz" * 16, base64.b64encode(b"x" * 17).decode()):
        span["traceId"] = bad
        found = decode_traces(json.dumps(body).encode(), json=True, project="p", options=OPTIONS)
        assert (len(found.records), len(found.rejected)) == (0, 1)


def test_a_body_that_is_no_otlp_is_refused() -> None:
    for decode in (decode_traces, decode_logs, decode_metrics):
        for body in (b"\xff\xff\xff not protobuf", b"\x0a\xff\xff\xff\xff\x0f"):
            with pytest.raises(BadSpan):
                decode(body, json=False, project="p", options=OPTIONS)
        for body in (b"{", b"[]", b"3"):
            with pytest.raises(BadSpan):
                decode(body, json=True, project="p", options=OPTIONS)


def test_an_empty_export_is_fine() -> None:
    for decode in (decode_traces, decode_logs, decode_metrics):
        assert decode(b"", json=False, project="p", options=OPTIONS).received == 0
        assert decode(b"{}", json=True, project="p", options=OPTIONS).received == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("trace_id", b""), ("trace_id", b"\0" * 16), ("trace_id", b"\1" * 8), ("span_id", b""), ("span_id", b"\0" * 8), ("span_id", b"\1" * 7),
     ("parent_span_id", b"\1\2"), ("start_time_unix_nano", 0)],
)  # fmt: skip
def test_a_bad_span_is_rejected_and_its_neighbours_are_not(field: str, value: Any) -> None:
    message = request(CALL, **{field: value})
    message.resource_spans[0].scope_spans[0].spans.add().CopyFrom(request(CALL).resource_spans[0].scope_spans[0].spans[0])
    for body, json_ in ((message.SerializeToString(), False), (as_json(message), True)):
        decoded = decode_traces(body, json=json_, project="p", options=OPTIONS)
        assert (decoded.received, len(decoded.records), len(decoded.rejected)) == (2, 1, 1)


def test_unknown_spans_are_counted_and_kept_only_on_demand() -> None:
    body = request({"http.route": "/health"}, scope="web").SerializeToString()
    assert decode_traces(body, json=False, project="p", options=OPTIONS).let_go == {"not_genai": 1}
    kept = decode_traces(body, json=False, project="p", options=DecodeOptions(keep_unknown_spans=True))
    assert [s.kind for s, _ in kept.records] == ["carrier"]


def test_a_database_span_with_copied_baggage_is_no_carrier() -> None:
    for kind, kept in ((1, 1), (2, 1), (3, 0), (4, 0)):
        body = request({"user.id": "u-1", "db.statement": "SELECT 1"}, scope="db", kind=kind).SerializeToString()
        assert len(decode_traces(body, json=False, project="p", options=OPTIONS).records) == kept


def test_spans_of_one_resource_share_nothing_that_later_steps_change() -> None:
    message = request(CALL)
    put(message.resource_spans[0].resource.attributes.add(key="tenant.id").value, "acme")
    message.resource_spans[0].scope_spans[0].spans.add().CopyFrom(request(CALL, span_id=b"\2" * 8).resource_spans[0].scope_spans[0].spans[0])
    (one, _), (two, _) = decode_traces(message.SerializeToString(), json=False, project="p", options=OPTIONS).records
    one.inherited["tenant"] = "hashed"
    one.own["user"] = "hashed"
    one.attrs["x"] = "y"
    assert two.inherited["tenant"] == "acme"
    assert two.own["user"] == "u-1"
    assert "x" not in two.attrs


def test_identity_precedence_is_the_callers_to_choose() -> None:
    message = request({**CALL, "x.owner": "search", "team": "payments"})
    own = decode_traces(message.SerializeToString(), json=False, project="p", options=OPTIONS).records[0][0].own
    mine = DecodeOptions(identity_precedence={"team": ("x.owner", "team")})
    theirs = decode_traces(message.SerializeToString(), json=False, project="p", options=mine).records[0][0].own
    assert (own["team"], theirs["team"], theirs["user"]) == ("payments", "search", "u-1")


@pytest.mark.parametrize("told", [{"litellm.team_alias": "care"}, {"metadata": '{"user_api_key_team_alias": "care", "user_api_key_user_id": "u-9"}'}])
def test_the_team_of_a_gateways_key_is_told_by_name_or_in_json(told: dict[str, str]) -> None:
    call = {name: value for name, value in CALL.items() if "team" not in name}
    [(span, _)] = decode_traces(request({**call, **told}).SerializeToString(), json=False, project="p", options=OPTIONS).records
    assert {**span.inherited, **span.own}["team"] == "care"


def test_text_that_is_not_utf8_never_refuses_a_request() -> None:
    body = request(CALL).SerializeToString().replace(b"chatcmpl-1234567", b"chatcmpl-\xff\xfe34567")
    [(span, _)] = decode_traces(body, json=False, project="p", options=OPTIONS).records
    assert span.response_id.startswith("chatcmpl-")


def test_content_is_read_only_when_wanted_and_never_kept_among_attributes() -> None:
    secret = "the prompt of a person"
    content = {n: secret for names in CONTENT.values() for n in names if not n.endswith(".")}
    body = request({**CALL, **content, "exception.stacktrace": secret, "error.message": secret}).SerializeToString()
    [(span, text)] = decode_traces(body, json=False, project="p", options=DecodeOptions(want_content=False)).records
    assert text is None
    assert secret not in repr(span.attrs)


def test_long_dialogues_share_a_plan_and_keep_their_messages() -> None:
    plans, _ = decode_module._plans_of(OPTIONS)
    counts = []
    for n in (3, 30):
        numbered = {f"llm.input_messages.{i}.message.{k}": v for i in range(n) for k, v in (("role", "user"), ("content", f"turn {i}"))}
        told = {"openinference.span.kind": "LLM", "llm.tools.0.tool.json_schema": "{}", "gen_ai.request.tools.0.name": "t", **numbered}
        body = request(told, scope="openinference.instrumentation.x").SerializeToString()
        [(_, content)] = decode_traces(body, json=False, project="p", options=OPTIONS).records
        assert content is not None
        assert [m.text for m in content.messages] == [f"turn {i}" for i in range(n)]
        counts.append(len(plans._shapes))
    assert counts[0] == counts[1]


def log_request(time_ns: int = 0, **attributes: Any) -> bytes:
    message = ExportLogsServiceRequest()
    rl = message.resource_logs.add()
    sl = rl.scope_logs.add()
    sl.scope.name = "codex_otel.log_only"
    record = sl.log_records.add(time_unix_nano=time_ns, observed_time_unix_nano=AT + 77)
    told = {"event.name": "codex.sse_event", "event.kind": "response.completed", "input_token_count": "5", "output_token_count": "2",
            "conversation.id": "01a1fd66-38b0", **attributes}  # fmt: skip
    for k, v in told.items():
        put(record.attributes.add(key=k).value, v)
    return message.SerializeToString()


def test_a_repeated_log_record_is_the_same_record_and_another_is_not() -> None:
    def identity(body: bytes) -> tuple[bytes, bytes]:
        [(span, _)] = decode_logs(body, json=False, project="p", options=OPTIONS).records
        return span.trace_id, span.span_id

    assert identity(log_request()) == identity(log_request())
    assert identity(log_request()) != identity(log_request(output_token_count="3"))
    assert all(map(len, identity(log_request())))


def test_the_time_of_an_event_falls_back_to_its_own_stamp_and_then_to_when_it_was_seen() -> None:
    def at(body: bytes) -> int:
        return decode_logs(body, json=False, project="p", options=OPTIONS).records[0][0].end_ns

    assert at(log_request(AT + 1)) == AT + 1
    assert at(log_request(**{"event.timestamp": "2026-11-21T08:00:42.159Z"})) == AT + 159_000_000
    assert at(log_request(**{"event.timestamp": "yesterday"})) == AT + 77


def test_ids_are_recovered_from_answers_but_never_a_frameworks_own() -> None:
    assert recover('{"id":"chatcmpl-af648fa5","choices":[]}') == "chatcmpl-af648fa5"
    assert recover('{"id":"resp_1234","output":[{"id":"msg_9999","type":"message"}]}') == "resp_1234"
    assert recover("{'output': [{'id': 'msg_9999x'}], 'id': 'resp_12345'}") == "resp_12345"
    assert recover('{"generations":[[{"message":{"kwargs":{"id":"run-1-2-3","response_metadata":{"id":"chatcmpl-77777"}}}}]]}') == "chatcmpl-77777"
    assert recover('{"id":"run-7d1c0b","content":"x"}') == ""
    assert recover('{"tool_calls":[{"id":"call_af648fa5ec"}]}') == ""
    assert recover("plain text with id chatcmpl-1") == ""


WORDS = st.text(max_size=40)
LEAF = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | WORDS
TREE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=20)
SHAPED = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["role", "content", "parts", "type", "text", "messages", "choices", "message", "kwargs", "lc", "id", "usage", "tool_calls",
                         "function", "name", "arguments", "generations", "input", "output", "data", "toolUse", "prompt_tokens",
                             "input_tokens", "total",
                         "documents", "page_content", "schema", "json_schema", "candidates", "input_cache_read"]),
        inner, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(TREE | SHAPED)
def test_no_content_breaks_a_parser(tree: Any) -> None:
    written = [tree, repr(tree)]
    with contextlib.suppress(ValueError):
        written.append(json.dumps(tree))
    for value in written:
        turns(value)
        answer(value)
        documents(value)
        schema_of(value)
        recover(value)
        parse(value)
        normalise(from_object(value) or {})
        to_int(value), to_float(value), to_text(value)


NAMES = st.sampled_from(sorted({n for table in (FIELDS, USAGE, CONTENT) for names in table.values() for n in names} | {
    "llm.input_messages.0.message.content", "llm.output_messages.x.y", "retrieval.documents.0.document.content", "langfuse.observation.usage_details",
    "mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.spanType", "metadata.usage_object", "llm.openai.usage", "llm.openai.choices", "hidden_params",
    "ai.operationId", "ai.response.providerMetadata", "openinference.span.kind", "traceloop.span.kind", "metadata", "session.id", "spanledger.kind",
    "spanledger.usage.input", "spanledger.biz.x", "langfuse.observation.completion_start_time", "litellm.call_id", "gcp.vertex.agent.llm_response",
})) | WORDS  # fmt: skip
SCOPES = st.sampled_from(
    ["ai", "litellm", "langfuse-sdk", "mlflow.tracing", "openinference.instrumentation.openai", "logfire.openai", "codex_exec",
        "gemini-cli", "langsmith",
     "com.anthropic.claude_code.tracing", "openlit.instrumentation.anthropic", "strands.telemetry", "lmnr", "haystack", "", "x", "gcp.vertex.agent"]
)  # fmt: skip
VALUES = (
    LEAF.filter(lambda v: v is not None and not (isinstance(v, int) and abs(v) > 2**62))
    | SHAPED.map(lambda t: json.dumps(t, default=str))
    | SHAPED.map(repr)
)


@settings(max_examples=150, deadline=None)
@given(SCOPES, st.dictionaries(NAMES, VALUES, max_size=12), WORDS)
def test_no_span_breaks_the_decoder_and_decoding_is_a_function(scope: str, attributes: dict[str, Any], name: str) -> None:
    attributes = {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for k, v in attributes.items()}
    name = name.encode("utf-8", "replace").decode()
    attributes = {k.encode("utf-8", "replace").decode(): v for k, v in attributes.items()}
    body = request(attributes, scope=scope, name=name).SerializeToString()
    one = decode_traces(body, json=False, project="p", options=OPTIONS)
    two = decode_traces(body, json=False, project="p", options=OPTIONS)
    assert one == two
    assert one.received == 1
    assert not one.rejected
    for span, _ in one.records:
        assert sum(len(k) + len(v) for k, v in span.attrs.items()) <= 4_200


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_attribute_reader(raw: bytes) -> None:
    wire.attributes([raw])
    wire.any_value(raw)


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_body_is_refused_or_read_but_never_an_error_of_ours(seed: int) -> None:
    rnd = random.Random(seed)
    good = request({**CALL, "s": "".join(rnd.choices(string.printable, k=50))}).SerializeToString()
    for _ in range(100):
        body = bytearray(good)
        for _ in range(rnd.randint(1, 6)):
            body[rnd.randrange(len(body))] = rnd.randrange(256)
        cut = bytes(body[: rnd.randrange(len(body))]) if rnd.random() < 0.3 else bytes(body)
        for decode in (decode_traces, decode_logs, decode_metrics):
            with contextlib.suppress(BadSpan):
                decode(cut, json=False, project="p", options=OPTIONS)


@settings(max_examples=100, deadline=None)
@given(TREE)
def test_no_json_breaks_the_decoders(tree: Any) -> None:
    try:
        inner = json.loads(json.dumps(tree))
    except ValueError:
        return
    span = {
        "traceId": TRACE.hex(),
        "spanId": SPAN.hex(),
        "startTimeUnixNano": str(AT),
        "attributes": inner,
        "events": inner,
        "status": inner,
        "name": inner,
    }
    shapes: list[tuple[Any, Any]] = [
        (decode_traces, {"resourceSpans": [{"resource": inner, "scopeSpans": [{"scope": inner, "spans": [span, inner]}]}]}),
        (decode_traces, {"resourceSpans": inner}),
        (
            decode_logs,
            {"resourceLogs": [{"scopeLogs": [{"scope": {"name": "gemini-cli"}, "logRecords": [{"body": inner, "attributes": inner}, inner]}]}]},
        ),
        (decode_metrics, {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "tokens", "sum": {"dataPoints": inner}}, inner]}]}]}),
    ]
    for decode, body in shapes:
        with contextlib.suppress(BadSpan):
            decode(json.dumps(body).encode(), json=True, project="p", options=OPTIONS)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=8), PLAIN, max_size=4) | st.lists(PLAIN, max_size=4))
def test_a_python_repr_is_read_as_what_it_was(tree: Any) -> None:
    try:
        json.dumps(tree).encode()
        repr(tree).encode()
    except UnicodeEncodeError:  # lone surrogates are no text
        return
    assert parse(repr(tree)) == tree


def test_deep_nonsense_is_no_structure() -> None:
    for text in ("[" * 1_999, "{'a':" * 1_999, "[" * 100_000, "(" * 1_999, '{"a":' * 100_000):
        assert parse(text) is None
