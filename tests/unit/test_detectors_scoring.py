"""Grounding, contradiction and composite: what a score means, what is null, what is evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import contradiction, grounding
from detectors.composite import Verdict, combine, floored, noisy_or
from detectors.evaluate import evaluate
from detectors.grounding.features import NAMES
from detectors.grounding.link import linked
from detectors.grounding.model import shipped
from detectors.grounding.units import regime, units
from detectors.training.metrics import absent_share, auroc

CONTEXT = [
    "The Harbour Bridge was opened in 1932 after eight years of work. Its arch is made of steel and spans 503 metres.",
    "The bridge is repainted every five years with grey paint. Trains cross it every three minutes.",
]
QUESTION = "When was the bridge opened and how long is it?"
GOOD = "The bridge was opened in 1932. Its steel arch spans 503 metres."
BAD = "The bridge was opened in 1932. It was designed by the Danish architect Jens Holm, who won a prize in Oslo."
texts = st.text(alphabet="abcde ABC.12?\n'", max_size=80)
unit = st.floats(0, 1)


def test_an_invented_sentence_raises_the_score_and_is_the_one_pointed_at() -> None:
    good, bad = grounding.score(CONTEXT, QUESTION, GOOD), grounding.score(CONTEXT, QUESTION, BAD)
    assert good.score is not None
    assert bad.score is not None
    assert good.score < shipped().threshold < bad.score
    riskiest = max(bad.sentences, key=lambda s: s.score)
    assert BAD[riskiest.start : riskiest.end].startswith("It was designed")


def test_evidence_is_the_context_sentence_that_covers_the_claim() -> None:
    joined = "\n\n".join(CONTEXT)
    for sentence in grounding.score(CONTEXT, QUESTION, GOOD).sentences:
        assert sentence.evidence is not None
    start, end = grounding.score(CONTEXT, QUESTION, "Trains cross it every three minutes.").sentences[0].evidence or (0, 0)
    assert joined[start:end] == "Trains cross it every three minutes."


@pytest.mark.parametrize(
    ("context", "response", "reason"), [("", "An answer.", "no_context"), ([], "An answer.", "no_context"), ("Words.", " ... ", "no_words")]
)
def test_what_cannot_be_judged_is_null_with_a_reason_never_zero(context: str | list[str], response: str, reason: str) -> None:
    verdict = grounding.score(context, "", response)
    assert (verdict.score, verdict.floored, verdict.flagged, verdict.reason) == (None, None, False, reason)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(texts, texts, texts), max_size=6))
def test_a_batch_gives_what_single_calls_give(asked: list[tuple[str, str, str]]) -> None:
    for one, many in zip([grounding.score(*a) for a in asked], grounding.score_many(asked), strict=True):
        assert (one.score is None) == (many.score is None)
        assert one.score == pytest.approx(many.score)
        assert one.sentences[:0] == many.sentences[:0]


@settings(max_examples=40, deadline=None)
@given(texts, texts, texts)
def test_scores_are_probabilities_and_offsets_lie_inside(context: str, question: str, response: str) -> None:
    verdict = grounding.score(context, question, response)
    if verdict.score is not None:
        assert 0 <= verdict.score <= 1
        assert all(0 <= s.score <= 1 and 0 <= s.start < s.end <= len(response) for s in verdict.sentences)
        assert all(e is None or 0 <= e[0] < e[1] <= len(context) for e in (s.evidence for s in verdict.sentences))


@pytest.mark.parametrize(
    ("context", "question", "kind"),
    [
        (["a", "b"], "why?", "retrieved"),
        ("passage 1: a\n\npassage 2: b", "why?", "retrieved"),
        ("one short text", "why?", "snippet"),
        (["a", "b"], " ", "claim"),
        ("a", "[Human]: hi [Assistant]: hello [Human]: why?", "dialogue"),
    ],
)
def test_the_kind_of_exchange_is_told_by_its_form(context: str | list[str], question: str, kind: str) -> None:
    assert regime(context, question) == kind
    assert (regime(context, question, 3) == "summary") == (kind == "claim")


def test_features_are_finite_and_as_many_as_their_names() -> None:
    made = units(CONTEXT, QUESTION, BAD, shipped().weigh)
    assert made is not None
    assert made.sentences.shape == (2, len(NAMES))
    assert len(set(NAMES)) == len(NAMES)
    assert abs(made.sentences).max() < 1e3


class Letters:
    """An encoder that knows only letters: enough to see which texts are linked."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.array([[t.lower().count(c) + 1e-9 for c in "abcdefghijklmnopqrstuvwxyz"] for t in texts], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_risky_claims_are_linked_by_meaning_and_scores_stay_as_they_are() -> None:
    asked = [(CONTEXT, QUESTION, BAD), ("", "", "x")]
    before = list(grounding.score_many(asked))
    after = linked(asked, before, Letters())
    assert [v.score for v in after] == [v.score for v in before]
    assert before[0].sentences[1].evidence is None
    assert after[0].sentences[1].evidence is not None
    assert after[0].sentences[0] == before[0].sentences[0]


def test_answers_that_agree_score_below_answers_that_do_not() -> None:
    agree, _ = contradiction.pair("", "The capital of Australia is Canberra.", "Canberra is the capital of Australia.")
    differ, flagged = contradiction.pair("", "The capital of Australia is Canberra.", "Sydney, founded in 1788 by Arthur Phillip.")
    assert agree is not None
    assert differ is not None
    assert agree < differ
    assert flagged


@settings(max_examples=30, deadline=None)
@given(texts, texts)
def test_the_order_of_two_answers_does_not_matter(a: str, b: str) -> None:
    assert contradiction.pair("", a, b)[0] == pytest.approx(contradiction.pair("", b, a)[0])


def test_a_group_has_a_rate_with_its_n_and_each_answer_its_own_score() -> None:
    same = "The capital of Australia is Canberra."
    group = contradiction.rate("", [same, same, "It is Sydney, a city of five million people.", " "])
    assert (group.n, group.pairs, len(group.each)) == (3, 3, 4)
    assert group.each[3] is None
    assert group.each[2] == max(e for e in group.each if e is not None)
    assert contradiction.rate("", [same]).rate is None


def test_a_large_group_is_sampled() -> None:
    group = contradiction.rate("", [f"The answer is number {i}." for i in range(200)])
    assert group.n == 24
    assert sum(e is not None for e in group.each) == 24


@given(st.lists(st.tuples(unit, unit), max_size=6))
def test_noisy_or_is_at_least_its_largest_part_and_at_most_one(parts: list[tuple[float, float]]) -> None:
    whole = noisy_or(parts)
    assert max([w * s for w, s in parts], default=0) - 1e-12 <= whole <= 1


@given(unit, st.floats(0, 0.99))
def test_the_floor_takes_clean_scores_to_zero_and_keeps_one(score: float, floor: float) -> None:
    assert 0 <= floored(score, floor) <= score
    assert floored(1.0, floor) == pytest.approx(1.0)
    assert score > floor or floored(score, floor) == 0


def test_the_composite_covers_what_ran_and_is_null_when_nothing_did() -> None:
    silent = Verdict("grounding", "1", None, None, False, reason="no_context")
    clean = Verdict("schema", "1", 0.0, 0.0, False)
    bad = Verdict("contradiction", "1", 0.9, 0.8, True)
    assert combine([silent]) == (None, None, False, ())
    assert combine([silent, clean]) == (0.0, 0.0, False, ("schema",))
    both = combine([silent, clean, bad])
    assert both.hallucination_score == pytest.approx(0.4)
    assert both.coverage == ("contradiction", "schema")
    assert both.flagged


def test_eval_keeps_order_and_ids_and_takes_what_may_be_missing() -> None:
    rows = [{"id": i, "context": "Cats sleep.", "response": f"Cats sleep {i} hours."} for i in range(5)]
    assert [r["id"] for r in evaluate("grounding", rows)] == list(range(5))
    assert next(evaluate("schema", [{"id": "a", "response": "{}"}]))["class"] == "valid"
    assert set(next(evaluate("contradiction", [{"id": 1, "answer_a": "a", "answer_b": "b"}]))) == {"id", "score", "flagged"}
    with pytest.raises(ValueError, match="answer_b"):
        list(evaluate("contradiction", [{"id": 1, "answer_a": "a"}]))


def test_eval_reads_lazily() -> None:
    def endless():
        while True:
            yield {"id": 1, "response": "1"}

    assert next(evaluate("schema", endless()))["strict_valid"]


def test_the_shipped_model_is_nowhere_below_the_one_line_baseline(shared: Path) -> None:
    for name in ("ragtruth_qa", "wice", "halueval_qa"):
        lines = (shared / "data" / "hallucination" / f"{name}.jsonl").read_text(encoding="utf8").splitlines()[:300]
        rows = [json.loads(line) for line in lines]
        y = np.array([float(bool(r["label"])) for r in rows])
        scores = np.array([r["score"] or 0.0 for r in evaluate("grounding", rows)])
        assert auroc(y, scores) > auroc(y, np.array([absent_share(r["context"], r["response"]) for r in rows])), name
