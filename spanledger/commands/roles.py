"""``up`` and the roles that it supervises: ``collector``, ``jobs``, ``dashboard``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from spanledger import instance, logs
from spanledger.errors import ConfigError
from spanledger.settings import Settings

Ready = Callable[[dict[str, str]], None]
Run = Callable[[Settings, Path | None, threading.Event, Ready], None]


def up(settings: Settings, *, demo: bool, debug: bool) -> None:
    """Everything on one machine, until told to stop.

    Raises:
        SpanledgerError: bad configuration (2), data directory or port not available (3).
    """
    from spanledger.policy import load_policy
    from spanledger.supervisor import Supervisor, role_command

    if not settings.embedded:
        raise ConfigError("`up` runs embedded; with a ClickHouse server start `collector`, `jobs` and `dashboard` on their own")
    instance.prepare(settings.data_dir)
    if demo and settings.policy_path is None:
        from spanledger.demo.history import write_policy

        write_policy(settings.data_dir / "spanledger.yaml")
    load_policy(settings.policy_path, settings.tokens_file)  # as a whole, before anything starts
    logs.configure(settings, "up")
    supervisor = Supervisor(settings, lambda role: role_command(role, settings, debug), _say, _warn)
    if not demo:
        supervisor.run()
        return
    from spanledger.demo import start

    supervisor.run(lambda addresses: start(settings, addresses, supervisor.stopping, _say))


def collector(settings: Settings, *, supervised: bool) -> None:
    """Receive, redact, store and post; alone on an embedded warehouse it is an instance without pages."""

    def run(settings: Settings, policy_path: Path | None, stop: threading.Event, ready: Ready) -> None:
        from collector import launch

        with launch.sealing(sealing_command, settings.sealing_processes) as processes:  # first of all: they import as long as we do
            from collector.service import run as serve
            from detectors.in_flight import schema_verdict

            serve(settings, policy_path, stop, ready, schema_check=schema_verdict, sealing=processes)

    alone = settings.embedded and not supervised
    with instance.hold(settings.data_dir) if alone else contextlib.nullcontext():
        if alone:
            instance.withdraw(settings.data_dir)
            instance.new_token(settings.data_dir)
        _role("collector", settings, run, supervised=supervised)


def sealing_command(fds: Sequence[int]) -> list[str]:
    """Command line of sealing processes; ``-P`` as for the supervised roles."""
    return [sys.executable, "-P", "-m", "spanledger", "sealing", *(word for fd in fds for word in ("--fd", str(fd)))]


def sealing(fds: Sequence[int]) -> None:
    """Sealing processes of a collector, which speaks to each over one of ``fds``."""
    from multiprocessing.connection import Connection

    from collector.redaction import Redactor
    from collector.worker import copies, work
    from detectors.in_flight import schema_verdict

    Redactor()  # compiles the rules
    pipe = copies([Connection(fd) for fd in fds])
    work(pipe, lambda settings: logs.configure(settings, "sealing"), schema_verdict)


def jobs(settings: Settings, *, supervised: bool) -> None:
    """Detectors and alerts."""
    from spanledger.jobs import run

    _role("jobs", settings, run, supervised=supervised)


def dashboard(settings: Settings, *, supervised: bool) -> None:
    """Pages and API."""
    from collector.identity import tenant_hasher, user_hasher
    from dashboard.web import run as serve
    from spanledger.commands.comments import redacted

    def run(settings: Settings, policy_path: Path | None, stop: threading.Event, ready: Ready) -> None:
        keys = settings.data_dir / "keys"
        serve(settings, policy_path, stop, ready, redact=redacted, tenant_hash=tenant_hasher(keys), user_hashes=user_hasher(keys))

    _role("dashboard", settings, run, supervised=supervised)


def _role(role: str, settings: Settings, run: Run, *, supervised: bool) -> None:
    logs.configure(settings, role)
    instance.prepare(settings.data_dir)
    stop = threading.Event()

    def ready(addresses: dict[str, str]) -> None:
        instance.report(settings.data_dir, role, addresses)
        if not supervised:
            for name, address in addresses.items():
                _say(f"{name:<10} {address}")
            _say("ready")

    with _told_by_supervisor(stop, settings.shutdown_s) if supervised else _told_by_signals(stop):
        run(settings, settings.policy_path, stop, ready)


@contextlib.contextmanager
def _told_by_signals(stop: threading.Event) -> Generator[None]:
    """Ctrl-C or SIGTERM stop the role; a second one ends it at once."""

    def on_signal(_number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    yield


@contextlib.contextmanager
def _told_by_supervisor(stop: threading.Event, shutdown_s: float) -> Generator[None]:
    """The end of standard input stops the role; signals meant for the whole group are left to the supervisor.

    When the supervisor was killed, nobody else would end a role that hangs: it ends itself ``shutdown_s`` + 2 after the pipe did.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)  # not SIG_IGN: that would be inherited by processes of the role's own
    pipe = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(pipe, 4096):
                pass
        stop.set()
        time.sleep(shutdown_s + 2)
        os._exit(1)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()
    yield


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  the command's output


def _warn(line: str) -> None:
    print(f"spanledger: {line}", file=sys.stderr, flush=True)  # noqa: T201
