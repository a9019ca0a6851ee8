"""Erasing a person: nothing on disk names them any more, the money stays, the receipt can be checked, and verification still agrees."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.decode import DecodeOptions, decode_traces
from collector.identity import load_identity_keys
from collector.lone import spooled_batch
from collector.rows import contents_batch, facts_of, version_of
from collector.sealers import Sealers
from collector.spool import Spool
from spanledger import instance
from spanledger.commands import erasing, verification
from spanledger.policy import PolicyFile

PROTOBUF = {"content-type": "application/x-protobuf"}


def _trace(user: str, tenant: str = "acme") -> ExportTraceServiceRequest:
    """A request span that names the person, and an LLM call below that does not."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.genai.openai"
    trace, root, now = os.urandom(16), os.urandom(8), time.time_ns()
    parent = scope.spans.add(trace_id=trace, span_id=root, name="POST /ask", start_time_unix_nano=now - 2 * 10**9, end_time_unix_nano=now)
    for key, value in (("app.id", "shop"), ("user.id", user), ("tenant.id", tenant)):
        parent.attributes.add(key=key).value.string_value = value
    call = scope.spans.add(
        trace_id=trace, span_id=os.urandom(8), parent_span_id=root, name="chat", start_time_unix_nano=now - 10**9, end_time_unix_nano=now
    )
    texts = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-4o",
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": f"remember zebra{user}"}]}]),
    }  # fmt: skip
    for key, value in texts.items():
        call.attributes.add(key=key).value.string_value = value
    call.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 100
    call.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = 10
    return request


def test_a_person_is_erased_and_the_money_stays(start_collector: Callable[..., Any], tmp_path: Path) -> None:
    kek = base64.b64encode(b"k" * 32).decode()
    one = start_collector("content: {tenants: {acme: audit}}\n", kek=kek)
    for user in ("ann", "bob"):
        assert httpx.post(one.url("/v1/traces"), content=_trace(user).SerializeToString(), headers=PROTOBUF).status_code == 200
    assert one.settled("SELECT count() FROM spanledger.ledger", 2) == 2
    before = one.query("SELECT sum(cost_estimate_usd), sum(tokens_in) FROM spanledger.ledger")
    settings = one.settings(kek=kek, config=tmp_path / "spanledger.yaml")
    one.stop()
    said: list[str] = []
    assert erasing.erase(settings, tenant="acme", user="ann", out=None, say=said.append) == 0
    receipt = json.loads(said[0])
    assert receipt["rows"]["calls"] >= 1  # rows as stored: with several collectors an entry is written again when others' spans have settled
    assert receipt["rows"]["contents"] >= 1
    signature, public = (base64.b64decode(receipt.pop(k)) for k in ("signature", "public_key"))
    Ed25519PublicKey.from_public_bytes(public).verify(signature, json.dumps(receipt, sort_keys=True, separators=(",", ":")).encode())
    again = start_collector("content: {tenants: {acme: audit}}\n", data=one.data, kek=kek)
    assert again.query("SELECT sum(cost_estimate_usd), sum(tokens_in) FROM spanledger.ledger") == before
    gone = load_identity_keys(one.data / "keys").name("acme", "user", "ann")
    tables = [name for (name,) in again.query("SELECT name FROM system.tables WHERE database = 'spanledger' AND engine LIKE '%MergeTree'")]
    for table in tables:
        text = str(again.query(f"SELECT * FROM spanledger.{table}"))
        assert "zebraann" not in text
        assert gone not in text or table in ("erasures", "audit_log"), table  # the receipt names the hash, nothing else does
    assert "zebrabob" in str(again.query("SELECT * FROM spanledger.contents"))
    again.stop()
    assert verification.run(settings, None, None, said.append) == 0, said


def test_erasing_a_tenant_destroys_its_transcript_keys(start_collector: Callable[..., Any], tmp_path: Path) -> None:
    kek = base64.b64encode(b"k" * 32).decode()
    one = start_collector("content: {tenants: {acme: audit}}\n", kek=kek)
    assert httpx.post(one.url("/v1/traces"), content=_trace("ann").SerializeToString(), headers=PROTOBUF).status_code == 200
    assert one.settled("SELECT count() FROM spanledger.audit_objects", 1) >= 1
    settings = one.settings(kek=kek, config=tmp_path / "spanledger.yaml")
    one.stop()
    said: list[str] = []
    erasing.erase(settings, tenant="acme", user="", out=None, say=said.append)
    assert json.loads(said[0])["keys_destroyed"] == 1
    again = start_collector(data=one.data, kek=kek)
    assert again.query("SELECT count() FROM spanledger.audit_objects") == [(0,)]
    assert again.query("SELECT count(), sum(tokens_in) FROM spanledger.ledger") == [(1, 100)]


def _part(request: ExportTraceServiceRequest, number: int) -> ExportTraceServiceRequest:
    """One span of a trace: 0 names the person, 1 has the text."""
    part = ExportTraceServiceRequest()
    part.CopyFrom(request)
    del part.resource_spans[0].scope_spans[0].spans[1 - number]
    return part


def _spooled(one: Any, request: ExportTraceServiceRequest) -> list[pa.RecordBatch]:
    """Rows of an export as they wait on a spool."""
    sealer = Sealers(one.settings(), PolicyFile(None), None)()
    records = sealer.seal(decode_traces(request.SerializeToString(), json=False, project="default", options=DecodeOptions()).records)
    told = [(span, facts_of(span), version_of(span, facts_of(span)), content) for span, content in records]
    spans, facts, versions, _ = map(list, zip(*told, strict=True))
    texts = [(span, content, version) for span, _, version, content in told if content is not None and not content.empty]
    return [*([contents_batch(texts)] if texts else []), spooled_batch(spans, facts, versions)]


def test_what_waits_in_the_spool_goes_by_trace_as_what_is_stored_does(start_collector: Callable[..., Any]) -> None:
    """After a kill a text may wait whose parent, stored or waiting too, names the person, or be stored while the parent waits."""
    stored, first, last, eve = _trace("ann"), _trace("ann"), _trace("ann"), _trace("eve")
    one = start_collector()
    for request in (_part(stored, 0), _part(last, 1)):
        assert httpx.post(one.url("/v1/traces"), content=request.SerializeToString(), headers=PROTOBUF).status_code == 200
    assert one.settled("SELECT count() FROM spanledger.spans", 2) == 2
    one.stop()
    spool = Spool(one.data / "spool", 1 << 30)
    for number, request in enumerate((_part(stored, 1), first, _part(last, 0), eve), 10**6):
        spool.add(number, _spooled(one, request))
    said: list[str] = []
    erasing.erase(one.settings(), tenant="acme", user="ann", out=None, say=said.append)
    rows = json.loads(said[0])["rows"]
    assert (rows["spool"], rows["spans"], rows["contents"]) == (6, 2, 1)  # a text has a row of the journal and one of its own
    again = start_collector(data=one.data)
    assert again.settled("SELECT count() FROM spanledger.spans", 2) == 2
    told = str(again.query("SELECT * FROM spanledger.contents"))
    assert ("zebraann" in told, "zebraeve" in told) == (False, True)


def test_an_erasure_beside_a_running_instance_takes_what_was_acknowledged_before_it(start_collector: Callable[..., Any]) -> None:
    """When it begins, the rows are on the spool or in memory."""
    one = start_collector()
    with instance.hold(one.data):
        if not one.warehouse:
            instance.report(one.data, "collector", {"sql": one.addresses["sql"]})
            instance.publish(one.data, instance.Instance(os.getpid(), "test", one.addresses))
        for _ in range(40):
            assert httpx.post(one.url("/v1/traces"), content=_trace("ann").SerializeToString(), headers=PROTOBUF).status_code == 200
        said: list[str] = []
        erasing.erase(one.settings(), tenant="acme", user="ann", out=None, say=said.append)
    assert json.loads(said[0])["rows"]["spans"] == 80
    assert one.settled("SELECT count() FROM spanledger.ledger", 40) == 40
    assert one.query("SELECT count() FROM spanledger.contents") == [(0,)]
    gone = load_identity_keys(one.data / "keys").name("acme", "user", "ann")
    assert one.query(f"SELECT count() FROM spanledger.calls WHERE user_hash = '{gone}'") == [(0,)]
