"""The audit log: configuration changes, transcript reads, erasures, acknowledgements, key operations; append-only and hash-chained.

``hash`` = SHA-256 over ``prev_hash`` and the canonical JSON of the row, so that a changed, removed or inserted row breaks the chain
from there on. Rows never hold text of prompts or answers, nor secrets.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

GENESIS = "0" * 64
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row; ``at_us``: microseconds since the epoch; ``detail``: canonical JSON."""

    seq: int
    at_us: int
    actor: str
    action: str
    subject: str
    detail: str
    prev_hash: str
    hash: str

    def expected_hash(self) -> str:
        """What ``hash`` must be."""
        return _hash(self.seq, self.at_us, self.actor, self.action, self.subject, self.detail, self.prev_hash)


def append(client: Client, *, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> AuditEntry:
    """Add an entry and return once it is durable.

    Entries of several processes are ordered by what each finds as the newest row; two that collide on one number are both kept, and
    :func:`verify` accepts the pair as long as both follow the same row.
    """
    with _one_at_a_time:
        newest = client.query(sql("audit_log_tail")).result_rows
        seq, prev = (int(newest[0][0]) + 1, str(newest[0][1])) if newest else (1, GENESIS)
        at_us = time.time_ns() // 1000
        text = json.dumps(dict(detail or {}), sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
        entry = AuditEntry(seq, at_us, actor, action, subject, text, prev, _hash(seq, at_us, actor, action, subject, text, prev))
        client.command(
            sql("audit_log_append"),
            {"seq": seq, "at": at_us, "actor": actor, "action": action, "subject": subject, "detail": text, "prev": prev, "hash": entry.hash},
        )
    return entry


def entries(client: Client, *, after: int = 0, page: int = 10_000) -> Iterator[AuditEntry]:
    """All entries behind ``after`` in order."""
    while True:
        rows = client.query(sql("audit_log_entries"), {"after": after, "most": page}).result_rows
        for row in rows:
            yield AuditEntry(int(row[0]), int(row[1]), *(str(v) for v in row[2:]))
        if len(rows) < page:
            return
        after = int(rows[-1][0])


def verify(found: Iterator[AuditEntry]) -> tuple[int, str]:
    """(entries checked, "" or what is wrong first): every hash right, every link to a known row, no number missing."""
    known: dict[int, set[str]] = {0: {GENESIS}}
    checked, last = 0, 0
    for entry in found:
        checked += 1
        if entry.hash != entry.expected_hash():
            return checked, f"entry {entry.seq} was changed"
        if entry.seq not in (last, last + 1):
            return checked, f"entries {last + 1} to {entry.seq - 1} are missing"
        if entry.prev_hash not in known.get(entry.seq - 1, set()):
            return checked, f"entry {entry.seq} does not follow entry {entry.seq - 1}"
        known.setdefault(entry.seq, set()).add(entry.hash)
        known.pop(entry.seq - 3, None)
        last = entry.seq
    return checked, ""


def _hash(*parts: object) -> str:
    return sha256(json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
