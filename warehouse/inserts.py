"""Arrow rows into a table with as little CPU as the engine allows.

Embedded, the engine reads them from a file in memory, by a handle that is kept for the client: no settings to look up and put back.
A server gets them over HTTP, with the same settings per insert. What is spared at the insert is done when parts are merged:

* ``optimize_on_insert = 0``: a block is not merged with itself first. Repeated rows stand in one part then; every read is ``FINAL``.
* hashes of persons and texts keep the first 64 of their 128 bits: 10 million users make one collision in 370,000 installations.
* the text indexes of ``contents`` are built by merges; a search scans the parts that have none yet.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.exceptions import DatabaseError

from warehouse import infile
from warehouse.engine import Engine

if TYPE_CHECKING:
    from chdb.state.sqlitelike import Connection
    from clickhouse_connect.driver.client import Client

#: Settings of a write; the embedded engine has them in its profile (``config/users.xml``).
WRITE_SETTINGS = {"optimize_on_insert": 0, "exclude_materialize_skip_indexes_on_insert": "ix_prompt,ix_response"}

#: Columns of which the first 16 hexadecimal digits are stored.
SHORT_HASHES = frozenset({"user_hash", "session_hash", "prompt_hash", "response_hash", "context_hash"})
_DIGITS = 16

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
    _through_a_file(handle, table, rows, engine.path / "tmp")


def _shortened(rows: pa.Table) -> pa.Table:
    for i, field in enumerate(rows.schema):
        if field.name in SHORT_HASHES:
            rows = rows.set_column(i, field, pc.utf8_slice_codeunits(rows.column(i), 0, _DIGITS))  # type: ignore[attr-defined]
    return rows


def _through_a_file(handle: Connection, table: str, rows: pa.Table, folder: Path) -> None:
    columns = ", ".join(f"`{name}`" for name in rows.schema.names)  # named, so that one the table has not is refused
    try:
        with infile.opened(folder) as file:
            with pa.ipc.new_stream(pa.PythonFile(file, mode="w"), rows.schema) as writer:
                writer.write_table(rows)
            handle.query(infile.statement(f"INSERT INTO spanledger.{table} ({columns})", file, "ArrowStream"))
    except (RuntimeError, OSError) as exc:
        raise DatabaseError(str(exc)) from exc
