"""Transcripts of ``audit`` tenants: sealed in the collector, opened only for a named person with a reason, on the record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from spanledger.errors import AccessDenied, NotFound
from warehouse.audit_log import append
from warehouse.sqlfiles import sql
from warehouse.vault.envelope import Place, seal, unseal
from warehouse.vault.keyring import Keyring

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

#: Arrow schema of table ``audit_objects``.
AUDIT_OBJECTS = pa.schema(
    [
        ("tenant_hash", pa.string()),
        ("user_hash", pa.string()),
        ("project", pa.string()),
        ("ts", pa.timestamp("us", tz="UTC")),
        ("trace_id", pa.binary(16)),
        ("span_id", pa.binary(8)),
        ("key_version", pa.uint32()),
        ("sealed", pa.binary()),
        ("ver", pa.binary(16)),
    ]
)

READERS = frozenset({"auditor", "admin"})


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed transcript, ready for the table."""

    tenant_hash: str
    user_hash: str
    project: str
    ts_us: int
    trace_id: bytes
    span_id: bytes
    key_version: int
    sealed: bytes
    version: int


def seal_transcript(ring: Keyring, tenant_hash: str, trace_id: bytes, span_id: bytes, transcript: dict[str, Any]) -> tuple[int, bytes]:
    """(key version, sealed object) of a transcript. Raises ``KeyUnavailable`` or ``NotFound``: then it must be dropped, not stored."""
    version = ring.newest(tenant_hash)
    text = json.dumps(transcript, ensure_ascii=False, separators=(",", ":")).encode("utf8", "surrogatepass")
    return version, seal(text, Place(tenant_hash, trace_id, span_id), ring.key(tenant_hash, version), version)


def rows_of(objects: Sequence[Sealed]) -> pa.RecordBatch:
    """Rows of table ``audit_objects``."""
    columns = {
        "tenant_hash": [o.tenant_hash for o in objects],
        "user_hash": [o.user_hash for o in objects],
        "project": [o.project for o in objects],
        "ts": pa.array([o.ts_us for o in objects], pa.timestamp("us", tz="UTC")),
        "trace_id": [o.trace_id for o in objects],
        "span_id": [o.span_id for o in objects],
        "key_version": [o.key_version for o in objects],
        "sealed": [o.sealed for o in objects],
        "ver": [o.version.to_bytes(16, "little") for o in objects],
    }
    return pa.RecordBatch.from_pydict(columns, AUDIT_OBJECTS)


def read_transcript(client: Client, ring: Keyring, trace_id: bytes, span_id: bytes, *, actor: str, role: str, reason: str) -> dict[str, Any]:
    """One transcript in the clear; the read is in the audit log before the text is out.

    Raises:
        AccessDenied: not an auditor or admin, or no reason given.
        NotFound: no transcript of this span was kept.
        KeyUnavailable: its keys are missing or destroyed (erased).
    """
    if role not in READERS:
        raise AccessDenied("reading a transcript needs the role auditor or admin")
    if len(reason.strip()) < 8:
        raise AccessDenied("reading a transcript needs a reason of at least eight characters")
    found = client.query(sql("audit_object"), {"trace": trace_id.hex(), "span": span_id.hex()}).result_rows
    if not found:
        raise NotFound(f"no transcript of span {span_id.hex()} was kept")
    tenant, version, sealed = found[0]
    append(
        client, actor=actor, action="transcript_read", subject=f"{trace_id.hex()}/{span_id.hex()}", detail={"reason": reason.strip(), "role": role}
    )
    text = unseal(bytes.fromhex(sealed), Place(tenant, trace_id, span_id), ring.key(tenant, int(version)))
    return dict(json.loads(text))
