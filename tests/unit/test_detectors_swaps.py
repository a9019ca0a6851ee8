"""A fact put in another's place is noticed beside its own evidence, and a fact told in other words is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import grounding
from detectors.grounding.model import weights
from detectors.grounding.swaps import SWAPS
from detectors.grounding.units import units
from detectors.text.rivals import OPPOSITES, SIBLINGS
from detectors.training.metrics import expected_threshold

CONTEXT = (
    "The ferry to Lindoya sails every Saturday at 14:30 from the eastern pier and takes 55 minutes. "
    "In winter the crossing is cancelled when waves exceed 4 metres. "
    "A return ticket costs 38 euros; children under 12 travel free. The captain, Marta Holm, has steered the ship for 9 years. "
    "Luggage must be handed in at the western hall, where the harbour office of Elias Brandt opens at 8."
)


def found(answer: str) -> set[str]:
    made = units(CONTEXT, "When does the ferry sail?", answer, weights())
    assert made is not None
    return {name for name, value in zip(SWAPS, made.swaps.max(axis=0), strict=True) if value}


@pytest.mark.parametrize(
    ("faithful", "changed", "swap"),
    [
        ("A return ticket costs 38 euros.", "A return ticket costs 83 euros.", "number_swapped"),
        ("The crossing takes 55 minutes.", "The crossing takes 55 hours.", "unit_swapped"),
        ("The ferry sails every Saturday at 14:30.", "The ferry sails every Sunday at 14:30.", "kind_swapped"),
        ("Luggage is handed in at the western hall.", "Luggage is handed in at the eastern hall.", "kind_swapped"),
        ("In winter the crossing is cancelled in high waves.", "In summer the crossing is cancelled in high waves.", "kind_swapped"),
        ("The captain is Marta Holm.", "The captain is Elias Holm.", "name_swapped"),
    ],
)
def test_a_changed_fact_is_told_from_the_fact(faithful: str, changed: str, swap: str) -> None:
    assert not found(faithful)
    assert swap in found(changed)


@pytest.mark.parametrize(
    "answer",
    [
        "It leaves on Saturdays at 2:30 pm.",  # another way to write the hour
        "Two return tickets cost 76 euros altogether.",  # worked out
        "Children aged 11 or younger pay nothing.",
        "Thanks for asking! Have a nice Sunday.",  # claims nothing
        "",
    ],
)
def test_other_words_for_a_fact_and_what_follows_from_it_are_no_swaps(answer: str) -> None:
    made = units(CONTEXT, "When does the ferry sail?", answer, weights())
    assert made is None or "kind_swapped" not in found(answer)
    assert made is None or "unit_swapped" not in found(answer)


def test_a_swap_raises_the_score_of_an_answer_and_of_its_sentence() -> None:
    answer = "The ferry sails on Saturday from the eastern pier. A return ticket costs {} euros. Children travel free."
    good, bad = (grounding.score(CONTEXT, "When does the ferry sail?", answer.format(price)) for price in ("38", "83"))
    assert good.score is not None
    assert bad.score is not None
    assert bad.score > good.score
    assert max(bad.sentences, key=lambda s: s.score).start == bad.sentences[1].start


def test_rivals_are_mutual_and_no_word_is_its_own() -> None:
    for table in (OPPOSITES, SIBLINGS):
        for term, others in table.items():
            assert term not in others
            assert all(term in table[other] for other in others)


@given(st.text(max_size=120), st.text(max_size=120))
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_the_search_for_swaps(context: str, answer: str) -> None:
    made = units(context, "", answer, weights())
    assert made is None or made.swaps.shape == (len(made.spans), len(SWAPS))
    if made is not None and context == answer:
        assert not made.swaps.any()


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=60))
def test_the_expected_threshold_is_half_of_the_expected_f1_and_best(p: list[float]) -> None:
    import numpy as np

    odds = np.array(p)
    threshold = expected_threshold(odds)
    best = max(2 * odds[odds >= t].sum() / ((odds >= t).sum() + odds.sum()) for t in p)
    assert 2 * threshold == pytest.approx(best)
    flagged = odds >= threshold - 1e-12
    assert 2 * odds[flagged].sum() / (flagged.sum() + odds.sum()) == pytest.approx(best)
