"""Numbers in lists that no table is: what a cluster has come to is remembered, and a number that is only one as a whole is judged once."""

from __future__ import annotations

import itertools
import random

import pytest

from collector.redaction import Redactor, numbers, rules

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
    out = Redactor().redact(text)
    assert (out.text, out.dropped) == (text, None)


def test_what_is_remembered_for_one_rule_says_nothing_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [rules.example(text) for rule in rules.load() if rule.handler == "number" or rule.kind == "number" for text in rule.positives]
    told += ["携帯：-----ENDXk9#CrJk0Rcall 219-09-99990664 1234567", "password ssn 219-09-999912.03.1975هاتف:"]  # of which rules say this and that
    texts = [f"{'filler ' * 12}{before}{value} {'and so ' * 12}" for value in told for before in ("", "IDENTIFIED BY '", "ssn ", "call ")]
    remembering = Redactor()
    with monkeypatch.context() as patch:
        patch.setattr(numbers, "_REMEMBERED", 0)
        plain = Redactor().redact_batch(texts)
    assert remembering.redact_batch(texts) == remembering.redact_batch([*texts, "x"])[:-1] == plain


def test_what_was_remembered_is_forgotten_when_asked_for() -> None:
    redactor = Redactor()
    redactor.redact(f"{'filler ' * 12}call 202-555-0143 {'and so ' * 12}")
    table = redactor._finder.table  # pyright: ignore[reportPrivateUsage]
    assert any(some.known for some in table.numbers.values())
    redactor.forget()
    assert not any(some.known for some in table.numbers.values())
