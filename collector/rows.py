"""Canonical spans and entries as Arrow batches, and back: the one place that knows how a journal row is laid out.

``facts`` is the JSON of the sealed span without its ids, so that posting can be repeated from the journal alone, whatever columns a
later version adds. ``ver`` orders versions of one span by content: end, attribute count, payload hash (DESIGN §4, posting 7).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import xxhash

from spanledger.model import Content, Entry, Message, Span, Usage
from warehouse.tables import CALLS, CONTENTS, SPANS, USD

_facts = msgspec.json.Encoder(order="sorted")
_span = msgspec.json.Decoder(Span)
NO_PARENT = b"\0" * 8
_U32, _U16, _U8 = 0xFFFFFFFF, 0xFFFF, 0xFF


def facts_of(span: Span) -> bytes:
    """The span's JSON without what the key columns hold."""
    kept = span.project, span.service, span.trace_id, span.span_id, span.parent_id
    span.project = span.service = ""
    span.trace_id = span.span_id = span.parent_id = b""
    try:
        return _facts.encode(span)
    finally:
        span.project, span.service, span.trace_id, span.span_id, span.parent_id = kept


def usage_json(usage: Usage | None) -> str:
    """A usage as it stands in the facts."""
    return _facts.encode(usage).decode()


def version_of(span: Span, facts: bytes) -> int:
    """128-bit version: later end, then more attributes, then the greater payload hash. Made of content only."""
    payload = int.from_bytes(payload_hash(facts, span.parent_id), "little")
    return (min(max(span.end_ns, 0), (1 << 64) - 1) << 64) | (min(span.n_attrs, _U16) << 48) | payload


def payload_hash(facts: bytes, parent_id: bytes) -> bytes:
    """48 bits by which two versions of a span differ that end together and have as many attributes; no secret, no guard."""
    return xxhash.xxh3_64_digest(facts + parent_id)[:6]


def span_of(project: str, service: str, trace: bytes, span_id: bytes, parent: bytes, facts: str | bytes) -> Span:
    """A span as it was journaled; inverse of :func:`facts_of`."""
    span = _span.decode(facts)
    span.project, span.service, span.trace_id, span.span_id = project, service, trace, span_id
    span.parent_id = b"" if parent == NO_PARENT else parent
    return span


def spans_from(table: pa.Table) -> list[tuple[int, Span]]:
    """(version, span) of each row of ``warehouse.journal.spans_of_traces``."""
    unhex = bytes.fromhex
    columns = [table[c].to_pylist() for c in ("project", "service", "trace", "span", "parent", "facts", "ver")]
    return [(int(v), span_of(p, s, unhex(t), unhex(i), unhex(up), f)) for p, s, t, i, up, f, v in zip(*columns, strict=True)]


def combinations(keys: Iterable[Hashable]) -> tuple[np.ndarray, list[int]]:
    """Which keys are equal: the number of each row's combination, and the first row of each combination."""
    known: dict[Hashable, int] = {}
    index = np.fromiter((known.setdefault(key, len(known)) for key in keys), np.int64)
    first = np.empty(len(known), np.int64)
    first[index[::-1]] = np.arange(len(index) - 1, -1, -1)
    return index, first.tolist()


def journal_columns(spans: Sequence[Span], facts: Sequence[bytes], versions: Sequence[int]) -> dict[str, Any]:
    """Columns of table ``spans``, for :func:`batch_of`; ``spans`` are sealed (redacted, hashed). The loader numbers batches (:func:`numbered`)."""
    usage = [s.usage for s in spans]
    return {
        "ts": _times([s.start_ns for s in spans]),
        "trace_id": [s.trace_id for s in spans],
        "span_id": [s.span_id for s in spans],
        "parent_span_id": [s.parent_id or NO_PARENT for s in spans],
        "end_ts": _times([s.end_ns for s in spans]),
        "response_id": [s.response_id for s in spans],
        "link": [s.link for s in spans],
        "user_hash": [s.own.get("user") or s.inherited.get("user") or "" for s in spans],
        "tokens_in": [0 if u is None else min(u.input or 0, _U32) for u in usage],
        "tokens_out": [0 if u is None else min(u.output or 0, _U32) for u in usage],
        "facts": list(map(bytes.decode, facts)) if len(facts) < FEW else pa.array(facts, pa.binary()).cast(pa.string()),
        "batch": [0] * len(spans),
        "ver": [v.to_bytes(16, "little") for v in versions],
        **_repeated(spans),
    }


def numbered(rows: pa.Table, batch: int) -> pa.Table:
    """Journal rows under the number of the insert that brings them."""
    at = rows.schema.get_field_index("batch")
    return rows.set_column(at, rows.schema.field(at), pa.array(np.full(rows.num_rows, batch, np.uint64)))


def _repeated(spans: Sequence[Span]) -> dict[str, Any]:
    """The journal columns that come in few combinations."""
    return _taken(JOURNAL_WORDS, list(map(journal_words, spans)), SPANS)


def journal_words(s: Span) -> tuple[Hashable, ...]:
    """What of a sealed span stands in the columns :data:`JOURNAL_WORDS`."""
    return (*_repeating(s), min(s.safety, _U16), tenant_of(s), tuple(s.attrs.items()) if s.attrs else ())


def text_words(s: Span) -> tuple[Hashable, ...]:
    """What of a sealed span stands in the columns :data:`TEXT_WORDS`."""
    return s.project, s.service, s.kind, tenant_of(s)


def tenant_of(s: Span) -> str:
    """The tenant that a span names, or its resource."""
    return s.own.get("tenant") or s.inherited.get("tenant") or ""


_SPAN_TEXT = ("project", "service", "signal", "scope", "name", "dialect", "kind", "role", "status", "provider", "model", "tool_name")
_repeating = attrgetter(*_SPAN_TEXT)
#: Columns whose values come in few combinations, of the journal and of texts.
JOURNAL_WORDS = (*_SPAN_TEXT, "safety", "tenant_hash", "attrs")
TEXT_WORDS = ("project", "service", "kind", "tenant_hash")


def contents_batch(rows: Sequence[tuple[Span, Content, int]]) -> pa.RecordBatch:
    """Rows of table ``contents`` of redacted text; the version is the span's."""
    spans = [s for s, _, _ in rows]
    columns: dict[str, Any] = {
        **_taken(TEXT_WORDS, list(map(text_words, spans)), CONTENTS),
        "ts": _times([s.start_ns for s in spans]),
        "trace_id": [s.trace_id for s in spans],
        "span_id": [s.span_id for s in spans],
        "user_hash": [s.own.get("user") or s.inherited.get("user") or "" for s in spans],
        "prompt_hash": [s.prompt_hash for s in spans],
        "context_hash": [s.context_hash for s in spans],
        "prompt": [prompt_text(c.messages) for _, c, _ in rows],
        "response": [c.response for _, c, _ in rows],
        "context": [c.context for _, c, _ in rows],
        "extra": [_extra(c) for _, c, _ in rows],
        "ver": [v.to_bytes(16, "little") for _, _, v in rows],
    }
    return batch_of(columns, CONTENTS)


def prompt_text(messages: Sequence[Message]) -> str:
    """The conversation as it is stored: role-tagged turns."""
    if len(messages) == 1:
        return f"{messages[0].role}: {messages[0].text}"
    return "\n".join([f"{m.role}: {m.text}" for m in messages])


def _taken(names: Sequence[str], rows: Sequence[tuple[Hashable, ...]], schema: pa.Schema) -> dict[str, Any]:
    """Columns of rows that come in few combinations: built once for each, then taken by number."""
    if len(rows) < FEW:  # taking costs more than it spares
        return {name: [row[place] for row in rows] for place, name in enumerate(names)}
    index, first = combinations(rows)
    return taken(names, [rows[i] for i in first], index, schema)


def taken(names: Sequence[str], few: Sequence[tuple[Hashable, ...]], index: np.ndarray, schema: pa.Schema) -> dict[str, pa.Array]:
    """Columns whose row i is row ``index[i]`` of a few."""
    rows = pa.array(few, pa.struct([schema.field(name) for name in names])).take(pa.array(index))
    return dict(zip(names, rows.flatten(), strict=True))


#: So many rows are made one by one: an array for each column costs more than a row.
FEW = 64


def batch_of(columns: dict[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    """A batch of columns: lists of values, of at least :data:`FEW` also arrays."""
    names = schema.names
    if len(columns[names[0]]) >= FEW:
        return pa.RecordBatch.from_pydict(columns, schema)
    rows = list(zip(*(columns[name] for name in names), strict=True))
    return pa.RecordBatch.from_struct_array(pa.array(rows, pa.struct(list(schema))))


def _extra(content: Content) -> list[tuple[str, str]]:
    told = _extra_fields(content)
    return [(name, text) for name, text in zip(_EXTRA, told, strict=True) if text] + list(content.extra.items()) if any(told) or content.extra else []


_EXTRA = ("system", "tool_input", "tool_output", "tool_definitions", "schema")
_extra_fields = attrgetter(*_EXTRA)


def micros(times_ns: Sequence[int] | np.ndarray) -> pa.Array:
    """Nanoseconds since the epoch as the timestamp column, floored to microseconds and clamped to what the engine can hold."""
    try:
        ns = np.asarray(times_ns, np.int64)
    except OverflowError:
        ns = np.array([min(max(t, 0), _LAST_NS) for t in times_ns], np.int64)
    return pa.array(np.clip(ns, 0, _LAST_NS) // 1000, pa.timestamp("us", tz="UTC"))


def _times(times_ns: Sequence[int]) -> pa.Array | list[int]:
    return micros(times_ns) if len(times_ns) >= FEW else [min(max(t, 0), _LAST_NS) // 1000 for t in times_ns]


_LAST_NS = 9_223_372_036_000_000_000


def usd_array(values: Sequence[Decimal | None]) -> pa.Array:
    """Decimal(18, 9) column from Decimals with at most nine places; exact (integers of 1e-9 USD), ``None`` stays null."""
    missing = [v is None for v in values]
    if all(missing):
        return pa.nulls(len(values), USD)
    nano = np.fromiter((int(v.scaleb(9)) if v else 0 for v in values), np.int64, len(values))
    return usd_of_nanos(nano, ~np.array(missing) if any(missing) else None)


def usd_of_nanos(nanos: np.ndarray, told: np.ndarray | None = None) -> pa.Array:
    """Decimal(18, 9) column from integers of 1e-9 USD; null where ``told`` is False."""
    words = np.empty((len(nanos), 2), np.int64)
    words[:, 0], words[:, 1] = nanos, nanos >> 63  # two's complement, sign-extended to 128 bits
    valid = None if told is None else pa.py_buffer(np.packbits(told, bitorder="little").tobytes())
    return pa.Array.from_buffers(USD, len(nanos), [valid, pa.py_buffer(words.tobytes())])


_USD_COLUMNS = tuple(f.name for f in CALLS if f.type == USD)
_CAPS = {f.name: cap for f in CALLS for kind, cap in ((pa.uint32(), _U32), (pa.uint16(), _U16), (pa.uint8(), _U8)) if f.type == kind}
_PLAIN = tuple(f.name for f in CALLS if f.name not in _USD_COLUMNS and f.name not in {"ts", "ver", "is_deleted", "attrs", "biz_metric"})


_plain_fields = attrgetter(*_PLAIN)


def calls_batch(entries: Sequence[Entry], ver: int) -> pa.RecordBatch:
    """Rows of table ``calls`` under one posting sequence number."""
    columns: dict[str, Any] = {"ts": [e.ts_us for e in entries]}
    told: list[tuple[Any, ...]] = list(zip(*map(_plain_fields, entries), strict=True)) or [()] * len(_PLAIN)
    for name, values in zip(_PLAIN, told, strict=True):
        cap = _CAPS.get(name)
        over = cap and values and (max(values) > cap or min(values) < 0)
        columns[name] = [min(max(v, 0), cap) for v in values] if over else values
    for name in _USD_COLUMNS:
        amounts = list(map(attrgetter(name), entries))
        columns[name] = amounts if len(entries) < FEW else usd_array(amounts)
    columns["attrs"] = [list(e.attrs.items()) for e in entries]
    columns["biz_metric"] = [list(e.biz_metric.items()) for e in entries]
    columns["ver"] = [ver] * len(entries)
    columns["is_deleted"] = [0] * len(entries)
    return batch_of(columns, CALLS)


EntryKey = tuple[str, str, int, bytes, bytes]  # project, service, ts in microseconds, trace id, span id


def key_of(entry: Entry) -> EntryKey:
    """What an entry stands under."""
    return entry.project, entry.service, entry.ts_us, entry.trace_id, entry.span_id


def place_of(key: EntryKey) -> tuple[str, str, int, bytes, bytes]:
    """Where the ledger keeps it: another start within the hour is the same place, so that the new row replaces the old one by itself."""
    project, service, ts_us, trace_id, span_id = key
    return project, service, ts_us // 3_600_000_000, trace_id, span_id


def tombstones(keys: Sequence[EntryKey], ver: int) -> pa.RecordBatch:
    """Rows that take entries out of the ledger."""
    gone = [Entry(project=p, service=s, ts_us=t, trace_id=tr, span_id=sp, billed=False) for p, s, t, tr, sp in keys]
    batch = calls_batch(gone, ver)
    at = batch.schema.get_field_index("is_deleted")
    return batch.set_column(at, CALLS.field("is_deleted"), pa.array(np.ones(len(keys), np.uint8)))


def spans_of(rows: pa.RecordBatch | pa.Table, which: np.ndarray | None = None) -> list[tuple[int, Span]]:
    """(version, span) of journal rows that were kept in the spool, or of some of them (bool)."""
    kept = rows.select(["project", "service", "trace_id", "span_id", "parent_span_id", "facts", "ver"])
    if which is not None:
        kept = kept.filter(pa.array(which))  # chunk by chunk; taking rows by number would join all of them first
    columns = [column.to_pylist() for column in kept.columns]
    return [(int.from_bytes(v, "little"), span_of(p, s, t, i, up, f)) for p, s, t, i, up, f, v in zip(*columns, strict=True)]
