"""``spanledger up``: the roles as child processes of one group, restarted when they crash, stopped in order.

A child is told to stop by closing its standard input. The same pipe ends when the supervisor is killed, so that no child outlives it.
Signals of a terminal or of ``kill -TERM -GROUP`` reach children too; they leave the order of stopping to the supervisor.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from spanledger import __version__, instance
from spanledger.errors import DataDirHeld, DataDirUnusable, SpanledgerError, WarehouseUnavailable
from spanledger.settings import LISTENERS, Settings

#: Listeners of each role, in the order in which they are printed; the order of roles is that of starting, the reverse that of stopping.
ROLES: Mapping[str, tuple[str, ...]] = {"collector": ("otlp_grpc", "otlp_http", "sql"), "jobs": (), "dashboard": ("web",)}

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
STEADY_S = 60.0  # a child that ran this long starts again without a pause
STARTS_BEFORE_GIVING_UP = 3  # crashes of a child that has never been ready
READY_S = 120.0


class StartFailed(SpanledgerError):
    """A role could not start; what it said stands above. Carries its exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def pause_before_restart(crashes: int, ran_s: float) -> float:
    """Seconds to wait before the next start after ``crashes`` in a row, the last run having lasted ``ran_s``: 0.5, 1, 2, … 30."""
    return FIRST_PAUSE_S if ran_s >= STEADY_S else min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** max(0, crashes - 1))


@dataclass
class Child:
    """One role's process."""

    role: str
    process: subprocess.Popen[bytes] | None = None
    addresses: dict[str, str] = field(default_factory=dict[str, str])
    ready: bool = False
    ever_ready: bool = False
    crashes: int = 0  # in a row
    restarts: int = 0
    started: float = 0.0
    next_start: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs ``ROLES`` over one data directory until told to stop."""

    def __init__(self, settings: Settings, command: Callable[[str], Sequence[str]], say: Callable[[str], None], warn: Callable[[str], None]) -> None:
        """``command`` gives a role's command line; ``say`` prints to the user, ``warn`` reports trouble."""
        self.settings, self._command, self._say, self._warn = settings, command, say, warn
        self.children = {role: Child(role) for role in ROLES}
        self.stopping = threading.Event()
        self._hurry = False
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")

    @property
    def addresses(self) -> dict[str, str]:
        """Everything bound so far."""
        return {name: child.addresses[name] for name in LISTENERS for child in self.children.values() if name in child.addresses}

    def run(self, on_ready: Callable[[dict[str, str]], None] | None = None) -> None:
        """Start everything, say ``ready``, keep it running, stop it in order. ``on_ready`` is called once with the addresses.

        Raises:
            DataDirHeld, DataDirUnusable: see :mod:`spanledger.instance`.
            WarehouseUnavailable: a port is in use.
            StartFailed: a role refused to start.
        """
        with instance.hold(self.settings.data_dir):
            instance.withdraw(self.settings.data_dir)
            wait_for_orphans(self.settings.data_dir)
            check_ports(self.settings)
            instance.new_token(self.settings.data_dir)
            handlers = {s: signal.signal(s, self._on_signal) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
            try:
                self._watch(on_ready)
            finally:
                self._stop_all()
                instance.withdraw(self.settings.data_dir)
                for number, handler in handlers.items():
                    signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._hurry = self.stopping.is_set()  # asked twice: do not wait for draining
        self.stopping.set()

    def _watch(self, on_ready: Callable[[dict[str, str]], None] | None) -> None:
        for child in self.children.values():
            self._start(child)
        announced, deadline = False, time.monotonic() + READY_S
        while not self.stopping.wait(0.05):
            for child in self.children.values():
                self._tend(child)
            if not announced and all(child.ready for child in self.children.values()):
                announced = True
                self._publish()
                for name, address in self.addresses.items():
                    self._say(f"{name:<10} {address}")
                self._say("ready")
                if on_ready:
                    on_ready(self.addresses)
            if not announced and time.monotonic() > deadline:
                late = ", ".join(role for role, child in self.children.items() if not child.ready)
                raise StartFailed(f"{late} not ready after {READY_S:.0f} s", 3)

    def _start(self, child: Child) -> None:
        (self.settings.run_dir / f"{child.role}.json").unlink(missing_ok=True)
        env = child_environment(child.role)
        for name in ROLES[child.role]:  # a restarted child comes back on the ports that clients know
            if name in child.addresses:
                env[f"SPANLEDGER_{name.upper()}_PORT"] = child.addresses[name].rpartition(":")[2]
        child.process = subprocess.Popen(list(self._command(child.role)), stdin=subprocess.PIPE, env=env)  # noqa: S603  our own command
        child.started, child.ready = time.monotonic(), False

    def _tend(self, child: Child) -> None:
        """Notice that a child is ready, or has ended; start it again when its pause is over."""
        if child.process is None:
            if time.monotonic() >= child.next_start:
                self._start(child)
        elif child.process.poll() is not None:
            self._ended(child, child.process.returncode)
        elif not child.ready:
            addresses = instance.reported(self.settings.data_dir, child.role, child.process.pid)
            if addresses is not None and all(name in addresses for name in ROLES[child.role]):
                moved = child.ever_ready and addresses != child.addresses
                child.ready, child.addresses = True, addresses
                if child.ever_ready:
                    self._warn(f"{child.role} is back (process {child.process.pid})" + (f" on {addresses}" if moved else ""))
                    self._publish()
                child.ever_ready = True

    def _ended(self, child: Child, code: int) -> None:
        ran_s = time.monotonic() - child.started
        child.crashes = 1 if ran_s >= STEADY_S else child.crashes + 1
        if not child.ever_ready and (code in (2, 3) or child.crashes >= STARTS_BEFORE_GIVING_UP):
            raise StartFailed(f"{child.role} could not start", code if code in (2, 3) else 3)
        pause = pause_before_restart(child.crashes, ran_s)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self._warn(f"{child.role} {how} after {ran_s:.0f} s; starting it again in {pause:g} s")
        if child.process and child.process.stdin:
            child.process.stdin.close()
        child.process, child.ready = None, False
        child.restarts += 1
        child.next_start = time.monotonic() + pause

    def _publish(self) -> None:
        restarts = {role: child.restarts for role, child in self.children.items() if child.restarts}
        instance.publish(self.settings.data_dir, instance.Instance(os.getpid(), __version__, self.addresses, self._started_at, restarts))

    def _stop_all(self) -> None:
        """The dashboard and the jobs first, then the collector, which drains; nobody gets longer than ``shutdown_s`` + 1."""
        deadline = time.monotonic() + self.settings.shutdown_s + 1
        readers = [child for role, child in self.children.items() if role != "collector"]
        self._stop(readers, min(deadline, time.monotonic() + 2.5))
        self._stop([self.children["collector"]], deadline)

    def _stop(self, children: Sequence[Child], deadline: float) -> None:
        running = [child for child in children if child.alive]
        for child in running:
            if child.process and child.process.stdin:
                child.process.stdin.close()
        for child in running:
            assert child.process is not None
            while child.alive and time.monotonic() < deadline and not self._hurry:
                time.sleep(0.02)
            if child.alive:
                if child.role == "collector":
                    self._warn("collector was still draining and is stopped now; what it had acknowledged is stored")
                child.process.kill()
            child.process.wait()


_QUIET = {"TQDM_DISABLE": "1"}  # no libraries' progress bars between log lines
#: How the collector and its sealing processes keep memory between batches. Allocators give pages of this size back at once and fetch them
#: again, zeroed, for the next batch: a page and more for every span, 5 % of the CPU. In order: C library, engine (jemalloc, whose heap profiler
#: is on otherwise), Arrow (its own default, mimalloc, takes ever new huge pages for columns that come and go: 3 µs a span to zero them).
_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "67108864",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
    "MALLOC_TOP_PAD_": "16777216",
    "JE_MALLOC_CONF": "prof:false,prof_active:false,dirty_decay_ms:10000",
    **({"ARROW_DEFAULT_MEMORY_POOL": "jemalloc"} if sys.platform == "linux" else {}),
}


def child_environment(role: str = "") -> dict[str, str]:
    """This process's environment, with what the role needs; when running from a checkout that is not installed, with it on the path."""
    env, root = dict(os.environ), Path(__file__).resolve().parents[1]
    for name, value in {**_QUIET, **(_MEMORY if role == "collector" else {})}.items():
        env.setdefault(name, value)
    if (root / "pyproject.toml").is_file():
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), env.get("PYTHONPATH", ""))))
    return env


def check_ports(settings: Settings) -> None:
    """Refuse to start while a listener's port is taken.

    Raises:
        WarehouseUnavailable: names the listener, the port and the variable that changes it.
    """
    for name in LISTENERS:
        host = settings.otlp_host if name.startswith("otlp") else getattr(settings, f"{name}_host")
        port: int = getattr(settings, f"{name}_port")
        if port == 0:
            continue
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                probe.listen(1)
            except OSError as exc:
                variable = f"SPANLEDGER_{name.upper()}_PORT"
                why = "is in use" if exc.errno == errno.EADDRINUSE else f"cannot be bound: {exc.strerror}"
                raise WarehouseUnavailable(f"{host}:{port} ({name}) {why}; free it or set {variable}") from exc


def wait_for_orphans(data_dir: Path, wait_s: float = 12) -> None:
    """Wait for a collector whose supervisor was killed: it drains and ends by itself.

    Raises:
        DataDirHeld: it (or another program) still owns the warehouse after ``wait_s``.
    """
    import fcntl

    try:
        fd = os.open(data_dir / "warehouse.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise DataDirUnusable(f"{data_dir / 'warehouse.lock'} cannot be opened: {exc.strerror}") from exc
    deadline = time.monotonic() + wait_s
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as exc:
                if time.monotonic() > deadline:
                    holder = os.pread(fd, 32, 0).decode(errors="replace").strip()
                    raise DataDirHeld(f"{data_dir} is held by process {holder or '(unknown)'}") from exc
            time.sleep(0.1)
    finally:
        os.close(fd)


def role_command(role: str, settings: Settings, debug: bool) -> list[str]:
    """Command line of one supervised role. ``-P``: a folder `alerts` where the user happens to stand is not our room."""
    command = [sys.executable, "-P", "-m", "spanledger", *(["--debug"] if debug else []), role, "--supervised", "--data", str(settings.data_dir)]
    if settings.config is not None:
        command += ["--config", str(settings.config)]
    return command
