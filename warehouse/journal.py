"""What the collector writes and reads back: journal rows, entries, and how far posting has come.

In: Arrow batches of ``tables.SPANS``, ``CONTENTS``, ``CALLS``. Out: Arrow tables of whole families, for posting them again.
All functions take a clickhouse-connect client (embedded or server) and raise ``WarehouseBusy`` / ``WarehouseUnavailable``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from spanledger.errors import WarehouseBusy, WarehouseUnavailable
from warehouse import inserts
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

#: Most keys bound into one query (the parameter text stays far below ``max_query_size``).
KEYS_PER_QUERY = 2_000


@contextmanager
def warehouse_errors() -> Generator[None]:
    """Translate driver exceptions: cannot be reached → ``WarehouseUnavailable``, anything else → ``WarehouseBusy``."""
    try:
        yield
    except (OperationalError, ConnectionError, TimeoutError) as exc:
        raise WarehouseUnavailable(f"the warehouse does not answer: {str(exc)[:300]}") from exc
    except ClickHouseError as exc:
        raise WarehouseBusy(f"the warehouse refused: {str(exc)[:300]}") from exc


def insert(client: Client, table: str, batch: pa.RecordBatch | pa.Table) -> None:
    """Insert and return once the rows are durable (the tables fsync).

    10,000 to 20,000 rows at a time are cheapest; see :mod:`warehouse.inserts` for how.
    """
    rows = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
    if rows.num_rows:
        with warehouse_errors():
            inserts.insert(client, table, rows)


def _chunks(keys: Sequence[str]) -> Iterator[list[str]]:
    for at in range(0, len(keys), KEYS_PER_QUERY):
        yield list(keys[at : at + KEYS_PER_QUERY])


def _fetch(client: Client, name: str, keys: Sequence[str], param: str) -> pa.Table | None:
    tables: list[pa.Table] = []
    with warehouse_errors():
        for chunk in _chunks(keys):
            tables.append(client.query_arrow(sql(name), {param: chunk}, use_strings=True))  # noqa: PERF401
    return pa.concat_tables(tables) if tables else None


def spans_of_traces(client: Client, trace_ids: Sequence[bytes]) -> pa.Table | None:
    """Every journal row of these traces, one version a span: ``trace_id``, ``span_id`` … ``facts``, ``ver`` (as sent by the writer)."""
    return _fetch(client, "journal_spans_of_traces", [t.hex() for t in trace_ids], "traces")


def traces_by_response(client: Client, response_ids: Sequence[str]) -> list[bytes]:
    """Traces that hold a span with one of these provider response ids."""
    found = _fetch(client, "journal_traces_by_response", response_ids, "responses")
    return [] if found is None else [bytes.fromhex(t) for t in found["trace"].to_pylist()]


def traces_by_link(client: Client, links: Sequence[str]) -> list[bytes]:
    """Traces of these agent sessions (``Span.link``)."""
    found = _fetch(client, "journal_traces_by_link", links, "links")
    return [] if found is None else [bytes.fromhex(t) for t in found["trace"].to_pylist()]


def entry_keys_of_traces(client: Client, trace_ids: Sequence[bytes]) -> pa.Table | None:
    """Sort keys of the live entries of these traces: ``project``, ``service``, ``ts_us``, ``trace``, ``span`` (hexadecimal)."""
    return _fetch(client, "journal_entry_keys", [t.hex() for t in trace_ids], "traces")


def known_keys(client: Client, since: datetime) -> np.ndarray:
    """64-bit hashes of the trace ids, response ids and links of all journal rows that start at or after ``since``.

    Trace: the last eight bytes, little endian. Response id and link: xxHash64. UInt64, one array for all kinds, unordered.
    """
    with warehouse_errors():
        rows = client.query_arrow(sql("journal_known_keys"), {"since": since})
    return rows["key"].to_numpy() if rows.num_rows else np.empty(0, np.uint64)


def sequences(client: Client) -> tuple[int, int]:
    """(highest ``batch`` of the journal, highest ``ver`` of the ledger): where a writer goes on counting."""
    with warehouse_errors():
        row = client.query(sql("journal_sequences")).result_rows[0]
    return int(row[0]), int(row[1])


def posting_mark(client: Client, writer: str) -> int:
    """The journal batch up to which this writer has posted everything; 0 at first."""
    with warehouse_errors():
        return int(client.query(sql("journal_posting_mark"), {"writer": writer}).result_rows[0][0])


def set_posting_mark(client: Client, writer: str, through: int) -> None:
    """Everything of journal batches up to ``through`` is in the ledger."""
    with warehouse_errors():
        client.insert("posting_mark", [[writer, through]], column_names=["writer", "through"])


def traces_after(client: Client, batch: int) -> list[bytes]:
    """Traces with journal rows newer than ``batch``: to be posted again after a start."""
    with warehouse_errors():
        rows = client.query_arrow(sql("journal_traces_after"), {"batch": batch}, use_strings=True)
    return [bytes.fromhex(t) for t in rows["trace"].to_pylist()]


def hours_between(client: Client, since: datetime, until: datetime) -> list[datetime]:
    """Hours (UTC) of ``[since, until)`` that hold journal rows or live entries, oldest first."""
    with warehouse_errors():
        rows = client.query(sql("journal_hours"), {"since": since, "until": until}).result_rows
    return [datetime.fromtimestamp(int(row[0]), UTC) for row in rows]


def families_of_hour(client: Client, hour: datetime, reach: timedelta = timedelta(days=1)) -> list[pa.Table]:
    """Journal rows of one hour, and whole traces that hang together with them within ``reach``, as of :func:`spans_of_traces`."""
    until = hour + timedelta(hours=1)
    with warehouse_errors():
        inside = client.query_arrow(sql("journal_spans_of_hour"), {"since": hour, "until": until}, use_strings=True)
        window = {"since": hour, "until": until, "from": hour - reach, "to": until + reach}
        beyond = client.query_arrow(sql("journal_traces_beyond"), window, use_strings=True)
    more = spans_of_traces(client, [bytes.fromhex(t) for t in beyond["trace"].to_pylist()]) if beyond.num_rows else None
    return [table for table in (inside, more) if table is not None and table.num_rows]


def entries_of_hour(client: Client, hour: datetime) -> list[dict[str, Any]]:
    """What verification compares of the live entries of one hour; ids in hexadecimal, ``cost_nano`` in billionths of a dollar."""
    with warehouse_errors():
        window = {"since": hour, "until": hour + timedelta(hours=1)}
        return client.query_arrow(sql("ledger_entries_of_hour"), window, use_strings=True).to_pylist()


def erased_traces_of_hour(client: Client, hour: datetime) -> set[str]:
    """Traces (hexadecimal) with entries in this hour whose journal an erasure has taken."""
    with warehouse_errors():
        rows = client.query(sql("erased_traces_of_hour"), {"since": hour, "until": hour + timedelta(hours=1)}).result_rows
    return {str(row[0]) for row in rows}


def latest_erasure(client: Client) -> int:
    """When something was erased last, in microseconds since the epoch; not above 0 = never."""
    with warehouse_errors():
        return int(client.query(sql("journal_latest_erasure")).result_rows[0][0])


def unposted(client: Client) -> bool:
    """Whether the journal is ahead of the ledger at this moment."""
    with warehouse_errors():
        return bool(client.query(sql("journal_unposted")).result_rows[0][0])
