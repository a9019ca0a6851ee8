"""Month-end forecasts: what is spent counts as it is, the rest follows the week, and the interval holds the total."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.forecast import evaluate, month_total

MAY = date(2026, 5, 1)
WEEK = (10.0, 11.0, 12.0, 11.0, 9.0, 3.0, 2.0)


def days_until(last: date, n: int = 70) -> list[date]:
    return [last - timedelta(days=k) for k in range(n)][::-1]


def weekly(days: list[date]) -> list[float]:
    return [WEEK[d.weekday()] for d in days]


@pytest.mark.parametrize("day", [1, 5, 14, 25, 30])
def test_a_series_that_repeats_its_week_is_forecast_to_the_cent(day: int) -> None:
    known = days_until(date(2026, 5, day))
    whole = sum(WEEK[(MAY + timedelta(days=k)).weekday()] for k in range(31))
    found = month_total(known, weekly(known), MAY)
    assert found.total == pytest.approx(whole)
    assert found.low <= whole <= found.high


def test_a_month_that_is_over_costs_what_was_spent() -> None:
    known = days_until(date(2026, 5, 31))
    found = month_total(known, weekly(known), MAY)
    assert found.low == found.total == found.high == pytest.approx(sum(weekly(known[-31:])))


def test_one_bad_day_is_counted_but_not_carried_on() -> None:
    known = days_until(date(2026, 5, 14))
    costs = weekly(known)
    usual = month_total(known, costs, MAY).total
    costs[-2] += 500.0
    assert month_total(known, costs, MAY).total == pytest.approx(usual + 500.0, rel=0.02)


def test_a_later_month_is_forecast_whole() -> None:
    known = days_until(date(2026, 4, 20))
    whole = sum(WEEK[(MAY + timedelta(days=k)).weekday()] for k in range(31))
    assert month_total(known, weekly(known), MAY).total == pytest.approx(whole)


def test_days_left_out_are_days_without_spend() -> None:
    known = days_until(date(2026, 5, 14))
    costs = [0.0 if d.weekday() >= 5 else 10.0 for d in known]
    spent = [(d, c) for d, c in zip(known, costs, strict=True) if c]
    assert month_total([d for d, _ in spent], [c for _, c in spent], MAY) == month_total(known, costs, MAY)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=90), st.integers(1, 31))
def test_the_total_is_never_below_what_is_spent_nor_outside_its_interval(costs: list[float], day: int) -> None:
    known = days_until(date(2026, 5, day), len(costs))
    found = month_total(known, costs, MAY)
    spent = sum(c for d, c in zip(known, costs, strict=True) if d >= MAY)
    assert spent * (1 - 1e-9) <= found.low <= found.total <= found.high


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"days": [], "cost_usd": [], "month": "2026-05"}, "no day"),
        ({"days": ["2026-05-01"], "cost_usd": [1, 2], "month": "2026-05"}, "a number for each"),
        ({"days": ["2026-05-01"], "cost_usd": [1], "month": "May"}, "'May-01'"),
        ({"days": ["2026-06-01"], "cost_usd": [1], "month": "2026-05"}, "is over"),
        ({"cost_usd": [1], "month": "2026-05"}, "days"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(row: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"row 'r'.*{says}"):
        list(evaluate([{"id": "r", **row}]))
