"""Telephone numbers among words, in lists and in rows: what one says of the next, and what is plain and taken at once."""

from __future__ import annotations

import random
import re

import pytest

from collector.redaction import Redactor, placing
from collector.redaction.budget import Budget
from collector.redaction.joined import join
from collector.redaction.plain import plain_values

WORDS = [
    "the",
    "quick",
    "fox",
    "call",
    "Ana",
    "on",
    "at",
    "or",
    "is",
    "order",
    "part",
    "patient",
    "account number",
    "text",
    "then",
    "$",
    "USD",
    "nhs",
]
NUMBERS = ["202-555-0143", "415.555.2671", "415 555 2671", "943-476-5919"]
NONE = ["193-476-5919", "415-055-2671", "222-222-2222", "000-555-0143", "415-555 2671", "4155-555-2671", "415-555-26711", "415--555-2671"]
MARKS = [" ", ", ", "; ", ".\n", "\n", "\t", '", "', " x12 ", " | ", ", (", "), "]


@pytest.fixture(scope="module", params=[{}, {"key": b"k"}, {"engine": "re2"}], ids=["bare", "keyed", "re2"])
def redactor(request: pytest.FixtureRequest) -> Redactor:
    return Redactor(**request.param)


def _bare(text: str) -> str:
    return re.sub(r":[0-9a-f]{10}\]", "]", text)


@pytest.mark.parametrize("n", [2, 40])
@pytest.mark.parametrize("mark", [", ", ",", "; ", '", "', " & "])
@pytest.mark.parametrize("form", ["467 {}", "467-{}", "467{}", "5551 {}"])
def test_a_list_behind_a_telephone_number_goes_whole(redactor: Redactor, form: str, mark: str, n: int) -> None:
    values = ["(202) 555-0143", *(form.format(3001 + k) for k in range(n))]
    out = _bare(redactor.redact(mark.join(values)).text)
    assert not re.search(r"[0-9]", out)
    assert out.count("[PHONE]") == len(values)


def test_a_list_of_any_length_goes_whole() -> None:
    """Without a key: in dense texts the second look finds these, by a trigger that a hash hides."""
    values = ["(202) 555-0143", *(f"{200 + k % 700} {1000 + k}" for k in range(4000))]
    assert Redactor().redact(", ".join(values)).text == ", ".join(["[PHONE]"] * len(values))


def test_what_is_no_number_does_not_end_a_list(redactor: Redactor) -> None:
    out = _bare(redactor.redact("call 202-555-0143, 555 5555, 467-3395 or 4673396").text)
    assert out == "call [PHONE], 555 5555, [PHONE] or [PHONE]"


@pytest.mark.parametrize("behind", ["2024-2025", "2024 2025 2026", "467 33955", "467 3395x"])
def test_years_and_longer_numbers_are_no_list(behind: str) -> None:
    text = f"(202) 555-0143, {behind} and no more of it"
    assert Redactor(key=b"k").redact(text).text.endswith(text[14:])


def test_a_number_that_has_gone_says_nothing_of_others_behind_words(redactor: Redactor) -> None:
    left = [f"or {5_550_000_000 + k * 7919} then" for k in range(40)]
    text = f"(202) 555-0143 is it, {' '.join(left)}"
    out = redactor.redact(text)
    assert out.dropped is None
    assert _bare(out.text) == f"[PHONE] is it, {' '.join(left)}"
    assert redactor.redact(out.text).text == out.text


@pytest.mark.parametrize("seed", range(30))
def test_plain_numbers_come_to_what_matchers_make_of_each(redactor: Redactor, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    marks = rng.sample(MARKS, 3) if seed % 3 else MARKS[:3]
    said = [[*rng.choices(WORDS, k=rng.choice([0, 0, 1, 4])), rng.choice(NUMBERS)] for _ in range(400)]
    text = "".join(" ".join(words) + rng.choice(marks) for words in said)
    finder = redactor._finder  # pyright: ignore[reportPrivateUsage]
    out = finder.find(join([text.encode()]), None, Budget(9.0, 9.0, 1e9))
    monkeypatch.setattr(placing, "plain_values", lambda *_: [])
    assert out == finder.find(join([text.encode()]), None, Budget(9.0, 9.0, 1e9))


@pytest.mark.parametrize("size", [1, 12, 3000])
@pytest.mark.parametrize("mark", [" ", ", ", "\n"])
@pytest.mark.parametrize("number", NONE)
def test_what_is_no_plain_number_is_left_to_the_matchers(number: str, mark: str, size: int) -> None:
    raw = f"\0x {mark.join([number] * size)} y\0".encode()
    found: list[tuple[int, int, str]] = []
    plain_values(raw, 1, len(raw) - 1, found)
    assert found == []


@pytest.mark.parametrize("mark", [" ", "\n", ", "])
@pytest.mark.parametrize("number", ["202-555-0143", "415.555.2671"])
@pytest.mark.parametrize("cut", [0, 3, 8])
def test_a_long_row_goes_whole_and_so_do_its_ends(redactor: Redactor, number: str, mark: str, cut: int) -> None:
    text = f"12{mark}" + mark.join([number] * 400) + (mark + number[:cut] if cut else "")
    out = _bare(redactor.redact(text).text)
    assert out.count("[PHONE]") >= 400
    assert number not in out


def test_a_word_before_each_of_a_long_list_counts(redactor: Redactor) -> None:
    assert redactor.redact("order 202-555-0143, " * 60).entities == []
    assert {e.class_name for e in redactor.redact("patient no 943-476-5919, " * 60).entities} == {"NATIONAL_ID"}
    assert _bare(redactor.redact("call 202-555-0143 x12\n" * 60).text) == "call [PHONE]\n" * 60
