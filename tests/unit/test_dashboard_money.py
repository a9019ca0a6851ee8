"""How numbers are written for people."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import money

amounts = st.decimals(min_value=0, max_value=10**12, places=9, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "$0.00"),
        ("1234.5", "$1,234.50"),
        ("0.5", "$0.5000"),
        ("0.0123", "$0.0123"),
        ("0.000029", "$0.000029"),
        ("0.000000001", "$0.0000000010"),
        ("-3.2", "-$3.20"),
    ],
)
def test_dollars_have_sensible_digits(amount: str, words: str) -> None:
    assert money.usd(Decimal(amount)) == words


def test_unknown_money_is_a_dash_and_never_zero() -> None:
    assert money.usd(None) == money.DASH
    assert money.per_thousand(Decimal(1), 0) is None


@given(amounts)
def test_an_amount_above_zero_never_reads_as_zero(amount: Decimal) -> None:
    for compact in (False, True):
        words = money.usd(amount, compact=compact)
        assert (amount == 0) == (not any(digit in words for digit in "123456789"))


@pytest.mark.parametrize(("amount", "words"), [("999.99", "$999.99"), ("12345.67", "$12,346"), ("1234567", "$1.23M"), ("45600000000", "$45.6B")])
def test_large_amounts_on_cards_are_short(amount: str, words: str) -> None:
    assert money.usd(Decimal(amount), compact=True) == words


@given(st.integers(min_value=1, max_value=10**9), st.integers(min_value=1, max_value=10**9))
def test_a_share_is_a_hundred_per_cent_only_when_nothing_is_missing(part: int, more: int) -> None:
    whole = part + more
    assert money.share(part, whole) != "100 %"
    assert money.share(part, whole) != "0 %"
    assert money.share(whole, whole) == "100 %"


@pytest.mark.parametrize(("ms", "words"), [(12.4, "12 ms"), (1_500, "1.5 s"), (42_000, "42 s"), (200_000, "3 min 20 s"), (None, "–")])
def test_durations_are_said_as_a_person_would(ms: float | None, words: str) -> None:
    assert money.milliseconds(ms) == words


def test_a_change_from_nothing_has_no_percentage() -> None:
    assert money.change(Decimal(5), Decimal(0)) is None
    assert money.signed_share(money.change(Decimal("1.1"), Decimal(1))) == "+10.0 %"
    assert money.signed_share(12.0) == "×13.0"
