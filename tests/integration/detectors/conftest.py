"""A ledger on a real engine that tests of the detector jobs write calls to, as the collector does, and read scores from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from detectors.jobs import Worker
from spanledger.model import Entry
from warehouse import tables
from warehouse.engine import Engine
from warehouse.migrate import migrate

NOW_US = time.time_ns() // 1_000
DOCUMENT = (
    "The Harbour Bridge was opened in 1932 after eight years of work. It carries rail, road and foot traffic. "
    "Its arch is made of steel and spans 503 metres. The bridge is repainted every five years with grey paint."
)
GOOD = "The bridge was opened in 1932 and its steel arch spans 503 metres."
BAD = "It was designed by the Danish architect Jens Holm, who won the Pritzker Prize in 1981 for his theatre in Oslo."


class Ledger:
    """Writes calls, texts and journal rows as the collector does, and reads what the jobs made of them."""

    NOW_US, DOCUMENT, GOOD, BAD = NOW_US, DOCUMENT, GOOD, BAD

    def __init__(self, client: Client) -> None:
        self.client, self.n = client, 0

    def call(
        self,
        response: str,
        *,
        documents: tuple[str, ...] = (),
        prompt: str = "user: Tell me about the Harbour Bridge.",
        ver: int = 0,
        also: bytes = b"",
        **told: Any,
    ) -> Entry:
        self.n += 1
        usual = {"ts_us": NOW_US - 60_000_000 + self.n * 1_000, "prompt_hash": "h" + prompt[:20], "operation": "chat", "tokens_out": 20}
        entry = Entry(
            project="p", service="s", trace_id=self.n.to_bytes(16), span_id=self.n.to_bytes(8),
            app_id="chat", model="m", latency_ms=500.0, **{**usual, **told},
        )  # fmt: skip
        row = msgspec.structs.asdict(entry)
        row["ts"] = row.pop("ts_us")
        row |= {
            "biz_metric": [],
            "attrs": [],
            "members": [entry.span_id, *([also] if also else [])],
            "safety_types": [],
            "ver": ver or NOW_US - 30_000_000 + self.n,
            "is_deleted": 0,
        }
        self.client.insert_arrow("calls", pa.Table.from_pylist([row], schema=tables.CALLS))
        if response:
            self.text(entry, entry.span_id, "llm", prompt=prompt, response=response, context=list(documents), prompt_hash=entry.prompt_hash)
        return entry

    def text(self, entry: Entry, span_id: bytes, kind: str, **told: Any) -> None:
        row = dict.fromkeys(tables.CONTENTS.names, "") | {"context": [], "extra": [], "ver": (1).to_bytes(16, "little")}
        row |= {"project": "p", "service": "s", "ts": entry.ts_us, "trace_id": entry.trace_id, "span_id": span_id, "kind": kind} | told
        self.client.insert_arrow("contents", pa.Table.from_pylist([row], schema=tables.CONTENTS))

    def span(self, entry: Entry, span_id: bytes, kind: str, batch: int, facts: str = "{}") -> None:
        row = {f.name: "" if f.type == pa.string() else 0 for f in tables.SPANS} | {"attrs": [], "ver": (1).to_bytes(16, "little")}
        row |= {"project": "p", "service": "s", "ts": entry.ts_us, "end_ts": entry.ts_us, "trace_id": entry.trace_id, "span_id": span_id}
        row |= {"parent_span_id": b"\0" * 8, "kind": kind, "batch": batch, "facts": facts}
        self.client.insert_arrow("spans", pa.Table.from_pylist([row], schema=tables.SPANS))

    def all_judged(self, judge: Worker, passes: int = 30) -> int:
        """Let it work until nothing is left; how many answers it judged."""
        found = 0
        for _ in range(passes):
            done = judge.step(NOW_US)
            found += done.judged
            if not done.judged and not done.more:
                break
        return found

    def verdicts(self, detector: str) -> dict[int, dict[str, Any]]:
        """Rows of one detector by the number of the call."""
        rows = self.client.query_arrow("SELECT * FROM spanledger.verdicts WHERE detector = {d:String}", {"d": detector}).to_pylist()
        return {int.from_bytes(bytes(r["trace_id"], "latin1") if isinstance(r["trace_id"], str) else r["trace_id"]): r for r in rows}


@pytest.fixture
def client(tmp_path: Any) -> Iterator[Client]:
    pytest.importorskip("chdb")
    with Engine.open(tmp_path / "data") as engine:
        client = engine.client()
        migrate(client)
        yield client


@pytest.fixture
def ledger(client: Client) -> Ledger:
    return Ledger(client)
