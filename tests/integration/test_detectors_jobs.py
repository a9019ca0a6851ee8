"""The detector worker on a real engine: every answer judged once for what is known of it, again when documents arrive late."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from detectors.jobs import Worker
from detectors.material import Text
from detectors.window import Window
from spanledger.model import Entry
from spanledger.policy import PolicyFile
from warehouse import scoring, tables
from warehouse.engine import Engine
from warehouse.migrate import migrate

pytest.importorskip("chdb")

NOW_US = time.time_ns() // 1_000
DOCUMENT = (
    "The Harbour Bridge was opened in 1932 after eight years of work. It carries rail, road and foot traffic. "
    "Its arch is made of steel and spans 503 metres. The bridge is repainted every five years with grey paint."
)
GOOD = "The bridge was opened in 1932 and its steel arch spans 503 metres."
BAD = "It was designed by the Danish architect Jens Holm, who won the Pritzker Prize in 1981 for his theatre in Oslo."


class Ledger:
    """Writes calls, texts and journal rows as the collector does."""

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
        entry = Entry(
            project="p", service="s", ts_us=NOW_US - 60_000_000 + self.n * 1_000, trace_id=self.n.to_bytes(16), span_id=self.n.to_bytes(8),
            app_id="chat", model="m", latency_ms=500.0, **{"prompt_hash": "h" + prompt[:20], "operation": "chat", "tokens_out": 20, **told},
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


@pytest.fixture
def client(tmp_path: Any) -> Iterator[Client]:
    with Engine.open(tmp_path / "data") as engine:
        client = engine.client()
        migrate(client)
        yield client


@pytest.fixture
def ledger(client: Client) -> Ledger:
    return Ledger(client)


def worker(client: Client, tmp_path: Any, policy: str = "") -> Worker:
    file = tmp_path / "spanledger.yaml"
    file.write_text(policy)
    return Worker(client, PolicyFile(file), "test", tmp_path)


def verdicts(client: Client, detector: str) -> dict[int, dict[str, Any]]:
    rows = client.query_arrow("SELECT * FROM spanledger.verdicts WHERE detector = {d:String}", {"d": detector}).to_pylist()
    return {int.from_bytes(bytes(r["trace_id"], "latin1") if isinstance(r["trace_id"], str) else r["trace_id"]): r for r in rows}


def test_a_supported_answer_is_fine_and_an_invented_one_is_flagged_with_offsets(client: Client, ledger: Ledger, tmp_path: Any) -> None:
    ledger.call(GOOD, documents=(DOCUMENT, "Another bridge is older."))
    ledger.call(BAD, documents=(DOCUMENT, "Another bridge is older."))
    assert worker(client, tmp_path).step(NOW_US).scored == 2
    composite, grounding = verdicts(client, "composite"), verdicts(client, "grounding")
    assert composite[1]["hallucination_score"] == 0 < composite[2]["hallucination_score"]
    assert not grounding[1]["flagged"]
    assert grounding[2]["flagged"]
    start, end, risk, *_ = msgspec.json.decode(grounding[2]["evidence"])["sentences"][0]
    assert BAD[start:end] == BAD
    assert risk > 1 / 3
    assert "Holm" not in grounding[2]["evidence"]


def test_a_second_pass_and_a_second_worker_judge_nothing_again(client: Client, ledger: Ledger, tmp_path: Any) -> None:
    ledger.call(GOOD, documents=(DOCUMENT,))
    one = worker(client, tmp_path)
    assert one.step(NOW_US).judged == 1
    assert one.step(NOW_US).judged == 0
    assert worker(client, tmp_path).step(NOW_US).judged == 0
    assert scoring.backlog(client, 0, NOW_US) == (0, 0)


def test_documents_that_arrive_late_have_the_answer_judged_again(client: Client, ledger: Ledger, tmp_path: Any) -> None:
    entry = ledger.call(GOOD)
    judge = worker(client, tmp_path)
    judge.step(NOW_US)
    assert verdicts(client, "composite")[1]["reason"] == "no_context"
    ledger.text(entry, b"retrieve", "retriever", context=[DOCUMENT])
    ledger.span(entry, b"retrieve", "retriever", NOW_US - 3_000_000)
    assert judge.step(NOW_US).judged == 1
    after = verdicts(client, "composite")[1]
    assert after["hallucination_score"] == 0
    assert after["coverage"] == ["grounding"]
    assert after["reason"] == ""


def test_closed_book_answers_are_compared_with_answers_to_the_same_prompt_only(client: Client, ledger: Ledger, tmp_path: Any) -> None:
    prompt = "user: What is the capital of Australia?"
    ledger.call("The capital of Australia is Canberra.", prompt=prompt)
    ledger.call("Canberra is the capital of Australia.", prompt=prompt)
    ledger.call("Sydney, founded in 1788 by Arthur Phillip.", prompt=prompt)
    ledger.call("It is Wellington.", prompt="user: What is the capital of New Zealand?")
    worker(client, tmp_path).step(NOW_US)
    found = verdicts(client, "contradiction")
    assert set(found) == {1, 2, 3}
    assert found[3]["score"] > found[1]["score"]
    assert msgspec.json.decode(found[1]["evidence"])["n"] == 3
    assert verdicts(client, "composite")[4]["reason"] == "no_context"


def test_the_collectors_schema_verdict_and_a_registered_schema_are_both_taken(client: Client, ledger: Ledger, tmp_path: Any) -> None:
    told = ledger.call('{"a": 1}', route="told")
    verdict = {"score": 0.3, "strict_valid": False, "recoverable": True, "class": "fenced", "error_path": None}
    ledger.span(
        told, told.span_id, "llm", NOW_US - 40_000_000, msgspec.json.encode({"schema_verdict": msgspec.json.encode(verdict).decode()}).decode()
    )
    ledger.call('{"a": "text"}', route="registered")
    (tmp_path / "a.json").write_text('{"type": "object", "properties": {"a": {"type": "integer"}}}')
    worker(client, tmp_path, "detectors: {schemas: [{route: registered, file: a.json}]}").step(NOW_US)
    found = verdicts(client, "schema")
    assert (found[1]["label"], found[1]["flagged"]) == ("fenced", True)
    assert (found[2]["label"], found[2]["score"]) == ("violation", 1.0)


def test_what_sampling_leaves_out_is_null_with_a_reason(client: Client, ledger: Ledger, tmp_path: Any) -> None:
    for _ in range(14):
        ledger.call(GOOD, documents=(DOCUMENT,))
    assert worker(client, tmp_path, "detectors: {sampling: {mode: rate, ratio: 0.4}}").step(NOW_US).judged == 14
    rows = verdicts(client, "composite").values()
    left = [r for r in rows if r["score"] is None]
    assert {r["reason"] for r in left} == {"not_sampled"}
    assert 1 <= len(left) <= 13


def test_embeddings_tool_calls_and_failures_are_no_answers_and_missing_text_is_told(client: Client, ledger: Ledger, tmp_path: Any) -> None:
    ledger.call("", operation="embeddings")
    ledger.call("", operation="", tokens_out=0)
    ledger.call("", tool_calls=1)
    ledger.call("", outcome="error")
    ledger.call("")
    worker(client, tmp_path).step(NOW_US)
    assert {k: v["reason"] for k, v in verdicts(client, "composite").items()} == {5: "no_text"}


def test_an_answer_whose_text_is_only_held_in_memory_is_judged_too(client: Client, ledger: Ledger, tmp_path: Any) -> None:
    entry = ledger.call("")
    window = Window(100_000, 600)
    window.add([(entry.trace_id.hex(), Text(entry.span_id.hex(), entry.ts_us, "llm", "user: When?", BAD, (DOCUMENT,)))])
    Worker(client, PolicyFile(None), "test", tmp_path, window=window).step(NOW_US)
    assert verdicts(client, "grounding")[1]["flagged"]
    assert client.query("SELECT count() FROM spanledger.contents").first_row[0] == 0


def test_labels_of_people_calibrate_a_route(client: Client, ledger: Ledger, tmp_path: Any) -> None:
    for i in range(20):
        entry = ledger.call(BAD if i % 2 else GOOD, documents=(DOCUMENT,), route="help")
        said = [f"f{i}", "p", "chat", entry.trace_id, entry.span_id, "label", "hallucination", float(i % 2)]
        names = ["id", "project", "app_id", "trace_id", "span_id", "kind", "name", "value"]
        client.insert("spanledger.feedback", [[*said, datetime.fromtimestamp(entry.ts_us / 1e6, UTC)]], column_names=[*names, "ts"])
    judge = worker(client, tmp_path)
    judge.step(NOW_US)
    ledger.call(BAD, documents=(DOCUMENT,), route="help")
    judge._calibrated_at = float("-inf")  # ten minutes later
    judge.step(NOW_US)
    last = verdicts(client, "grounding")[21]
    assert msgspec.json.decode(last["evidence"])["calibrated"]
    assert last["score"] > 0.8
