"""Whoever still holds rows asks the warehouse what an erasure has taken."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from warehouse.engine import Engine
from warehouse.migrate import migrate
from warehouse.vault import erasures
from warehouse.vault.erasures import erased_among


def test_erased_traces_are_told_among_others(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(erasures, "_AT_ONCE", 2)
    traces = [bytes([n]) * 16 for n in (0, 1, 0xAB, 0xFF)]
    engine = Engine.open(tmp_path, memory_bytes=1 << 30)
    try:
        with closing(engine.client()) as client:
            migrate(client)
            assert erased_among(client, traces) == set()
            client.insert("erased_traces", [["e1", traces[2]], ["e1", traces[3]], ["e1", b"z" * 16]], column_names=["erasure", "trace_id"])
            assert erased_among(client, [*traces, traces[2]]) == {traces[2], traces[3]}
            assert erased_among(client, []) == set()
    finally:
        engine.close()
