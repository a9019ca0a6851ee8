"""Objectives that name their detectors look at these and at nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Ledger, Start

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RULE = "alerts: {defaults: false, rules: [{name: grounded, metric: hallucination_score, above: 0.02, min_calls: 50%s}]}"
BURN = "alerts: {defaults: false, rules: [{name: grounded, kind: burn_rate, metric: hallucination_score, objective: 99%%, min_calls: 50%s}]}"


def fired(start: Start, policy: str) -> list[tuple[str, ...]]:
    return [tuple(a.labels.values()) for a in start(policy).step(NOW).changed]


@pytest.fixture
def answers(ledger: Ledger) -> Ledger:
    """The composite is fine, grounding is not, contradiction is bad on too few answers, another app is bad in another detector."""
    at = NOW - timedelta(minutes=2)
    ledger.judge(900, at, "composite", score=0.0, flagged=False)
    ledger.judge(80, at, "grounding", score=0.0, flagged=False)
    ledger.judge(20, at, "grounding", score=0.5, flagged=True)
    ledger.judge(40, at, "contradiction", score=0.9, flagged=True)
    ledger.judge(100, at, "schema", score=1.0, flagged=True, app="other")
    return ledger


@pytest.mark.parametrize("policy", [RULE, BURN], ids=["threshold", "burn rate"])
@pytest.mark.parametrize(
    ("detectors", "found"),
    [
        ("", []),
        (", detectors: [composite]", []),
        (", detectors: [contradiction]", []),  # no verdict on forty
        (", detectors: [grounding]", [("shop", "grounding")]),
        (", detectors: [grounding, contradiction, schema]", [("other", "schema"), ("shop", "grounding")]),
        (", detectors: [schema], match: {app: shop}", []),
    ],
)
def test_an_objective_looks_at_the_detectors_that_it_names(
    start: Start, answers: Ledger, policy: str, detectors: str, found: list[tuple[str, ...]]
) -> None:
    assert sorted(fired(start, policy % detectors)) == found


def test_the_average_is_of_the_answers_that_the_detector_judged(start: Start, answers: Ledger) -> None:
    (alert,) = start(RULE % ", detectors: [grounding]").step(NOW).changed
    assert alert.value == pytest.approx(0.1)
    assert alert.summary == "shop, grounding: average hallucination score 0.1000 of 100 scored answers in 30 min, above 0.0200"


def test_an_alert_of_one_detector_ends_while_that_of_another_goes_on(start: Start, answers: Ledger) -> None:
    policy = RULE % ", detectors: [grounding, schema], by: []"
    assert sorted(fired(start, policy)) == [("grounding",), ("schema",)]
    later = NOW + timedelta(minutes=10)
    answers.judge(10_000, later - timedelta(minutes=1), "schema", score=0.0, flagged=False)
    changed = start(now=later).step(later).changed
    assert {a.labels["detector"]: a.state for a in changed} == {"schema": "resolved", "grounding": "firing"}
