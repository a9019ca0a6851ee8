"""Long texts full of one thing: disguised characters, base64, quoted tables, accounts, numbers that are none. Read at once, and read all the same."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.redaction import Redactor, wrapped
from collector.redaction.checksums import IBAN_LENGTH, card_sure, iban
from collector.redaction.plain import plain_values

FAST, SLOW = Redactor(key=b"k"), Redactor(engine="re2", key=b"k")


def _redacted(text: str, redactor: Redactor = FAST) -> str:
    return redactor.redact(text).text


def _card(rng: random.Random) -> str:
    body = "4539" + "".join(rng.choice("0123456789") for _ in range(11))
    return next(body + str(k) for k in range(10) if card_sure(body + str(k)))


DISGUISES = {
    "full width": lambda card: "".join(chr(0xFEE0 + ord(c)) for c in card),
    "mathematical": lambda card: "".join(chr(0x1D7CE + int(c)) for c in card),
    "zero width": lambda card: "\u200b".join(card),
    "arabic": lambda card: "".join(chr(0x660 + int(c)) for c in card),
    "escaped": lambda card: "".join(f"\\u00{ord(c):02x}" for c in card),
}


@pytest.mark.parametrize("how", DISGUISES)
@pytest.mark.parametrize("mark", [" ", "\n", ", ", " und é "])
def test_a_long_list_of_disguised_cards_keeps_none(how: str, mark: str) -> None:
    rng = random.Random(3)
    cards = [_card(rng) for _ in range(400)]
    text = mark.join(map(DISGUISES[how], cards))
    out = _redacted(text)
    assert out.count("[CREDIT_CARD]") == len(cards)
    assert out.replace("[CREDIT_CARD]", "").replace(mark, "").strip() == ""
    assert _redacted(text, SLOW) == out


def test_what_else_a_text_full_of_disguises_says_is_found_too() -> None:
    filler = "ｆｕｌｌ　ｗｉｄｔｈ "
    text = filler * 300 + "mail ana@example.org, password: Kj82mQpx77 " + filler * 300
    out = _redacted(text)
    assert "ana@example" not in out
    assert "Kj82mQpx77" not in out
    assert out.count(filler) == 600


@pytest.mark.parametrize("layers", [1, 2])
def test_each_of_many_tokens_of_base64_is_read(layers: int) -> None:
    def wrapped(text: str) -> str:
        raw = text.encode()
        for _ in range(layers):
            raw = base64.b64encode(raw)
        return raw.decode()

    said = ["mail ana{}@example.org and more text here", "nothing is said in this row, number {}", "card 4111 1111 1111 1111 of customer {}"]
    tokens = [wrapped(said[k % 3].format(k)) for k in range(900)]
    out = _redacted(" ".join(tokens)).split(" ")
    assert [k for k, token in enumerate(out) if token == tokens[k]] == list(range(1, 900, 3))
    assert {token[:6] for token in out[::3]} == {"[EMAIL"}
    assert set(out[2::3]) == {"[CREDIT_CARD]"}


def test_tokens_of_base64_beside_each_other_do_not_speak_to_each_other() -> None:
    halves = [base64.b64encode(text.encode()).decode() for text in ("the password of this account is:", "Kj82mQpx77 stands in another one.")]
    text = " ".join(halves * 200)
    assert _redacted(text) == text


@pytest.mark.parametrize(
    ("row", "left"),
    [
        ('"u{0}","Kj82m,Q{0:05}"', ""),
        ('u{0},"Kj82mQ{0:05}"', ""),
        ("u{0}, Kj82mQ{0:05} ", ""),
        ("u{0},'Kj82mQ{0:05}'", ""),
        ('"a ""b"" {0}",Kj82mQ{0:05}', ""),
        ('"two words, {0}",Kj82mQ{0:05}', ""),
        ("u{0},two words {0}", "two words"),
        ('u{0},"two words {0}"', "two words"),
        ("u{0},", ""),
    ],
)
def test_a_cell_is_read_however_its_row_is_noted(row: str, left: str) -> None:
    plain = "v{0},Zk91xW{0:05}"
    rows = [(row if k % 3 else plain).format(k) for k in range(600)]
    out = _redacted("user,password\n" + "\n".join(rows) + "\n")
    assert "Zk91xW" not in out
    assert "Kj82m" not in out
    assert out.count("two words") == (800 if left and '"two words, ' in row else 400 if left or "two words" in row else 0)


def test_a_row_that_is_no_row_of_the_table_ends_it_as_before() -> None:
    text = "user,password\n" + "u1,Kj82mQpx77\n" * 50 + "that was all\nx,Zk91xWpx77\n"
    assert "Zk91xWpx77" in _redacted(text)


def test_accounts_of_digits_are_checked_as_all_others() -> None:
    rng = random.Random(5)
    for country, length in IBAN_LENGTH.items():
        body = "".join(rng.choice("0123456789") for _ in range(length - 4))
        good = next(value for n in range(2, 99) if iban(value := f"{country}{n:02d}{body}"))
        wrong = good[:-1] + str((int(good[-1]) + 1) % 10)
        text, out = f"\0{good}\n{wrong},{good};{good}x {good} 12\0".encode(), []
        plain_values(text, 1, len(text) - 1, out)
        assert [text[a:z].decode() for a, z, _ in out] == [good, good]


def test_numbers_of_sixteen_digits_stay_and_cards_among_them_go() -> None:
    rng = random.Random(7)
    numbers = [_card(rng) if k % 7 == 0 else str(rng.randrange(10**15, 10**16)) for k in range(2_000)]
    text = " ".join(numbers)
    expected = " ".join("[CREDIT_CARD]" if card_sure(number) else number for number in numbers)
    assert _redacted(text) == expected
    assert _redacted(text, SLOW) == expected
    assert _redacted(expected) == expected


@pytest.mark.parametrize("filler", ["ｆｕｌｌ　ｗｉｄｔｈ ", "数字は１２です。 ", "٤٥ رقم "])
@pytest.mark.parametrize("pad", range(4))
def test_what_stands_around_a_value_in_a_long_text_is_read_in_whole_characters(filler: str, pad: int) -> None:
    text = filler * 100 + "x" * pad + " mail ana@example.org now " + filler * 100
    assert FAST.redact(text).dropped is None
    assert "ana@" not in FAST.redact(text).text


@pytest.mark.parametrize("digits", ["88888378282246310005", "7777730569309025904", "99999993782822463100051"])
def test_a_short_card_told_digit_by_digit_at_the_end_of_a_row_is_no_defect(digits: str) -> None:
    for mark in (" ", "-", "\u200b"):
        out = FAST.redact("card " + mark.join(digits))
        assert out.dropped is None
        assert SLOW.redact("card " + mark.join(digits)) == out


_WAYS = (base64.b64encode, base64.urlsafe_b64encode, lambda raw: base64.b64encode(raw).rstrip(b"="), lambda raw: base64.b64encode(raw)[:-1])


@given(st.text("abZ09 +/=_-.@é\n~", min_size=1, max_size=60), st.lists(st.sampled_from(_WAYS), min_size=1, max_size=4))
def test_a_short_token_read_at_once_says_what_it_says_step_by_step(text: str, ways: list[Callable[[bytes], bytes]]) -> None:
    token = text.encode()
    for way in ways:
        token = way(token)
    said = wrapped._plainly(token)  # pyright: ignore[reportPrivateUsage]
    slowly = wrapped._decoded(token)  # pyright: ignore[reportPrivateUsage]
    if said is not None:
        assert slowly is not None
        assert said == wrapped._with_inner(slowly).encode()  # pyright: ignore[reportPrivateUsage]
