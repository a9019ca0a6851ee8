"""HTTP sessions (``session_id``): SET, USE and temporary tables that last over several requests of one writer.

Readers have nothing to keep in a session: their statements cannot change one. Their session ids are accepted and mean nothing.
A session belongs to the principal who opened it; the same id of another principal is another session.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from warehouse.endpoint.handles import Lent
from warehouse.endpoint.principal import Limits, Principal
from warehouse.endpoint.refusal import Refused


@dataclass
class Session:
    """One open session; ``lent`` is its engine handle."""

    lent: Lent
    life_s: float
    expires: float
    busy: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """The open sessions. Expired ones are closed whenever one is asked for, and by ``sweep``."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._open: dict[tuple[str, str], Session] = {}
        self._lock = threading.Lock()

    def known(self, principal: Principal, name: str) -> bool:
        """Whether this session is open."""
        with self._lock:
            session = self._open.get((principal.name, name))
            return session is not None and session.expires > self._clock()

    @contextmanager
    def enter(self, principal: Principal, name: str, life_s: float | None, make: Callable[[], Lent], *, must_exist: bool = False) -> Generator[Lent]:
        """The session's handle for one statement.

        Raises:
            Refused: another request is using it; it should exist and does not; too many are open.
        """
        self.sweep()
        session = self._find(principal, name, life_s, make, must_exist)
        if not session.busy.acquire(blocking=False):
            raise Refused(f"Session {name} is locked by a concurrent client", 373)
        try:
            yield session.lent
        finally:
            session.expires = self._clock() + session.life_s
            session.busy.release()

    def _find(self, principal: Principal, name: str, life_s: float | None, make: Callable[[], Lent], must_exist: bool) -> Session:
        key = (principal.name, name)
        with self._lock:
            session = self._open.get(key)
            if session is None:
                if must_exist:
                    raise Refused("Session not found or expired", 372)
                if sum(owner == principal.name for owner, _ in self._open) >= self._limits.sessions_each:
                    raise Refused("too many open sessions", 202)
                life = min(life_s or self._limits.session_s, self._limits.session_max_s)
                session = self._open[key] = Session(make(), life, self._clock() + life)
            elif life_s:
                session.life_s = min(life_s, self._limits.session_max_s)
            return session

    def sweep(self) -> None:
        """Close what has expired."""
        now = self._clock()
        with self._lock:
            gone = [key for key, session in self._open.items() if session.expires <= now and not session.busy.locked()]
            closing = [self._open.pop(key) for key in gone]
        for session in closing:
            session.lent.handle.close()

    def close(self) -> None:
        """Close every session."""
        with self._lock:
            closing, self._open = list(self._open.values()), {}
        for session in closing:
            session.lent.handle.close()
