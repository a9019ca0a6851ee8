"""A stamp says what the ordinary way reads, and its rows are those that its record would have."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import decode, sources
from collector.decode import Decoded, DecodeOptions, decode_traces
from collector.identity import IdentityKeys
from collector.lone import spooled_batch
from collector.redaction import Redactor
from collector.rows import FEW, contents_batch, facts_of, version_of
from collector.sealing import Sealer
from collector.stencils import record
from collector.window_feed import WindowFeed
from detectors.window import Window, served
from spanledger.model import Content, Span
from spanledger.policy import Policy

_START = 1_790_000_000_000_000_000
_DAY = 86_400_000_000_000
STAMPS = DecodeOptions(stamps=True)
ENGINE = Redactor()
KEYS = IdentityKeys(bytes(32))


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "FEWEST", 1)
    decode._plans.clear()


def told(*texts: str, role: str = "user") -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for text in texts])


#: The ordinary value first: what else a sender might write behind it.
_VALUES: dict[str, list[Any]] = {
    "gen_ai.operation.name": ["chat", "chat", "chat", "embeddings", "invoke_agent"],
    "gen_ai.provider.name": ["openai", "anthropic"],
    "gen_ai.request.model": ["gpt-4o"],
    "gen_ai.response.model": ["gpt-4o-2024-08-06", ""],
    "gen_ai.response.id": [
        "chatcmpl-abcdefgh", "resp_0011aabb", '"quoted-id-here"', "chatcmpl-4111111111111111", "resp/ana@example.org", 7, "x" * 600, "",
    ],
    "gen_ai.response.finish_reasons": [["stop"], ["stop"], ["content_filter"], []],
    "gen_ai.usage.input_tokens": [12, 3_000, 0, -1, "34", 1 << 40],
    "gen_ai.usage.output_tokens": [5, 0, 900],
    "gen_ai.usage.cache_read.input_tokens": [0, 6, 90],
    "gen_ai.usage.reasoning.output_tokens": [0, 3],
    "user.id": ["u1", "u2", " u3 ", 3, "[REDACTED]", "ana@example.org"],
    "session.id": ["s1", "s2", "{}"],
    "prompt.version": ["v1", "v2", "100%"],
    "route": ["/a", "/v1/chat/completions"],
    "url.full": ["https://a/b", "https://c/d", ""],
    "error.message": ["", "boom"],
    "gen_ai.request.stream": [False, True],
    "gen_ai.headers": ["{}", "{'X-Raw': 'true'}", "{'traceparent': '00-9e0ed1d0834917541bf3c15f4af53c3e-7a0f2cf5b2412cbd-03'}"],
    "deployment.ring": ["blue", "50 % green", 1, True],
    "gen_ai.input.messages": [
        told("hello"), told("who are you", "and I"), told(""), told("write to ana@example.org", role="critic"), "plain", "[]", 5,
    ],
    "gen_ai.output.messages": [
        told("hi", role="assistant"), told("", role="assistant"), '[{"role":"assistant","parts":[{"type":"tool_call","name":"f"}]}]',
        '[{"role": "assistant", "refusal": "no", "parts": [{"type": "text", "content": "no"}]}]', "unlock",
    ],
}  # fmt: skip
_PLAIN = [
    n for n in _VALUES if n not in ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.reasoning.output_tokens", "error.message", "gen_ai.headers")
]
#: Nearly always ordinary values, so that most spans are stamps and each oddity is met beside them.
_choice = st.sampled_from([0] * 12 + [1, 2, 3, 4, 5, 6])
_attributes = st.tuples(
    st.sampled_from([tuple(_PLAIN), tuple(_PLAIN), tuple(_VALUES), (*_PLAIN, "gen_ai.headers"), tuple(n for n in _PLAIN if n != "session.id")]),
    st.lists(_choice, min_size=24),
).map(lambda drawn: [(n, _VALUES[n][i % len(_VALUES[n])]) for n, i in zip(drawn[0], drawn[1], strict=False)])
_spans = st.fixed_dictionaries(
    {
        "attributes": _attributes,
        "name": st.sampled_from(["chat gpt-4o", "chat gpt-4o", "chat gpt-4o", "step"]),
        "status": st.sampled_from([0, 0, 0, 0, 1, 2]),
        "message": st.sampled_from(["", "", "", "", "429 Too Many Requests"]),
        "event": st.sampled_from(["", "", "", "", "exception"]),
        "parent": st.sampled_from([b"", bytes(8), b"parent__", b"odd"]),
        "start": st.sampled_from([_START, _START + _DAY, _START - 7, 0]),
        "lasts": st.sampled_from([0, 1_234_567, 3_000_000_000, -1]),
        "twice": st.sampled_from([False] * 9 + [True]),
    }
)


def put(into: Any, name: str, value: Any) -> None:
    pair = into.add()
    pair.key = name
    if isinstance(value, bool):
        pair.value.bool_value = value
    elif isinstance(value, int):
        pair.value.int_value = value
    elif isinstance(value, list):
        pair.value.array_value.SetInParent()
        for v in value:
            pair.value.array_value.values.add().string_value = v
    else:
        pair.value.string_value = value


_OFFICIAL = "opentelemetry.instrumentation.openai_v2"
_SCOPES = [_OFFICIAL, *(f"opentelemetry.instrumentation.{name}" for name in ("openai.v1", "anthropic", "langchain"))]


def request(spans: list[dict[str, Any]], service: str = "shop", scope: str = _OFFICIAL, **resource: str) -> bytes:
    message = ExportTraceServiceRequest()
    rs = message.resource_spans.add()
    for name, value in {"service.name": service, **resource}.items():
        put(rs.resource.attributes, name, value)
    ss = rs.scope_spans.add()
    ss.scope.name = scope
    for i, told in enumerate(spans):
        s = ss.spans.add(name=told["name"], kind=told.get("kind", 3), trace_id=(i + 1).to_bytes(16, "big"), span_id=(i + 1).to_bytes(8, "big"))
        s.parent_span_id, s.start_time_unix_nano, s.end_time_unix_nano = told["parent"], told["start"], max(0, told["start"] + told["lasts"])
        s.status.code, s.status.message = told["status"], told["message"]
        if told["event"]:
            s.events.add(name=told["event"], time_unix_nano=told["start"])
        for name, value in told["attributes"]:
            put(s.attributes, name, value)
        if told["twice"]:
            put(s.attributes, *told["attributes"][0])
    return message.SerializeToString()


def plain(**changed: Any) -> dict[str, Any]:
    values = {n: _VALUES[n][0] for n in _PLAIN} | {n.replace("__", "."): v for n, v in changed.items()}
    return {"attributes": list(values.items()), "name": "chat gpt-4o", "status": 0, "message": "", "event": "", "parent": b"",
            "start": _START, "lasts": 5_000_000, "twice": False}  # fmt: skip


def decoded(body: bytes, *, stamps: bool) -> Decoded:
    return decode_traces(body, json=False, project="p", options=STAMPS if stamps else DecodeOptions(), tenant="acme")


def records(found: Decoded) -> dict[bytes, tuple[Span, Content | None]]:
    return {span.span_id: (span, content) for span, content in [*found.records, *map(record, found.stamps)]}


@settings(max_examples=300, deadline=None)
@given(st.lists(_spans, min_size=1, max_size=10), st.sampled_from(["shop", "help"]), st.sampled_from(_SCOPES))
def test_stamps_say_what_the_ordinary_way_reads(spans: list[dict[str, Any]], service: str, scope: str) -> None:
    body = request(spans, service, scope, region="eu")
    whole = decoded(body, stamps=False)
    for _ in range(2):
        found = decoded(body, stamps=True)
        assert records(found) == records(whole)
        assert (found.received, found.let_go, sorted(found.rejected)) == (whole.received, whole.let_go, sorted(whole.rejected))


def test_what_repeats_is_stamped_whoever_sends_it() -> None:
    body = request([plain(), plain(user__id="u9", gen_ai__usage__input_tokens=77, url__full="https://elsewhere")], "first")
    decoded(body, stamps=True)
    again, other = decoded(body, stamps=True), decoded(request([plain()], "second", **{"service.namespace": "team-b"}), stamps=True)
    assert (len(again.stamps), len(again.records)) == (2, 0)
    assert [(s.user, s.usage.input) for s in again.stamps] == [("u1", 12), ("u9", 77)]
    (stamp,) = other.stamps
    assert (stamp.stencil.span.service, stamp.stencil.span.inherited["team"], stamp.stencil.tenant) == ("second", "team-b", "acme")


def test_clients_whose_calls_may_be_told_in_another_trace_have_stamps_of_what_an_id_finds() -> None:
    body = request([plain(), plain(gen_ai__request__stream=True)], scope="opentelemetry.instrumentation.anthropic")
    decoded(body, stamps=True)
    again = decoded(body, stamps=True)
    assert [s.span_id[-1] for s in again.stamps] == [1]
    ((stream, _),) = again.records
    assert (stream.link_kind, stream.authority) == ("stray", 0)


def test_of_calls_that_tell_their_requests_headers_those_are_read_whole_that_were_sent_within_another_trace() -> None:
    within = "{'traceparent': '00-9e0ed1d0834917541bf3c15f4af53c3e-7a0f2cf5b2412cbd-03'}"
    body = request([plain(gen_ai__headers="{'X-Raw': 'true'}"), plain(gen_ai__headers=within)], scope="opentelemetry.instrumentation.openai.v1")
    for _ in range(2):
        found = decoded(body, stamps=True)
    assert ([s.link_kind for s, _ in found.records], [s.span_id[-1] for s in found.stamps]) == (["stray"], [1])


def test_a_span_is_read_under_its_own_resource_whatever_is_known_of_its_source() -> None:
    door = plain() | {"attributes": [("user.id", "u1"), ("prompt.version", "v1")], "name": "POST /ask", "kind": 2}
    for instance in ("first-process", "second-process"):
        body = request([door], **{"service.instance.id": instance}).replace(b"openai_v2", b"shop_http")
        found = records(decoded(body, stamps=True))
        assert found == records(decoded(body, stamps=False))
        assert any(span.link.startswith(f"moment:{instance}:u1:") for span, _ in found.values())


@pytest.mark.parametrize(
    "odd",
    [
        {"gen_ai.response.id": "resp/ana@example.org"}, {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}, {"url.full": ""},
        {"deployment.ring": "x" * 5_000}, {"gen_ai.output.messages": "unlock"}, {"gen_ai.input.messages": told("")},
        {"gen_ai.input.messages": told("hello", role="ana@example.org")}, {"user.id": "[REDACTED]"}, {"error.message": "boom"},
    ],
)  # fmt: skip
def test_what_is_out_of_the_ordinary_is_no_stamp(odd: dict[str, Any]) -> None:
    body = request([plain(), plain(**odd)])
    decoded(body, stamps=True)
    assert [s.span_id[-1] for s in decoded(body, stamps=True).stamps] == [1]


def test_combinations_that_never_repeat_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_PATIENCE", 50)
    changing = request([plain(prompt__version=f"v{i}") for i in range(200)], "changing")
    assert not decoded(changing, stamps=True).stamps
    steady = request([plain()] * 2, "steady")
    decoded(steady, stamps=True)
    assert len(decoded(steady, stamps=True).stamps) == 2
    assert not decoded(changing, stamps=True).stamps


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_MAX", 20)
    for i in range(100):
        body = request([plain(prompt__version=f"v{i // 3}")] * 2, f"service {i % 7}")
        whole = decoded(body, stamps=False)
        assert records(decoded(body, stamps=True)) == records(whole)
    ((_, kept),) = decode._plans.values()
    assert kept._size <= 21
    assert len(kept._known) <= 21


def rows(body: bytes, policy: Policy, *, stamps: bool, feed: WindowFeed | None = None) -> list[pa.Table]:
    """Journal rows and texts of an export, in order of span ids."""
    sealer = Sealer(ENGINE, KEYS, lambda: policy, None, feed=feed)
    found = decoded(body, stamps=stamps)
    if stamps:
        found = decoded(body, stamps=True)
    whole, stored, unstored = sealer.divided(found.records, found.stamps)
    assert bool(stored or unstored) == stamps
    sealed = sealer.seal(whole)
    facts = [facts_of(span) for span, _ in sealed]
    versions = [version_of(span, f) for (span, _), f in zip(sealed, facts, strict=True)]
    journal = [spooled_batch([span for span, _ in sealed], facts, versions)]
    texts = [contents_batch([(s, c, v) for (s, c), v in zip(sealed, versions, strict=True) if c is not None])]
    for part in filter(None, (stored, unstored)):
        made = sealer.seal_stamps(part, stored=part is stored)
        journal.append(made.spans)
        texts += [made.contents] if made.contents is not None else []
    return [pa.Table.from_batches(batches).sort_by("span_id").combine_chunks() for batches in (journal, texts)]


@settings(max_examples=40, deadline=None)
@given(st.lists(_spans, max_size=30), st.sampled_from(["shop", "ana@example.org", "100% %s"]))
def test_rows_made_in_columns_equal_rows_made_one_by_one(spans: list[dict[str, Any]], service: str) -> None:
    odd = {
        "gen_ai.response.id": "4111-1111-1111-1111",
        "gen_ai.input.messages": told("write to bob@example.org or 415-555-0132", "thanks"),
        "user.id": "ana@example.org",
    }
    spans = [*spans, *(plain(**(odd if i % 5 == 0 else {}), session__id=f"s{i}", prompt__version=f"v{i % 3}") for i in range(FEW))]
    body = request(spans, service, region="50% of eu")
    for one, other in zip(rows(body, Policy(), stamps=False), rows(body, Policy(), stamps=True), strict=True):
        assert one.equals(other)
        assert "bob@example.org" not in str(other.to_pydict())
        assert "ana@example.org" not in str(other.to_pydict())
        assert "4111-1111-1111-1111" not in str(other.to_pydict())


@pytest.mark.parametrize("content", [{"default": "none"}, {"tenants": {"globex": "none"}}])
def test_text_that_is_not_stored_is_hashed_and_shown_to_the_window_alone(content: dict[str, Any]) -> None:
    policy = Policy.model_validate({"content": content})
    asked = told("write to bob@example.org", "thanks")
    spans = [plain(session__id=f"s{i}", tenant__id="globex" if i % 2 else "initech", gen_ai__input__messages=asked) for i in range(2 * FEW)]
    ways = []
    for stamps in (False, True):
        window = Window(1 << 20, 600)
        with served(window, lambda: "token") as address:
            feed = WindowFeed(lambda address=address: address, lambda: "token")
            seen = rows(request(spans), policy, stamps=stamps, feed=feed)
            feed.close()
        blind = rows(request(spans), policy, stamps=stamps)
        assert [table.equals(other) for table, other in zip(blind, seen, strict=True)] == [True, True]
        shown = window.texts([(i + 1).to_bytes(16, "big").hex() for i in range(2 * FEW)])
        assert "bob@" not in str(shown)
        ways.append((*seen, shown))
    for one, other in zip(*ways, strict=True):
        assert one == other
    _, texts, shown = ways[1]
    assert texts.num_rows + len(shown) == 2 * FEW
    assert (len(shown) == 2 * FEW) == ("default" in content)


def test_transcripts_are_made_of_records() -> None:
    policy = Policy.model_validate({"content": {"default": "audit"}})
    sealer = Sealer(ENGINE, KEYS, lambda: policy, None)
    body = request([plain(session__id=f"s{i}") for i in range(2 * FEW)])
    decoded(body, stamps=True)
    found = decoded(body, stamps=True)
    whole, stored, unstored = sealer.divided(found.records, found.stamps)
    assert (len(whole), stored, unstored) == (2 * FEW, [], [])


def test_one_tenants_mode_leaves_the_others_stamps_alone() -> None:
    policy = Policy.model_validate({"content": {"tenants": {"globex": "none", "hooli": "audit"}}})
    sealer = Sealer(ENGINE, KEYS, lambda: policy, None)
    spans = [plain(session__id=f"s{i}", tenant__id=("globex", "initech", "hooli")[i % 3]) for i in range(3 * FEW)]
    body = request(spans)
    decoded(body, stamps=True)
    found = decoded(body, stamps=True)
    whole, stored, unstored = sealer.divided(found.records, found.stamps)
    assert (len(whole), {s.stencil.tenant for s in stored}, {s.stencil.tenant for s in unstored}) == (FEW, {"initech"}, {"globex"})


def test_a_registered_schema_is_checked_on_records() -> None:
    def check(span: Span, content: Content, _policy: Policy) -> str:
        return "{}" if span.own.get("route") == "/a" and content.response else ""

    sealer = Sealer(ENGINE, KEYS, Policy, check)
    body = request([plain(session__id=f"s{i}", route="/a" if i % 2 else "/b") for i in range(2 * FEW)])
    decoded(body, stamps=True)
    found = decoded(body, stamps=True)
    whole, stamped, unstored = sealer.divided(found.records, found.stamps)
    assert (len(whole), len(stamped), unstored) == (FEW, FEW, [])
    assert {stamp.stencil.span.own["route"] for stamp in stamped} == {"/b"}
