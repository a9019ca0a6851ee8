"""Numbers in lists that no table is: what a cluster has come to is remembered, and a number that is only one as a whole is judged once."""

from __future__ import annotations

import itertools
import random

import pytest

from collector.redaction import Redactor

NUMBERS = [
    "(202) 555-0143",
    "0171 1234567",
    "219-09-9999",
    "943 476 5919",
    "4539 3416 7211 0681",
    "111.444.777-35",
    "07 11 12 13 14",
    "(0711) 4711-0815",
]
WORDS = ["order", "call", "part", "ssn", "nhs", "card", "", "national id", "version", "sku (", "tel +", "$"]


def _texts(seed: int) -> list[str]:
    rng = random.Random(seed)
    pairs = list(itertools.product(NUMBERS, WORDS))
    rng.shuffle(pairs)
    return [
        "\n\n".join(f"{'filler ' * rng.choice([0, 4, 9, 30])}{word} {'and so ' * rng.choice([0, 1, 5, 9])}{number} then" for number, word in pairs)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_what_is_remembered_of_numbers_says_nothing_of_others(seed: int) -> None:
    used = Redactor()
    for other in range(6):  # the same numbers elsewhere, beside other words
        used.redact_parts(_texts(10 + other))
    for text in _texts(seed):
        assert used.redact(text).entities == Redactor().redact(text).entities


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_told_again_and_again_reads_as_the_first_time(number: str) -> None:
    line = f"so this is what they told us of it at the time and nothing else: {number} and then there was no more of it to be said by anybody; "
    once, often = Redactor().redact(line * 3), Redactor().redact(line * 40)
    found = [(e.class_name, e.end - e.start) for e in once.entities]
    assert len(found) % 3 == 0
    assert [(e.class_name, e.end - e.start) for e in often.entities] == found[: len(found) // 3] * 40


@pytest.mark.parametrize("unit", ["order (202) 555-0143, ", "item 0171 1234567 "])
def test_numbers_of_something_else_are_left_alone_in_long_texts(unit: str) -> None:
    text = unit * 100
    redactor = Redactor()
    redactor._patience = 40  # pyright: ignore[reportPrivateUsage]
    out = redactor.redact(text)
    assert (out.text, out.dropped) == (text, None)
