"""The detector worker on a real engine: every answer judged once for what is known of it, again when documents arrive late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from detectors import jobs, shifts
from detectors.jobs import Worker
from detectors.material import Text
from detectors.window import Window
from spanledger.policy import PolicyFile
from warehouse import scores, scoring


def worker(client: Client, tmp_path: Any, policy: str = "") -> Worker:
    file = tmp_path / "spanledger.yaml"
    file.write_text(policy)
    return Worker(client, PolicyFile(file), "test", tmp_path)


def test_a_supported_answer_is_fine_and_an_invented_one_is_flagged_with_offsets(client: Client, ledger: Any, tmp_path: Any) -> None:
    ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT, "Another bridge is older."))
    ledger.call(ledger.BAD, documents=(ledger.DOCUMENT, "Another bridge is older."))
    assert worker(client, tmp_path).step(ledger.NOW_US).scored == 2
    composite, grounding = ledger.verdicts("composite"), ledger.verdicts("grounding")
    assert composite[1]["hallucination_score"] == 0 < composite[2]["hallucination_score"]
    assert not grounding[1]["flagged"]
    assert grounding[2]["flagged"]
    start, end, risk, *_ = msgspec.json.decode(grounding[2]["evidence"])["sentences"][0]
    assert ledger.BAD[start:end] == ledger.BAD
    assert risk > 1 / 3
    assert "Holm" not in grounding[2]["evidence"]


def test_a_second_pass_and_a_second_worker_judge_nothing_again(client: Client, ledger: Any, tmp_path: Any) -> None:
    ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,))
    one = worker(client, tmp_path)
    assert one.step(ledger.NOW_US).judged == 1
    assert one.step(ledger.NOW_US).judged == 0
    assert worker(client, tmp_path).step(ledger.NOW_US).judged == 0
    assert scoring.backlog(client, 0, ledger.NOW_US) == (0, 0)


def test_documents_that_arrive_late_have_the_answer_judged_again(client: Client, ledger: Any, tmp_path: Any) -> None:
    entry = ledger.call(ledger.GOOD)
    judge = worker(client, tmp_path)
    judge.step(ledger.NOW_US)
    assert ledger.verdicts("composite")[1]["reason"] == "no_context"
    ledger.text(entry, b"retrieve", "retriever", context=[ledger.DOCUMENT])
    ledger.span(entry, b"retrieve", "retriever", ledger.NOW_US - 3_000_000)
    assert judge.step(ledger.NOW_US).judged == 1
    after = ledger.verdicts("composite")[1]
    assert after["hallucination_score"] == 0
    assert after["coverage"] == ["grounding"]
    assert after["reason"] == ""


def test_closed_book_answers_are_compared_with_answers_to_the_same_prompt_only(client: Client, ledger: Any, tmp_path: Any) -> None:
    prompt = "user: What is the capital of Australia?"
    ledger.call("The capital of Australia is Canberra.", prompt=prompt)
    ledger.call("Canberra is the capital of Australia.", prompt=prompt)
    ledger.call("Sydney, founded in 1788 by Arthur Phillip.", prompt=prompt)
    ledger.call("It is Wellington.", prompt="user: What is the capital of New Zealand?")
    worker(client, tmp_path).step(ledger.NOW_US)
    found = ledger.verdicts("contradiction")
    assert set(found) == {1, 2, 3}
    assert found[3]["score"] > found[1]["score"]
    assert msgspec.json.decode(found[1]["evidence"])["n"] == 3
    assert ledger.verdicts("composite")[4]["reason"] == "no_context"


def test_the_collectors_schema_verdict_and_a_registered_schema_are_both_taken(client: Client, ledger: Any, tmp_path: Any) -> None:
    told = ledger.call('{"a": 1}', route="told")
    verdict = {"score": 0.3, "strict_valid": False, "recoverable": True, "class": "fenced", "error_path": None}
    ledger.span(
        told, told.span_id, "llm", ledger.NOW_US - 40_000_000, msgspec.json.encode({"schema_verdict": msgspec.json.encode(verdict).decode()}).decode()
    )
    ledger.call('{"a": "text"}', route="registered")
    (tmp_path / "a.json").write_text('{"type": "object", "properties": {"a": {"type": "integer"}}}')
    worker(client, tmp_path, "detectors: {schemas: [{route: registered, file: a.json}]}").step(ledger.NOW_US)
    found = ledger.verdicts("schema")
    assert (found[1]["label"], found[1]["flagged"]) == ("fenced", True)
    assert (found[2]["label"], found[2]["score"]) == ("violation", 1.0)


def test_what_sampling_leaves_out_is_null_with_a_reason(client: Client, ledger: Any, tmp_path: Any) -> None:
    for _ in range(14):
        ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,))
    assert worker(client, tmp_path, "detectors: {sampling: {mode: rate, ratio: 0.4}}").step(ledger.NOW_US).judged == 14
    rows = ledger.verdicts("composite").values()
    left = [r for r in rows if r["score"] is None]
    assert {r["reason"] for r in left} == {"not_sampled"}
    assert 1 <= len(left) <= 13


def test_embeddings_tool_calls_and_failures_are_no_answers_and_missing_text_is_told(client: Client, ledger: Any, tmp_path: Any) -> None:
    ledger.call("", operation="embeddings")
    ledger.call("", operation="", tokens_out=0)
    ledger.call("", tool_calls=1)
    ledger.call("", outcome="error")
    ledger.call("")
    worker(client, tmp_path).step(ledger.NOW_US)
    assert {k: v["reason"] for k, v in ledger.verdicts("composite").items()} == {5: "no_text"}


def test_an_answer_whose_text_is_only_held_in_memory_is_judged_too(client: Client, ledger: Any, tmp_path: Any) -> None:
    entry = ledger.call("")
    window = Window(100_000, 600)
    window.add([(entry.trace_id.hex(), Text(entry.span_id.hex(), entry.ts_us, "llm", "user: When?", ledger.BAD, (ledger.DOCUMENT,)))])
    Worker(client, PolicyFile(None), "test", tmp_path, window=window).step(ledger.NOW_US)
    assert ledger.verdicts("grounding")[1]["flagged"]
    assert client.query("SELECT count() FROM spanledger.contents").first_row[0] == 0


def test_more_texts_in_memory_than_the_pace_judges_in_their_time_press_before_they_are_old(
    client: Client, ledger: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "UNMEASURED", 2 / 200)  # two answers in a third of the window's time
    window = Window(100_000, 600)
    judge = Worker(client, PolicyFile(None), "test", tmp_path, window=window)
    for _ in range(3):
        assert not judge.pressing
        entry = ledger.call("")
        window.add([(entry.trace_id.hex(), Text(entry.span_id.hex(), entry.ts_us, "llm", "user: When?", ledger.BAD, (ledger.DOCUMENT,)))])
    assert judge.pressing
    assert judge.step(ledger.NOW_US, calm=False).scored == 3
    assert not judge.pressing


def test_an_answer_whose_text_had_to_leave_memory_unjudged_is_null_and_says_so(client: Client, ledger: Any, tmp_path: Any) -> None:
    entries = [ledger.call("") for _ in range(2)]
    window = Window(2_500, 600)
    for entry in entries:
        text = Text(entry.span_id.hex(), entry.ts_us, "llm", "user: When?", ledger.BAD, (ledger.DOCUMENT * 4,))
        window.add([(entry.trace_id.hex(), text)])
    Worker(client, PolicyFile(None), "test", tmp_path, window=window).step(ledger.NOW_US)
    told = ledger.verdicts("composite")
    assert (told[1]["reason"], told[1]["score"]) == ("left_window", None)
    assert told[2]["score"] is not None
    assert window.left["bytes_unjudged"] == 1


def test_scores_of_an_earlier_version_neither_calibrate_nor_count_as_a_shift(client: Client, ledger: Any, tmp_path: Any) -> None:
    for _ in range(3):
        ledger.call(ledger.BAD, documents=(ledger.DOCUMENT,), route="help")
    worker(client, tmp_path).step(ledger.NOW_US)
    now = datetime.fromtimestamp(ledger.NOW_US / 1e6, UTC)
    past, soon = now - timedelta(days=1), now + timedelta(days=1)

    def told() -> int:
        return int(scores.distributions(client, past, past, soon)["now"].sum())

    assert told() == 3
    old = client.query_arrow("SELECT * FROM spanledger.scores WHERE detector = 'grounding'").to_pylist()
    rows = [{**row, "detector_version": "grounding-0", "span_id": bytes(8), "scored_at": past} for row in old]
    client.insert("spanledger.scores", [list(row.values()) for row in rows], column_names=list(rows[0]))
    assert told() == 3


def test_labels_of_people_calibrate_a_route(client: Client, ledger: Any, tmp_path: Any) -> None:
    for i in range(20):
        entry = ledger.call(ledger.BAD if i % 2 else ledger.GOOD, documents=(ledger.DOCUMENT,), route="help")
        said = [f"f{i}", "p", "chat", entry.trace_id, entry.span_id, "label", "hallucination", float(i % 2)]
        names = ["id", "project", "app_id", "trace_id", "span_id", "kind", "name", "value"]
        client.insert("spanledger.feedback", [[*said, datetime.fromtimestamp(entry.ts_us / 1e6, UTC)]], column_names=[*names, "ts"])
    judge = worker(client, tmp_path)
    judge.step(ledger.NOW_US)
    ledger.call(ledger.BAD, documents=(ledger.DOCUMENT,), route="help")
    judge._calibrated_at = float("-inf")  # ten minutes later
    judge.step(ledger.NOW_US)
    last = ledger.verdicts("grounding")[21]
    assert msgspec.json.decode(last["evidence"])["calibrated"]
    assert last["score"] > 0.8
    assert msgspec.json.decode(last["evidence"])["plain"] == round(ledger.verdicts("grounding")[20]["score"], 4)


def test_a_route_that_got_worse_shows_its_shift_as_soon_as_what_was_behind_is_judged(
    client: Client, ledger: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BATCH", 8)
    monkeypatch.setattr(shifts, "MIN_SCORES", 10)
    judge = worker(client, tmp_path)
    judge.step(ledger.NOW_US)  # there is nothing to look at yet
    assert scores.shifts(client) == []
    days_ago = 3 * 86_400_000_000
    for n in range(12):
        ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT, "Another."), route="/chat", ts_us=ledger.NOW_US - days_ago + n)
        ledger.call(ledger.BAD, documents=(ledger.DOCUMENT, "Another."), route="/chat")
    ledger.all_judged(judge)
    (shift,) = scores.shifts(client)
    assert (shift["app_id"], shift["route"], shift["n_before"], shift["n_now"]) == ("chat", "/chat", 12, 12)
    assert shift["large"]
    assert shift["mean_change"] > 0.1
