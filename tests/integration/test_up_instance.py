"""`spanledger up` as a user runs it: the real roles, from start to stop."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from spanledger.demo.history import fill
from spanledger.demo.sending import Door
from spanledger.demo.spans import Export
from spanledger.supervisor import child_environment

ROOT = Path(__file__).parents[2]


def start(data, *args):
    env = child_environment() | {f"SPANLEDGER_{name}_PORT": "0" for name in ("OTLP_GRPC", "OTLP_HTTP", "WEB", "SQL")}
    log = (data.parent / "up.log").open("ab")
    command = [sys.executable, "-m", "spanledger", "up", "--data", str(data), *args]
    process = subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 90
    while not (data / "instance.json").exists():
        assert process.poll() is None, (data.parent / "up.log").read_text()
        assert time.monotonic() < deadline, (data.parent / "up.log").read_text()
        time.sleep(0.05)
    return process, json.loads((data / "instance.json").read_text())["addresses"]


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    data = tmp_path_factory.mktemp("instance") / "data"
    process, addresses = start(data)
    yield data, process, addresses
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ask(spanledger, data, sql):
    done = spanledger("query", "--data", str(data), "--format", "json", sql)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["data"]


def test_it_is_ready_on_every_address(instance):
    _, process, addresses = instance
    assert set(addresses) == {"otlp_grpc", "otlp_http", "web", "sql"}
    with urllib.request.urlopen(f"http://{addresses['web']}/readyz", timeout=10) as reply:
        assert reply.status == 200
    assert os.getpgid(process.pid) == process.pid


def test_what_is_sent_is_in_the_ledger_within_seconds_and_verify_agrees(instance, spanledger):
    data, _, addresses = instance
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
    export = Export()
    fill(at, at + timedelta(days=2), 3, export, at, at + timedelta(hours=1))
    with grpc.insecure_channel(addresses["otlp_grpc"]) as channel:
        body = export.request.SerializeToString()
        Door(channel, "").send(body)
        Door(channel, "").send(body)  # an exporter whose acknowledgement was lost
    deadline = time.monotonic() + 30
    last = None
    while time.monotonic() < deadline:
        now = ask(spanledger, data, "SELECT count() AS n, sum(cost_estimate_usd) AS usd FROM spanledger.ledger")
        if now == last and int(now[0]["n"]):
            break
        last = now
        time.sleep(1)
    assert int(now[0]["n"]) > 5
    shown = spanledger("spend", "--data", str(data), "--since", "3d", "--format", "json")
    assert sum(int(row["calls"]) for row in json.loads(shown.stdout)["data"]) == int(now[0]["n"])
    verified = spanledger("verify", "--data", str(data))
    assert verified.returncode == 0, verified.stdout


@pytest.mark.parametrize(
    "sql", ["DROP TABLE spanledger.calls", "INSERT INTO spanledger.migrations (version) VALUES (99)", "SELECT 1 SETTINGS readonly = 0"]
)
def test_a_running_instance_refuses_what_is_no_read(instance, spanledger, sql):
    done = spanledger("query", "--data", str(instance[0]), sql)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_up_says_who_holds_the_data(instance, spanledger):
    done = spanledger("up", "--data", str(instance[0]))
    assert done.returncode == 3
    assert f"held by a running Spanledger, process {instance[1].pid}" in done.stderr


def test_doctor_finds_the_instance(instance, spanledger):
    done = spanledger("doctor", "--data", str(instance[0]))
    assert done.returncode == 0, done.stdout
    assert f"process {instance[1].pid}" in done.stdout
    assert " rows to post" in done.stdout
    assert " s behind" in done.stdout


def test_doctor_says_what_was_dropped_and_why(instance, spanledger):
    """An export of three spans: two without a trace, one that is no call of a model."""
    data, _, addresses = instance
    before = drops(spanledger, data)
    now = time.time_ns()
    ids = [("0" * 32, "ab" * 8), ("0" * 32, "cd" * 8), ("ef" * 16, "ef" * 8)]
    spans = [
        {"traceId": trace, "spanId": span, "name": "GET /", "kind": 2, "startTimeUnixNano": str(now), "endTimeUnixNano": str(now)}
        for trace, span in ids
    ]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"scope": {"name": "web"}, "spans": spans}]}]}).encode()
    address = f"http://{addresses['otlp_http']}/v1/traces"
    with urllib.request.urlopen(urllib.request.Request(address, body, {"Content-Type": "application/json"}), timeout=10) as reply:
        assert reply.status == 200
    found = drops(spanledger, data)
    new = {words: n - before.get(words, 0) for words, n in found.items() if n != before.get(words, 0)}
    refused = {words: n for words, n in new.items() if words.startswith("! ") and "refused as bad" in words}
    assert sum(refused.values()) == 2, found
    assert all(words.rpartition(": ")[2] for words in refused)
    assert sum(n for words, n in new.items() if words.startswith("✓ ") and "nothing about an LLM call" in words) == 1, found


def drops(spanledger, data):
    """What the doctor says was dropped: its mark and words -> how many."""
    said = [line.split(maxsplit=4) for line in spanledger("doctor", "--data", str(data)).stdout.splitlines()]
    return {f"{words[0]} {words[4]}": int(words[2].replace(",", "")) for words in said if words[1] == "drops"}


def test_a_bad_policy_starts_nothing(spanledger, tmp_path):
    bad = tmp_path / "spanledger.yaml"
    bad.write_text("budgets:\n  - {name: x}\n")
    done = spanledger("up", "--data", str(tmp_path / "data"), "--config", str(bad))
    assert done.returncode == 2
    assert f"{bad}:2: budgets[0].limit_usd: Field required" in done.stderr
    assert not (tmp_path / "data" / "warehouse").exists()


def test_a_file_in_place_of_the_data_directory_is_refused(spanledger, tmp_path):
    (tmp_path / "data").write_text("")
    done = spanledger("up", "--data", str(tmp_path / "data"))
    assert done.returncode == 3
    assert "cannot be written" in done.stderr


def test_it_comes_back_after_kill_9_with_everything_acknowledged_and_stops_on_a_signal(instance, spanledger):
    data, process, _ = instance
    before = ask(spanledger, data, "SELECT count() AS n, sum(cost_estimate_usd) AS usd FROM spanledger.ledger")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (data / "instance.json").unlink(missing_ok=True)
    again, _ = start(data)
    try:
        assert ask(spanledger, data, "SELECT count() AS n, sum(cost_estimate_usd) AS usd FROM spanledger.ledger") == before
    finally:
        asked = time.monotonic()
        os.killpg(again.pid, signal.SIGTERM)
        assert again.wait(15) == 0
    assert time.monotonic() - asked < 11
    assert not (data / "instance.json").exists()
