"""Ordinary answers in styles that no training set holds: few false alarms, and a fact that was changed is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detectors import contradiction, grounding
from detectors.grounding.carried import carried
from detectors.grounding.features import NAMES
from detectors.grounding.model import shipped
from detectors.grounding.units import units
from detectors.text import cues
from detectors.text.arithmetic import Arithmetic
from detectors.text.context import ContextIndex
from detectors.text.words import NUMBER, readings, tokens

_FIXTURE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "fixtures" / "detectors_twins.json").read_text(encoding="utf8"))
TWINS: list[dict[str, Any]] = _FIXTURE["answers"]


def test_faithful_answers_are_seldom_flagged_and_their_unfaithful_twins_mostly() -> None:
    good = list(grounding.score_many((r["context"], r["question"], r["faithful"]) for r in TWINS))
    bad = list(grounding.score_many((r["context"], r["question"], r["twin"]) for r in TWINS))
    alarms, found = sum(v.flagged for v in good) / len(good), sum(v.flagged for v in bad) / len(bad)
    assert alarms <= 0.2
    assert (1 - alarms + found) / 2 >= 0.78
    assert sum((b.score or 0) > (g.score or 0) for g, b in zip(good, bad, strict=True)) >= 0.9 * len(TWINS)


def test_answers_in_other_words_agree_and_answers_with_another_fact_do_not() -> None:
    rows = _FIXTURE["pairs"]
    same = list(contradiction.pairs((r["question"], r["answer"], r["same"]) for r in rows))
    other = list(contradiction.pairs((r["question"], r["answer"], r["other"]) for r in rows))
    alarms, found = sum(f for _, f in same) / len(rows), sum(f for _, f in other) / len(rows)
    assert alarms <= 0.25
    assert (1 - alarms + found) / 2 >= 0.8
    assert sum((o or 0) > (s or 0) for (s, _), (o, _) in zip(same, other, strict=True)) >= 0.9 * len(rows)


def terms(text: str) -> list[str]:
    return [t.term for t in tokens(text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.540,75 EUR", "1,540.75 euro"), ("3,80 €", "3.80 EUR"), ("1.200.000", "1,200,000"), ("12 %", "twelve percent"),
        ("3,6 Mrd.", "3.6 billion"),
        ("03.11.2025", "3 11 2025"), ("l'appartement", "appartement"), ("zwölf", "12"), ("5 octobre", "5 October"),
        ("1er", "1"),
    ],
)  # fmt: skip
def test_figures_compare_equal_across_languages(one: str, other: str) -> None:
    assert terms(one) == terms(other)


def test_a_grouping_point_has_two_readings() -> None:
    assert readings(tokens("1.500")[0]) == ("1500",)
    assert readings(tokens("1.5")[0]) == ()


@pytest.mark.parametrize(
    ("context", "known"), [("on 2025-11-03", "novemb"), ("in November 2025", "11"), ("until 18:30", "6"), ("7 pm", "19"), ("1.500 units", "1500")]
)
def test_a_context_holds_other_ways_to_write_its_dates_hours_and_numbers(context: str, known: str) -> None:
    assert known in ContextIndex(context).where


def test_a_number_of_thousands_of_digits_breaks_nothing() -> None:
    digits = "1" * 5_000
    assert digits in ContextIndex(f"The key is {digits} today, {digits}-3 before.").where
    assert carried("It costs 4.", f"Es kostet {digits}.", 1 / 3, 0.36).flagged


@pytest.mark.parametrize(
    ("numbers", "follows"),
    [
        (("340", "410"), "70"),
        (("12", "40", "120"), "600"),
        (("300", "400"), "75"),
        (("48",), "2"),
        (("24",), "2"),
        (("52000", "48000"), "50000"),
        (("42000",), "42"),
    ],
)
def test_numbers_that_follow_from_the_context_are_known(numbers: tuple[str, ...], follows: str) -> None:
    assert Arithmetic(numbers).knows(follows)


@pytest.mark.parametrize(
    ("numbers", "asked"), [(("340", "410"), "95"), (("12", "40", "120"), "530"), (("1000", "975"), "1975"), (tuple(map(str, range(100, 140))), "203")]
)
def test_numbers_that_do_not_follow_are_not_nor_years_nor_anything_among_many(numbers: tuple[str, ...], asked: str) -> None:
    assert not Arithmetic(numbers).knows(asked)


@pytest.mark.parametrize(
    "text",
    [
        "The documents don't mention a warranty.", "Dazu liegen mir keine Angaben vor.", "Le document ne le précise pas.",
        "Aucune mention du prix.", "Would you like me to book it?",
        "Thanks for asking!", "No information about pay is given.", "In den Unterlagen steht nichts dazu.", "I hope this helps!",
        "If you have any further questions, ask your vet.", "Here are the steps to reset the meter:",
        "For a fuller guide you may need to consult additional sources.",
    ],
)  # fmt: skip
def test_refusals_and_courtesies_claim_nothing(text: str) -> None:
    assert cues.claims_nothing(text, sum(t.kind > 0 for t in tokens(text)))


@pytest.mark.parametrize(
    "text",
    [
        "It does not cover water damage.",
        "The committee has not found a solution.",
        "Sure, the tower was built by Anna Berg of Oslo in 1921.",
        "We hope to help 400 farms.",
        "The mill has further sources of water.",
        "The recipe is simple: two eggs.",
    ],
)
def test_statements_about_the_world_are_claims(text: str) -> None:
    assert not cues.claims_nothing(text, sum(t.kind > 0 for t in tokens(text)))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1. Heat 200 ml.\n2. Stir.\n3. Wait 5 minutes.", ["200", "5"]),
        ("Repeat steps 2-4 within 10 days.", ["10"]),
        ("It rose by 12 (passage 3) [4].", ["12"]),
        ("12. March is the deadline.", ["12"]),
        ("1) yes\n7) no", ["7"]),
        ("The source 2024 figures, 10 steps 12,000 people.", ["2024", "10", "12000"]),
    ],
)
def test_numbers_that_only_number_are_no_claims(text: str, numbers: list[str]) -> None:
    assert [t.term for t in cues.said(text) if t.kind == NUMBER] == numbers


def test_a_list_is_judged_by_what_it_says_and_not_by_its_numbering() -> None:
    context = ["Boil the potatoes. Plunge them into ice water. Rub off the skin.", "Potatoes keep for weeks."]
    steps = ["Boil the potatoes.", "Plunge them into ice water.", "Rub off the skin."]
    plain, listed = ("\n".join(f"{mark}{step}" for mark, step in zip(marks, steps, strict=True)) for marks in (("- ",) * 3, ("1. ", "2. ", "3. ")))
    one, other = grounding.score(context, "How are potatoes peeled?", plain), grounding.score(context, "How are potatoes peeled?", listed)
    assert one.score is not None
    assert other.score == pytest.approx(one.score, abs=0.05)


def test_to_deny_what_one_sentence_of_the_context_says_counts_and_an_honest_denial_less() -> None:
    context = "The warranty covers the battery for two years. The screen is made of glass."
    wrong, right = (
        units(context, "What is covered?", text, shipped().weigh)
        for text in ("It is not stated that the warranty covers the battery.", "It is not stated who repairs the hinges.")
    )
    assert wrong is not None
    assert right is not None
    column = NAMES.index("denied_cover")
    assert wrong.sentences[0, column] > 0.9 > 0.1 > right.sentences[0, column]


def test_capitals_of_german_nouns_are_no_names() -> None:
    assert not any(t.capital for t in tokens("Die Bibliothek ist am Samstag bis 14 Uhr geöffnet und der Ausweis kostet nichts."))
    assert any(t.capital for t in tokens("The library of Berlin is open."))
