"""Reads policy and ledger into the book, again and again, as often as each limit's window asks for; a thread of the web process.

While the warehouse is away the book keeps what it has, and its figures grow old: what that means is in the policy (``decisions``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from dashboard.decisions.book import Book
from dashboard.decisions.limits import Known, Meter, window_of
from spanledger.errors import SpanledgerError
from spanledger.policy import Policy
from warehouse import quotas, stored_budgets
from warehouse.matching import Hash

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = structlog.get_logger()

_LOOKS = 60  # at a window while it passes, if that is not more often than `refresh`
_SLOWEST = timedelta(seconds=10)
_TIERS_EVERY = timedelta(minutes=5)
_SHARE = 20  # of a limit's time, one part at most is spent on asking
_TRACES = 5_000
_BEFORE = timedelta(minutes=1)
Ask = Callable[[Callable[["Client"], Any]], Any]
_START = datetime.min.replace(tzinfo=UTC)


class Follower:
    """Keeps a book current.

    Args:
        ask: asks the warehouse a question with the instance's own rights.
        policy: the policy file's, in force.
        tenant_hash: what the ledger has for a tenant's name.
    """

    def __init__(self, book: Book, ask: Ask, policy: Callable[[], Policy], tenant_hash: Hash) -> None:
        self._book, self._ask, self._policy, self._hash = book, ask, policy, tenant_hash
        self._due: dict[tuple[str, str], datetime] = {}
        self._stored: list[stored_budgets.Stored] | None = None
        self._tiers_at = _START
        self._behind: tuple[int, datetime] | None = None
        self._problems: dict[tuple[str, str], str] = {}

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop`` is set. A warehouse that does not answer is told of once."""
        away = False
        while not stop.is_set():
            try:
                self.look(datetime.now(UTC))
                away = False
            except SpanledgerError as exc:
                if not away:
                    log.warning("decisions_without_warehouse", reason=str(exc)[:300], answer=self._policy().decisions.when_unknown)
                away = True
            except Exception:
                log.exception("decisions_not_refreshed")
            stop.wait(self._policy().decisions.refresh.total_seconds())

    def look(self, now: datetime) -> None:
        """Read what is due. Raises what the warehouse raises where nothing can be read."""
        ask, file = self._ask, self._policy()
        try:
            self._stored = ask(stored_budgets.stored)
        finally:  # the file is followed without the warehouse too
            policy = stored_budgets.with_stored(file, self._stored or [])
            meters = self._book.take(policy, complete=self._stored is not None)
        if not meters:
            return
        self._book.lag_s = self._lag(now)
        traces, since = self._book.waiting(_TRACES)
        entries = ask(lambda client: quotas.entries_of(client, traces, since - _BEFORE)) if since is not None else {}
        known: dict[tuple[str, str], Known] = {}
        for batch in self._due_of(meters, now):
            known |= self._read(batch, policy, now)
        self._book.learn(known, entries)
        self._due = {m.key: self._due[m.key] for m in meters if m.key in self._due}
        if now - self._tiers_at >= _TIERS_EVERY:
            self._book.see_tiers(ask(lambda client: quotas.tiers(client, now)))
            self._tiers_at = now

    def _due_of(self, meters: Sequence[Meter], now: datetime) -> list[list[Meter]]:
        """What is to be read now; in one list what is asked for in one question."""
        batches: dict[Hashable, list[Meter]] = {}
        for meter in meters:
            if now >= self._due.get(meter.key, _START):
                batches.setdefault((meter.window, meter.period, meter.per, quotas.together(meter.of.match)), []).append(meter)
        return list(batches.values())

    def _read(self, batch: Sequence[Meter], policy: Policy, now: datetime) -> dict[tuple[str, str], Known]:
        """What these meters' calls have used, by meter; nothing where it cannot be asked, which is told of in the log."""
        one, begun = batch[0], time.monotonic()
        since, until = window_of(one, now)
        those = {meter.key: meter.of.match for meter in batch}
        try:
            found = self._ask(lambda client: quotas.usages(client, those, one.per, since, now, self._hash))
        except SpanledgerError as exc:
            if exc.retryable:
                raise
            if self._problems.get(one.key) != str(exc):
                log.warning("limits_not_read", names=[meter.name for meter in batch][:10], reason=str(exc)[:300])
            self._problems[one.key] = str(exc)
            return {}
        self._problems.pop(one.key, None)
        took = timedelta(seconds=time.monotonic() - begun)
        pause = max(policy.decisions.refresh, min((one.window or (until or now) - since) / _LOOKS, _SLOWEST), _SHARE * took)
        due = min(now + took + min(pause, policy.decisions.stale_after / 2), until or datetime.max.replace(tzinfo=UTC))
        self._due.update(dict.fromkeys(those, due))
        return {key: Known(now, since, until, usage) for key, usage in found.items()}

    def _lag(self, now: datetime) -> float:
        """For how long posting has stood still while there is something to post."""
        behind, through = self._ask(quotas.unposted)
        if not behind:
            self._behind = None
        elif self._behind is None or self._behind[0] != through:
            self._behind = through, now
        return (now - self._behind[1]).total_seconds() if self._behind is not None else 0.0
