"""Audit log and transcripts on a real warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from spanledger.errors import AccessDenied, NotFound
from warehouse.audit_log import append, entries, verify
from warehouse.engine import Engine
from warehouse.migrate import migrate
from warehouse.vault.keyring import Keyring, KeyUnavailable, LocalKek
from warehouse.vault.transcripts import Sealed, read_transcript, rows_of, seal_transcript


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    with Engine.open(tmp_path / "data") as engine, closing(engine.client()) as one:
        migrate(one)
        yield one


def test_the_chain_holds_and_every_tampering_breaks_it(client: Any) -> None:
    for n in range(5):
        append(client, actor="ann", action="config_changed", subject=f"file-{n}", detail={"n": n, "umlaut": "ü"})
    assert verify(entries(client)) == (5, "")
    client.command("ALTER TABLE audit_log UPDATE subject = 'other' WHERE seq = 3 SETTINGS mutations_sync = 1")
    assert verify(entries(client))[1] == "entry 3 was changed"
    client.command("ALTER TABLE audit_log DELETE WHERE seq = 3 SETTINGS mutations_sync = 1")
    assert "missing" in verify(entries(client))[1]


def test_a_transcript_is_read_only_by_an_auditor_with_a_reason_and_leaves_a_trace(client: Any, tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "keys", LocalKek(b"k" * 32))
    trace, span = b"t" * 16, b"s" * 8
    ring.init("a1b2")
    version, sealed = seal_transcript(ring, "a1b2", trace, span, {"response": "the plain answer"})
    row = Sealed("a1b2", "u", "default", 1_795_000_000_000_000, trace, span, version, sealed, 1)
    client.insert_arrow("audit_objects", pa.Table.from_batches([rows_of([row])]))
    asked: dict[str, Any] = {"actor": "ann", "role": "auditor", "reason": "case 4711 review"}
    assert read_transcript(client, ring, trace, span, **asked) == {"response": "the plain answer"}
    assert [e.action for e in entries(client)] == ["transcript_read"]
    with pytest.raises(AccessDenied):
        read_transcript(client, ring, trace, span, **{**asked, "role": "operator"})
    with pytest.raises(AccessDenied):
        read_transcript(client, ring, trace, span, **{**asked, "reason": " "})
    with pytest.raises(NotFound):
        read_transcript(client, ring, trace, b"x" * 8, **asked)
    ring.shred("a1b2")
    with pytest.raises(KeyUnavailable):
        read_transcript(client, ring, trace, span, **asked)
