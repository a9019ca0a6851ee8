"""How many queries run at once: the instance's own and the readers' apart, and each reader's share."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from warehouse.endpoint.principal import Limits, Principal
from warehouse.endpoint.refusal import Refused


class Slots:
    """Counts running queries; who finds no slot waits ``Limits.queue_s``, then is told to come back."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._free = threading.Condition()
        self._running: Counter[str] = Counter()

    @contextmanager
    def take(self, principal: Principal) -> Generator[None]:
        """A slot for one query.

        Raises:
            Refused: TOO_MANY_SIMULTANEOUS_QUERIES (HTTP 503, Retry-After).
        """
        group = "instance" if principal.writes else "readers"
        mine = f"{principal.role}:{principal.name}"
        until = time.monotonic() + self._limits.queue_s
        with self._free:
            while not self._fits(principal, group, mine):
                left = until - time.monotonic()
                if left <= 0:
                    raise Refused(f"Too many simultaneous queries of {group if principal.writes else principal.name}", 202)
                self._free.wait(left)
            self._running.update((group, mine))
        try:
            yield
        finally:
            with self._free:
                self._running.subtract((group, mine))
                if not self._running[mine]:
                    del self._running[mine]
                self._free.notify_all()

    def _fits(self, principal: Principal, group: str, mine: str) -> bool:
        if principal.writes:
            return self._running[group] < self._limits.instance
        return self._running[group] < self._limits.readers and self._running[mine] < self._limits.readers_each
