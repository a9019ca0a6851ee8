"""Entries as ``spanledger reprice`` compares and replaces them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from warehouse import journal
from warehouse.queries.ask import arrow, stamp
from warehouse.rollups import HourClock, hours_of
from warehouse.sqlfiles import sql
from warehouse.tables import CALLS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_ROWS = 20_000


def priced_entries(client: Client, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Live entries of the full hours ``[since, until)``: keys (ids in hexadecimal), ``members``, ``ver``, and what prices and policy decide."""
    return arrow(client, sql("priced_entries"), {"since": stamp(since), "until": stamp(until)}).to_pylist()


def replace(client: Client, clock: HourClock, batch: pa.RecordBatch, read: Sequence[int]) -> None:
    """Put rows of ``calls`` in the place of those that were read under the versions ``read``.

    A replacement is the very next version. Whatever posting writes of an entry after it was read is newer, in whichever order the two
    land, and so stays.
    """
    at = batch.schema.get_field_index("ver")
    vers = pa.array([ver + 1 for ver in read], pa.uint64())
    rows = pa.Table.from_batches([batch.set_column(at, CALLS.field("ver"), vers)])
    for start in range(0, rows.num_rows, _ROWS):
        part = rows.slice(start, _ROWS)
        with clock.writing(hours_of(part)):
            journal.insert(client, "calls", part)
