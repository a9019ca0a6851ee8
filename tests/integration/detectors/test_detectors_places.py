"""Newest first, nothing lost, nothing counted twice, and what memory alone holds is judged before it goes: on a real engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

import detectors.jobs as jobs
from detectors.jobs import Worker
from detectors.keys import SketchKeys
from detectors.material import Text
from detectors.releases import compared
from detectors.window import Window
from spanledger.policy import PolicyFile
from warehouse import scores, scoring, tables
from warehouse.feedback import Feedback, add_feedback, feedback_signals
from warehouse.queries.ask import Scope

SCOPE = Scope(datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1))


def worker(client: Client, **told: Any) -> Worker:
    return Worker(client, PolicyFile(None), "test", **told)


def test_of_many_that_wait_the_newest_calls_are_judged_first_and_all_in_the_end(client: Client, ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 4)
    for n in range(11):
        ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,), ver=1_000 + n)
    judge = worker(client)
    assert judge.step(ledger.NOW_US).judged == 4
    assert set(ledger.verdicts("composite")) == {8, 9, 10, 11}
    assert ledger.all_judged(judge) == 7
    assert set(ledger.verdicts("composite")) == set(range(1, 12))


def test_more_new_answers_than_one_pass_takes_are_not_forgotten(client: Client, ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 3)
    judge = worker(client)
    ledger.all_judged(judge)
    for _ in range(8):
        ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,), ver=ledger.NOW_US - 3_000_000)
    assert ledger.all_judged(judge) == 8


def test_a_trickle_of_new_answers_does_not_keep_the_old_ones_waiting(client: Client, ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 3)
    for n in range(6):
        ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,), ver=1_000 + n)
    judge = worker(client)
    for n in range(4):
        ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,), ver=ledger.NOW_US + n * 1_000_000)
        judge.step(ledger.NOW_US + (n + 3) * 1_000_000)
    assert set(ledger.verdicts("composite")) == set(range(1, 11))


def test_a_worker_that_starts_again_takes_up_what_came_while_it_was_away(client: Client, ledger: Any) -> None:
    ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,), ver=1_000)
    assert ledger.all_judged(worker(client)) == 1
    ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,), ver=ledger.NOW_US + 3_600_000_000)
    again = worker(client)
    found = [again.step(ledger.NOW_US + 7_200_000_000).judged for _ in range(3)]
    assert sum(found) == 1


def test_a_posting_that_landed_after_the_last_pass_is_not_lost_by_a_restart(client: Client, ledger: Any) -> None:
    ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,))
    assert ledger.all_judged(worker(client)) == 1
    ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,), ver=ledger.NOW_US - 5_000_000)
    assert worker(client).step(ledger.NOW_US + 7_200_000_000).judged == 1


@pytest.mark.parametrize("apart_us", [-60_000_000, 0, 60_000_000])
def test_documents_that_came_while_no_worker_ran_have_the_answer_judged_again(client: Client, ledger: Any, apart_us: int) -> None:
    entry = ledger.call(ledger.GOOD)
    ledger.all_judged(worker(client))
    assert ledger.verdicts("composite")[1]["reason"] == "no_context"
    document = msgspec.structs.replace(entry, ts_us=entry.ts_us + apart_us)
    ledger.text(document, b"retrieve", "retriever", context=[ledger.DOCUMENT])
    ledger.span(document, b"retrieve", "retriever", ledger.NOW_US + 3_600_000_000)
    assert worker(client).step(ledger.NOW_US + 7_200_000_000).judged == 1


def test_scores_of_an_entry_that_was_taken_back_while_no_worker_ran_count_nowhere(client: Client, ledger: Any) -> None:
    entry = ledger.call(ledger.BAD, documents=(ledger.DOCUMENT,))
    ledger.all_judged(worker(client))
    row = client.query_arrow("SELECT * FROM spanledger.calls").to_pylist()[0]
    row |= {"is_deleted": 1, "ver": ledger.NOW_US + 3_600_000_000, "trace_id": entry.trace_id, "span_id": entry.span_id, "members": [entry.span_id]}
    client.insert_arrow("calls", pa.Table.from_pylist([row], schema=tables.CALLS))
    worker(client).step(ledger.NOW_US + 7_200_000_000)
    assert not ledger.verdicts("composite")
    assert not ledger.verdicts("grounding")


def test_scores_of_an_entry_that_was_taken_back_count_nowhere(client: Client, ledger: Any) -> None:
    entry = ledger.call(ledger.BAD, documents=(ledger.DOCUMENT,))
    judge = worker(client)
    ledger.all_judged(judge)
    assert ledger.verdicts("composite")
    row = client.query_arrow("SELECT * FROM spanledger.calls").to_pylist()[0]
    row |= {"is_deleted": 1, "ver": ledger.NOW_US - 20_000_000, "trace_id": entry.trace_id, "span_id": entry.span_id, "members": [entry.span_id]}
    client.insert_arrow("calls", pa.Table.from_pylist([row], schema=tables.CALLS))
    ledger.all_judged(judge)
    assert not ledger.verdicts("composite")
    assert not ledger.verdicts("grounding")
    ledger.n -= 1  # posted again under the same key
    ledger.call(ledger.BAD, documents=(ledger.DOCUMENT,), ver=ledger.NOW_US - 10_000_000)
    ledger.all_judged(judge)
    assert ledger.verdicts("composite")[1]["flagged"]


def test_answers_of_which_no_text_is_kept_are_compared_by_keyed_sketches(client: Client, ledger: Any, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "hash.key").write_bytes(b"k" * 32)
    prompt = "user: What is the capital of Australia?"
    answers = ["The capital of Australia is Canberra.", "Canberra is the capital of Australia.", "Sydney, founded in 1788 by Arthur Phillip."]
    for text in answers:  # each in a window of its own: the earlier texts are gone
        entry = ledger.call("", prompt=prompt)
        window = Window(100_000, 600)
        window.add([(entry.trace_id.hex(), Text(entry.span_id.hex(), entry.ts_us, "llm", prompt, text))])
        ledger.all_judged(worker(client, window=window, keys=SketchKeys(tmp_path)))
    found = ledger.verdicts("contradiction")
    assert found[1]["reason"] == "no_other_answers"
    assert found[3]["score"] > found[2]["score"]
    assert msgspec.json.decode(found[3]["evidence"])["sketched"] == 2
    assert all("Canberra" not in row["evidence"] for row in found.values())
    assert client.query("SELECT count() FROM spanledger.contents").first_row[0] == 0


def test_texts_in_memory_are_judged_before_what_is_behind(client: Client, ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 1)
    monkeypatch.setattr(jobs, "POSTED_S", 0.0)
    held = ledger.call("", ver=1_000)
    for n in range(5):
        ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,), ver=1_001 + n)
    window = Window(100_000, 600)
    window.add([(held.trace_id.hex(), Text(held.span_id.hex(), held.ts_us, "llm", "user: When?", ledger.BAD, (ledger.DOCUMENT,)))])
    judge = worker(client, window=window)
    judge.step(ledger.NOW_US)
    assert set(ledger.verdicts("composite")) == {1}
    assert ledger.verdicts("grounding")[1]["flagged"]


def test_texts_that_are_about_to_leave_memory_are_judged_before_what_is_new(client: Client, ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 2)
    monkeypatch.setattr(jobs, "POSTED_S", 0.0)
    now = [0.0]
    window = Window(100_000, 600, lambda: now[0])
    judge = worker(client, window=window)
    ledger.all_judged(judge)
    held = [ledger.call("", ver=ledger.NOW_US + 1_000_000) for _ in range(3)]
    for _ in range(6):
        ledger.call(ledger.GOOD, documents=(ledger.DOCUMENT,), ver=ledger.NOW_US + 1_000_000)
    window.add([(e.trace_id.hex(), Text(e.span_id.hex(), e.ts_us, "llm", "user: When?", ledger.BAD, (ledger.DOCUMENT,))) for e in held])
    now[0] = 300.0
    for n in range(1, 4):
        judge.step(ledger.NOW_US + 10_000_000)
        assert len({1, 2, 3} & set(ledger.verdicts("grounding"))) == n
    assert all(ledger.verdicts("grounding")[n]["flagged"] for n in (1, 2, 3))


def test_an_answer_with_another_context_is_no_peer(client: Client, ledger: Any) -> None:
    prompt = "user: How long does delivery take?"
    ledger.call("Delivery takes three days.", prompt=prompt)
    other = ledger.call("Delivery takes ninety weeks by sea freight.", prompt=prompt)
    ledger.text(other, b"retrieve", "retriever", context=["Sea freight takes ninety weeks."], context_hash="c")
    ledger.all_judged(worker(client))
    assert 1 not in ledger.verdicts("contradiction")


def test_releases_meet_only_where_question_and_context_are_the_same(client: Client, ledger: Any) -> None:
    told: tuple[tuple[str, str, str, str], ...] = (
        ("v1", "How long?", "a", "It takes three days."),
        ("v2", "How long?", "a", "It takes ninety weeks by sea."),
        ("v2", "How long?", "b", "It takes five months."),
        ("v1", "How dear?", "", "It costs nine euros."),
    )
    for version, question, document, answer in told:
        entry = ledger.call(answer, prompt=f"system: {version}\nuser: {question}", prompt_version=version, response_hash="r")
        if document:
            ledger.text(entry, b"retrieve", "retriever", context=[document], context_hash=document)
    rows = scoring.releases(client, "chat", "v1", "v2", SCOPE.since, SCOPE.until, by_model=False, rows=100)
    found = compared(rows.iter_rows(named=True), "v1", "v2")
    assert found.questions == 1
    assert found.across.pairs == 1
    assert found.answers == (2, 2)


def test_a_release_that_answers_questions_of_a_stable_knowledge_base_worse_shows_in_the_comparison(client: Client, ledger: Any) -> None:
    facts = {"How long is the warranty?": ("14", "90"), "What does delivery cost?": ("5", "45"), "When do offices close?": ("18", "21")}
    for question, (right, wrong) in facts.items():
        document = f"{question} The handbook says that the answer is {right}, without exception."
        for version, figure in (("v1", right), ("v1", right), ("v2", wrong if question.startswith("How") else right)):
            answer = f"According to the handbook the answer is {figure}, without exception."
            ledger.call(answer, prompt=f"system: {version}\nuser: {question}", prompt_version=version, response_hash="r", context_hash=document)
    rows = scoring.releases(client, "chat", "v1", "v2", SCOPE.since, SCOPE.until, by_model=False, rows=100)
    found = compared(rows.iter_rows(named=True), "v1", "v2")
    assert (found.questions, found.answers) == (3, (6, 3))
    assert (found.across.pairs, found.within_baseline.pairs) == (6, 3)
    assert found.across.contradictions == 2
    assert found.within_baseline.contradictions == 0
    scoring.set_mark(client, scores.comparison_job("chat", "prompt_version", "v1", "v2"), "now", msgspec.json.encode(found.told()).decode())
    assert (scores.comparison(client, "chat", "v1", "v2") or {})["across"]["rate"] == pytest.approx(1 / 3)


def test_feedback_stands_as_rates_beside_the_traffic_it_is_about(client: Client, ledger: Any) -> None:
    calls = [ledger.call(ledger.GOOD, prompt_version="v1" if n < 4 else "v2") for n in range(6)]
    about = Feedback(kind="escalation", ts=datetime.fromtimestamp(calls[0].ts_us / 1e6, UTC), trace_id=calls[0].trace_id, project="p")
    thumbs = [
        replace(about, kind="thumb", value=value, trace_id=calls[n].trace_id, span_id=calls[n].span_id, id=f"t{n}")
        for n, value in ((4, -1.0), (5, 1.0))
    ]
    add_feedback(client, [about, *thumbs])
    rows = {r["prompt_version"]: r for r in feedback_signals(client, SCOPE, by=("prompt_version",)).to_dicts()}
    assert rows["v1"]["escalation_rate"] == 0.25
    assert rows["v1"]["negative_rate"] is None
    assert rows["v2"]["negative_rate"] == 0.5
    assert feedback_signals(client, SCOPE, by=())["traces"][0] == 6


def test_a_release_with_one_violation_is_not_clean_and_one_without_calls_neither(client: Client, ledger: Any) -> None:
    assert not scores.safety_of(client, SCOPE).clean
    ledger.call(ledger.GOOD, prompt_version="v1")
    assert scores.safety_of(client, SCOPE).clean
    ledger.call(ledger.GOOD, prompt_version="v2", safety=1)
    by_version = {r["prompt_version"]: r["calls_with_violations"] for r in scores.safety_counts(client, SCOPE, by=("prompt_version",)).to_dicts()}
    assert by_version == {"v1": 0, "v2": 1}
    assert not scores.safety_of(client, SCOPE).clean
