"""The way of every page and API answer to ``warehouse.queries``: through the SQL endpoint, as the caller and never as more.

Each question travels with a ticket: a short-lived credential that carries the caller's role and teams, so that the endpoint refuses
tables the role does not read and hides other teams' rows, whatever a page asks. Embedded, the collector's endpoint answers; over a
ClickHouse server this process runs one in front of it. Only ``write``, ``checked`` and ``ping`` use the instance's own credentials.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import polars as pl
import structlog

from dashboard.access import Caller, is_loopback
from spanledger import instance
from spanledger.errors import WarehouseUnavailable
from spanledger.policy import Policy
from spanledger.settings import Settings
from warehouse import engine, evidence, queries
from warehouse.access import authenticator
from warehouse.endpoint import EndpointServer, Limits, Principal, RemoteBackend, Role, Tls, serve, tickets

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = structlog.get_logger()

Answer = TypeVar("Answer")
TICKET_S = 600.0
_FRESH_S = 120.0  # a ticket with less life than this is replaced


class _Door(NamedTuple):
    """An endpoint that takes tickets, and the secret that signs them."""

    url: str
    secret: str


class Connections:
    """Finds or runs the SQL endpoint and keeps one client per thread; the ticket changes with the caller.

    Args:
        settings: how this installation runs.
        policy: the policy in force; needed over a ClickHouse server, where this process decides who may read.
        workers: threads of :meth:`submit`.
    """

    def __init__(self, settings: Settings, policy: Callable[[], Policy] = Policy, workers: int = 6) -> None:
        self.settings = settings
        self._policy = policy
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="question")
        self._gate = threading.Lock()
        self._tickets: dict[tuple[str, Principal], tuple[float, str]] = {}
        self._front: EndpointServer | None = None
        self._secret = secrets.token_urlsafe(32)

    def ask(self, caller: Caller, question: Callable[[Client], Answer]) -> Answer:
        """One question in this thread, as ``caller``.

        Raises:
            WarehouseUnavailable: the collector has not written its address yet, or nobody answers.
            AccessDenied: the caller's role does not read what the question reads.
        """
        return question(self._reader(principal(caller)))

    def submit(self, caller: Caller, question: Callable[[Client], Answer]) -> Future[Answer]:
        """One question on a thread of the pool."""
        return self._pool.submit(self.ask, caller, question)

    def write(self, action: Callable[[Client], Answer]) -> Answer:
        """Something that is stored, with the instance's own rights: whoever calls has checked who may."""
        return action(self._own())

    def checked(self, question: Callable[[Client], Answer]) -> Answer:
        """A question about rows of which it has been checked that the caller may see them, where the table itself knows no teams."""
        return question(self._own())

    def ping(self) -> None:
        """Return if the warehouse answers; raises ``WarehouseUnavailable`` or ``QueryFailed``."""
        queries.ping(self._own())

    def trace(self, caller: Caller, trace_id: str, *, drawn: bool = False) -> queries.Trace:
        """A trace as ``caller`` may see it: own teams' entries; spans, which carry no team, if every entry is of those teams.

        ``drawn``: only what its page draws.

        Raises:
            NotFound: no such trace, or none that the caller may see.
        """
        spans, trace_id = caller.may("journal"), _padded(trace_id)
        found = self.ask(caller, lambda c: queries.trace(c, trace_id, teams=caller.teams or None, spans=spans and not caller.teams, drawn=drawn))
        if not (spans and caller.teams and trace_id in self.whole(caller, [trace_id])):
            return found
        everything = self.ask(_of_all_teams(caller), lambda c: queries.trace(c, trace_id, drawn=drawn))
        return queries.Trace(everything.spans, found.entries)

    def texts(self, caller: Caller, trace_id: str) -> pl.DataFrame:
        """Redacted texts of a trace (see ``queries.trace_contents``); no row for a trace that other teams have a part in."""
        caller.must("content")
        trace_id = _padded(trace_id)
        if caller.teams and trace_id not in self.whole(caller, [trace_id]):
            return pl.DataFrame()
        return self.ask(_of_all_teams(caller), lambda c: queries.trace_contents(c, trace_id))

    def texts_of(self, caller: Caller, trace_ids: list[str], *, calls: int) -> pl.DataFrame:
        """Redacted texts of so many calls' traces (see ``evidence.texts``), those left out that other teams have a part in."""
        caller.must("content")
        seen = sorted(self.whole(caller, trace_ids)) if caller.teams else trace_ids
        return self.ask(_of_all_teams(caller), lambda c: evidence.texts(c, seen, calls=calls))

    def search(self, caller: Caller, scope: queries.Scope, words: str, *, limit: int = 50) -> queries.Page:
        """Search in redacted texts (see ``queries.search``); of traces that other teams have a part in nothing is found."""
        caller.must("content")
        page = self.ask(_of_all_teams(caller), lambda c: queries.search(c, scope, words, limit=limit))
        if not caller.teams or page.rows.is_empty():
            return page
        seen = self.whole(caller, page.rows["trace_id"].unique().to_list())
        return queries.Page(page.rows.filter(page.rows["trace_id"].is_in(list(seen))), page.cursor)

    def whole(self, caller: Caller, trace_ids: list[str]) -> set[str]:
        """Those of these traces of which ``caller`` may see every entry: the endpoint's count for it is the count of all."""
        mine = self.ask(caller, lambda c: queries.entry_counts(c, trace_ids))
        every = self.ask(_of_all_teams(caller), lambda c: queries.entry_counts(c, trace_ids))
        return {trace for trace, n in mine.items() if n == every.get(trace)}

    def address(self, name: str) -> str:
        """``host:port`` of one of the collector's listeners: as it has reported, else as set.

        Raises:
            WarehouseUnavailable: it picks a free port and has not told which yet.
        """
        told = (instance.reported(self.settings.data_dir, "collector") or {}).get(name)
        if told:
            return told
        port = getattr(self.settings, f"{name}_port")
        if not port:
            raise WarehouseUnavailable("the collector is still starting")
        return f"{self.settings.otlp_host}:{port}"

    def open(self) -> str:
        """Over a ClickHouse server: start the endpoint in front of it and give its address; embedded: "".

        Raises:
            WarehouseUnavailable: the server does not answer (yet).
        """
        if self.settings.embedded:
            return ""
        with self._gate:
            if self._front is None:
                self._front = _in_front(self.settings, self._policy, self._secret)
            return self._front.address

    def close(self) -> None:
        """Stop taking questions."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._front is not None:
            self._front.close(1.0)

    def _door(self) -> _Door:
        if self.settings.embedded:
            at = instance.sql_access(self.settings)
            return _Door(at.url, at.password)
        return _Door(f"{'https' if self.settings.tls_cert else 'http'}://{self.open()}", self._secret)

    def _reader(self, who: Principal) -> Client:
        """This thread's client, with a ticket of ``who``."""
        door = self._door()
        ticket = self._ticket(door, who)
        kept: tuple[str, Client] | None = getattr(self._local, "reader", None)
        if kept is None or kept[0] != door.url:
            if kept is not None:
                kept[1].close()
            kept = self._local.reader = (door.url, engine.connect(door.url, token=ticket))
        kept[1].set_access_token(ticket)
        return kept[1]

    def _own(self) -> Client:
        """This thread's client with the instance's own rights."""
        at = instance.sql_access(self.settings)
        kept: tuple[instance.SqlAccess, Client] | None = getattr(self._local, "own", None)
        if kept is None or kept[0] != at:
            if kept is not None:
                kept[1].close()
            kept = self._local.own = (at, engine.connect(at.url, user=at.user, password=at.password))
        return kept[1]

    def _ticket(self, door: _Door, who: Principal) -> str:
        with self._gate:
            now = time.time()
            ends, ticket = self._tickets.get((door.secret, who), (0.0, ""))
            if ends - now < _FRESH_S:
                self._tickets = {key: kept for key, kept in self._tickets.items() if kept[0] > now and key[0] == door.secret}
                ends, ticket = now + TICKET_S, tickets.issue(door.secret, who, TICKET_S)
                self._tickets[door.secret, who] = ends, ticket
            return ticket


def principal(caller: Caller) -> Principal:
    """The endpoint's name for a caller."""
    return Principal(caller.name, cast(Role, caller.role), caller.teams or None)


def _padded(trace_id: str) -> str:
    return trace_id.lower().rjust(32, "0")


def _of_all_teams(caller: Caller) -> Caller:
    """The caller without a team scope, for what has no team: used only beside a check of what the scoped caller sees."""
    return Caller(caller.name, caller.role)


def _in_front(settings: Settings, policy: Callable[[], Policy], secret: str) -> EndpointServer:
    """The endpoint over the ClickHouse server of the settings; people and BI tools may use it too."""
    limits = Limits(
        query_s=settings.query_timeout_s, query_rows=settings.query_rows, memory_bytes=settings.query_memory_bytes, readers=settings.query_concurrency
    )
    who = authenticator(policy, secret, loopback=is_loopback(settings.sql_host))
    tls = Tls(str(settings.tls_cert), str(settings.tls_key)) if settings.tls_cert and settings.tls_key else None
    backend = RemoteBackend(settings.warehouse.get_secret_value())
    try:
        return serve(backend, settings.sql_host, settings.sql_port, who, tls=tls, limits=limits)
    except OSError as exc:  # often the ClickHouse server itself: pages work all the same, BI tools need another SPANLEDGER_SQL_PORT
        log.warning("sql_address_taken", address=f"{settings.sql_host}:{settings.sql_port}", reason=str(exc.strerror or exc))
        return serve(backend, "127.0.0.1", 0, who, tls=tls, limits=limits)
