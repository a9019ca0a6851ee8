"""Closed-book answers find each other: in memory where no text is stored, and when the second one comes after the first was judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from detectors import jobs
from detectors.jobs import Worker
from detectors.keys import SketchKeys
from detectors.material import Text
from detectors.window import Window
from spanledger.policy import PolicyFile

PROMPT = "user: What is the capital of Australia?"
SAME = ("The capital of Australia is Canberra.", "Canberra is the capital of Australia.")
OTHER = "Sydney, founded in 1788 by Arthur Phillip."


def scores(client: Client, detector: str = "contradiction") -> dict[int, float | None]:
    rows = client.query("SELECT trace_id, score FROM spanledger.verdicts WHERE detector = {d:String}", {"d": detector}).result_rows
    return {int.from_bytes(trace.encode("latin1") if isinstance(trace, str) else trace): score for trace, score in rows}


def held(window: Window, entry: Any, answer: str) -> None:
    window.add([(entry.trace_id.hex(), Text(entry.span_id.hex(), entry.ts_us, "llm", PROMPT, answer))])


def test_answers_of_one_batch_meet_in_memory_and_leave_sketches(client: Client, ledger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "POSTED_S", 0.0)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "hash.key").write_bytes(b"k" * 32)
    window = Window(100_000, 600)
    for answer in (*SAME, OTHER):
        held(window, ledger.call("", prompt=PROMPT), answer)
    Worker(client, PolicyFile(None), "test", tmp_path, window=window, keys=SketchKeys(tmp_path)).step(ledger.NOW_US)
    found = scores(client)
    assert set(found) == {1, 2, 3}
    assert all(score is not None for score in found.values())
    assert (found[3] or 0) > (found[1] or 1)
    assert client.command("SELECT count() FROM spanledger.contents") == 0


@pytest.mark.parametrize("in_memory", [False, True])
def test_an_answer_that_met_nobody_is_judged_again_when_another_comes(
    client: Client, ledger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    monkeypatch.setattr(jobs, "POSTED_S", 0.0)
    window = Window(100_000, 600)
    judge = Worker(client, PolicyFile(None), "test", tmp_path, window=window)

    def ask(answer: str) -> None:
        entry = ledger.call("" if in_memory else answer, prompt=PROMPT)
        if in_memory:
            held(window, entry, answer)
        judge.step(ledger.NOW_US + ledger.n)

    ask(SAME[0])
    assert scores(client, "composite") == {1: None}
    ask(SAME[1])
    assert all(score is not None for score in scores(client, "composite").values())
    assert set(scores(client)) == {1, 2}
    assert judge.step(ledger.NOW_US + 10).judged == 0


def test_an_answer_to_another_prompt_calls_nobody_back(client: Client, ledger: Any, tmp_path: Path) -> None:
    judge = Worker(client, PolicyFile(None), "test", tmp_path)
    ledger.call(SAME[0], prompt=PROMPT)
    judge.step(ledger.NOW_US)
    ledger.call("Paris.", prompt="user: And of France?")
    judge.step(ledger.NOW_US + 1)
    assert scores(client, "composite") == {1: None, 2: None}


def test_prompts_that_two_instrumentations_tell_in_two_ways_still_meet(
    client: Client, ledger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "POSTED_S", 0.0)
    window = Window(100_000, 600)
    for n, answer in enumerate(SAME):
        other = (100 + n).to_bytes(8)
        entry = ledger.call("", prompt=PROMPT, also=other)
        for place, (span_id, prompt) in enumerate(((entry.span_id, PROMPT), (other, f"system: Be brief.\n{PROMPT}"))):
            longer = answer + " " * (place == n)  # each call is told best by another instrumentation
            window.add([(entry.trace_id.hex(), Text(span_id.hex(), entry.ts_us, "llm", prompt, longer))])
    Worker(client, PolicyFile(None), "test", tmp_path, window=window).step(ledger.NOW_US)
    assert all(score is not None for score in scores(client, "composite").values())
