"""The supervisor with small roles of the tests' own: ready, restart, order of stopping, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from spanledger import instance
from spanledger.errors import DataDirHeld, DataDirUnusable, WarehouseUnavailable
from spanledger.settings import load_settings
from spanledger.supervisor import ROLES, StartFailed, Supervisor, check_ports

ROOT = Path(__file__).parents[2]

ROLE = """
import json, os, pathlib, socket, sys, time
role, data, listeners = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3].split(",") if sys.argv[3] else []
sys.path.insert(0, {root!r})
from spanledger import instance
bound = {{}}
socks = []
for name in listeners:
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", int(os.environ.get("SPANLEDGER_" + name.upper() + "_PORT", 0)))); s.listen()
    socks.append(s); bound[name] = "127.0.0.1:%d" % s.getsockname()[1]
instance.report(data, role, bound)
while os.read(0, 100):
    pass
with open(data / "ended", "a") as f:
    f.write(role + "\\n")
"""


def command(tmp_path, broken=""):
    script = tmp_path / "role.py"
    script.write_text(ROLE.format(root=str(ROOT)))
    data = tmp_path / "data"

    def of(role):
        if role == broken:
            return [sys.executable, "-c", "import sys; sys.exit(2)"]
        return [sys.executable, str(script), role, str(data), ",".join(ROLES[role])]

    return of


@pytest.fixture
def free(monkeypatch):
    for name in ("OTLP_GRPC", "OTLP_HTTP", "WEB", "SQL"):
        monkeypatch.setenv(f"SPANLEDGER_{name}_PORT", "0")


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def drive(tmp_path, act):
    """Run a supervisor in this (main) thread, as signals need; ``act(supervisor, data)`` runs beside it once it is ready."""
    data, said, warned, raised = tmp_path / "data", [], [], []
    supervisor = Supervisor(load_settings(data_dir=data), command(tmp_path), said.append, warned.append)

    def beside():
        try:
            wait_for(lambda: "ready" in said)
            act(supervisor, data)
        except BaseException as exc:
            raised.append(exc)
        finally:
            supervisor.stopping.set()

    thread = threading.Thread(target=beside)
    thread.start()
    supervisor.run()
    thread.join()
    if raised:
        raise raised[0]
    return said, warned


def test_addresses_are_published_once_all_listeners_are_bound_and_withdrawn_at_the_end(tmp_path, free):
    seen = {}

    def act(_supervisor, data):
        seen.update(json.loads((data / "instance.json").read_text()))
        assert instance.running(data).pid == os.getpid()
        assert (data / "run" / "token").stat().st_mode & 0o777 == 0o600
        assert (data / "run").stat().st_mode & 0o777 == 0o700

    said, warned = drive(tmp_path, act)
    assert set(seen["addresses"]) == {"otlp_grpc", "otlp_http", "sql", "web"}
    assert said[-1] == "ready"
    assert len(said) == 5
    assert not warned
    assert not (tmp_path / "data" / "instance.json").exists()
    assert instance.running(tmp_path / "data") is None


def test_the_collector_is_stopped_last(tmp_path, free):
    drive(tmp_path, lambda _supervisor, _data: None)
    ended = (tmp_path / "data" / "ended").read_text().split()
    assert sorted(ended) == ["collector", "dashboard", "jobs"]
    assert ended[-1] == "collector"


def test_a_crashed_child_comes_back_on_its_ports_and_is_reported(tmp_path, free):
    def act(supervisor, data):
        before, child = dict(supervisor.addresses), supervisor.children["collector"]
        pid = child.process.pid
        child.process.kill()
        wait_for(lambda: child.ready and child.process and child.process.pid != pid)
        assert supervisor.addresses == before
        wait_for(lambda: instance.running(data).restarts == {"collector": 1})

    _, warned = drive(tmp_path, act)
    assert "collector was killed by SIGKILL" in warned[0]
    assert "collector is back" in warned[1]


def test_a_role_that_refuses_its_configuration_ends_everything_with_its_exit_code(tmp_path, free):
    supervisor = Supervisor(load_settings(data_dir=tmp_path / "data"), command(tmp_path, broken="dashboard"), print, print)
    with pytest.raises(StartFailed) as caught:
        supervisor.run()
    assert caught.value.exit_code == 2
    assert not any(child.alive for child in supervisor.children.values())


def test_a_second_instance_is_told_who_holds_the_data(tmp_path):
    with instance.hold(tmp_path), pytest.raises(DataDirHeld, match=f"process {os.getpid()}"), instance.hold(tmp_path):
        pass
    with instance.hold(tmp_path):
        pass


def test_a_data_directory_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirUnusable, match="cannot be written"):
        instance.prepare(tmp_path / "file")


def test_a_taken_port_is_named_with_the_variable_that_moves_it(tmp_path, free, monkeypatch):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("SPANLEDGER_WEB_PORT", str(taken.getsockname()[1]))
        with pytest.raises(WarehouseUnavailable, match=r"\(web\) is in use; free it or set SPANLEDGER_WEB_PORT") as caught:
            check_ports(load_settings(data_dir=tmp_path))
        assert caught.value.exit_code == 3


def test_children_end_when_the_supervisor_is_killed(tmp_path):
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r}); sys.path.insert(0, {str(Path(__file__).parent)!r})
import pathlib
from test_up_supervisor import command
from spanledger.settings import load_settings
from spanledger.supervisor import Supervisor
tmp = pathlib.Path({str(tmp_path)!r})
s = Supervisor(load_settings(data_dir=tmp / "data"), command(tmp), lambda line: None, print)
s.run(lambda addresses: (tmp / "pids").write_text(" ".join(str(c.process.pid) for c in s.children.values())))
"""
    env = os.environ | {f"SPANLEDGER_{name}_PORT": "0" for name in ("OTLP_GRPC", "OTLP_HTTP", "WEB", "SQL")}
    up = subprocess.Popen([sys.executable, "-c", code], env=env)
    pids = wait_for(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text().split())
    up.send_signal(signal.SIGKILL)
    up.wait()
    ended = tmp_path / "data" / "ended"
    wait_for(lambda: ended.exists() and len(ended.read_text().split()) == len(pids))
    assert instance.running(tmp_path / "data") is None  # whatever instance.json still says
