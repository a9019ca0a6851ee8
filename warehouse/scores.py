"""Writing detector results: rows of ``tables.SCORES``, with the marks that keep the hourly sums exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from warehouse.journal import insert
from warehouse.rollups import HourClock, hours_of

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class ScoreWriter:
    """The way into ``scores``; one per worker, named the same after a restart. Use from one thread; ``settle`` from time to time."""

    def __init__(self, client: Client, writer: str, *, quiet_s: float = 10.0) -> None:
        self.client = client
        self.clock = HourClock(client, f"scores:{writer}", base="scores", quiet_s=quiet_s)

    def insert(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Insert, durably; raises ``WarehouseBusy`` or ``WarehouseUnavailable``: the same batch may then be given again."""
        if batch.num_rows:
            with self.clock.writing(hours_of(batch)):
                insert(self.client, "scores", batch)

    def settle(self) -> int:
        """Let quiet hours be rolled up; returns how many."""
        return self.clock.settle()
