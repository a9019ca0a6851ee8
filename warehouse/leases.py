"""Claims on work, so that one of several workers does it: rows of ``leases``, decided by reading back.

To take a free lease a worker writes a row of the next epoch, waits until every competitor's row can be seen, and reads: of the rows of
that epoch the first by (at, holder) holds. Whose own row took longer than that wait to land gives way to whoever claims the same epoch:
they may have read without it. A lease is a way to save work, and to keep two from doing it at once as long as clocks agree within
``settle_s``; what must be exact does not rest on it (posting and rollups are correct when done twice).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from warehouse.queries.ask import query_errors
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class _Claim(NamedTuple):
    """The claim that counts, and how many workers claim its epoch."""

    epoch: int
    holder: str
    expires_at: datetime
    claims: int


@dataclass
class Lease:
    """A worker's claim on ``name``. Call :meth:`hold` again before ``ttl_s`` is over; ``True`` means: go on."""

    client: Client
    name: str
    holder: str
    ttl_s: float = 30.0
    settle_s: float = 0.2
    epoch: int = 0
    until: float = field(default=0.0)  # monotonic

    def hold(self) -> bool:
        """Take or renew the lease; ``False``: somebody else has it."""
        found = self._read()
        started = time.monotonic()
        mine = found is not None and found.epoch == self.epoch and started < self.until
        if found and not mine and found.expires_at > datetime.now(UTC) and (found.holder != self.holder or found.claims > 1):
            return False
        self.claim(found.epoch + 1 if found else 1)
        late = time.monotonic() - started > self.settle_s
        if not mine:  # a renewal need not wait: nobody else writes while it is valid
            time.sleep(self.settle_s)
        now = self._read()
        if not now or now.holder != self.holder or (late and now.claims > 1):
            return False
        self.epoch, self.until = now.epoch, started + self.ttl_s
        return True

    def release(self) -> None:
        """Give it up, so that another need not wait for the end of its time."""
        if self.epoch and time.monotonic() < self.until:
            self.claim(self.epoch + 1, ttl_s=0.0)
        self.until = 0.0

    def _read(self) -> _Claim | None:
        with query_errors():
            rows = self.client.query(sql("lease_holder"), {"name": self.name}).result_rows
        return _Claim(int(rows[0][0]), rows[0][1], rows[0][2].replace(tzinfo=UTC), int(rows[0][3])) if rows else None

    def claim(self, epoch: int, ttl_s: float | None = None) -> None:
        """Write a row: whether it counts, :meth:`hold` finds out."""
        expires = datetime.now(UTC) + timedelta(seconds=self.ttl_s if ttl_s is None else ttl_s)
        with query_errors():
            self.client.insert(
                "spanledger.leases", [[self.name, epoch, self.holder, expires]], column_names=["name", "epoch", "holder", "expires_at"]
            )
