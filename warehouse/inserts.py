"""Arrow rows into a table with as little CPU as the engine allows.

Embedded, the engine reads them from a file in memory, by a handle that is kept for the client: no settings to look up and put back.
A server gets them over HTTP, with the same settings per insert. What is spared at the insert is done when parts are merged:

* ``optimize_on_insert = 0``: a block is not merged with itself first. Repeated rows stand in one part then; every read is ``FINAL``.
* hashes of persons and texts keep the first 64 of their 128 bits: 10 million users make one collision in 370,000 installations.
* the text indexes of ``contents`` and the filters by person and session are built by merges; a search reads the parts that have none yet.

Every row says every named column, so the engine need not look for what is left out: a tenth of an insert's cost, as much again for nulls.
"""

from __future__ import annotations

import threading
from typing import IO, TYPE_CHECKING, NamedTuple
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
WRITE_SETTINGS = {"optimize_on_insert": 0, "exclude_materialize_skip_indexes_on_insert": "ix_prompt,ix_response,ix_user,ix_session"}

#: How rows are read; not in the profile, since others may leave columns out. Where a column that holds no null has some, they become its zero.
ROW_SETTINGS = {"input_format_defaults_for_omitted_fields": 0, "input_format_null_as_default": 0}
NULLABLE = frozenset({"ttft_ms", "cost_supplied_usd", "score", "hallucination_score"})

#: Columns of which the first 16 hexadecimal digits are stored.
SHORT_HASHES = frozenset({"user_hash", "session_hash", "prompt_hash", "response_hash", "context_hash"})
_DIGITS = 16


class _Way(NamedTuple):
    """A client's handle of the engine and the file that its rows pass through, used again: new memory costs a microsecond a row."""

    handle: Connection
    file: IO[bytes]
    lock: threading.Lock


_ways: WeakKeyDictionary[Client, _Way] = WeakKeyDictionary()


def insert(client: Client, table: str, rows: pa.Table) -> None:
    """Insert ``rows`` into ``spanledger.<table>``; durable on return. Raises the driver's exceptions."""
    rows = _shortened(rows)
    nulls = any(column.null_count for name, column in zip(rows.schema.names, rows.columns, strict=True) if name not in NULLABLE)
    engine = Engine.of(client)
    if engine is None:
        client.insert_arrow(table, rows, settings=WRITE_SETTINGS | ROW_SETTINGS | {"input_format_null_as_default": int(nulls)})
        return
    way = _ways.get(client)
    if way is None:
        way = _ways[client] = _Way(engine.connection(**ROW_SETTINGS), infile.opened(engine.path / "tmp"), threading.Lock())
    with way.lock:
        _through_a_file(way, table, rows, " SETTINGS input_format_null_as_default = 1" if nulls else "")


def _shortened(rows: pa.Table) -> pa.Table:
    for i, field in enumerate(rows.schema):
        if field.name in SHORT_HASHES:
            rows = rows.set_column(i, field, pc.utf8_slice_codeunits(rows.column(i), 0, _DIGITS))  # type: ignore[attr-defined]
    return rows


def _through_a_file(way: _Way, table: str, rows: pa.Table, settings: str) -> None:
    columns = ", ".join(f"`{name}`" for name in rows.schema.names)  # named, so that one the table has not is refused
    try:
        way.file.seek(0)
        with pa.ipc.new_stream(pa.PythonFile(way.file, mode="w"), rows.schema) as writer:
            writer.write_table(rows)
        way.file.truncate()
        way.handle.query(infile.statement(f"INSERT INTO spanledger.{table} ({columns}){settings}", way.file, "ArrowStream"))
    except (RuntimeError, OSError) as exc:
        raise DatabaseError(str(exc)) from exc
