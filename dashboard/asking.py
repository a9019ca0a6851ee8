"""Questions that pages ask: several at once, each answer kept for a short while and shared by all sessions with the same scope."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from dashboard.access import Caller
from dashboard.connections import Connections

KEPT_S = 30.0
_MOST = 512


@dataclass(frozen=True)
class Question:
    """A function of ``warehouse.queries`` and its arguments (all hashable); the client is added when it is asked."""

    function: Callable[..., Any]
    args: tuple[Hashable, ...] = ()
    named: tuple[tuple[str, Hashable], ...] = ()
    kept_s: float = field(default=KEPT_S, compare=False)

    def __call__(self, client: Any) -> Any:
        """The answer, through ``client``."""
        return self.function(client, *self.args, **dict(self.named))


def question(function: Callable[..., Any], *args: Hashable, kept_s: float = KEPT_S, **named: Hashable) -> Question:
    """A :class:`Question`; ``kept_s`` is how long its answer may be shown again."""
    return Question(function, args, tuple(sorted(named.items())), kept_s)


class Asker:
    """Asks in parallel threads, keeps answers, asks the same thing once when several sessions want it at the same time."""

    def __init__(self, connections: Connections, clock: Callable[[], float] = time.monotonic) -> None:
        self._connections = connections
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, Future[Any]]] = {}

    def start(self, caller: Caller, questions: Mapping[str, Question]) -> dict[str, Future[Any]]:
        """Begin to ask, unless the answers are known or on their way."""
        return {name: self._start(caller, one) for name, one in questions.items()}

    def all(self, caller: Caller, **questions: Question) -> dict[str, Any]:
        """Answers by name; the first error is raised once every question has ended."""
        running = self.start(caller, questions)
        for future in running.values():
            future.exception()
        return {name: future.result() for name, future in running.items()}

    def one(self, caller: Caller, function: Callable[..., Any], *args: Hashable, kept_s: float = KEPT_S, **named: Hashable) -> Any:
        """The answer to one question."""
        return self.all(caller, it=question(function, *args, kept_s=kept_s, **named))["it"]

    def forget(self) -> None:
        """Ask everything anew from now on."""
        with self._lock:
            self._kept.clear()

    def _start(self, caller: Caller, one: Question) -> Future[Any]:
        key, now = (caller.role, caller.teams, one), self._clock()
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] > now and not (kept[1].done() and kept[1].exception()):
                return kept[1]
            if len(self._kept) >= _MOST:
                self._kept = {k: v for k, v in self._kept.items() if v[0] > now} if any(v[0] <= now for v in self._kept.values()) else {}
            future = self._connections.submit(caller, one)
            self._kept[key] = (now + one.kept_s, future)
            return future
