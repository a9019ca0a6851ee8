"""Redacted text of tenants that keep none: a bounded window in this process's memory, fed over loopback, never on disk.

The collector posts the redacted texts that it may not store; they stay until they are older than the window or the bytes run out. Room is made
by letting go first what was taken to be judged, then the rest, oldest first; each text that leaves early is counted with its reason (`LEFT`), and
an answer whose text left before it was judged is null with the reason `left_window`. Protocol (`docs/detectors.md`): ``POST /texts`` with
``Authorization: Bearer <instance token>`` and a JSON array of objects with the fields of `Text`, ``trace_id`` and ``span_id`` in
hexadecimal. Answers: 204; 401 wrong token; 400 malformed; 413 too large.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any

import msgspec

from detectors.material import Text

MAX_BODY_BYTES = 32 << 20
_OVERHEAD = 400  # bytes of a row besides its text
_PRESSING = 1 / 3
_REMEMBERED = 50_000  # traces that left before they were judged

#: Why a text left: too old, no room (before it was taken to be judged, after), or larger than the window.
LEFT = ("age_unjudged", "bytes_unjudged", "bytes_judged", "too_large")


class Row(msgspec.Struct):
    """One row on the wire: `Text` with its trace."""

    trace_id: str
    span_id: str
    ts_us: int
    kind: str
    prompt: str = ""
    response: str = ""
    context: tuple[str, ...] = ()
    tool_output: str = ""
    schema: str = ""
    prompt_hash: str = ""
    context_hash: str = ""

    def text(self) -> Text:
        """Without the trace."""
        return Text(*(getattr(self, name) for name in Text._fields))


def size_of(text: Text) -> int:
    """Bytes that a text counts for."""
    parts = (text.prompt, text.response, text.tool_output, text.schema, *text.context)
    return _OVERHEAD + sum(len(part.encode("utf8", "replace")) for part in parts)


_decode = msgspec.json.Decoder(list[Row]).decode


class Window:
    """Texts by trace, bounded in bytes and age. Thread-safe."""

    def __init__(self, max_bytes: int, max_age_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes, self._max_age_s, self._clock = max_bytes, max_age_s, clock
        self._rows: OrderedDict[tuple[str, str], tuple[float, int, Text]] = OrderedDict()
        self._traces: dict[str, set[str]] = {}
        self._fresh: OrderedDict[str, float] = OrderedDict()  # traces told of since they were last taken to be judged
        self._taken: OrderedDict[str, None] = OrderedDict()  # traces that were taken, first to go when room is needed
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0
        self.left: dict[str, int] = dict.fromkeys(LEFT, 0)  # rows by reason; what leaves of age after it was taken is not counted

    def add(self, rows: Iterable[tuple[str, Text]]) -> None:
        """Keep (trace id, text) rows; of two versions of one span the later counts."""
        with self._lock:
            for trace_id, text in rows:
                key = (trace_id, text.span_id)
                self._remove(key)
                size = size_of(text)
                if size > self._max_bytes:
                    self._leave(trace_id, "too_large")
                    continue
                self._rows[key] = (self._clock(), size, text)
                self._traces.setdefault(trace_id, set()).add(text.span_id)
                self._fresh.setdefault(trace_id, self._clock())
                self._taken.pop(trace_id, None)
                self.bytes += size
            self._expire()

    def texts(self, trace_ids: Iterable[str]) -> dict[str, list[Text]]:
        """What is held of these traces."""
        with self._lock:
            self._expire()
            return {t: [self._rows[t, s][2] for s in sorted(self._traces[t])] for t in trace_ids if t in self._traces}

    def holds(self, trace_id: str) -> bool:
        """Whether anything of this trace is held."""
        return trace_id in self._traces

    def left_unjudged(self, trace_id: str) -> bool:
        """Whether a text of this trace had to leave before it was taken to be judged."""
        return trace_id in self._gone

    @property
    def waiting(self) -> int:
        """Traces that were not taken yet."""
        return len(self._fresh)

    @property
    def max_age_s(self) -> float:
        """How long a text stays."""
        return self._max_age_s

    @property
    def pressing(self) -> bool:
        """Whether a text that was not taken yet has waited for `_PRESSING` of its time."""
        with self._lock:
            self._expire()
            return bool(self._fresh) and next(iter(self._fresh.values())) <= self._clock() - _PRESSING * self._max_age_s

    def take(self, most: int, older_than_s: float) -> list[str]:
        """Up to ``most`` traces whose texts came at least ``older_than_s`` ago and were not taken since, oldest first: they leave soonest."""
        with self._lock:
            self._expire()
            before = self._clock() - older_than_s
            taken = [t for t, at in islice(self._fresh.items(), most) if at <= before]
            self._done(taken)
            return taken

    def judged(self, trace_ids: Iterable[str]) -> None:
        """These were judged, however they were found: they need not be taken any more."""
        with self._lock:
            self._done(t for t in trace_ids if t in self._traces)

    def _done(self, trace_ids: Iterable[str]) -> None:
        for trace_id in trace_ids:
            self._fresh.pop(trace_id, None)
            self._taken[trace_id] = None

    def _expire(self) -> None:
        oldest_allowed = self._clock() - self._max_age_s
        while self._rows:
            key, (at, _, _) = next(iter(self._rows.items()))
            if at >= oldest_allowed:
                break
            if key[0] in self._fresh:
                self._leave(key[0], "age_unjudged")
            self._remove(key)
        while self.bytes > self._max_bytes:
            self._make_room()

    def _make_room(self) -> None:
        """Let go one trace that was taken, else the oldest row."""
        judged = next(iter(self._taken), None)
        if judged is None:
            key = next(iter(self._rows))
            self._leave(key[0], "bytes_unjudged")
            self._remove(key)
            return
        for span_id in sorted(self._traces.get(judged, ())):
            self._leave(judged, "bytes_judged")
            self._remove((judged, span_id))
        self._taken.pop(judged, None)

    def _leave(self, trace_id: str, reason: str) -> None:
        self.left[reason] += 1
        if reason != "bytes_judged":
            self._gone[trace_id] = None
            while len(self._gone) > _REMEMBERED:
                self._gone.popitem(last=False)

    def _remove(self, key: tuple[str, str]) -> None:
        gone = self._rows.pop(key, None)
        if gone is not None:
            self.bytes -= gone[1]
            spans = self._traces[key[0]]
            spans.discard(key[1])
            if not spans:
                del self._traces[key[0]]
                self._fresh.pop(key[0], None)
                self._taken.pop(key[0], None)


@contextmanager
def served(window: Window, token: Callable[[], str], metrics: Callable[[], bytes] = bytes, host: str = "127.0.0.1") -> Generator[str]:
    """Take texts on a free loopback port; yields its address. ``token``: the secret that senders must show, asked at every request.

    ``GET /metrics`` answers with ``metrics()``, counters in the Prometheus text format, to anybody on this machine.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            self.send_response(_take(self, window, token()))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            body = metrics() if self.path == "/metrics" else b""
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: request lines are no log events."""

    with ThreadingHTTPServer((host, 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, name="text-window", daemon=True).start()
        try:
            yield f"{host}:{server.server_address[1]}"
        finally:
            server.shutdown()


def _take(request: BaseHTTPRequestHandler, window: Window, token: str) -> int:
    """The status of one request."""
    shown = request.headers.get("Authorization", "")
    length = int(request.headers.get("Content-Length") or 0)
    if length > MAX_BODY_BYTES or length < 0:
        request.close_connection = True
        return 413
    body = request.rfile.read(length)
    if not token or not hmac.compare_digest(shown.encode(), f"Bearer {token}".encode()):
        return 401
    if request.path != "/texts":
        return 404
    try:
        window.add([(r.trace_id, r.text()) for r in _decode(body)])
    except msgspec.DecodeError:
        return 400
    return 204
