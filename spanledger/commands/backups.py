"""``backup`` and ``restore``: warehouse and keys, with a receipt and an entry in the audit log."""

from __future__ import annotations

import getpass
import json
import shutil
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanledger import instance
from spanledger.commands.warehouses import opened
from spanledger.errors import DataDirHeld, NotFound
from spanledger.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def backup(settings: Settings, folder: Path, name: str, base: str) -> int:
    """Write a backup into ``folder``, verified by restoring it beside the original; 1 when it differs from the warehouse."""
    from warehouse import backups

    name = name or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with opened(settings, writing=True) as client:
        done = backups.backup(client, name, base=base)
        _log(client, "backup", name, {"base": base, "days": done.days, "differences": len(done.differences)})
    if settings.embedded:
        backups.copy_out(settings.data_dir / "backups", name, _made(folder))
        _copy_keys(settings.data_dir / "keys", folder / f"{name}.keys")
        _copy_prices(settings.data_dir / "prices", folder / f"{name}.prices")
    _print(
        {"backup": name, "base": base, "verified_days": done.days, "changed_meanwhile": done.changed, "differences": list(map(str, done.differences))}
    )
    return 0 if done.ok else 1


def restore(settings: Settings, source: Path) -> None:
    """Fill an empty data directory (or server) from a backup: ``source`` is the backup, or a folder of backups (the newest is taken).

    Raises:
        DataDirHeld: an instance runs on the data directory.
        NotFound: there is no backup.
        ConfigError: the warehouse holds rows already.
    """
    from warehouse import backups

    if settings.embedded and instance.held(settings.data_dir):
        raise DataDirHeld(f"stop the instance on {settings.data_dir} first")
    if not (source / ".backup").is_file():
        found = sorted(p.parent for p in source.glob("*/.backup"))
        if not found:
            raise NotFound(f"there is no backup in {source}")
        source = found[-1]
    with opened(settings, writing=True) as client:
        name = backups.copy_in(source, settings.data_dir / "backups") if settings.embedded else source.name
        applied = backups.restore(client, name)
        _log(client, "restore", name, {"migrations": applied})
    if settings.embedded:
        _copy_keys(source.with_name(f"{source.name}.keys"), settings.data_dir / "keys")
        _copy_prices(source.with_name(f"{source.name}.prices"), settings.data_dir / "prices")
    _print({"restored": name, "migrations": applied})


def _log(client: Client, action: str, subject: str, detail: dict[str, Any]) -> Any:
    from warehouse.audit_log import append

    return append(client, actor=_actor(), action=action, subject=subject, detail=detail)


def _actor() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


def _print(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _copy_keys(source: Path, target: Path) -> None:
    """Keys travel beside a backup: without them hashes of later telemetry would not join, and transcripts could not be read."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
        target.chmod(0o700)


def _copy_prices(source: Path, target: Path) -> None:
    """Later price lists travel too: with them ``verify`` finds the same costs again."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
