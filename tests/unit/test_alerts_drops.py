"""What the collector dropped within a window, of a counter that only grows until it starts again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerts.drops import Drops

T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)
SHORT, LONG = timedelta(minutes=5), timedelta(minutes=30)


def test_windows_of_several_rules_are_counted_by_one() -> None:
    drops = Drops(lambda: "")
    counter = {minute: 10.0 * minute for minute in range(61)}  # ten a minute
    for minute, total in counter.items():
        at = T0 + timedelta(minutes=minute)
        found = drops.counted(total, at, SHORT), drops.counted(total, at, LONG)
        assert found == (10.0 * min(minute, 5), 10.0 * min(minute, 30))


def test_what_was_dropped_before_the_collector_started_again_still_counts() -> None:
    drops = Drops(lambda: "")
    told = [drops.counted(total, T0 + timedelta(minutes=minute), LONG) for minute, total in enumerate((100, 104, 1, 3))]
    assert told == [0, 4, 5, 7]


def test_where_nobody_tells_nothing_is_known() -> None:
    assert Drops(lambda: "").within(T0, LONG) is None
    assert Drops(lambda: "127.0.0.1:1").within(T0, LONG) is None
