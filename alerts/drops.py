"""What the collector beside has dropped, as it tells in its metrics."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx

_DROPPED = re.compile(rb"^(?:spanledger_records_rejected_total|spanledger_redaction_dropped_total)(?:\{[^}]*\})? ([0-9.e+]+)$", re.M)


class Drops:
    """How many records and texts were dropped within a window; ``address``: of the collector's ``/metrics``, "" where there is none."""

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._seen: deque[tuple[datetime, float]] = deque()  # when, and how many since this began to count
        self._last = self._before = 0.0  # what its counter stood at; what it had counted before it was started again
        self._longest = timedelta(0)

    def within(self, now: datetime, window: timedelta) -> float | None:
        """Since ``now - window``, or since this was first asked; ``None``: nobody tells."""
        counter = self._counter()
        return None if counter is None else self.counted(counter, now, window)

    def counted(self, counter: float, now: datetime, window: timedelta) -> float:
        """The same of a counter that stands at ``counter`` now; one that has fallen was started again at 0."""
        if counter < self._last:
            self._before += self._last
        self._last = counter
        self._seen.append((now, self._before + counter))
        self._longest = max(self._longest, window)
        while len(self._seen) > 1 and self._seen[1][0] <= now - self._longest:
            self._seen.popleft()
        first = self._seen[0][1]
        return self._before + counter - next((n for at, n in reversed(self._seen) if at <= now - window), first)

    def _counter(self) -> float | None:
        address = self._address()
        if not address:
            return None
        try:
            answer = httpx.get(f"http://{address}/metrics", timeout=2)
        except httpx.HTTPError:
            return None
        return sum(map(float, _DROPPED.findall(answer.content)))
