"""Long dense texts are tried first; what is read before the scan or given up there changes nothing that is found."""

from __future__ import annotations

import pytest

from collector.redaction import Redactor, rules
from collector.redaction.budget import Dropped
from collector.redaction.scan import HyperscanScanner

SCANNER = HyperscanScanner(rules.triggers(rules.load()))


def _hits(text: bytes, calls: list[int]) -> list[int]:
    return SCANNER.hits(text, [1], [len(text) - 1], None, lambda: calls.append(1))


def test_many_hits_are_tried_once_and_all_told() -> None:
    dense, calls = b"\0" + b"sk-" * 9_000 + b"\0", list[int]()
    assert _hits(dense, calls) == SCANNER.hits(dense, [1], [len(dense) - 1])
    assert calls == [1]


def test_few_hits_are_not_tried() -> None:
    calls = list[int]()
    assert _hits(b"\0" + b"sk-" * 500 + b"words " * 9_000 + b"\0", calls)
    assert calls == []


def test_what_a_trial_raises_ends_the_scan() -> None:
    def refuse() -> None:
        raise Dropped("time")

    with pytest.raises(Dropped):
        SCANNER.hits(b"\0" + b"sk-" * 9_000 + b"\0", [1], [27_001], None, refuse)


TABLES = (
    ("user,password\n", "u{0},Kj82mQ{0:05}\n"),
    ("<tr><th>user</th><th>password</th></tr>", "<tr><td>u{0}</td><td>Kj82mQ{0:05}</td></tr>"),
)


@pytest.mark.parametrize(("head", "row"), TABLES)
def test_every_row_of_a_long_table_is_read(head: str, row: str) -> None:
    out = Redactor().redact(head + "".join(map(row.format, range(7_000))))
    assert (out.dropped, out.text.count("Kj82mQ"), len(out.entities)) == (None, 0, 7_000)


def test_a_table_too_long_to_be_read_is_withheld() -> None:
    assert Redactor().redact("user,password\n" + "u1,Kj82mQx771\n" * 61_000).dropped == "candidates"
    assert Redactor().redact("<table><tr><th>password</th></tr>" + "<tr ><td >Kj82mQx771</td ></tr >" * 31_000).dropped == "candidates"


def test_rows_of_a_dump_are_read_for_what_they_say_only() -> None:
    said = [b"4111 1111 1111 1", b"111 and no more.", *[b"abcdefghabcdefgh"] * 2_000]
    rows = [f"{16 * k:08x}: {row.hex(' ', 2)}  {row.decode()}\n" for k, row in enumerate(said)]
    out = Redactor().redact("".join(rows)).text
    assert "[CREDIT_CARD]" in out
    assert "4111 1111" not in out
    assert "3131 3131 2031" not in out
    assert out.endswith("".join(rows[2:]))


def test_an_account_behind_many_that_are_none_is_found() -> None:
    none = "DE00 3704 0044 0532 0130 00, "
    assert "0130 00." not in Redactor().redact(none * 700 + "DE89 3704 0044 0532 0130 00.").text
