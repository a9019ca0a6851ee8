"""Grids of digits are no numbers: puzzles, boards and matrices stay as they are, and what may be a number in rows is found."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import numpy as np
import pytest

from collector.redaction import Redactor

Grid = list[list[int]]


def rows(grid: Grid, between: str = " ", behind: str = "\n", before: str = "") -> str:
    return behind.join(before + between.join(map(str, row)) for row in grid)


FORMS: dict[str, Callable[[Grid], str]] = {
    "blanks": rows,
    "tabs": lambda grid: rows(grid, "\t"),
    "other line breaks": lambda grid: rows(grid, behind="\r\n"),
    "indented": lambda grid: rows(grid, before="    "),
    "numpy": lambda grid: str(np.array(grid)),
    "of a program": lambda grid: "A = [" + rows(grid, behind="; ") + "];",
    "in brackets": lambda grid: "[\n  [" + rows(grid, behind="],\n  [") + "]\n]",
    "in JSON": lambda grid: json.dumps({"input": rows(grid)}),
    "in JSON in JSON": lambda grid: json.dumps(json.dumps({"input": rows(grid)})),
}


def puzzle(rng: random.Random, form: Callable[[Grid], str], width: int, height: int, most: int) -> str:
    def grid() -> str:
        zeros = [0] * rng.choice([0, 3, 12])
        return form([[rng.choice([*zeros, rng.randint(0, most)]) for _ in range(width)] for _ in range(height)])

    return "Find the rule.\n" + "\n".join(f"Input {n}:\n{grid()}\nOutput:\n{grid()}" for n in range(3))


@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
@pytest.mark.parametrize("form", FORMS)
def test_grids_of_single_digits_stay_as_they_are(form: str, engine: str) -> None:
    rng = random.Random(len(form))
    redactor = Redactor(engine=engine)  # type: ignore[arg-type]
    for width, height in ((2, 20), (5, 9), (8, 8), (9, 9), (10, 10), (13, 13), (16, 16), (20, 20), (30, 30), (40, 100)):
        said = puzzle(rng, FORMS[form], width, height, 9)
        assert redactor.redact(said).text == said, (width, height)
    batch = [puzzle(rng, FORMS[form], 12, 12, 9) for _ in range(40)]
    assert redactor.redact_batch(batch) == batch


@pytest.mark.parametrize("form", FORMS)
def test_wide_grids_of_small_numbers_stay_as_they_are(form: str) -> None:
    rng = random.Random(len(form))
    for width, height in ((8, 5), (8, 12), (9, 9), (14, 14), (28, 28)):  # numpy goes on in the next line where one is full
        said = puzzle(rng, FORMS[form], width, height, 255)
        assert Redactor().redact(said).text == said, (width, height)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("card: " + "\n".join(" ".join("4111111111111111"[k : k + 4]) for k in range(0, 16, 4)), "card: [CREDIT_CARD]"),
        ("\n".join(["06 12 34 56 78"] * 12), "\n".join(["[PHONE]"] * 12)),
        ("ssn\n" + "\n".join([" ".join("219099999")] * 2), "ssn\n[US_SSN]\n[US_SSN]"),
        ("\n".join(["4111 1111 1111 1111"] * 12), "\n".join(["[CREDIT_CARD]"] * 12)),
        ("ssn " + " ".join("219099999") + "\n" + "\n".join([" ".join("123456789")] * 9), "ssn [US_SSN]"),
    ],
)
def test_what_may_be_a_number_in_rows_is_found(said: str, left: str) -> None:
    assert Redactor().redact(said).text.startswith(left)


def test_rows_near_a_word_for_numbers_are_looked_at() -> None:
    spelled = [" ".join(f"{219099100 + 7 * n}") for n in range(9)]
    found = Redactor().redact("Their social security numbers:\n" + "\n".join(spelled)).text
    assert found.count("[US_SSN]") > 2


def test_what_stands_beside_a_grid_is_found() -> None:
    grid = rows([[n * k % 10 for n in range(12)] for k in range(12)])
    found = Redactor().redact(f"mail ana@example.org\n{grid}\nor call +44 20 7946 0958, ssn 219-09-9999").text
    assert found == f"mail [EMAIL]\n{grid}\nor call [PHONE], ssn [US_SSN]"


def test_pairs_of_digits_in_the_rows_of_a_matrix_are_no_cards() -> None:
    rows = [" ".join(f"{(i * 37 + k * 53) % 90 + 10}" for k in range(8)) for i in range(60)]
    rows[7] = "41 11 11 11 11 11 11 11"  # it holds, as one of ten does
    redactor = Redactor()
    for mark in ("; ", ", ", "], ["):
        matrix = f"A = [{mark.join(rows)}]"
        assert redactor.redact(matrix).text == matrix
    assert redactor.redact(f"pay {rows[7]} now").text == "pay [CREDIT_CARD] now"
    assert redactor.redact(f"cards: {rows[7]}; {rows[7]}").text == "cards: [CREDIT_CARD]; [CREDIT_CARD]"


def test_pairs_of_digits_in_a_row_are_no_telephone_number() -> None:
    draws = "".join(f"2026-03-{i + 1:02d}: {i + 20} 0{i % 9 + 1} 12 {i + 40} {i % 30 + 60} 49\n" for i in range(28))
    assert Redactor().redact(draws).text == draws
    assert Redactor().redact("1. 06 12 34 56 78").text == "1. [PHONE]"


@pytest.mark.parametrize("said", ["ref {} shipped", "{}", "voucher {}", "{}; {}", "+{}"])
@pytest.mark.parametrize("mark", " -")
def test_fours_of_a_reference_are_no_national_number(said: str, mark: str) -> None:
    redactor = Redactor()
    for twelve in ("2341 2341 2346", "4991 1866 5246"):  # they hold as Aadhaar numbers do
        for number in (f"{twelve} 7734", f"7733 {twelve}"):
            text = said.replace("{}", number.replace(" ", mark))
            assert redactor.redact(text).text == text
            assert "4991" not in redactor.redact(f"aadhaar {number}").text.replace("2341", "4991")


def test_a_card_behind_a_telephone_number_in_its_cluster_is_found() -> None:
    said = "+1-44-79-05)4111 1111 1111 1111,6-05-18,+1-44-79-60-12-07\n29\n88249 28572 20309 54 35 36 10\n22"
    assert Redactor().redact(said).text.startswith("+1-44-79-05)[CREDIT_CARD],6-05-18,[PHONE]")
