"""Short texts full of people's data: values one by one are those that columns find in long ones."""

# ruff: noqa: E501 - data
from __future__ import annotations

import random

import pytest

from collector.redaction import Redactor
from collector.redaction.matching import Span
from collector.redaction.plain import many_values
from collector.redaction.plain_few import few, few_values

BITS = (
    "4539578763621486", "4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111112", "4539578763621486 4111111111111112", "378282246310005", "3782 822463 10005",
    "219-09-9999", "666-09-9999", "900-12-3456", "219-09-9999 219-09-9998 219-09-9997", "203.0.113.9", "127.0.0.1", "256.1.1.1", "01.2.3.4", "+1 202-555-0143", "+44 7700 900123",
    "+999 12 34567", "+123 45 6789", "(202) 555-0143", "(202)202-0143", "12 Main Street", "868 Old Oak Avenue", "12 Main Office", "DE89370400440532013000",
    "DE89 3704 0044 0532 0130 00", "NO9386011117947", "GB82 WEST 1234 5698 7654 32", "ana.b@mail.example.org", "ana@b", "a@b@example.org", "_f@example.org", "no@such.ending",
    "[CREDIT_CARD]", "1950-01-10", "version ", "order ", "fax ", " ext 5", "1", "12 ", " ", " ", "  ", ",", ";", "\n", "\r\n", "\t", ")", "(", "+", "-", ".", ". ", "/", ":", "x", "#",
    "$", "é", "'", '"', "<", ">", "|", "\0",
)  # fmt: skip


def _places(text: str) -> tuple[bytes, list[Span], list[Span], list[Span], list[Span]]:
    raw = f"\0{text}\0".encode()
    one: list[Span] = []
    columns: list[Span] = []
    dull = few_values(raw, 1, len(raw) - 1, one)
    also = many_values(raw, 1, len(raw) - 1, columns, lambda: None)
    return raw, sorted(one), sorted(columns), sorted(dull), sorted(also)


@pytest.mark.parametrize("seed", range(20))
def test_values_one_by_one_are_those_of_the_columns(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(200):
        text = "".join(rng.choice(BITS) for _ in range(rng.randrange(1, 16)))
        raw, one, columns, dull, also = _places(text)
        left = [  # but for what stands behind a row of numbers, and addresses in rows, with ports, in brackets
            (a, z, name) for a, z, name in columns if not (name == "STREET_ADDRESS" and raw[a - 2 : a - 1].isdigit()) and name != "IP_ADDRESS"
        ]
        assert set(left) <= set(one) <= set(columns), text
        assert set(dull) <= set(also), text


ROW = "{i},Ana,ana.berg{i}@example.org,+1 202-555-{n},4111 1111 1111 1111,5{i:02d}-12-{n},203.0.113.{i},{i} Main Street,1950-01-1{d}"


@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
@pytest.mark.parametrize("mark", [",", ";", "|", "\t", '","', " | "])
@pytest.mark.parametrize("rows", [4, 12, 30, 90])
def test_a_short_table_reads_as_its_lines_do_alone(engine: str, mark: str, rows: int) -> None:
    redactor = Redactor(engine=engine, key=b"few")  # type: ignore[arg-type]
    lines = [ROW.format(i=i, n=1000 + i, d=i % 10).replace(",", mark) for i in range(1, rows + 1)]
    assert redactor.redact("\n".join(lines)).text.split("\n") == redactor.redact_batch(lines)


@pytest.mark.parametrize(
    "record",
    ["219-09-9999\n", "version 12.5.6.2\n", "order (202) 555-0143, ", "4111111111111111 ", "fax: 203.0.113.9, +44 7700 900123; ", "1652000000,"],
)
@pytest.mark.parametrize("times", [30, 90])
def test_a_short_list_reads_alone_as_in_a_batch(record: str, times: int) -> None:
    redactor = Redactor()
    text = record * times
    assert redactor.redact_batch([text, "nothing here", "nor there"])[0] == redactor.redact_batch([text])[0]


def test_columns_are_for_long_texts_and_for_lists_of_one_kind() -> None:
    alike, mixed = "219-09-9999\n", "219-09-9999 ana@example.org (202) 555-0143\n"
    told = {
        (name, size): few(f"\0{(text * size)[:size]}\0".encode(), 1, size + 1)
        for name, text in (("alike", alike), ("mixed", mixed))
        for size in (1_000, 8_000, 64_000)
    }
    assert [key for key, short in told.items() if short] == [("alike", 1_000), ("mixed", 1_000), ("mixed", 8_000)]
