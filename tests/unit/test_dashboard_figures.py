"""Charts: what stands along their axes, how high bars are, what is read when one points at them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import unquote

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import axes, figures
from dashboard.windows import Window

DAYS = Window(datetime(2026, 10, 28, 5, tzinfo=UTC), datetime(2026, 11, 3, 9, tzinfo=UTC))


@given(largest=st.floats(1e-9, 1e15))
def test_an_axis_reaches_its_largest_value_and_no_further_than_one_step(largest: float) -> None:
    scale = axes.scale(largest)
    assert 1 <= scale.steps <= 5
    assert scale.top >= largest * (1 - 1e-6)
    assert scale.top - scale.step < largest


@given(largest=st.floats(1e-6, 1e14), unit=st.sampled_from(["$", "%", "s", "", "tokens"]))
def test_the_steps_of_an_axis_read_as_different_numbers_that_are_what_they_say(largest: float, unit: str) -> None:
    scale = axes.scale(largest)
    labels = scale.labels(unit)
    assert len(set(labels)) == len(labels)
    for n, label in enumerate(labels):
        told = re.fullmatch(r"\$?([\d,.]+)([kMBT]?)( [%s])?", label)
        assert told, label
        size = float(told[1].replace(",", "")) * {"": 1, "k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}[told[2]] / (100 if unit == "%" else 1)
        assert size == pytest.approx(scale.step * n, rel=1e-6, abs=1e-12)


def test_an_axis_without_values_is_drawn_all_the_same() -> None:
    for nothing in (0.0, float("nan"), float("inf"), -1.0):
        assert axes.scale(nothing).labels("$") == ["$0", "$1"] or axes.scale(nothing).labels("$") == ["$0.00", "$1.00"]


@pytest.mark.parametrize("hours", [1, 3, 24, 71, 24 * 7, 24 * 30, 24 * 90, 24 * 366, 24 * 365 * 5])
def test_a_chart_shows_every_step_of_its_window_and_names_at_most_eight_of_them(hours: int) -> None:
    window = Window(datetime(2026, 11, 3, 9, 30, tzinfo=UTC) - timedelta(hours=hours), datetime(2026, 11, 3, 9, 30, tzinfo=UTC))
    shown, labels = axes.times(window), axes.time_labels(window)
    assert shown[0] <= window.since < shown[0] + axes.STEPS[window.step]
    assert shown[-1] < window.until <= shown[-1] + axes.STEPS[window.step]
    assert 1 <= len(labels) <= 9 or hours > 24 * 366
    assert all(0 <= place < len(shown) for place, _ in labels)


def bars(html: str) -> list[float]:
    return [float(height) for height in re.findall(r'<i style="height:([\d.]+)%;', html)]


def told(html: str) -> list[dict[str, str]]:
    """Name and figure of each box."""
    boxes = re.findall(r'<div class="sl-tip">(.*?)</div>', html)
    return [dict(re.findall(r"</i>(.*?)<b>(.*?)</b>", box)) for box in boxes]


def test_bars_beyond_the_largest_are_summed_as_other() -> None:
    rows = [(datetime(2026, 11, 1, tzinfo=UTC), f"app{i:02}", Decimal(i)) for i in range(1, 15)]
    frame = pl.DataFrame(rows, schema={"at": pl.Datetime("us", "UTC"), "app": pl.String, "cost_usd": pl.Decimal(38, 9)}, orient="row")
    (box,) = told(figures.stacked(frame, value="cost_usd", name="app", colours={}, window=DAYS, most=10))
    assert box["other"] == "$10.00"
    assert box["Total"] == "$105.00"
    assert len(box) == 12


def test_a_bar_is_as_high_as_its_share_of_the_axis_and_its_parts_fill_it() -> None:
    frame = pl.DataFrame({"at": [date(2026, 11, 1)] * 2 + [date(2026, 11, 2)], "team": ["a", "b", "a"], "n": [30, 10, 20]})
    html = figures.stacked(frame, value="n", name="team", colours={"a": "#111", "b": "#222"}, window=DAYS, unit="requests")
    assert bars(html) == [100.0, 50.0]
    assert "#111 0.00% 75.00%,#222 75.00% 100.00%" in html
    assert html.count("<div>") + html.count('<div class="sl-late">') == len(axes.times(DAYS)) == 7
    assert told(html) == [{"Total": "40", "b": "10", "a": "30"}, {"Total": "20", "a": "20"}]


def test_money_is_read_exactly_and_small_amounts_are_no_millions() -> None:
    frame = pl.DataFrame({"at": [datetime(2026, 11, 2, tzinfo=UTC)], "app": ["a"], "cost_usd": [Decimal("0.000912345")]})
    html = figures.stacked(frame, value="cost_usd", name="app", colours={}, window=DAYS)
    assert told(html) == [{"a": "$0.00091"}]
    assert "$0.0010" in html
    assert not re.search(r"<span>\$[\d.]+m</span>", html)


def test_a_line_has_gaps_where_nothing_is_known_and_its_points_stand_over_their_days() -> None:
    days = [date(2026, 10, 28) + timedelta(days=n) for n in range(7)]
    frame = pl.DataFrame({"at": days, "risk": [1.0, 2.0, None, 2.0, None, None, 4.0]})
    html = figures.lines(frame, values={"risk": ("risk", "#333")}, window=DAYS, unit="s", limit=2.0)
    picture = unquote(html.partition("data:image/svg+xml,")[2].partition('"')[0])
    line, dots = re.findall(r'd="(.*?)"', picture)
    assert (line.count("M"), line.count("L"), dots.count("M")) == (3, 1, 4)
    assert line.startswith("M7.14 75.00L21.43 50.00")
    assert 'style="bottom:50.00%"' in html
    assert [box["risk"] for box in told(html)] == ["1 s", "2 s", "2 s", "4 s"]


def test_names_from_telemetry_cannot_become_html() -> None:
    evil = "<script>alert(1)</script>"
    frame = pl.DataFrame({"at": [date(2026, 11, 1)] * 2, "app": [evil, ""], "n": [1, 1]})
    html = figures.stacked(frame, value="n", name="app", colours={}, window=DAYS, unit="requests")
    assert "<script" not in html
    assert "(not told)" in html


def test_no_data_is_an_empty_chart_of_the_whole_window() -> None:
    frame = pl.DataFrame(schema={"at": pl.Datetime("us", "UTC"), "app": pl.String, "cost_usd": pl.Decimal(38, 9)})
    html = figures.stacked(frame, value="cost_usd", name="app", colours={}, window=DAYS)
    assert bars(html) == []
    assert figures.lines(pl.DataFrame(schema={"at": pl.Date, "x": pl.Float64}), values={"x": ("x", "#111")}, window=DAYS, unit="s")
