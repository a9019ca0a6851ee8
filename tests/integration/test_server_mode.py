"""Collectors against a ClickHouse server: our own endpoint plays it, since it speaks the same protocol and none can be started here."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanledger.settings import Settings
from warehouse.endpoint import EndpointServer, Principal, serve
from warehouse.engine import Engine, connect

PROTOBUF = {"content-type": "application/x-protobuf"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., EndpointServer]]:
    """``server(port=0)`` starts the warehouse's door; several in a row are restarts of it."""
    engine = Engine.open(tmp_path / "server")
    doors: list[EndpointServer] = []

    def start(port: int = 0) -> EndpointServer:
        doors.append(serve(engine, "127.0.0.1", port, lambda user, secret: Principal("collector", "instance", None)))
        return doors[-1]

    yield start
    for door in doors:
        door.close(1)
    engine.close()


@pytest.fixture
def collectors(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """``collectors(url, name)`` starts one in server mode and gives the URL of its HTTP door."""
    from collector.service import run

    running: list[tuple[threading.Event, threading.Thread]] = []

    def start(url: str, name: str) -> str:
        stop, bound, addresses = threading.Event(), threading.Event(), {}
        settings = Settings(data_dir=tmp_path / name, warehouse=url, otlp_grpc_port=0, otlp_http_port=0)
        settings.data_dir.mkdir(exist_ok=True)

        def ready(found: dict[str, str]) -> None:
            addresses.update(found)
            bound.set()

        thread = threading.Thread(target=run, args=(settings, None, stop, ready), daemon=True)
        thread.start()
        assert bound.wait(30)
        running.append((stop, thread))
        return f"http://{addresses['otlp_http']}/v1/traces"

    yield start
    for stop, _ in running:
        stop.set()
    for _, thread in running:
        thread.join(20)


def _spans(n: int) -> list[bytes]:
    """Traces of a framework span around a client span that tell one call; each span is an export of its own."""
    exports = []
    for i in range(n):
        trace, outer, now = os.urandom(16), os.urandom(8), time.time_ns() - i * 10**6
        for scope_name, span_id, parent, margin in (("langchain", outer, b"", 0), ("openai", os.urandom(8), outer, 10**6)):
            request = ExportTraceServiceRequest()
            scope = request.resource_spans.add().scope_spans.add()
            scope.scope.name = f"openinference.instrumentation.{scope_name}"
            start, end = now - 10**9 + margin, now - margin
            span = scope.spans.add(
                trace_id=trace, span_id=span_id, parent_span_id=parent, name="llm", start_time_unix_nano=start, end_time_unix_nano=end
            )
            for key, value in (("openinference.span.kind", "LLM"), ("llm.model_name", "gpt-4o")):
                span.attributes.add(key=key).value.string_value = value
            for key, tokens in (("llm.token_count.prompt", 100 + i), ("llm.token_count.completion", 10)):
                span.attributes.add(key=key).value.int_value = tokens
            exports.append(request.SerializeToString())
    return exports


def _total(url: str) -> tuple[int, int]:
    with closing(connect(url)) as client:
        row = client.query("SELECT countIf(billed), sum(tokens_in) FROM spanledger.ledger").result_rows[0]
    return int(row[0]), int(row[1])


def _settles(url: str, wanted: tuple[int, int], timeout_s: float = 45) -> tuple[int, int]:
    deadline = time.monotonic() + timeout_s
    while (got := _total(url)) != wanted and time.monotonic() < deadline:
        time.sleep(0.3)
    return got


def test_two_collectors_that_share_traces_post_every_call_once(server: Callable[..., Any], collectors: Callable[..., str]) -> None:
    url = f"clickhouse://default@{server().address}/spanledger"
    doors = [collectors(url, "a"), collectors(url, "b")]
    exports = _spans(30)
    todo = exports + random.Random(1).sample(exports, 20)
    random.Random(2).shuffle(todo)
    for i, body in enumerate(todo):
        assert httpx.post(doors[i % 2], content=body, headers=PROTOBUF).status_code == 200
    wanted = (30, sum(100 + i for i in range(30)))
    assert _settles(url, wanted) == wanted


def test_while_the_server_is_away_exports_are_acknowledged_and_loaded_later(server: Callable[..., Any], collectors: Callable[..., str]) -> None:
    door = server()
    url = f"clickhouse://default@{door.address}/spanledger"
    collector = collectors(url, "a")
    exports = _spans(6)
    for body in exports[:4]:
        assert httpx.post(collector, content=body, headers=PROTOBUF).status_code == 200
    assert _settles(url, (2, 201)) == (2, 201)
    door.close(0)
    for body in exports[4:]:
        assert httpx.post(collector, content=body, headers=PROTOBUF).status_code == 200
    time.sleep(2)
    server(int(door.address.rpartition(":")[2]))
    wanted = (6, sum(100 + i for i in range(6)))
    assert _settles(url, wanted) == wanted
