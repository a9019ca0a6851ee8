"""What the warehouse holds and who may read it: tables, views with what they read, functions and settings, kept fresh."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from warehouse.endpoint import syntax
from warehouse.endpoint.backend import Backend, Handle
from warehouse.endpoint.functions import Functions
from warehouse.endpoint.principal import Principal
from warehouse.endpoint.refusal import EngineError
from warehouse.endpoint.rights import DATABASE, INFORMATION_SCHEMA, READS, SYSTEM, class_of, filters

FRESH_S = 5.0
_SCOPES = 1_000  # roles and teams whose filters are kept

#: Read through a view by anybody who may read the view: they hold no rows of a team.
_NEUTRAL = frozenset({"reference", "internal"})

_TABLES = f"""SELECT t.name AS name, t.as_select AS as_select, c.team > 0 AS has_team
FROM system.tables AS t
LEFT JOIN (SELECT table, countIf(name = 'team') AS team FROM system.columns WHERE database = '{DATABASE}' GROUP BY table) AS c ON c.table = t.name
WHERE t.database = '{DATABASE}'"""


@dataclass(frozen=True)
class Table:
    """A table or view: does it have a ``team`` column, and which tables does it read (views)?"""

    name: str
    has_team: bool
    reads: frozenset[str] = frozenset()
    is_view: bool = False


@dataclass(frozen=True)
class Snapshot:
    """The warehouse at one moment; ``version`` changes when anything did."""

    version: int
    tables: dict[str, Table] = field(default_factory=dict)
    _filters: dict[tuple[str, tuple[str, ...] | None], str] = field(default_factory=dict, compare=False, repr=False)

    def base(self, name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        """Every table under a view, views included; a table stands for itself."""
        table = self.tables.get(name)
        if table is None or name in seen:
            return frozenset({name})
        found = frozenset({name})
        for read in table.reads:
            found |= self.base(read, seen | {name})
        return found

    def readable(self, principal: Principal) -> frozenset[str]:
        """Tables and views of ``spanledger`` that the principal may read."""
        return frozenset(name for name in self.tables if self._may_read(principal, name))

    def _may_read(self, principal: Principal, name: str) -> bool:
        allowed = READS.get(principal.role, frozenset())
        if class_of(DATABASE, name) not in allowed:
            return False
        for under in self.base(name):
            kind = "system" if "." in under else class_of(DATABASE, under)
            if kind not in allowed and not (under != name and kind in _NEUTRAL):
                return False
            table = self.tables.get(under)
            is_rows = table is None or not table.is_view
            if principal.teams is not None and is_rows and not (table is not None and table.has_team) and kind not in _NEUTRAL:
                return False
        return True

    def filters(self, principal: Principal) -> str:
        """``additional_table_filters`` of the principal: worked out once, since every statement asks."""
        key = (principal.role, principal.teams)
        if (known := self._filters.get(key)) is None:
            if len(self._filters) >= _SCOPES:
                self._filters.clear()
            scoped = frozenset(name for name, table in self.tables.items() if table.has_team)
            known = self._filters[key] = filters(principal, self.readable(principal), scoped)
        return known


class Catalogue:
    """Reads the catalogue of a backend, at most every ``FRESH_S`` seconds, and at once after a change through the endpoint."""

    def __init__(self, backend: Backend, clock: Callable[[], float] = time.monotonic) -> None:
        self._backend = backend
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot = Snapshot(0)
        self._raw: object = None
        self._due = 0.0
        with closing(backend.open(DATABASE, {})) as handle:
            known = _rows(handle, "SELECT name, alias_to, case_insensitive FROM system.functions WHERE origin = 'System'")
            self.functions = Functions((name, alias, bool(folded)) for name, alias, folded in known)
            self.settings = frozenset(name for (name,) in _rows(handle, "SELECT name FROM system.settings"))

    def current(self) -> Snapshot:
        """The warehouse as it is, at most ``FRESH_S`` old."""
        if self._clock() < self._due:
            return self._snapshot
        with self._lock:
            if self._clock() >= self._due:
                self._refresh()
                self._due = self._clock() + FRESH_S
            return self._snapshot

    def changed(self) -> None:
        """Something was created, altered or dropped: look again at the next question."""
        self._due = 0.0

    def _refresh(self) -> None:
        with closing(self._backend.open(DATABASE, {})) as handle:
            raw = sorted((name, select, bool(team)) for name, select, team in _rows(handle, _TABLES))
            if raw == self._raw:
                return
            tables = {name: Table(name, team, _reads(handle, select), bool(select)) for name, select, team in raw}
        self._raw = raw
        self._snapshot = Snapshot(self._snapshot.version + 1, tables)


def known_outside(database: str, table: str) -> bool:
    """Whether a table outside ``spanledger`` is one that every reader may read."""
    if database == "system":
        return table in SYSTEM
    return database.lower() == "information_schema" and table.lower() in INFORMATION_SCHEMA


def _reads(handle: Handle, select: str) -> frozenset[str]:
    """Tables in a view's query: plain names for ``spanledger``, qualified ones for others (no reader may read through those)."""
    if not select:
        return frozenset()
    try:
        text = bytes(handle.run(f"EXPLAIN AST {select}", "TSVRaw", {}).body).decode()
    except EngineError:
        return frozenset({"?.?"})
    found: set[str] = set()
    for node in syntax.tree(text).walk():
        if node.kind == "TableIdentifier":
            database, dot, table = node.name.partition(".")
            found.add(table if dot and database == DATABASE else node.name if dot else database)
        elif node.kind == "Function" and node.parent is not None and node.parent.kind == "TableExpression":
            found.add("?.?")
    return frozenset(found - {"system.one"})


def _rows(handle: Handle, sql: str) -> list[list[Any]]:
    body = bytes(handle.run(sql, "JSONCompactEachRow", {}).body)
    return [json.loads(line) for line in body.splitlines()]
