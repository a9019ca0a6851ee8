"""Texts dense with people's data: what stands by itself in its plain form goes at once, the rest as in any other text."""

from __future__ import annotations

import time

import pytest

from collector.redaction import Redactor
from collector.redaction.budget import REST_S, Budget, Dropped
from collector.redaction.placeholders import placeholders
from collector.redaction.plain import plain_values

ROWS = [
    f"{i},Ana,ana.berg{i}@example.org,+1 202-555-{1000 + i},4111 1111 1111 1111,5{i:02d}-12-{3000 + i},203.0.113.{i + 1},{i + 1} Main Street"
    for i in range(60)
]
CLASSES = ["EMAIL", "PHONE", "CREDIT_CARD", "US_SSN", "IP_ADDRESS", "STREET_ADDRESS"]


@pytest.fixture(scope="module", params=["hyperscan", "re2"])
def redactor(request: pytest.FixtureRequest) -> Redactor:
    return Redactor(engine=request.param)


@pytest.mark.parametrize("mark", [",", ";", "|", "\t", " | ", ", ", '","'])
def test_every_value_of_a_long_table_goes_whatever_stands_between_its_fields(redactor: Redactor, mark: str) -> None:
    redacted = redactor.redact("\n".join(row.replace(",", mark) for row in ROWS))
    assert redacted.dropped is None
    for i, line in enumerate(redacted.text.split("\n")):
        assert line == mark.join([str(i), "Ana", *(f"[{name}]" for name in CLASSES)])


def test_a_long_table_reads_as_its_lines_do_alone(redactor: Redactor) -> None:
    assert redactor.redact("\n".join(ROWS)).text.split("\n") == redactor.redact_batch(ROWS)


@pytest.mark.parametrize(
    "field",
    [
        "4111 1111 1111 1112",
        "000-12-3456",
        "666-12-3456",
        "256.1.1.1",
        "127.0.0.1",
        "1.2.3.4.5",
        "+1 2",
        "ana@example.nosuchending",
        "ana@b",
        "user@host.org/path",
        "12 219-09-9999",
        "219-09-9999 34",
        "+1 202-555-0143 x12",
        "order-219-09-9999",
        "Ana Berg",
    ],
)
def test_what_is_no_valid_value_by_itself_is_left_to_the_matchers(field: str) -> None:
    found: list[tuple[int, int, str]] = []
    raw = f"\0x,{field},y\0".encode()
    plain_values(raw, 1, len(raw) - 1, found)
    assert found == []


def test_a_dotted_quad_behind_a_word_and_a_tab_is_left_to_the_matcher_that_knows_versions() -> None:
    found: list[tuple[int, int, str]] = []
    raw = b"\0version\t10.2.3.4\t203.0.113.9,203.0.113.10\0"
    plain_values(raw, 1, len(raw) - 1, found)
    assert [raw[a:z] for a, z, _ in found] == [b"203.0.113.9", b"203.0.113.10"]


def test_blanks_around_a_value_stay() -> None:
    found: list[tuple[int, int, str]] = []
    raw = "\0ä; ana@example.org ;219-09-9999\0".encode()
    plain_values(raw, 1, len(raw) - 1, found)
    assert [(raw[a:z].decode(), name) for a, z, name in found] == [("ana@example.org", "EMAIL"), ("219-09-9999", "US_SSN")]


LISTS = {
    "219-09-9998": "[US_SSN]",
    "(202) 555-0143": "[PHONE]",
    "(202)555.0143": "[PHONE]",
    "+44 7700 900123": "[PHONE]",
    "+351 912 345 678": "[PHONE]",
    "4111111111111111": "[CREDIT_CARD]",
    "4111-1111-1111-1111": "[CREDIT_CARD]",
    "378282246310005": "[CREDIT_CARD]",
    "3782 822463 10005": "[CREDIT_CARD]",
    "DE89370400440532013000": "[IBAN]",
    "GB82 WEST 1234 5698 7654 32": "[IBAN]",
    "203.0.113.9": "[IP_ADDRESS]",
    "12 Old Main Street": "[STREET_ADDRESS]",
}


@pytest.mark.parametrize("mark", ["\n", ", ", "; ", "|", "\t", '","', "\r\n"])
@pytest.mark.parametrize("value", LISTS)
def test_a_list_of_one_kind_of_value_goes_whole(redactor: Redactor, value: str, mark: str) -> None:
    assert redactor.redact(mark.join([value] * 120)).text == mark.join([LISTS[value]] * 120)


@pytest.mark.parametrize(("value", "stands"), [("219-09-9998", "[US_SSN]"), ("4111111111111111", "[CREDIT_CARD]")])
def test_numbers_in_a_row_between_blanks_go_each(redactor: Redactor, value: str, stands: str) -> None:
    assert redactor.redact(" ".join([value] * 120)).text == " ".join([stands] * 120)


def test_in_a_row_of_noise_the_card_goes_and_the_noise_stays(redactor: Redactor) -> None:
    row = ["6526829696290214"] * 60 + ["4111111111111111"] + ["6526829696290214"] * 60
    assert redactor.redact(" ".join(row)).text == " ".join(row).replace("4111111111111111", "[CREDIT_CARD]")


def test_what_a_word_before_a_number_says_counts_in_a_list_too(redactor: Redactor) -> None:
    assert redactor.redact("order (202) 555-0143, " * 60).entities == []
    assert redactor.redact("version 12.5.6.2\n" * 60).entities == []
    assert redactor.redact("account number 6526829696290214 " * 60).text == "account number [BANK_ACCOUNT] " * 60


def test_an_extension_goes_with_its_number_in_a_list(redactor: Redactor) -> None:
    assert redactor.redact("(202) 555-0143 x12\n" * 60).text == "[PHONE]\n" * 60


def test_an_address_begins_behind_the_mark_before_its_sign(redactor: Redactor) -> None:
    told = 'x<ana@example.org>,"bo@example.net"|c.d+e@mail.example.com;no@nosuchending @home a@b@example.org _f@example.org'
    spans: list[tuple[int, int, str]] = []
    plain_values(f"\0{told}\0".encode(), 1, len(told) + 1, spans)
    assert [told[a - 1 : z - 1] for a, z, _ in spans] == ["ana@example.org", "bo@example.net", "c.d+e@mail.example.com"]


def test_values_found_early_give_time_to_what_comes_after() -> None:
    budget = Budget(0.005, 0.5)
    assert not budget.over(found=1_000)  # long before its time is spent
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    assert not budget.over()
    assert Budget(0.0, 0.5).over()


def test_what_is_late_is_noticed_within_a_long_step() -> None:
    spent = Budget(0.0, 0.0)
    until = time.thread_time() + 0.001
    while time.thread_time() < until:
        pass
    text = "\n".join(ROWS) * 40
    raw = f"\0{text}\0".encode()
    with pytest.raises(Dropped, match="time"):
        plain_values(raw, 1, len(raw) - 1, [], spent)
    with pytest.raises(Dropped, match="time"):
        Redactor()._finder.scanner.hits(raw, [1], [len(raw) - 1], spent)  # pyright: ignore[reportPrivateUsage]
    spans = [(k, k + 4, "EMAIL") for k in range(0, 60_000, 6)]
    with pytest.raises(Dropped, match="time"):
        placeholders(raw * 40, spans, b"key", spent.check)


@pytest.mark.hurried
def test_the_rest_of_a_budget_is_given_once() -> None:
    budget = Budget(0.0, 0.0)
    budget.prolong()
    budget.prolong()
    assert not budget.late()
    until = time.thread_time() + REST_S + 0.001
    while time.thread_time() < until:
        pass
    assert budget.late()


def test_a_long_table_reads_as_a_short_one_wherever_it_is_cut() -> None:
    row = "call (202) 555-0143, +44 7700 900123, 4111 1111 1111 1111\nversion\n10.2.3.4\norder\n(202) 555-0143\n"
    spans: list[tuple[int, int, str]] = []
    raw = f"\0{row * 4_000}\0".encode()
    plain_values(raw, 1, len(raw) - 1, spans)
    first = [span for span in spans if span[0] <= len(row)]
    assert [(a + k * len(row), z + k * len(row), name) for k in range(4_000) for a, z, name in first] == spans
