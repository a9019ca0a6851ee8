"""Time windows that people and API callers name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import windows

NOW = datetime(2026, 11, 21, 10, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", NOW),
        ("90m", NOW - timedelta(minutes=90)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00:00Z", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01T10:00:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_utc(text: str, at: datetime) -> None:
    assert windows.moment(text, NOW) == at


@pytest.mark.parametrize("text", ["yesterday", "", "7 fortnights", "2026-13-01", "-3d"])
def test_other_words_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        windows.moment(text, NOW)


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        windows.window("now", "7d", NOW)


@given(st.sampled_from(sorted(windows.PRESETS)), st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))
def test_a_preset_holds_now_and_is_no_longer_than_it_says(name: str, now: datetime) -> None:
    window = windows.preset(name, now)
    assert window.since < now < window.until
    assert window.length <= windows.PRESETS[name] + timedelta(minutes=1)
    assert window.previous.until <= window.since
    assert window.previous.length == window.length


def test_a_week_is_compared_with_the_same_weekdays_before() -> None:
    window = windows.preset("7d", NOW)
    assert window.previous == windows.Window(window.since - timedelta(days=7), window.until - timedelta(days=7))


def test_pages_opened_within_a_minute_ask_the_same_question() -> None:
    assert windows.preset("24h", NOW) == windows.preset("24h", NOW + timedelta(seconds=20))
