"""What a withheld text has cost: one budget for all looks at it, and values found in decoded views earn time for what comes after."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from collector.redaction import Redactor, budget
from collector.redaction.budget import FIND_S, Budget


def _tries(monkeypatch: pytest.MonkeyPatch, text: str, *, collect: bool = False) -> int:
    redactor, tried = Redactor(), [0]

    def late(*_: Any, **__: Any) -> Any:
        tried[0] += 1
        if collect:
            gc.collect()
        raise budget.Dropped("time")

    monkeypatch.setattr(redactor._finder, "find", late)  # pyright: ignore[reportPrivateUsage]
    assert redactor.redact(text).text == "[DROPPED:time]"
    return tried[0]


def test_a_long_text_that_is_late_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _tries(monkeypatch, "noise " * 10_000) == 1
    assert _tries(monkeypatch, "noise") == 3


def test_a_middling_text_is_looked_at_again_where_a_collection_of_garbage_fell_into_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _tries(monkeypatch, "noise " * 10_000, collect=True) == 3
    assert _tries(monkeypatch, "noise " * 20_000, collect=True) == 1


def test_what_was_spent_before_is_not_given_again() -> None:
    clock = Budget(5.0, 6.0)
    assert not clock.over()
    clock.take(5.0, 6.0)
    assert clock.over()
    assert clock.late()


def test_values_kept_earn_time_beside_those_found_later() -> None:
    clock = Budget(0.0, 9.0)
    clock.keep(int(3 / FIND_S))
    assert not clock.over(found=1)
    assert clock.spent()[0] == 0.0


def test_a_value_that_repeats_itself_earns_next_to_nothing() -> None:
    found = int(9 / FIND_S)
    for share, over in ((1.0, False), (0.0, True)):
        clock = Budget(0.0, 99.0)
        clock.over(found, lambda share=share: share)
        clock.take(3.0, 3.0)
        assert clock.over(found) is over


def test_a_sample_has_its_share_of_the_budget() -> None:
    assert Budget(8.0, 9.0).share(0.5).over() is False
    assert Budget(-8.0, 9.0).share(0.5).over() is True
