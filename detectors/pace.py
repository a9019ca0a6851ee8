"""When the detector jobs may work: never in the way of ingest, and not at all when nothing has come in.

The collector beside (embedded mode) tells how many rows it has journaled. Is it busy, the jobs rest: judging waits, but
no longer than `LATEST_S`, and then works for `WORK_S`. Have no rows come in since a pass that found nothing, no query is asked.
"""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable

BUSY_ROWS_S = 1_500.0  # journaled rows a second from which the collector counts as busy
LATEST_S = 40.0  # longest rest while it is
WORK_S = 10.0  # longest spell of work while it is
POSTED_S = 15.0  # a row journaled this long ago has been posted
_ROWS = re.compile(rb"^spanledger_spans_journaled_total ([0-9.e+]+)$", re.M)


def journaled(address: str) -> float | None:
    """Rows that the collector at ``address`` has journaled since it started; None when it does not say."""
    if not address:
        return None
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=2) as reply:
            found = _ROWS.search(reply.read())
    except (OSError, ValueError):
        return None
    return float(found.group(1)) if found else None


class Pace:
    """Decides before each pass. ``rows``: how many rows ingest has taken so far, None where that is not known (then it never holds back)."""

    def __init__(self, rows: Callable[[], float | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._rows, self._clock = rows, clock
        self._seen: tuple[float, float] | None = None  # when, how many
        self._changed_at = float("-inf")
        self._quiet_at: float | None = None  # rows known when a pass found nothing
        self._began = self._worked_until = float("-inf")
        self.busy = False

    def go(self) -> bool:
        """Whether to work now."""
        now, rows = self._clock(), self._rows()
        if rows is None:
            self.busy = False
            return True
        if self._seen is None or rows != self._seen[1]:
            self._changed_at = now
        if self._seen is not None and now > self._seen[0]:
            self.busy = (rows - self._seen[1]) / (now - self._seen[0]) > BUSY_ROWS_S
        if self._seen is None or now > self._seen[0]:
            self._seen = (now, rows)
        if rows == self._quiet_at:
            return False
        if not self.busy:
            self._began = now
            return True
        return self._may_work_though_busy(now)

    def _may_work_though_busy(self, now: float) -> bool:
        if now - self._worked_until >= LATEST_S:
            self._began = now
            return True
        return now - self._began < WORK_S

    def worked(self, found: int, waiting: bool) -> None:
        """After a pass: how many answers it found, and whether more wait."""
        now = self._clock()
        self._worked_until = now
        quiet = not found and not waiting and now - self._changed_at >= POSTED_S
        self._quiet_at = self._seen[1] if self._seen and quiet else None
