"""Sockets and threads: one thread a connection, HTTP/1.1 keep-alive, TLS where asked for, a clean end."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import structlog

from spanledger.errors import ConfigError
from warehouse.endpoint.backend import Backend
from warehouse.endpoint.bodies import Body
from warehouse.endpoint.embedded import EmbeddedBackend
from warehouse.endpoint.execute import Executor, QueryEvent
from warehouse.endpoint.principal import Authenticator, Limits, Principal, Tls
from warehouse.endpoint.refusal import EngineError, Refused
from warehouse.endpoint.reply import Reply
from warehouse.endpoint.request import Request
from warehouse.engine import Engine

log = structlog.get_logger(__name__)


def serve(
    engine: Engine | Backend,
    host: str,
    port: int,
    authenticate: Authenticator,
    *,
    tls: Tls | None = None,
    limits: Limits | None = None,
    on_query: Callable[[QueryEvent], None] | None = None,
) -> EndpointServer:
    """Serve the ClickHouse HTTP protocol over ``engine`` (embedded) or a ``Backend`` (``RemoteBackend``: a server behind us).

    Args:
        engine: what answers.
        host: address to listen on.
        port: 0 picks a free one; see ``EndpointServer.address``.
        authenticate: who a credential stands for.
        tls: serve HTTPS.
        limits: what readers may cost.
        on_query: told after each statement, in the connection's thread (audit, metrics).

    Raises:
        OSError: the address cannot be listened on.
        ConfigError: the TLS files cannot be used.
    """
    limits = limits or Limits()
    if isinstance(engine, Engine):
        half = engine.options.memory_bytes // 2
        limits = replace(limits, readers_memory_bytes=min(limits.readers_memory_bytes or half, half))
        engine = EmbeddedBackend(engine)
    context = _tls_context(tls) if tls is not None else None
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128)
    try:
        return EndpointServer(listener, Executor(engine, limits, on_query), authenticate, context)
    except BaseException:
        listener.close()
        raise


class EndpointServer:
    """A running endpoint."""

    def __init__(self, listener: socket.socket, executor: Executor, authenticate: Authenticator, context: ssl.SSLContext | None) -> None:
        self.executor = executor
        self.authenticate = authenticate
        self.host, self.port = listener.getsockname()[:2]
        self.loopback = _is_loopback(self.host)
        self.stopping = threading.Event()
        self._listener = listener
        self._context = context
        self._turning_away = threading.BoundedSemaphore(16)
        self._lock = threading.Lock()
        self._connections: dict[_Conversation | socket.socket, threading.Thread] = {}
        self._thread = threading.Thread(target=self._accept, name="sql-accept", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """``host:port`` that it listens on."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def close(self, drain_s: float = 5.0) -> None:
        """Take no more requests, let running ones end for ``drain_s`` seconds, abort the rest."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        self._hang_up(idle_only=True)
        until = time.monotonic() + drain_s
        while self._threads() and time.monotonic() < until:
            time.sleep(0.01)
        if self._threads():
            self.executor.watch.kill_all()
            self._hang_up(idle_only=False)
            for thread in self._threads():
                thread.join(5)
        self.executor.close()
        self.executor.backend.close()

    def _threads(self) -> list[threading.Thread]:
        with self._lock:
            return list(self._connections.values())

    def _hang_up(self, *, idle_only: bool) -> None:
        with self._lock:
            open_now = list(self._connections)
        for one in open_now:
            if isinstance(one, socket.socket):
                sock: socket.socket = one
            elif idle_only and one.busy:
                one.close_connection = True
                continue
            else:
                sock = one.request
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, peer = self._listener.accept()
            except OSError:
                if self.stopping.wait(0.05):
                    return
                continue
            with self._lock:
                full = len(self._connections) >= self.executor.limits.connections
                thread = threading.Thread(target=self._turn_away if full else self._converse, args=(sock, peer), name="sql", daemon=True)
                if not full:
                    self._connections[sock] = thread
            if not full or self._turning_away.acquire(blocking=False):
                thread.start()
            else:
                sock.close()

    def _turn_away(self, sock: socket.socket, peer: Any) -> None:
        """Tell a connection too many to come back, and wait a moment for it to hear that."""
        message = b"Code: 202. DB::Exception: Too many connections. (TOO_MANY_SIMULTANEOUS_QUERIES)\n"
        try:
            with contextlib.suppress(OSError), sock:
                sock.settimeout(0.5)
                sock.sendall(
                    b"HTTP/1.1 503 Service Unavailable\r\nX-ClickHouse-Exception-Code: 202\r\nRetry-After: 1\r\nConnection: close\r\n"
                    b"Content-Length: %d\r\n\r\n%b" % (len(message), message)
                )
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(1 << 16):
                    pass
        finally:
            self._turning_away.release()

    def _converse(self, sock: socket.socket, peer: Any) -> None:
        plain = sock
        try:
            sock.settimeout(self.executor.limits.idle_s)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
            _Conversation(sock, peer, self)
        except (OSError, ssl.SSLError):
            pass
        except Exception as exc:
            log.error("sql_connection_failed", trace=_trace(exc))
        finally:
            with contextlib.suppress(OSError):
                sock.close()
            with self._lock:
                self._connections.pop(plain, None)

    def adopt(self, conversation: _Conversation) -> None:
        """The connection's thread is about to serve requests."""
        with self._lock:
            me = threading.current_thread()
            for key in [key for key, thread in self._connections.items() if thread is me]:
                del self._connections[key]
            self._connections[conversation] = me

    def release(self, conversation: _Conversation) -> None:
        """The connection has ended."""
        with self._lock:
            self._connections.pop(conversation, None)


class _Conversation(BaseHTTPRequestHandler):
    """One connection: requests one after the other."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    server: EndpointServer  # type: ignore[assignment]
    busy = False

    def __init__(self, sock: socket.socket, peer: Any, server: EndpointServer) -> None:
        self.limits = server.executor.limits
        super().__init__(sock, peer, server)  # type: ignore[arg-type]

    def setup(self) -> None:
        super().setup()
        self.server.adopt(self)

    def finish(self) -> None:
        self.server.release(self)
        with contextlib.suppress(OSError):
            super().finish()

    def handle_one_request(self) -> None:
        self.request.settimeout(self.limits.idle_s)
        super().handle_one_request()
        self.busy = False
        if self.server.stopping.is_set():
            self.close_connection = True

    def parse_request(self) -> bool:
        self.busy = True
        self.request.settimeout(self.limits.request_s)
        return super().parse_request()

    def version_string(self) -> str:
        return "Spanledger"

    def log_message(self, format: str, *args: Any) -> None:
        """The standard library's log lines would quote URLs, and with them statements."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        executor = self.server.executor
        reply = Reply(self, "", executor.backend.version)
        body: Body | None = None
        try:
            body = Body(self.rfile, self.headers)
            request = Request.parse(self.command, self.path, self.headers, body)
            reply = Reply(self, request.query_id, executor.backend.version, request.accepts)
            self._route(request, reply)
        except (Refused, EngineError) as exc:
            if reply.begun:  # pragma: no cover - the reply ends itself
                self.close_connection = True
                return
            self._skip(body)
            reply.error(exc)
            return
        except (OSError, ssl.SSLError):
            self.close_connection = True
            return
        except Exception as exc:
            log.error("sql_request_failed", query_id=reply.query_id, trace=_trace(exc))
            self.close_connection = True
            if not reply.begun:
                reply.error(EngineError("Code: 1001. DB::Exception: internal error. (STD_EXCEPTION)"))
            return
        self._skip(body)

    def _skip(self, body: Body | None) -> None:
        """Leave the connection at the next request, or close it."""
        try:
            if body is None or not body.finish():
                self.close_connection = True
        except (Refused, OSError):
            self.close_connection = True

    def _route(self, request: Request, reply: Reply) -> None:
        if request.path in ("/ping", "/replicas_status"):
            reply.text("Ok.\n")
            return
        if request.path not in ("/", ""):
            reply.text(f"There is no handler {request.path}\n", 404)
            return
        self._same_site(request)
        principal = self._principal(request)
        if request.method == "GET" and "query" not in request.args:
            reply.text("Ok.\n")
            return
        self.server.executor.run(principal, request, reply, self.request)

    def _principal(self, request: Request) -> Principal:
        user, secret = request.credentials()
        principal = self.server.authenticate(user, secret)
        if principal is None:
            time.sleep(0.05)  # guessing gets slow, an honest mistake does not notice
            name = user or "default"
            raise Refused(f"{name}: Authentication failed: password is incorrect, or there is no user with such name", 516)
        return principal

    def _same_site(self, request: Request) -> None:
        """A page on some other site must not read the warehouse through the reader's browser (cross-site requests, DNS rebinding)."""
        host = request.headers.get("Host") or ""
        origin = request.headers.get("Origin")
        if origin and urlsplit(origin).netloc.lower() != host.lower():
            raise Refused("requests from other sites are refused")
        name = urlsplit(f"//{host}").hostname or ""
        if self.server.loopback and host and not (name == "localhost" or name.endswith(".localhost") or _is_loopback(name)):
            raise Refused(f"this address is {self.server.address}, not {name}")


def _trace(exc: Exception) -> str:
    """Where it happened, without the values of variables: they hold credentials."""
    return f"{type(exc).__name__} at " + " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(traceback.extract_tb(exc.__traceback__)))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tls_context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(f"TLS certificate {tls.cert} with key {tls.key}: {exc}") from exc
    return context
