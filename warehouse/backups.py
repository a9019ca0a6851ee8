"""Backup and restore of the whole warehouse: full or incremental, and verified by restoring it beside the original.

Backups are the engine's own, on the disk ``backups`` (embedded: ``DIR/backups``; a server: the disk of that name in its configuration).
The engine takes a consistent state of each table while ingest goes on, not of all tables at one moment: after a restore every hour whose
base is there is rolled up again, so that no publication counts whose rows came later than the backup looked. Older hours, whose base had
expired, are frozen, also where the backup looked at their publications before retention froze them.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from spanledger.errors import ConfigError, NotFound
from warehouse.migrate import migrate
from warehouse.queries.ask import fill, frame, query_errors
from warehouse.rollups import TABLES, freeze, touch
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Receipt:
    """A backup and its proof. ``days``: days of journal and ledger that were compared and agree; ``changed``: written to meanwhile.

    ``differences``: (table, day) that are not in the backup as they are in the warehouse.
    """

    name: str
    base: str
    at: datetime
    days: int
    changed: int
    differences: tuple[tuple[str, date], ...]

    @property
    def ok(self) -> bool:
        """Restored, and nothing differs."""
        return not self.differences


def backup(client: Client, name: str, *, base: str = "") -> Receipt:
    """Write backup ``name`` (incremental over ``base`` if given) and verify it.

    Raises:
        ConfigError: not a name. QueryFailed: it exists already, the base does not, or the disk refuses.
    """
    settings = f"SETTINGS base_backup = {_target(base)}" if base else ""
    _command(client, "backup", target=_target(name), settings=settings)
    return verify(client, name, base=base)


def verify(client: Client, name: str, *, base: str = "") -> Receipt:
    """Restore ``name`` beside the warehouse, compare every day of journal and ledger, drop the copy."""
    copy = f"restored_{re.sub('[^A-Za-z0-9]', '_', name)}"
    with query_errors():
        client.command(f"DROP DATABASE IF EXISTS {copy} SYNC")
    try:
        _command(client, "restore", database=copy, target=_target(name))
        restored, ours = _days(client, copy), _days(client, "spanledger")
    finally:
        with query_errors():
            client.command(f"DROP DATABASE IF EXISTS {copy} SYNC")
    same = {key for key, row in ours.items() if key in restored and restored[key]["newest"] == row["newest"]}
    wrong = sorted(key for key in same if restored[key] != ours[key])
    return Receipt(name, base, datetime.now(UTC), len(same), len(set(ours) - same), tuple(wrong))


def restore(client: Client, name: str) -> list[str]:
    """Replace an empty warehouse by backup ``name`` and bring it up to date; returns the migrations that were applied.

    Nothing else may use the warehouse meanwhile.

    Raises:
        ConfigError: the warehouse holds rows. QueryFailed: there is no such backup.
    """
    migrate(client)
    if frame(client, sql("rows_held"), {})["rows"][0]:
        raise ConfigError("the warehouse is not empty: restore into a new data directory or database")
    aside = "replaced_by_restore"
    with query_errors():
        client.command(f"DROP DATABASE IF EXISTS {aside} SYNC")
        client.command(f"RENAME DATABASE spanledger TO {aside}")
    try:
        _command(client, "restore", database="spanledger", target=_target(name))
    except BaseException:
        with query_errors():
            client.command("DROP DATABASE IF EXISTS spanledger SYNC")
            client.command(f"RENAME DATABASE {aside} TO spanledger")
        raise
    with query_errors():
        client.command(f"DROP DATABASE {aside} SYNC")
        client.command("USE spanledger")
    applied = migrate(client)
    for base in TABLES:
        touch(client, base, frame(client, fill("rollup_published", {"table": base}), {"base": base})["hour"].to_list(), reason="restore")
        freeze(client, base, datetime.now(UTC) + timedelta(days=1), note="restore")  # clean still: their base had expired
    return applied


def copy_out(backups_dir: Path, name: str, target: Path) -> Path:
    """Copy a backup of an embedded warehouse to a folder of the user's; returns ``target / name``."""
    return _copy(backups_dir / _checked(name), target / name)


def copy_in(source: Path, backups_dir: Path) -> str:
    """Copy a backup (and the one it builds on, beside it) back to where the engine reads; returns its name."""
    if not (source / ".backup").is_file():
        raise NotFound(f"{source} is not a backup")
    if (backups_dir / source.name).exists():
        return _checked(source.name)
    _copy(source, backups_dir / _checked(source.name))
    needed = re.search(r"<base_backup>Disk\('backups', '([^']+)'\)</base_backup>", (source / ".backup").read_text(errors="replace"))
    if needed:
        copy_in(source.parent / needed[1], backups_dir)
    return source.name


def _copy(source: Path, target: Path) -> Path:
    if not source.is_dir():
        raise NotFound(f"there is no backup {source.name}")
    staged = target.with_name(target.name + ".partial")
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(source, staged)
    staged.rename(target)
    return target


def _days(client: Client, database: str) -> dict[tuple[str, date], dict[str, Any]]:
    rows = frame(client, Template(sql("backup_day")).substitute(database=database), {})
    return {(row["base"], row["day"]): row for row in rows.iter_rows(named=True)}


def _target(name: str) -> str:
    return f"Disk('backups', '{_checked(name)}')"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"not a name for a backup: {name!r} (letters, digits, . _ -)")
    return name


def _command(client: Client, name: str, **parts: str) -> None:
    with query_errors():
        client.command(Template(sql(name)).substitute(parts))
