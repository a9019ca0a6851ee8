"""What an erasure has taken, for whoever still holds rows of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def note_traces(client: Client, erasure: str, traces: Iterable[bytes]) -> None:
    """These traces go with this erasure, wherever rows of them are or come to be."""
    rows = [[erasure, trace] for trace in sorted(traces)]
    if rows:
        client.insert("spanledger.erased_traces", rows, column_names=["erasure", "trace_id"])


def traces_of(client: Client, erasure: str) -> set[bytes]:
    """The traces that went with an erasure."""
    return {bytes.fromhex(row[0]) for row in client.query(sql("erased_by"), {"erasure": erasure}).result_rows}
