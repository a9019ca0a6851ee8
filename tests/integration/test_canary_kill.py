"""kill -9 in the middle of ingest, and a restart: no marker of any field or encoding in any file, log or answer."""

from __future__ import annotations

import base64
import contextlib
import gzip
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def _canary() -> ModuleType:
    spec = importlib.util.spec_from_file_location("canary_requests", Path(__file__).with_name("test_canary.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


canary = _canary()
MODES = ("audit", "none")  # audit keeps what redacted keeps, and transcripts besides


class Instance:
    """``spanledger up`` in a process group of its own, with its output in a file outside the data directory."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.data, self.output = folder / "data", folder / "output.log"
        self.config = folder / "spanledger.yaml"
        self.config.write_text(f"content: {{default: {mode}}}\n")
        self.process: subprocess.Popen[bytes] | None = None
        self.addresses: dict[str, str] = {}

    def start(self) -> None:
        (self.data / "instance.json").unlink(missing_ok=True)
        ports = dict.fromkeys(("SPANLEDGER_OTLP_GRPC_PORT", "SPANLEDGER_OTLP_HTTP_PORT", "SPANLEDGER_WEB_PORT", "SPANLEDGER_SQL_PORT"), "0")
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "spanledger", "up", "--data", str(self.data), "--config", str(self.config)],
                stdout=log, stderr=log, env={**os.environ, **ports, "SPANLEDGER_KEK": base64.b64encode(b"k" * 32).decode()}, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert self.process.poll() is None, self.output.read_text(errors="replace")[-2000:]
            try:
                self.addresses = json.loads((self.data / "instance.json").read_text())["addresses"]
                with urllib.request.urlopen(f"http://{self.addresses['web']}/readyz", timeout=2) as reply:
                    if reply.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.2)
        pytest.fail("the instance did not come up: " + self.output.read_text(errors="replace")[-2000:])

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def found(self, cores: list[str]) -> list[str]:
        """(file, marker) of every file under the data directory, and of what the processes printed."""
        files = [self.output, *(path for path in self.data.rglob("*") if path.is_file())]
        return [f"{path.name}: {marker!r}" for path in files for marker in _markers(path.read_bytes(), cores)]


_MARKER = re.compile(b"|".join((rb"canary[0-9a-f]{14}", b"canary".hex().encode(), "canary".encode("utf-16-le"))))


def _markers(data: bytes, cores: list[str]) -> list[bytes]:
    """Markers in plain, hexadecimal or UTF-16 form, and card numbers."""
    numbers = {core.encode() for core in cores if core.isdigit()}
    return _MARKER.findall(data) + [n for n in re.findall(rb"[0-9]{16}", data) if n in numbers]


@pytest.fixture(params=MODES)
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    one = Instance(tmp_path, request.param)
    one.data.mkdir()
    try:
        yield one
    finally:
        one.kill()


def _send_until_killed(one: Instance, c: Any, answered: threading.Event, number: int) -> None:
    """Exports of all kinds, one after another, until nobody answers."""
    http = f"http://{one.addresses['otlp_http']}"
    with grpc.insecure_channel(one.addresses["otlp_grpc"]) as channel, httpx.Client(timeout=5) as client:
        call = channel.unary_unary(canary.EXPORT, request_serializer=ExportTraceServiceRequest.SerializeToString, response_deserializer=None)
        sent = 0
        while True:
            try:
                if number % 2:
                    for _ in range(4):
                        call(canary._export(c), timeout=5)
                        call(canary._calls(c, 90), timeout=5)
                else:
                    client.post(
                        f"{http}/v1/traces",
                        content=gzip.compress(canary._as_json(canary._export(c))),
                        headers={"content-type": "application/json", "content-encoding": "gzip"},
                    )
                    client.post(f"{http}/v1/logs", content=canary._logs(c).SerializeToString(), headers=canary.PROTOBUF)
                    client.post(f"{http}/v1/metrics", content=canary._metrics(c).SerializeToString(), headers=canary.PROTOBUF)
                    client.post(f"{http}/v1/traces", content=b"\xff" + c.mail().encode(), headers=canary.PROTOBUF)
            except (grpc.RpcError, httpx.HTTPError):
                return
            sent += 1
            if sent > 2:
                answered.set()


def test_no_marker_is_found_after_a_kill_in_the_middle_of_ingest_and_a_restart(instance: Instance) -> None:
    c = canary.Canaries()
    instance.start()
    answered = threading.Event()
    senders = [threading.Thread(target=_send_until_killed, args=(instance, c, answered, n)) for n in range(4)]
    for sender in senders:
        sender.start()
    assert answered.wait(60), "nothing was acknowledged before the kill"
    instance.kill()  # exports are in flight: the senders stop only because nobody answers
    for sender in senders:
        sender.join(60)
    assert instance.found(c.cores) == []
    instance.start()
    said = _everything_that_can_be_read(instance)
    assert "gpt-4o" in said, "what was acknowledged is there"
    assert _markers(said.lower().encode(), c.cores) == []
    instance.kill()
    assert instance.found(c.cores) == []


def _everything_that_can_be_read(one: Instance) -> str:
    """Journal, ledger and contents as text, read as a user would: what the files hold compressed."""
    said = ""
    for table in ("spans", "calls", "contents"):
        out = subprocess.run(
            [sys.executable, "-m", "spanledger", "query", "--data", str(one.data), "--format", "json", f"SELECT * FROM {table} LIMIT 5000"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert out.returncode == 0, out.stderr
        said += out.stdout + out.stderr
    return said
