"""From a request to its reply: who asks decides what may run, and in which session."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from warehouse.endpoint import reader_settings, statement
from warehouse.endpoint.backend import Answer, Backend
from warehouse.endpoint.catalogue import Catalogue
from warehouse.endpoint.fence import WRITES, Fence
from warehouse.endpoint.handles import Handles, Lent
from warehouse.endpoint.lexer import first_word, tokens
from warehouse.endpoint.principal import MIB, Limits, Principal
from warehouse.endpoint.refusal import EngineError, Refused
from warehouse.endpoint.reply import Reply
from warehouse.endpoint.request import Request
from warehouse.endpoint.rights import DATABASE
from warehouse.endpoint.sessions import Sessions
from warehouse.endpoint.slots import Slots
from warehouse.endpoint.watch import Watch

_READS = frozenset({"SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "VALUES"})
_RESULTS = _READS | {"CHECK", "KILL", "BACKUP", "RESTORE"}
_DDL = frozenset({"CREATE", "ALTER", "DROP", "RENAME", "EXCHANGE", "ATTACH", "DETACH", "RESTORE", "UNDROP", "REPLACE"})


@dataclass(frozen=True)
class QueryEvent:
    """What ``serve(on_query=…)`` is told after each statement; ``tables`` of readers' queries are full names, views as named.

    ``error``: ClickHouse's number, 0 for success. ``sql``: as sent, without parameters' values.
    """

    principal: Principal
    query_id: str
    sql: str
    tables: tuple[str, ...]
    elapsed_ms: float
    error: int


class Executor:
    """Runs the statements of all connections."""

    def __init__(self, backend: Backend, limits: Limits, on_query: Callable[[QueryEvent], None] | None = None) -> None:
        self.backend = backend
        self.limits = limits
        self.watch = Watch(backend)
        self._handles = Handles(backend)
        self._sessions = Sessions(limits)
        self._catalogue = Catalogue(backend)
        self._fence = Fence(self._handles, self._catalogue, limits)
        self._slots = Slots(limits)
        self._on_query = on_query

    def run(self, principal: Principal, request: Request, reply: Reply, client: socket.socket) -> None:
        """Run the request's statement and write its reply.

        Raises:
            Refused, EngineError: nothing has been written yet.
        """
        started = time.perf_counter()
        told = _Told()
        try:
            with self._slots.take(principal):
                (self._write if principal.writes else self._read)(principal, request, reply, client, told)
        except (Refused, EngineError) as exc:
            told.error = exc.code
            raise
        finally:
            if self._on_query is not None:
                elapsed = (time.perf_counter() - started) * 1e3
                self._on_query(QueryEvent(principal, request.query_id, told.sql, told.tables, elapsed, told.error))

    def _read(self, principal: Principal, request: Request, reply: Reply, client: socket.socket, told: _Told) -> None:
        told.sql = request.statement(min(self.limits.statement_bytes, MIB))
        params, database = request.params, request.args.get("database", "")
        asked = {name: value for name, value in request.settings.items() if name != "log_comment"}
        self._known(asked)
        admitted = self._fence.admit(principal, told.sql, params, database, asked)
        told.tables = admitted.tables
        fmt = admitted.format or request.format
        if fmt not in reader_settings.FORMATS:
            raise Refused(f"FORMAT {fmt} is not allowed")
        with self._handles.lend(principal.name, admitted.database, admitted.settings) as lent, self.watch.over(lent.tag, client):
            self._result(lent, admitted.sql, fmt, params, reply, may_stream=not request.waits, tells_reads=principal.teams is None)

    def _write(self, principal: Principal, request: Request, reply: Reply, client: socket.socket, told: _Told) -> None:
        request.take_form(self.limits.statement_bytes)
        self._known(request.settings)
        chunks = request.body.chunks()
        head = _Head(request.args.get("query", "").encode(), chunks, self.limits.statement_bytes)
        word = first_word(head.text())
        insert = head.insert() if word == "INSERT" else None
        told.sql = insert.sql if insert else head.all()
        if request.method == "GET" and word in WRITES:
            raise Refused("Cannot execute query in readonly mode: a GET request only reads, use POST", 164)
        keeps_state = _keeps_state(word, told.sql)
        if word in _DDL:
            self._catalogue.changed()
        try:
            with self._session(principal, request, keeps_state=keeps_state) as lent, self.watch.over(lent.tag, client):
                if insert:
                    started = time.perf_counter_ns()
                    answer = lent.handle.insert(insert.sql, insert.format, head.rows(insert))
                    reply.answer(answer, time.perf_counter_ns() - started)
                else:
                    fmt = _format_of(told.sql) or request.format
                    has_result = word in _RESULTS or not word
                    self._result(lent, told.sql, fmt, request.params, reply, may_stream=not request.waits, has_result=has_result)
        finally:
            if word in _DDL:
                self._catalogue.changed()

    def _result(
        self,
        lent: Lent,
        sql: str,
        fmt: str,
        params: Mapping[str, str],
        reply: Reply,
        *,
        may_stream: bool,
        has_result: bool = True,
        tells_reads: bool = True,
    ) -> None:
        started = time.perf_counter_ns()
        if may_stream and self.backend.streams(fmt) and first_word(sql) in ("SELECT", "WITH"):
            rest = lent.handle.stream(sql, fmt, params)
            first = next(rest, None)
            if first is not None:
                reply.stream(first, rest, fmt)
                return
        answer = lent.handle.run(sql, fmt, params)
        if not has_result and not answer.body:
            answer = Answer(written_rows=answer.written_rows, written_bytes=answer.written_bytes)
        if not tells_reads:  # rows of other teams were read too: how many is not for a team scope
            answer = replace(answer, read_rows=answer.result_rows, read_bytes=len(answer.body))
        reply.answer(answer, time.perf_counter_ns() - started)

    @contextmanager
    def _session(self, principal: Principal, request: Request, *, keeps_state: bool) -> Generator[Lent]:
        """The writer's engine session: its own where it has or makes state, else one of the pool."""
        database = request.args.get("database", "")
        database = DATABASE if database in ("", "default") else database
        name = request.args.get("session_id")
        if name and (keeps_state or request.args.get("session_check") == "1" or self._sessions.known(principal, name)):
            life = request.args.get("session_timeout", "")
            make = lambda: self._handles.open(principal.name, database, {}, keep=True)  # noqa: E731
            with (
                self._sessions.enter(
                    principal, name, float(life) if life.isdigit() else None, make, must_exist=request.args.get("session_check") == "1"
                ) as lent,
                _with_settings(lent, request.settings),
            ):
                yield lent
            return
        with self._handles.lend(principal.name, database, request.settings) as lent:
            lent.spoiled = keeps_state
            yield lent

    def _known(self, settings: Mapping[str, str]) -> None:
        for name in settings:
            if name not in self._catalogue.settings:
                raise Refused(
                    f"Setting {name} is neither a builtin setting nor started with the prefix 'SQL_' registered for user-defined settings", 115
                )

    def close(self) -> None:
        """Close sessions and handles."""
        self.watch.close()
        self._sessions.close()
        self._handles.close()


@dataclass
class _Told:
    """What the query event will say."""

    sql: str = ""
    tables: tuple[str, ...] = ()
    error: int = 0


class _Head:
    """The beginning of a writer's statement, read as far as needed: rows of an INSERT stay in the stream."""

    def __init__(self, query: bytes, chunks: Iterator[bytes], most: int) -> None:
        self._query = query
        self._chunks = chunks
        self._most = most
        self._seen = query
        self._complete = False
        self._from_query = bool(query)
        if not query:
            self._more()

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            self._complete = True
        elif self._seen and self._seen is self._query:
            self._seen = self._query + b"\n" + chunk
        else:
            self._seen += chunk
        if len(self._seen) > self._most:
            raise Refused(f"the statement is longer than {self._most} bytes", 307)

    def text(self) -> str:
        """What has been read."""
        return self._seen[: 1 << 16].decode("utf-8", errors="replace")

    def insert(self) -> statement.InsertHead | None:
        """The head of an INSERT with rows; ``None`` for INSERT … SELECT."""
        if self._from_query:  # the rows may be all of the body: the statement ends where the argument ends
            found = statement.insert_head(self._query + b"\n", complete=True)
            if isinstance(found, statement.InsertHead):
                return found
        while True:
            found = statement.insert_head(self._seen, complete=self._complete)
            if found is None:
                self._more()
                continue
            return found or None

    def rows(self, insert: statement.InsertHead) -> Iterator[bytes]:
        """The rows of an INSERT, as they arrive."""
        if rest := self._seen[insert.data_at :]:
            yield rest
        yield from self._chunks

    def all(self) -> str:
        """The whole statement."""
        while not self._complete:
            self._more()
        try:
            return self._seen.decode()
        except UnicodeDecodeError as exc:
            raise Refused("the statement is not UTF-8", 62) from exc


@contextmanager
def _with_settings(lent: Lent, settings: Mapping[str, str]) -> Generator[None]:
    """Settings of one request on a session that outlives it."""
    if not settings:
        yield
        return
    names = ", ".join(reader_settings.quoted(name) for name in settings)
    before = bytes(lent.handle.run(f"SELECT name, value, changed FROM system.settings WHERE name IN ({names})", "TSVRaw", {}).body).decode()
    lent.handle.run("SET " + ", ".join(f"{name} = {reader_settings.quoted(value)}" for name, value in settings.items()), "TSV", {})
    try:
        yield
    finally:
        for line in before.splitlines():
            name, value, changed = line.split("\t")
            lent.handle.run(f"SET {name} = {reader_settings.quoted(value) if changed == '1' else 'DEFAULT'}", "TSV", {})


def _keeps_state(word: str, sql: str) -> bool:
    """Whether the statement changes its session: SET, USE, a temporary table."""
    if word in ("SET", "USE", "EXECUTE", "BEGIN", "COMMIT", "ROLLBACK"):
        return True
    return word in ("CREATE", "DROP", "REPLACE") and any(token.is_word("TEMPORARY", "TEMP") for token in list(tokens(sql[:500]))[:5])


def _format_of(sql: str) -> str:
    """The format named by a trailing FORMAT clause of a writer's statement, or empty."""
    found = [token for token in tokens(sql) if token.text != ";"]
    for i in range(len(found) - 2, 0, -1):
        if found[i].is_word("FORMAT") and found[i + 1].kind == "word":
            if i + 2 == len(found) or found[i + 2].is_word("SETTINGS"):
                return found[i + 1].text
            return ""
        if found[i].text in ("(", ")"):
            return ""
    return ""
