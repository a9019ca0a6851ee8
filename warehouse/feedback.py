"""Feedback: what people and systems say about a call or a trace (idempotent by ``id``), and what it adds up to beside the traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import polars as pl

from warehouse.journal import warehouse_errors
from warehouse.queries.ask import Scope, fill, frame, group_clause, grouping, listed, order_of
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

#: ``thumb`` +1/-1 · ``rejection`` and ``escalation`` 1 · ``correction`` and ``review`` (comment: the note) · ``label`` (detector's truth:
#: value 1 bad, 0 fine) · ``business`` (``name``: the metric, ``value``: how much).
Kind = Literal["thumb", "rejection", "escalation", "correction", "review", "label", "business"]


TRACES_AT_ONCE = 5_000


@dataclass(frozen=True)
class Feedback:
    """One statement. ``ts``: start of the call (or trace) that it is about; ``span_id`` empty: the whole trace. Comments are redacted."""

    kind: Kind
    ts: datetime
    trace_id: bytes
    span_id: bytes = b""
    name: str = ""
    value: float = 0.0
    label: str = ""
    comment: str = ""
    project: str = ""
    app_id: str = ""
    team: str = ""
    tenant_hash: str = ""
    user_hash: str = ""
    actor: str = ""
    id: str = field(default_factory=lambda: uuid4().hex)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


_COLUMNS = [
    "id", "ts", "project", "app_id", "team", "tenant_hash", "user_hash", "trace_id", "span_id", "kind", "name", "value", "label",
    "comment", "actor", "at",
]  # fmt: skip


def add_feedback(client: Client, statements: Sequence[Feedback]) -> int:
    """Store statements, durably; returns how many. A statement with a known id, key and name replaces the earlier one."""
    rows = [[_stored(s, column) for column in _COLUMNS] for s in statements]
    if rows:
        with warehouse_errors():
            client.insert("spanledger.feedback", rows, column_names=_COLUMNS)
    return len(rows)


def _stored(statement: Feedback, column: str) -> object:
    value = getattr(statement, column)
    return value.ljust(8, b"\0") if column == "span_id" else value


def targets(client: Client, traces: Sequence[str]) -> list[dict[str, Any]]:
    """Calls of traces (hexadecimal ids), earliest first: ``trace_id, span_id, members, ts`` and the dimensions that a statement copies."""
    found: list[dict[str, Any]] = []
    for at in range(0, len(traces), TRACES_AT_ONCE):
        found += frame(client, sql("feedback_targets"), {"traces": list(traces[at : at + TRACES_AT_ONCE])}).to_dicts()
    return found


def feedback_signals(client: Client, scope: Scope, *, by: Sequence[str] = ("app",)) -> pl.DataFrame:
    """Human feedback as rates per group: traces, rated, down, rejected, escalated, corrected, labelled, and their shares (null without any).

    ``by``: any dimension of the ledger (app, team, route, model, prompt, prompt_version, …) and grains of time.
    """
    items, _ = grouping(by)
    parts = {
        "names": listed([item.replace("$time", "e.ts") for item in items]),
        "keys": listed([f"`{name}`" for name in by]),
        "where": scope.where,
        "group": group_clause(by),
        "order": order_of(by, "traces DESC"),
    }
    return frame(client, fill("feedback_signals", parts), scope.params)
