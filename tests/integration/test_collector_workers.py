"""Sealing processes: what one of them was working on when it died is refused, sent again and counted once; policy and counters pass."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import workers
from collector.worker import MOST_WORKERS

pytestmark = pytest.mark.parametrize("warehouse_url", ["embedded"], indirect=True)

SPANS = "SELECT count() FROM spanledger.spans FINAL"
TOKENS = "SELECT sum(tokens_in) FROM spanledger.ledger"


def export(n: int, spans: int = 20, **more: str) -> bytes:
    """Spans of ``n`` tokens each, of traces that no other ``n`` has."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    attribute(resource.resource, "service.name", "workers")
    for i in range(spans):
        span = resource.scope_spans.add().spans.add(
            trace_id=(n * 1000 + i + 1).to_bytes(16, "big"), span_id=(i + 1).to_bytes(8, "big"), name="chat m",
            start_time_unix_nano=time.time_ns() - 1_000_000, end_time_unix_nano=time.time_ns(),
        )  # fmt: skip
        told = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-4o-mini", **more}
        for name, value in told.items():
            attribute(span, name, value)
        attribute(span, "gen_ai.usage.input_tokens", n)
        attribute(span, "gen_ai.usage.output_tokens", 1)
    return request.SerializeToString()


def attribute(holder: Any, name: str, value: str | int) -> None:
    kv = holder.attributes.add(key=name)
    if isinstance(value, int):
        kv.value.int_value = value
    else:
        kv.value.string_value = value


def sealing_processes() -> list[int]:
    """Those that this test process started, and their copies."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                words = (folder / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if "sealing" in words:
                parents[int(folder.name)] = parent
    return [pid for pid, parent in parents.items() if os.getpid() in (parent, parents.get(parent))]


def send(url: str, body: bytes) -> int:
    return httpx.post(url, content=body, headers={"content-type": "application/x-protobuf"}, timeout=60).status_code


def counted(one: Any) -> dict[str, float]:
    """Two counters of ``/metrics``, by name and label."""
    lines = httpx.get(one.url("/metrics")).text.splitlines()
    told = dict(line.removeprefix("spanledger_").rsplit(" ", 1) for line in lines if line.startswith("spanledger_re"))
    return {name: float(told.get(name, 0)) for name in ('redactions_total{kind="EMAIL"}', 'records_total{signal="traces"}')}


def test_killed_sealing_processes_lose_nothing_and_count_nothing_twice(start_collector: Callable[..., Any]) -> None:
    one = start_collector(sealing_processes=2)
    url, todo, refused = one.url("/v1/traces"), list(range(1, 121)), []
    lock, over = threading.Lock(), threading.Event()

    def exporter() -> None:
        while True:
            with lock:
                if not todo:
                    return
                n = todo.pop()
            status = send(url, export(n))
            if status != 200:
                assert status in (429, 503)
                refused.append(n)
                with lock:
                    todo.append(n)
                time.sleep(0.05)

    def killer() -> None:
        for _ in range(3):
            time.sleep(0.5)
            for pid in sealing_processes()[:1]:
                os.kill(pid, signal.SIGKILL)
            if over.is_set():
                return

    threads = [threading.Thread(target=exporter) for _ in range(6)] + [threading.Thread(target=killer)]
    for thread in threads:
        thread.start()
    for thread in threads[:-1]:
        thread.join(120)
    over.set()
    threads[-1].join()
    assert not todo
    assert one.settled(SPANS, 120 * 20) == 120 * 20
    assert one.settled(TOKENS, sum(range(1, 121)) * 20) == sum(range(1, 121)) * 20
    assert len(sealing_processes()) <= 2 <= MOST_WORKERS


def test_a_copy_outlives_the_process_it_was_made_of_and_is_replaced_when_it_dies(start_collector: Callable[..., Any]) -> None:
    one = start_collector(sealing_processes=2)
    first, copy = sorted(sealing_processes())
    assert Path(f"/proc/{copy}/stat").read_text().rpartition(")")[2].split()[1] == str(first)
    for died, numbers in ((first, range(1, 11)), (copy, range(11, 21))):
        os.kill(died, signal.SIGKILL)
        for n in numbers:
            while send(one.url("/v1/traces"), export(n)) != 200:
                time.sleep(0.05)
    assert one.settled(SPANS, 20 * 20) == 20 * 20
    deadline = time.monotonic() + 20
    while len(sealing_processes()) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(sealing_processes()) == 2
    assert {first, copy}.isdisjoint(sealing_processes())


def test_a_span_that_comes_again_with_another_start_stays_in_the_ledger(start_collector: Callable[..., Any]) -> None:
    one = start_collector(sealing_processes=1)
    for _ in range(3):  # each with the time of its making
        assert send(one.url("/v1/traces"), export(7)) == 200
        assert one.settled("SELECT count() FROM spanledger.ledger WHERE ts > now() - INTERVAL 1 HOUR", 20) == 20
        time.sleep(1.5)
    assert (one.query(TOKENS)[0][0], one.query(SPANS)[0][0]) == (140, 20)


def test_a_stop_drains_what_the_sealing_processes_hold_and_ends_them(start_collector: Callable[..., Any]) -> None:
    one = start_collector(sealing_processes=2)
    assert [send(one.url("/v1/traces"), export(n)) for n in range(1, 11)] == [200] * 10
    one.stop()
    assert sealing_processes() == []
    again = start_collector(sealing_processes=1)
    assert again.query(SPANS)[0][0] == 200
    assert again.query(TOKENS)[0][0] == sum(range(1, 11)) * 20


def test_sealing_processes_follow_the_policy_and_their_counters_reach_the_collector(start_collector: Callable[..., Any], tmp_path: Path) -> None:
    policy = tmp_path / "followed.yaml"
    policy.write_text("content: {default: redacted}\n")
    one = start_collector(follow=policy, sealing_processes=1)
    before = counted(one)
    text = '[{"role": "user", "parts": [{"type": "text", "content": "write to jane.doe@example.org"}]}]'
    assert send(one.url("/v1/traces"), export(1, 3, **{"gen_ai.input.messages": text})) == 200
    assert {name: n - before.get(name, 0) for name, n in counted(one).items()} == {
        'redactions_total{kind="EMAIL"}': 3,
        'records_total{signal="traces"}': 3,
    }
    policy.write_text("content: {default: none}\n")
    time.sleep(2.5)
    assert send(one.url("/v1/traces"), export(2, 3, **{"gen_ai.input.messages": text})) == 200
    assert one.settled(SPANS, 6) == 6
    assert one.settled("SELECT count() FROM spanledger.contents FINAL", 3) == 3


def test_a_process_that_dies_under_a_broken_policy_comes_back_when_it_is_mended(start_collector: Callable[..., Any], tmp_path: Path) -> None:
    policy = tmp_path / "followed.yaml"
    policy.write_text("content: {default: redacted}\n")
    one = start_collector(follow=policy, sealing_processes=1)
    assert send(one.url("/v1/traces"), export(1)) == 200
    policy.write_text("content: {default: [broken\n")
    for pid in sealing_processes():
        os.kill(pid, signal.SIGKILL)
    assert send(one.url("/v1/traces"), export(2)) in (429, 503)
    time.sleep(3)
    assert send(one.url("/v1/traces"), export(2)) in (429, 503)
    policy.write_text("content: {default: redacted}\n")
    until = time.monotonic() + 60
    while (status := send(one.url("/v1/traces"), export(2))) != 200 and time.monotonic() < until:
        time.sleep(0.5)
    assert status == 200
    assert one.settled(SPANS, 40) == 40


def test_tenants_that_a_trace_has_named_are_known_to_every_sealing_process(start_collector: Callable[..., Any]) -> None:
    one = start_collector("content: {default: redacted, tenants: {acme: none}}\n", sealing_processes=2)
    text = '[{"role": "user", "parts": [{"type": "text", "content": "the plans of acme"}]}]'
    assert send(one.url("/v1/traces"), export(7, 1, **{"spanledger.tenant": "acme", "gen_ai.input.messages": text})) == 200
    time.sleep(0.3)
    for n in range(6):  # the same trace, spans that do not name the tenant; whichever process takes them
        request = ExportTraceServiceRequest.FromString(export(7, 1, **{"gen_ai.input.messages": text}))
        request.resource_spans[0].scope_spans[0].spans[0].span_id = (100 + n).to_bytes(8, "big")
        assert send(one.url("/v1/traces"), request.SerializeToString()) == 200
    assert one.settled(SPANS, 7) == 7
    assert one.query("SELECT count() FROM spanledger.contents FINAL")[0][0] == 0


def test_rules_that_cannot_be_used_refuse_the_start_in_one_line(start_collector: Callable[..., Any]) -> None:
    from spanledger.errors import ConfigError

    with pytest.raises(ConfigError, match="broken"):
        start_collector("redaction: {rules: [{name: BROKEN, pattern: 'x(?=y)', positives: [xy]}]}\n", sealing_processes=1)
    assert sealing_processes() == []


def test_exports_wait_while_the_ledger_is_behind(start_collector: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    one = start_collector(sealing_processes=1)
    monkeypatch.setattr(workers, "_BEHIND_S", -1.0)  # even an idle ledger is that far behind
    done = threading.Event()
    sender = threading.Thread(target=lambda: (send(one.url("/v1/traces"), export(1)), done.set()))
    sender.start()
    assert not done.wait(1.0)
    monkeypatch.undo()
    assert done.wait(10)
    sender.join()
    assert one.settled(SPANS, 20) == 20


def test_exports_do_not_wait_for_a_ledger_that_does_not_move(start_collector: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    one = start_collector(sealing_processes=1)
    monkeypatch.setattr(workers, "_BEHIND_S", -1.0)
    monkeypatch.setattr(workers, "_STUCK_S", 0.0)
    assert send(one.url("/v1/traces"), export(1)) == 200
