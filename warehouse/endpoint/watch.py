"""Queries whose client has gone: aborted, so that closing a browser tab ends the work behind it."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

from warehouse.endpoint.backend import Backend

_GONE = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR | select.POLLNVAL


class Watch:
    """Looks at the sockets of running queries twice a second."""

    def __init__(self, backend: Backend, pause_s: float = 0.5) -> None:
        self._backend = backend
        self._pause_s = pause_s
        self._running: dict[str, socket.socket] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="sql-watch", daemon=True)
        self._thread.start()

    @contextmanager
    def over(self, tag: str, client: socket.socket) -> Generator[None]:
        """Watch the query ``tag`` while it runs."""
        with self._lock:
            self._running[tag] = client
        try:
            yield
        finally:
            with self._lock:
                self._running.pop(tag, None)

    def kill_all(self) -> None:
        """Abort every query that runs."""
        with self._lock:
            tags = list(self._running)
        for tag in tags:
            self._backend.kill(tag)

    def close(self) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join(5)

    def _look(self) -> None:
        while not self._ended.wait(self._pause_s):
            with self._lock:
                running = list(self._running.items())
            for tag, client in running:
                if gone(client):
                    with contextlib.suppress(Exception):
                        self._backend.kill(tag)


def gone(client: socket.socket) -> bool:
    """Whether the other side has closed the connection."""
    number = client.fileno()
    if number < 0:
        return True
    poll = select.poll()
    poll.register(number, _GONE)
    return any(event & _GONE for _, event in poll.poll(0))
