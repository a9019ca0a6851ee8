"""Brings a warehouse's schema up to date: numbered SQL files, forward only, resumable after a kill.

Every statement is idempotent and recorded once it has run, so that a killed migration goes on where it stopped. A copy
(``INSERT INTO`` a table of the migration's own) begins with emptying its target: killed half-way, it starts anew.
``layout="cluster"`` renders the same files for a replicated, sharded server (:mod:`warehouse.cluster`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING, Literal, NamedTuple

from spanledger.errors import ConfigError
from warehouse import cluster

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Layout = Literal["single", "cluster"]

_BOOK = """
CREATE TABLE IF NOT EXISTS spanledger.migrations
(version UInt32, statement UInt32, name String, digest String, at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'))
ENGINE = ReplacingMergeTree(at) ORDER BY (version, statement)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""

_COPY = re.compile(r"INSERT INTO (spanledger\.\w+)")


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
    """
    render = cluster.render if layout == "cluster" else _as_is
    for sql in ("CREATE DATABASE IF NOT EXISTS spanledger ENGINE = Atomic", _BOOK):
        for one in render(sql):
            client.command(one)
    done, todo = _done(client), list(statements())
    known = {s.version for s in todo}
    if newer := sorted({version for version, _ in done} - known):
        raise ConfigError(f"the warehouse has migration {newer[-1]:04d}, which this version does not know: upgrade Spanledger")
    applied: list[str] = []
    for statement in todo:
        if (statement.version, statement.number) in done:
            continue
        emptied = [f"TRUNCATE TABLE {match[1]}"] if (match := _COPY.match(statement.sql)) else []
        for one in (text for sql in (*emptied, statement.sql) for text in render(sql)):
            client.command(one)
        _record(client, statement)
        name = f"{statement.version:04d}_{statement.name}"
        if name not in applied:
            applied.append(name)
    return applied


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


def _record(client: Client, statement: Statement) -> None:
    client.command(
        "INSERT INTO spanledger.migrations (version, statement, name, digest)"
        " SELECT {version:UInt32}, {statement:UInt32}, {name:String}, {digest:String}",
        parameters={
            "version": statement.version,
            "statement": statement.number,
            "name": statement.name,
            "digest": statement.digest,
        },
    )
