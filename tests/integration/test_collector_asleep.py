"""Calls that were posted alone and joined later: a agent around them, a second telling of them, a repeated export, a start in between."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import lone
from spanledger.commands import verification

pytestmark = pytest.mark.parametrize("warehouse_url", ["embedded"], indirect=True)

CALLS = 300
SPANS = "SELECT count() FROM spanledger.spans FINAL"
TOTALS = "SELECT toString((count(), sum(tokens_in))) FROM spanledger.ledger"
ONCE_EACH = f"({CALLS},{CALLS * 10})"
JOINED = "SELECT toString((countIf(user_hash != ''), countIf(length(members) = 2))) FROM spanledger.ledger"
_BEGAN = time.time_ns() - 60_000_000_000


def request(spans: Iterator[dict[str, Any]], service: str = "asleep") -> bytes:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    for told in spans:
        attributes = told.pop("attributes")
        span = resource.scope_spans.add().spans.add(name="chat m", **told)
        for name, value in attributes.items():
            kv = span.attributes.add(key=name)
            if isinstance(value, int):
                kv.value.int_value = value
            else:
                kv.value.string_value = value
    return message.SerializeToString()


def call(i: int, trace: int = 0, span: int = 1, **more: str) -> dict[str, Any]:
    """Call ``i``: 10 tokens in, told in its own trace."""
    attributes = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-4o-mini",
        "gen_ai.response.id": f"chatcmpl-asleep-{i:06d}", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 1, **more,
    }  # fmt: skip
    return {
        "trace_id": (trace or i).to_bytes(16, "little"), "span_id": span.to_bytes(8, "big"), "parent_span_id": (9).to_bytes(8, "big"),
        "start_time_unix_nano": _BEGAN + i * 1_000_000, "end_time_unix_nano": _BEGAN + i * 1_000_000 + 500_000_000, "attributes": attributes,
    }  # fmt: skip


def agent(i: int) -> dict[str, Any]:
    """The agent around call ``i``; it repeats its usage and knows the user."""
    told = call(i, span=9)
    del told["attributes"]["gen_ai.response.id"]
    return told | {
        "parent_span_id": b"",
        "attributes": told["attributes"] | {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a", "user.id": "ann"},
    }


def captures() -> list[tuple[str, str, bytes]]:
    """(path, content type, body) of every captured export, twice each, in an order of chance."""
    shared = Path(os.environ.get("SPANLEDGER_SHARED", Path(__file__).parents[2].parent / "shared")) / "captures"
    if not shared.is_dir():
        pytest.skip(f"no captured exports at {shared}")
    found = []
    for file in sorted((*shared.glob("*/*/*.binpb"), *shared.glob("*/*/*-0?.json"))):
        signal = next((name for name in ("logs", "metrics") if file.name.startswith(name)), "traces")
        found.append((f"/v1/{signal}", "application/json" if file.suffix == ".json" else "application/x-protobuf", file.read_bytes()))
    told = found * 2
    random.Random(4).shuffle(told)
    return told


def send(one: Any, spans: Iterator[dict[str, Any]], service: str = "asleep") -> None:
    body = request(spans, service)
    assert httpx.post(one.url("/v1/traces"), content=body, headers={"content-type": "application/x-protobuf"}, timeout=60).status_code == 200


@pytest.mark.parametrize("restarted", [False, True])
def test_calls_posted_alone_stay_one_entry_each_when_others_join_them(start_collector: Callable[..., Any], restarted: bool) -> None:
    one = start_collector(sealing_processes=0)
    numbers = range(1, CALLS + 1)
    send(one, (call(i) for i in numbers))
    assert one.settled(TOTALS, ONCE_EACH) == ONCE_EACH
    if restarted:
        one.stop()
        one = start_collector(sealing_processes=0)
    send(one, (agent(i) for i in numbers if i % 3 == 0))
    send(one, (call(i, trace=i + 10_000, span=2) for i in numbers if i % 3 == 1), service="gateway")
    send(one, (call(i) for i in numbers if i % 3 == 2))
    assert one.settled(SPANS, CALLS + 2 * CALLS // 3) == CALLS + 2 * CALLS // 3
    assert one.settled(JOINED, "(100,100)") == "(100,100)"  # the agent's user, the gateway's telling
    assert one.settled(TOTALS, ONCE_EACH) == ONCE_EACH


def test_the_ledger_is_what_posting_everything_at_once_gives(start_collector: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """However calls fell asleep and were woken while exports came in an order of chance, and twice."""
    told = captures()
    monkeypatch.setattr(lone, "FEW", 1)  # every call that may be plain takes the short way
    one = start_collector(sealing_processes=0, posting_interval_ms=50)
    with httpx.Client(timeout=60) as client:
        for path, kind, body in told:
            assert client.post(one.url(path), content=body, headers={"content-type": kind}).status_code == 200
    assert one.query("SELECT count() FROM spanledger.ledger")[0][0] > 500
    one.stop()
    said: list[str] = []
    assert verification.run(one.settings(), None, None, said.append) == 0, said
