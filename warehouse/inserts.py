"""Arrow rows into a table with as little CPU as the engine allows.

Embedded, the rows are streamed into a handle that is kept for the client: no file in between, no settings to look up and put back.
A server gets them over HTTP, with the same settings per insert. What is spared at the insert is done when parts are merged:

* ``optimize_on_insert = 0``: a block is not merged with itself first. Repeated rows stand in one part then; every read is ``FINAL``.
* the text indexes of ``contents`` are built by merges; a search scans the parts that have none yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pyarrow as pa
from clickhouse_connect.driver.exceptions import DatabaseError

from warehouse.engine import Engine

if TYPE_CHECKING:
    from chdb.state.sqlitelike import Connection
    from clickhouse_connect.driver.client import Client

#: Settings of a write; the embedded engine has them in its profile (``config/users.xml``).
WRITE_SETTINGS = {"optimize_on_insert": 0, "exclude_materialize_skip_indexes_on_insert": "ix_prompt,ix_response"}

_CHUNK = 1 << 20  # bytes handed over at a time
_handles: WeakKeyDictionary[Client, Connection] = WeakKeyDictionary()


def insert(client: Client, table: str, rows: pa.Table) -> None:
    """Insert ``rows`` into ``spanledger.<table>``; durable on return. Raises the driver's exceptions."""
    engine = Engine.of(client)
    if engine is None:
        client.insert_arrow(table, rows, settings=WRITE_SETTINGS)
        return
    handle = _handles.get(client)
    if handle is None:
        handle = _handles[client] = engine.connection()
    _stream(handle, table, rows)


def _stream(handle: Connection, table: str, rows: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    data = memoryview(sink.getvalue())
    try:
        columns = ", ".join(f"`{name}`" for name in rows.schema.names)  # named, so that one the table has not is refused
        inserter = handle.send_insert(f"INSERT INTO spanledger.{table} ({columns})", "ArrowStream")
        try:
            for at in range(0, len(data), _CHUNK):
                inserter.append(bytes(data[at : at + _CHUNK]))
            inserter.finish()
        except BaseException:
            inserter.cancel()
            raise
    except RuntimeError as exc:
        raise DatabaseError(str(exc)) from exc
