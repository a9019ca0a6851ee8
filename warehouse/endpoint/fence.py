"""The fence: what a reader's statement must pass before the engine runs it.

1. The engine's own formatter rewrites the text: one statement, no comments, keywords and quotes as it understands them. What is checked
   from here on is what will run.
2. ``EXPLAIN AST``: kind of statement, every node, function, table function and table against allow-lists.
3. SETTINGS clauses: only harmless ones, within the reader's limits; they are set on the session first, so that the engine, which runs the
   statement under ``readonly = 1``, has nothing to change.
4. ``EXPLAIN QUERY TREE`` in the reader's own session: every table and column with its full name, against the role's rights.
5. The session carries the limits, and for a team scope ``additional_table_filters`` on every table with a ``team`` column, also under views.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from warehouse.endpoint import querytree, reader_settings, statement, syntax
from warehouse.endpoint.backend import Handle
from warehouse.endpoint.catalogue import Catalogue, Snapshot, known_outside
from warehouse.endpoint.handles import Handles, Lent
from warehouse.endpoint.lexer import first_word
from warehouse.endpoint.principal import Limits, Principal
from warehouse.endpoint.refusal import EngineError, Refused
from warehouse.endpoint.rights import DATABASE, IDENTIFYING, hidden_columns
from warehouse.endpoint.vocabulary import words

T = TypeVar("T")
Key = tuple[Any, ...]

WRITES = words(
    """
    INSERT CREATE ALTER DROP TRUNCATE RENAME EXCHANGE ATTACH DETACH OPTIMIZE SYSTEM GRANT REVOKE SET USE KILL BACKUP RESTORE UNDROP MOVE DELETE
    UPDATE REPLACE EXECUTE BEGIN COMMIT ROLLBACK CHECK WATCH COPY PARALLEL
    """
)
_DATABASES = frozenset({DATABASE, "default", "system", "information_schema", "INFORMATION_SCHEMA"})
_NAME = r"`?([A-Za-z_]\w*)`?"
_SHOW = re.compile(
    rf"(?:SHOW DATABASES|SHOW (?:FULL )?(?:TEMPORARY )?TABLES|SHOW FUNCTIONS|SHOW (?:CHANGED )?SETTINGS)"
    rf"(?: (?:FROM|IN) {_NAME})?(?: (?:NOT )?I?LIKE '(?:[^'\\]|\\.)*')?(?: LIMIT \d+)?$"
)
_ABOUT = re.compile(rf"(?:DESCRIBE TABLE|EXISTS(?: TEMPORARY)? TABLE|EXISTS VIEW|SHOW CREATE(?: TEMPORARY)? (?:TABLE|VIEW)) (?:{_NAME}\.)?{_NAME}$")
_COLUMNS = re.compile(
    rf"SHOW (?:EXTENDED )?(?:FULL )?(?:COLUMNS|INDEXES) (?:FROM|IN) {_NAME}(?: (?:FROM|IN) {_NAME})?(?: (?:NOT )?I?LIKE '(?:[^'\\]|\\.)*')?$"
)
_EXISTS_DATABASE = re.compile(rf"(?:EXISTS DATABASE|SHOW CREATE DATABASE) {_NAME}$")
_EXPLAIN = re.compile(r"EXPLAIN (AST|SYNTAX|QUERY TREE|PLAN|PIPELINE|ESTIMATE|)\s*((?:\w+ = \w+(?:, )?)*)\s*(?=SELECT|WITH|\()")
_EXPLAIN_SETTINGS = re.compile(
    r"(?:(?:actions|header|description|indexes|projections|json|graph|compact|keep_logical_steps|oneline|run_passes) = [01](?:, |$))*$"
)
_IMPLICIT_SCOPE = re.compile(r": In scope SELECT formatQuery.*", re.DOTALL)


@dataclass(frozen=True)
class Admitted:
    """A statement that may run, and the session it must run in."""

    sql: str
    format: str
    database: str
    settings: dict[str, str]
    tables: tuple[str, ...]


class Fence:
    """Admits or refuses the statements of readers."""

    def __init__(self, handles: Handles, catalogue: Catalogue, limits: Limits) -> None:
        self._handles = handles
        self._catalogue = catalogue
        self._limits = limits
        self._held = reader_settings.limits_of_readers(limits)
        self._verdicts: Recent[tuple[str, ...]] = Recent()
        self._texts: Recent[statement.Clauses] = Recent()

    def admit(self, principal: Principal, sql: str, params: Mapping[str, str], database: str, asked: Mapping[str, str]) -> Admitted:
        """The statement as it may run.

        Args:
            principal: a reader.
            sql: as sent.
            params: values of server-side parameters.
            database: the current database asked for.
            asked: settings of the request.

        Raises:
            Refused: it may not run. Nothing of it has.
            EngineError: it cannot be parsed, or names what does not exist.
        """
        database = current_database(database)
        word = first_word(sql)
        if word in WRITES:
            raise Refused(f"{principal.name}: Cannot execute query in readonly mode: {word}", 164)
        taken = self._taken_apart(sql, dict(params))
        session = self._session(principal, {**asked, **taken.outer}, taken.inner)
        snapshot = self._catalogue.current()
        key = (principal.role, principal.teams, database, taken.sql, snapshot.version)
        tables = self._verdicts.get(key)
        if tables is None:
            tables = self._judge(principal, snapshot, taken, params, database, session)
            self._verdicts.put(key, tables)
        return Admitted(taken.sql, taken.format, database, session, tables)

    def _clerk(self) -> AbstractContextManager[Lent]:
        """A session to parse in: formatting and EXPLAIN AST only, nothing is executed there."""
        return self._handles.lend("fence", DATABASE, self._held)

    def _taken_apart(self, sql: str, params: dict[str, str]) -> statement.Clauses:
        """The statement as the engine writes it, its clauses apart."""
        taken = self._texts.get((sql,))
        if taken is None:
            with self._clerk() as lent:
                formatted = _format(lent.handle, sql)
                written_out = statement.with_identifiers(formatted, params)
                if written_out != formatted:
                    return statement.clauses(_format(lent.handle, written_out))
            taken = statement.clauses(formatted)
            if len(sql) < 20_000:
                self._texts.put((sql,), taken)
        if taken.format and taken.format not in reader_settings.FORMATS:
            raise Refused(f"FORMAT {taken.format} is not allowed")
        return taken

    def _judge(
        self, principal: Principal, snapshot: Snapshot, taken: statement.Clauses, params: Mapping[str, str], database: str, session: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Every table that the statement reads, or ``Refused``."""
        inner = self._query_inside(principal, snapshot, taken.sql, database)
        if inner is None:
            return ()
        with self._clerk() as lent:
            self._check_names(principal, snapshot, inner, taken.count, params, database, lent.handle)
        return self._check_resolved(principal, snapshot, inner, params, database, session)

    def _session(self, principal: Principal, outer: Mapping[str, str], inner: Mapping[str, str]) -> dict[str, str]:
        """Settings of the reader's session, in order; ``readonly`` last."""
        wanted: dict[str, str] = {}
        for name, value in outer.items():
            if (fine := reader_settings.checked(name, value, self._held)) is not None:
                wanted[fine[0]] = fine[1]
        for name, value in inner.items():
            reader_settings.checked(name, value, self._held)
        if principal.teams is not None and (told := reader_settings.TELLING & {*outer, *inner}):
            raise Refused(f"Setting {min(told)} tells about rows of other teams", 452)
        if principal.teams is not None:
            wanted |= reader_settings.OF_A_SCOPE
        return {**self._held, **wanted, "additional_table_filters": self._catalogue.current().filters(principal), "readonly": "1"}

    def _query_inside(self, principal: Principal, snapshot: Snapshot, sql: str, database: str) -> str | None:
        """The SELECT in the statement; ``None`` for SHOW, DESCRIBE, EXISTS, which are checked by their form here."""
        if (match := _EXPLAIN.match(sql)) is not None:
            kind, settings = match.group(1), match.group(2).strip()
            if kind not in ("AST", "SYNTAX") and principal.teams is not None:
                raise Refused(f"EXPLAIN {kind or 'PLAN'} tells about rows of other teams: use EXPLAIN AST or EXPLAIN SYNTAX")
            if kind == "ESTIMATE" or not _EXPLAIN_SETTINGS.match(settings):
                raise Refused("this EXPLAIN is not allowed")
            return sql[match.end() :]
        if sql.startswith(("SELECT", "WITH", "(", "FROM")):
            return sql
        if _SHOW.match(sql):
            return None
        if (match := _EXISTS_DATABASE.match(sql)) is not None:
            current_database(match.group(1))
            return None
        if (match := _ABOUT.match(sql)) is not None:
            self._check_table(principal, snapshot, match.group(1) or database, match.group(2))
            return None
        if (match := _COLUMNS.match(sql)) is not None:
            self._check_table(principal, snapshot, match.group(2) or database, match.group(1))
            return None
        if sql.startswith("DESCRIBE TABLE (") and sql.endswith(")"):
            return sql[len("DESCRIBE TABLE (") : -1]
        raise Refused(f"only SELECT, SHOW, DESCRIBE, EXISTS and EXPLAIN of a SELECT are allowed, not {first_word(sql) or 'this'}", 164)

    def _check_names(
        self, principal: Principal, snapshot: Snapshot, sql: str, settings_clauses: int, params: Mapping[str, str], database: str, handle: Handle
    ) -> None:
        """Pass 1, on the syntax tree alone: nothing that is not allowed is even looked up, so that no error message can tell of it."""
        root = syntax.tree(_text(handle, f"EXPLAIN AST {sql}", params))
        if root.kind not in ("SelectWithUnionQuery", "SelectQuery", "SelectIntersectExceptQuery"):
            raise Refused(f"only SELECT is allowed, not {root.kind}", 164)
        if any(child.kind in ("Literal", "Identifier") for child in root.children):
            raise Refused("INTO OUTFILE is not allowed")
        parts = syntax.check(root, self._catalogue.functions)
        if parts.settings_clauses != settings_clauses:
            raise Refused("SETTINGS cannot be read", 164)
        for name in parts.tables:
            first, dot, rest = name.partition(".")
            if dot:
                self._check_table(principal, snapshot, first, rest)
            elif database != DATABASE or first in snapshot.tables:
                self._check_table(principal, snapshot, database, first)  # another plain name is a CTE, or nothing
        for name in parts.in_names:
            first, dot, rest = name.partition(".")
            if dot and first in parts.scopes and first not in _DATABASES:
                continue  # a column
            if dot:
                self._check_table(principal, snapshot, first, rest)
            elif database != DATABASE or first in snapshot.tables:
                self._check_table(principal, snapshot, database, first)

    def _check_resolved(
        self, principal: Principal, snapshot: Snapshot, sql: str, params: Mapping[str, str], database: str, session: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Pass 2, on what the names mean: tables and columns against the role's rights."""
        with self._handles.lend(principal.name, database, session) as lent:
            found = querytree.reads(_text(lent.handle, f"EXPLAIN QUERY TREE {sql}", params))
        if principal.teams is not None and found.early:
            raise Refused(f"PREWHERE sees rows of other teams: it may compare times and ids, not {min(found.early)}; use WHERE")
        for full in found.tables:
            where, _, table = full.partition(".")
            self._check_table(principal, snapshot, where, table)
        for (full, column), counted in [*((one, False) for one in found.columns), *((one, True) for one in found.counted)]:
            where, _, table = full.partition(".")
            if column in hidden_columns(principal, where, table) and not (counted and column in IDENTIFYING):
                hint = "; it may be counted with uniq()" if column in IDENTIFYING else ""
                raise Refused(f"{principal.role}: not enough privileges to read column {column} of {full}{hint}")
        return tuple(sorted(found.tables))

    def _check_table(self, principal: Principal, snapshot: Snapshot, database: str, table: str) -> None:
        if database == DATABASE:
            if table not in snapshot.tables:
                raise EngineError(f"Code: 60. DB::Exception: Unknown table {database}.{table}. (UNKNOWN_TABLE)")
            if table in snapshot.readable(principal):
                return
            scope = " with a team scope" if principal.teams is not None else ""
            raise Refused(f"{principal.role}{scope}: not enough privileges to read {database}.{table}")
        if not known_outside(database, table):
            raise Refused(f"{principal.role}: not enough privileges to read {database}.{table}")


class Recent(Generic[T]):
    """The latest answers, by key; safe for threads."""

    def __init__(self, most: int = 2000) -> None:
        self._most = most
        self._kept: OrderedDict[Key, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> T | None:
        """The answer, if it is still kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Key, value: T) -> None:
        """Keep an answer."""
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def current_database(asked: str) -> str:
    """The database that unqualified names mean; the engine's own ``default`` (which shows the file system) is never used.

    Raises:
        Refused: there is no such database for readers.
    """
    if asked in ("", "default", DATABASE):
        return DATABASE
    if asked == "system" or asked.lower() == "information_schema":
        return asked
    raise Refused(f"Database {asked} does not exist", 81)


def _format(handle: Handle, sql: str) -> str:
    """One statement as the engine understands it."""
    escaped = sql.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")
    try:
        return bytes(handle.run("SELECT formatQuerySingleLine({statement:String})", "RawBLOB", {"statement": escaped}).body).decode()
    except UnicodeDecodeError as exc:
        raise Refused("a string literal is not UTF-8: write it with unhex()", 62) from exc
    except EngineError as exc:
        raise EngineError(_IMPLICIT_SCOPE.sub(f" ({'SYNTAX_ERROR' if exc.code == 62 else 'BAD_ARGUMENTS'})", str(exc))) from exc


def _text(handle: Handle, sql: str, params: Mapping[str, str]) -> str:
    return bytes(handle.run(sql, "TSVRaw", params).body).decode(errors="replace")  # constants may be any bytes
