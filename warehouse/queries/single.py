"""Questions about single calls: the latest ones, one call, one trace."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from spanledger.errors import NotFound, QueryRefused
from warehouse.queries.ask import Scope, arrow, fill, frame, polars
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_IDS = ("trace_id", "span_id", "parent_span_id")
_FIRST_STEP = timedelta(hours=1)  # how far back the first look goes; each further look four times as far


@dataclass(frozen=True)
class Page:
    """Rows of a list and the cursor of the next page (``""``: that was the last)."""

    rows: pl.DataFrame
    cursor: str


@dataclass(frozen=True)
class Trace:
    """The journal and the ledger of one trace."""

    spans: pl.DataFrame
    entries: pl.DataFrame


def calls(
    client: Client,
    scope: Scope,
    *,
    limit: int = 50,
    cursor: str = "",
    scored: bool = True,
) -> Page:
    """Entries newest first, ``limit`` a page; ids in lower-case hexadecimal, ``cost_usd`` Decimal(18, 9), ``hallucination_score``
    (composite, null: not scored; none with ``scored=False``, for who does not read scores).

    Raises:
        QueryRefused: not a cursor of ours.
    """
    before = _decode(cursor) if cursor else (_us(scope.until), "f" * 32, "f" * 16)
    newest = min(_us(scope.until), before[0] + 1)
    rows, step = pl.DataFrame(), _FIRST_STEP
    oldest = _us(scope.since)
    while True:
        start = max(oldest, newest - int(step.total_seconds() * 1e6))
        part = replace(scope, since=_at(start), until=_at(newest))
        params = part.params | {
            "before_ts": _text(before[0]),
            "before_trace": before[1],
            "before_span": before[2],
            "rows": limit + 1,
        }
        rows = frame(client, fill("latest_calls", {"where": part.where}), params)
        if rows.height > limit or start <= oldest:
            break
        step *= 4
    page = rows.head(limit)
    return Page(_with_scores(client, page) if scored else page, _encode(page.row(-1, named=True)) if rows.height > limit else "")


def _with_scores(client: Client, page: pl.DataFrame) -> pl.DataFrame:
    """Add ``hallucination_score`` (null: not scored)."""
    if page.is_empty():
        return page.with_columns(hallucination_score=pl.lit(None, pl.Float32))
    window = Scope(_at(_us(page["ts"].min())), _at(_us(page["ts"].max()) + 1)).params  # pyright: ignore[reportArgumentType]
    found = frame(client, fill("scores_of_traces", {}), window | {"traces": page["trace_id"].unique().to_list()})
    return page.join(found, on=["trace_id", "span_id"], how="left", maintain_order="left")


def call(client: Client, trace_id: str, span_id: str, *, teams: Sequence[str] | None = None) -> dict[str, Any]:
    """One entry with every column, found by its key or by any span that tells it (ids in hexadecimal).

    Raises:
        NotFound: no such call, or one that the asker may not see.
    """
    scope = Scope.ever(teams)
    span = padded(span_id, 16)
    found = arrow(client, fill("call", {"where": scope.where}), scope.params | {"trace": padded(trace_id, 32), "span": span})
    if not found.num_rows:
        raise NotFound(f"no call {trace_id}/{span_id}")
    begun, ids = found["ts"].cast(pa.int64()).to_pylist(), found["span_id"].to_pylist()
    first = min(range(found.num_rows), key=lambda i: (ids[i].hex() != span, begun[i], ids[i]))
    return _spelled(found, [first]).row(0, named=True)


def trace(client: Client, trace_id: str, *, teams: Sequence[str] | None = None, spans: bool = True, drawn: bool = False) -> Trace:
    """Every span of a trace in order of time with ``parent_span_id`` (zeros: a root), and its entries with their ``members``.

    With ``teams``, a trace is seen by the teams that have a call in it. ``spans=False``: entries only, for who does not read the journal.
    ``drawn=True``: only the columns that the trace's page draws.

    Raises:
        NotFound: no such trace, or one that the asker may not see.
    """
    scope = Scope.ever(teams)
    params = scope.params | {"trace": padded(trace_id, 32)}
    seen = f"WHERE true{scope.where}" if scope.where else ""
    found = arrow(client, fill("trace_entries", {"where": seen, "beside": _beside("entries", drawn)}), params)
    begun, ids = found["ts"].cast(pa.int64()).to_pylist(), found["span_id"].to_pylist()
    alive = [i for i, deleted in enumerate(found["is_deleted"].to_pylist()) if not deleted]
    entries = _spelled(found.drop_columns("is_deleted"), sorted(alive, key=lambda i: (begun[i], ids[i])))
    if teams is not None and entries.is_empty():
        raise NotFound(f"no trace {trace_id}")
    journal = _journal(client, params, drawn) if spans else pl.DataFrame()
    if journal.is_empty() and entries.is_empty():
        raise NotFound(f"no trace {trace_id}")
    return Trace(journal, entries)


def _beside(of: str, drawn: bool) -> str:
    return "" if drawn else sql(f"_trace_{of}_beside").rstrip()


def _journal(client: Client, params: Mapping[str, Any], drawn: bool) -> pl.DataFrame:
    found = arrow(client, fill("trace_spans", {"beside": _beside("spans", drawn)}), params)
    (begun, ended), ids = (found[name].cast(pa.int64()).to_pylist() for name in ("ts", "end_ts")), found["span_id"].to_pylist()
    took_ms = pa.array([(last - first) / 1000 for first, last in zip(begun, ended, strict=True)], pa.float64())
    order = sorted(range(found.num_rows), key=lambda i: (begun[i], -ended[i], ids[i]))
    return _spelled(found.append_column("duration_ms", took_ms), order)


def _spelled(rows: pa.Table, order: Sequence[int] | None = None) -> pl.DataFrame:
    """Ids in lower-case hexadecimal, as everybody but the engine writes them; in this order. Done in Python: a trace has few rows, and
    each expression of Polars or Arrow costs as much as all of this."""
    if order is not None and list(order) != list(range(rows.num_rows)):
        rows = rows.take(pa.array(order, pa.int64()))
    columns = [_hexadecimal(name, column) for name, column in zip(rows.column_names, rows.columns, strict=True)]
    return polars(pa.Table.from_arrays(columns, names=rows.column_names))


def _hexadecimal(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    if name in _IDS:
        return pa.array([one.hex() for one in column.to_pylist()], pa.string())
    if name == "members":
        return pa.array([[one.hex() for one in members] for members in column.to_pylist()], pa.list_(pa.string()))
    return column


def entry_counts(client: Client, trace_ids: Sequence[str]) -> dict[str, int]:
    """Entries of each of these traces that the asker may see; traces without one are left out. Ids in hexadecimal."""
    traces = [padded(one, 32) for one in trace_ids]
    rows = frame(client, fill("entry_counts", {}), {"traces": traces})
    return dict(zip(rows["trace_id"].to_list(), rows["entries"].to_list(), strict=True))


def padded(text: str, digits: int) -> str:
    """A padded hexadecimal id; raises ``NotFound`` for anything else, since no such thing is stored."""
    try:
        bytes.fromhex(text)
    except ValueError as exc:
        raise NotFound(f"{text!r} is no id") from exc
    if len(text) > digits:
        raise NotFound(f"{text!r} is no id")
    return text.lower().rjust(digits, "0")


def _us(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _at(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def _text(us: int) -> str:
    return _at(us).strftime("%Y-%m-%d %H:%M:%S.%f")


def _encode(row: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(f"{_us(row['ts'])}.{row['trace_id']}.{row['span_id']}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[int, str, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        us, trace_id, span_id = text.split(".")
        return int(us), bytes.fromhex(trace_id).hex(), bytes.fromhex(span_id).hex()
    except (ValueError, binascii.Error, UnicodeDecodeError) as exc:
        raise QueryRefused("not a cursor of this list") from exc
