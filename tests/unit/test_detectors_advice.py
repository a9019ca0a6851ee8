"""Fifty labelled answers give a threshold, and say how sure one can be of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.advice import advise, report
from spanledger.commands import evaluation
from spanledger.errors import ConfigError

RND = np.random.default_rng(11)


def labelled(n: int, apart: float) -> tuple[list[float | None], list[bool]]:
    y = np.arange(n) % 2 == 0
    return [float(v) for v in np.clip(RND.normal(0.4 + apart * y, 0.1), 0, 1)], y.tolist()


def test_separable_labels_get_a_threshold_between_the_kinds() -> None:
    scores, labels = labelled(50, 0.5)
    found = advise(scores, labels, 1 / 3)
    assert found.auroc == pytest.approx(1.0, abs=0.01)
    assert max(s for s, y in zip(scores, labels, strict=True) if not y and s is not None) <= found.best_f1.threshold + 0.1
    assert found.best_f1.f1 > 0.95
    assert found.expected_f1 <= found.best_f1.f1
    assert f"thresholds: {{grounding: {found.best_f1.threshold:.2f}}}" in report("grounding", found)


def test_scores_that_say_nothing_come_with_a_caution() -> None:
    scores, labels = labelled(40, 0.0)
    found = advise(scores, labels, 1 / 3)
    assert found.auroc_low < 0.6
    assert "not clearly better than chance" in report("grounding", found)
    assert "first guess" in report("grounding", found)


def test_answers_without_a_score_are_counted_apart() -> None:
    scores, labels = labelled(30, 0.5)
    assert advise([*scores, None, None], [*labels, True, False], 0.5).unscored == 2


@pytest.mark.parametrize("labels", [[True] * 40, [False] * 40, [True, False] * 5])
def test_too_few_labels_or_one_kind_only_give_no_advice(labels: list[bool]) -> None:
    with pytest.raises(ValueError, match="label at least 20"):
        advise([0.5] * len(labels), labels, 0.5)


def test_a_user_gets_advice_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "answers.jsonl"
    context = "The bridge was opened in 1932 after eight years of work. Its arch is made of steel and spans 503 metres."
    good, bad = "The bridge was opened in 1932.", "It was designed by the Dane Jens Holm, winner of a prize in 1981."
    rows: list[dict[str, Any]] = [
        {"id": i, "context": context, "question": "Tell me.", "response": bad if i % 2 else good, "label": i % 2} for i in range(50)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    evaluation.advise("grounding", file, "json")
    told = json.loads(capsys.readouterr().out)
    assert (told["n"], told["bad"]) == (50, 25)
    assert told["best_f1"]["f1"] == 1.0
    evaluation.advise("grounding", file, "table")
    assert "advice:" in capsys.readouterr().out


def test_a_row_without_a_label_is_named_and_schema_has_no_threshold(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text('{"context": "a", "response": "b", "label": 1}\n{"context": "a", "response": "b"}\n')
    with pytest.raises(ConfigError, match="row 2"):
        evaluation.advise("grounding", file, "table")
    with pytest.raises(ConfigError, match="has no threshold"):
        evaluation.advise("schema", file, "table")
