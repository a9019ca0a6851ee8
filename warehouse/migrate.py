"""Brings a warehouse's schema up to date: numbered SQL files, forward only, resumable after a kill.

Every statement is idempotent and recorded once it has run, so that a killed migration goes on where it stopped. A copy
(``INSERT INTO`` a table of the migration's own, named ``…_17``) begins with emptying its target: killed half-way, it starts anew.
A new warehouse holds nothing that a second run could harm: its statements are recorded together, in one insert, at the end.
Of several processes that start on one server, one migrates and the others wait for it.
``layout="cluster"`` renders the same files for a replicated, sharded server (:mod:`warehouse.cluster`).
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import uuid4

import structlog

from spanledger.errors import ConfigError, WarehouseBusy
from warehouse import cluster
from warehouse.engine import Engine
from warehouse.leases import Lease

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = structlog.get_logger(__name__)

Layout = Literal["single", "cluster"]

_BOOK = """
CREATE TABLE IF NOT EXISTS spanledger.migrations
(version UInt32, statement UInt32, name String, digest String, at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'))
ENGINE = ReplacingMergeTree(at) ORDER BY (version, statement)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

#: What is emptied first.
COPY = re.compile(r"INSERT INTO (spanledger\.\w+_\d+)\b")
_STATEMENT_S = 630.0  # longer than a client waits for one statement (``engine.connect``)
_CLAIM_S = 690.0  # so long do others wait after a migrating process was killed
_WAIT_S = 2.0


class Statement(NamedTuple):
    """One DDL statement of a migration file; ``number`` counts from 0 within the file."""

    version: int
    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, kept beside the record of its run."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def statements() -> Iterator[Statement]:
    """Every statement of ``warehouse/sql/migrations`` in order."""
    folder = resources.files("warehouse") / "sql" / "migrations"
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name):
        number, _, name = file.name.removesuffix(".sql").partition("_")
        for i, sql in enumerate(split(file.read_text(encoding="utf-8"))):
            yield Statement(int(number), i, name, sql)


def split(text: str) -> list[str]:
    """Statements of a SQL file: separated by ``;`` at the end of a line, comment lines dropped."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in ("\n".join(lines) + "\n").split(";\n") if part.strip()]


def migrate(client: Client, *, layout: Layout = "single") -> list[str]:
    """Run what has not run yet; the names of the migrations that were applied, in order (empty: up to date).

    Raises:
        ConfigError: the warehouse was written by a newer Spanledger.
        WarehouseBusy: this process stood still so long that another has gone on in its place.
    """
    render = cluster.render if layout == "cluster" else _as_is
    for sql in ("CREATE DATABASE IF NOT EXISTS spanledger ENGINE = Atomic", _BOOK):
        for one in render(sql):
            client.command(one)
    if not _todo(client):
        return []
    applied: dict[str, None] = {}
    with _alone(client, render) as go_on:
        todo, new = _todo(client), _is_new(client)
        for statement in todo:
            go_on()
            emptied = [f"TRUNCATE TABLE {match[1]}"] if (match := COPY.match(statement.sql)) else []
            for one in (text for sql in (*emptied, statement.sql) for text in render(sql)):
                client.command(one)
            if not new:
                _record(client, [statement])
            applied[f"{statement.version:04d}_{statement.name}"] = None
        if new:
            _record(client, todo)
    return list(applied)


def _todo(client: Client) -> list[Statement]:
    """Statements that have not run yet, in order."""
    done, known = _done(client), list(statements())
    if newer := sorted({version for version, _ in done} - {s.version for s in known}):
        raise ConfigError(f"the warehouse has migration {newer[-1]:04d}, which this version does not know: upgrade Spanledger")
    return [s for s in known if (s.version, s.number) not in done]


@contextmanager
def _alone(client: Client, render: Callable[[str], list[str]]) -> Generator[Callable[[], None]]:
    """Waits until no other process migrates; call what it gives before each statement. Embedded, there is no other process."""
    if Engine.of(client) is not None:
        yield lambda: None
        return
    leases = next(s for s in statements() if s.sql.startswith("CREATE TABLE IF NOT EXISTS spanledger.leases"))
    for one in render(leases.sql):
        client.command(one)
    lease = Lease(client, "migrate", str(uuid4()), ttl_s=_CLAIM_S)

    def go_on() -> None:
        if lease.until - time.monotonic() < _STATEMENT_S and not lease.hold():
            raise WarehouseBusy("another process has begun to migrate this warehouse: start again")

    while not lease.hold():
        log.info("another process migrates this warehouse: waiting")
        time.sleep(_WAIT_S)
    try:
        yield go_on
    finally:
        lease.release()


def pending(client: Client) -> list[str]:
    """Names of migrations that have not run (completely) on this warehouse; changes nothing."""
    exists = client.query("SELECT count() FROM system.tables WHERE database = 'spanledger' AND name = 'migrations'")
    done: set[tuple[int, int]] = _done(client) if exists.result_rows[0][0] else set()
    names = {f"{s.version:04d}_{s.name}": None for s in statements() if (s.version, s.number) not in done}
    return list(names)


def _as_is(sql: str) -> list[str]:
    return [sql]


def _done(client: Client) -> set[tuple[int, int]]:
    rows = client.query("SELECT version, statement FROM spanledger.migrations").result_rows
    return {(int(version), int(statement)) for version, statement in rows}


def _is_new(client: Client) -> bool:
    """Nothing but the bookkeeping of migrations exists yet."""
    sql = "SELECT count() FROM system.tables WHERE database = 'spanledger' AND name NOT LIKE 'migrations%' AND name NOT LIKE 'leases%'"
    return bool(client.query(sql).result_rows[0][0] == 0)


def _record(client: Client, done: list[Statement]) -> None:
    client.insert("spanledger.migrations", [(s.version, s.number, s.name, s.digest) for s in done], ["version", "statement", "name", "digest"])
