"""Arrow rows into a table with as little CPU as the engine allows.

Embedded, the rows are streamed into a handle that is kept for the client: no file in between, no settings to look up and put back.
A server gets them over HTTP, with the same settings per insert. What is spared at the insert is done when parts are merged:

* ``optimize_on_insert = 0``: a block is not merged with itself first. Repeated rows stand in one part then; every read is ``FINAL``.
* hashes of persons and texts keep the first 64 of their 128 bits: 10 million users make one collision in 370,000 installations.
* the text indexes of ``contents`` are built by merges; a search scans the parts that have none yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.exceptions import DatabaseError

from warehouse.engine import Engine

if TYPE_CHECKING:
    from chdb.state.sqlitelike import Connection
    from clickhouse_connect.driver.client import Client

#: Settings of a write; the embedded engine has them in its profile (``config/users.xml``).
WRITE_SETTINGS = {"optimize_on_insert": 0, "exclude_materialize_skip_indexes_on_insert": "ix_prompt,ix_response"}

#: Columns of which the first 16 hexadecimal digits are stored.
SHORT_HASHES = frozenset({"user_hash", "session_hash", "prompt_hash", "response_hash", "context_hash"})
_DIGITS = 16

_PIECE = 1 << 18  # bytes handed over at a time
_handles: WeakKeyDictionary[Client, Connection] = WeakKeyDictionary()


def insert(client: Client, table: str, rows: pa.Table) -> None:
    """Insert ``rows`` into ``spanledger.<table>``; durable on return. Raises the driver's exceptions."""
    rows = _shortened(rows)
    engine = Engine.of(client)
    if engine is None:
        client.insert_arrow(table, rows, settings=WRITE_SETTINGS)
        return
    handle = _handles.get(client)
    if handle is None:
        handle = _handles[client] = engine.connection()
    _stream(handle, table, rows)


def _shortened(rows: pa.Table) -> pa.Table:
    for i, field in enumerate(rows.schema):
        if field.name in SHORT_HASHES:
            rows = rows.set_column(i, field, pc.utf8_slice_codeunits(rows.column(i), 0, _DIGITS))  # type: ignore[attr-defined]
    return rows


class _Pieces:
    """A file for Arrow's writer that hands on what is written in pieces: no buffer grows to the size of the whole (fresh memory costs
    more than the copying: a third of an insert's time in the thread that makes it)."""

    closed = False

    def __init__(self, hand_on: Callable[[bytes], None]) -> None:
        self._hand_on = hand_on
        self._parts: list[bytes | pa.Buffer] = []
        self._size = 0

    def write(self, data: bytes | pa.Buffer) -> int:
        size = len(data) if isinstance(data, bytes) else data.size
        self._parts.append(data)
        self._size += size
        if self._size >= _PIECE:
            self.flush()
        return size

    def flush(self) -> None:
        if self._parts:
            self._hand_on(b"".join(self._parts))  # type: ignore[arg-type]
            self._parts, self._size = [], 0

    def close(self) -> None:
        self.flush()


def _stream(handle: Connection, table: str, rows: pa.Table) -> None:
    columns = ", ".join(f"`{name}`" for name in rows.schema.names)  # named, so that one the table has not is refused
    try:
        inserter = handle.send_insert(f"INSERT INTO spanledger.{table} ({columns})", "ArrowStream")
        try:
            pieces = _Pieces(inserter.append)
            with pa.ipc.new_stream(pa.PythonFile(pieces, mode="w"), rows.schema) as writer:
                writer.write_table(rows)
            pieces.flush()
            inserter.finish()
        except BaseException:
            inserter.cancel()
            raise
    except RuntimeError as exc:
        raise DatabaseError(str(exc)) from exc
