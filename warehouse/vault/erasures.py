"""What an erasure has taken, for whoever still holds rows of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_AT_ONCE = 2_000


def erased_among(client: Client, traces: Sequence[bytes]) -> set[bytes]:
    """Those of the traces (16-byte ids) that an erasure has taken."""
    hexes = sorted({trace.hex() for trace in traces})
    gone: set[bytes] = set()
    for at in range(0, len(hexes), _AT_ONCE):
        rows = client.query(sql("erased_among"), {"traces": hexes[at : at + _AT_ONCE]}).result_rows
        gone |= {bytes.fromhex(row[0]) for row in rows}
    return gone
