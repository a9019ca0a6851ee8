"""A running instance as others find it: ``DIR/instance.json`` (addresses, no secrets), ``DIR/run`` (mode 0700: lock, token, role files).

::

    DIR/instance.json        written once every listener is bound: {"pid", "version", "started_at", "addresses": {...}, "restarts": {...}}
    DIR/run/up.lock          held for the life of `up` (or of a role that runs alone); names the holder
    DIR/run/token            lets the command line and the instance's own processes into the SQL endpoint (user ``instance``)
    DIR/run/<role>.json      {"pid", "addresses"}: what a role has bound
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from spanledger.errors import DataDirHeld, DataDirUnusable, WarehouseUnavailable
from spanledger.settings import Settings

INSTANCE_USER = "instance"  # the SQL endpoint's name for the instance's own processes


@dataclass(frozen=True)
class Instance:
    """What ``instance.json`` says."""

    pid: int
    version: str
    addresses: dict[str, str]
    started_at: str = ""
    restarts: dict[str, int] = field(default_factory=dict[str, int])


class SqlAccess(NamedTuple):
    """How to reach the warehouse: arguments of ``warehouse.engine.connect``."""

    url: str
    user: str
    password: str


def prepare(data_dir: Path) -> Path:
    """The data directory with its ``run`` folder, made if absent; gives ``DIR/run``.

    Raises:
        DataDirUnusable: it cannot be created or written, or is something else.
    """
    run = data_dir / "run"
    try:
        run.mkdir(parents=True, exist_ok=True, mode=0o700)
        run.chmod(0o700)
        probe = data_dir / f".writable-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as exc:
        raise DataDirUnusable(f"the data directory {data_dir} cannot be written: {exc.strerror or exc}") from exc
    return run


@contextlib.contextmanager
def hold(data_dir: Path) -> Generator[None]:
    """Be the one instance on ``data_dir``, until the process ends or the block is left.

    Raises:
        DataDirHeld: another process is; the message says which.
        DataDirUnusable: see :func:`prepare`.
    """
    with locked(prepare(data_dir) / "up.lock", f"{data_dir} is held by a running Spanledger"):
        yield


@contextlib.contextmanager
def locked(path: Path, refusal: str) -> Generator[None]:
    """Hold a lock file, which names its holder, until the process ends or the block is left.

    Raises:
        DataDirHeld: another process does; the message is ``refusal`` and which.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            holder = os.pread(fd, 32, 0).decode(errors="replace").strip()
            raise DataDirHeld(f"{refusal}, process {holder or '(unknown)'}") from exc
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)


def running(data_dir: Path) -> Instance | None:
    """The instance on ``data_dir``, or ``None`` when nothing runs there (whatever a killed one left behind)."""
    said = _read_json(data_dir / "instance.json")
    if not said or not held(data_dir):
        return None
    try:
        known = {name: said[name] for name in Instance.__dataclass_fields__ if name in said}
        return Instance(**known)
    except TypeError:
        return None


def held(data_dir: Path) -> bool:
    """Whether some process holds ``DIR/run/up.lock``."""
    try:
        fd = os.open(data_dir / "run" / "up.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def publish(data_dir: Path, instance: Instance) -> None:
    """Write ``instance.json`` in one step: readers see the old one or the new one."""
    write_json(data_dir / "instance.json", asdict(instance), 0o644)


def withdraw(data_dir: Path) -> None:
    """Remove what a reader could take for a running instance."""
    (data_dir / "instance.json").unlink(missing_ok=True)
    for file in (data_dir / "run").glob("*.json"):
        file.unlink(missing_ok=True)


def report(data_dir: Path, role: str, addresses: dict[str, str]) -> None:
    """Say what this process has bound as ``role``."""
    write_json(data_dir / "run" / f"{role}.json", {"pid": os.getpid(), "addresses": addresses}, 0o600)


def reported(data_dir: Path, role: str, pid: int | None = None) -> dict[str, str] | None:
    """What ``role`` has bound, or ``None`` while it has not said (or another process said it)."""
    said = _read_json(data_dir / "run" / f"{role}.json")
    if not said or (pid is not None and said.get("pid") != pid):
        return None
    return dict(said.get("addresses", {}))


def new_token(data_dir: Path) -> str:
    """A fresh secret in ``DIR/run/token`` (mode 0600); made at every start, so that an old copy opens nothing."""
    token = secrets.token_urlsafe(32)
    _write(data_dir / "run" / "token", token, 0o600)
    return token


def token(data_dir: Path) -> str:
    """The secret of the running instance; "" when there is none or it may not be read."""
    try:
        return (data_dir / "run" / "token").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def sql_access(settings: Settings, wait_s: float = 0) -> SqlAccess:
    """The warehouse's address and credentials: the server of the settings, or the SQL endpoint of the instance on the data directory.

    Args:
        settings: how this installation runs.
        wait_s: how long to wait for a collector that is still starting.

    Raises:
        WarehouseUnavailable: nothing runs on the data directory.
    """
    if not settings.embedded:
        return SqlAccess(settings.warehouse.get_secret_value(), "", "")
    deadline = time.monotonic() + wait_s
    while True:
        addresses = reported(settings.data_dir, "collector") if held(settings.data_dir) else None
        if addresses and "sql" in addresses:
            scheme = "https" if settings.tls_cert else "http"
            return SqlAccess(f"{scheme}://{addresses['sql']}", INSTANCE_USER, token(settings.data_dir))
        if time.monotonic() >= deadline:
            raise WarehouseUnavailable(f"nothing runs on {settings.data_dir}: start it with `spanledger up --data {settings.data_dir}`")
        time.sleep(0.05)


def write_json(path: Path, value: dict[str, Any], mode: int) -> None:
    """Replace ``path`` by ``value`` as JSON in one step."""
    _write(path, json.dumps(value, indent=1) + "\n", mode)


def _write(path: Path, text: str, mode: int) -> None:
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "w", encoding="utf8") as file:
        file.write(text)
    staged.replace(path)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
