"""Cost anomalies: what stands out is told with its cause, what repeats, was announced or is unknown is not, and no hour knows a later one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from detectors.anomaly import evaluate

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
WEEKS = 8
HOURS = WEEKS * 168
AT = 6 * 168 + 2 * 24 + 14  # a Wednesday afternoon of the seventh week


def series(seed: int = 1, hours: int = HOURS, size: float = 200.0) -> dict[str, Any]:
    """An app with working hours, weekends and noise; 1,000 tokens in and 200 out a request, 2 USD for a million."""
    rng = np.random.default_rng(seed)
    at = np.arange(hours)
    rhythm = (0.4 + np.clip(np.sin((at % 24 - 6) / 24 * 2 * np.pi), 0, 1)) * np.where(at // 24 % 7 >= 5, 0.5, 1.0)
    requests = rng.poisson(size * rhythm * rng.lognormal(0, 0.08, hours)).astype(float)
    tokens_in = requests * 1000 * rng.lognormal(0, 0.04, hours)
    tokens_out = requests * 200 * rng.lognormal(0, 0.04, hours)
    row = {"id": f"s{seed}", "ts": [(START + timedelta(hours=int(h))).isoformat() for h in at], "announced": []}
    return row | {"requests": requests, "tokens_in": tokens_in, "tokens_out": tokens_out, "cost_usd": (tokens_in + 4 * tokens_out) * 2e-6}


def judged(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return list(evaluate([{k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in row.items()} for row in rows]))


def hours_of(found: dict[str, Any]) -> list[int]:
    return [int((datetime.fromisoformat(hour) - START).total_seconds() // 3600) for hour in found["alerts"]]


def scaled(row: dict[str, Any], since: int, until: int, **by: float) -> dict[str, Any]:
    """The columns named, times so much in ``[since, until)``."""
    for column, factor in by.items():
        row[column][since:until] *= factor
    return row


@pytest.mark.parametrize("seed", range(6))
def test_weeks_with_their_rhythm_are_nothing_to_tell_of(seed: int) -> None:
    assert judged(series(seed))[0]["alerts"] == []


@pytest.mark.parametrize(
    ("by", "cause"),
    [
        ({"cost_usd": 4.0}, "price"),
        ({"tokens_in": 3.0, "cost_usd": 2.1}, "prompt_size"),
        ({"requests": 6.0, "tokens_in": 6.0, "tokens_out": 6.0, "cost_usd": 6.0}, "volume"),
        ({"requests": 5.0, "tokens_in": 5.0, "tokens_out": 0.5, "cost_usd": 2.8}, "retries"),
    ],
)
def test_what_stands_out_is_told_within_three_hours_with_its_cause(by: dict[str, float], cause: str) -> None:
    found = judged(scaled(series(), AT, AT + 12, **by))[0]
    told = [hour for hour in hours_of(found) if hour < AT + 12]
    assert told
    assert AT <= told[0] < AT + 3
    assert cause in {found["causes"][hour] for hour in found["alerts"][:3]}


def test_silence_is_told_where_requests_were_due() -> None:
    found = judged(scaled(series(), AT, AT + 8, requests=0, tokens_in=0, tokens_out=0, cost_usd=0))[0]
    told = [hour for hour in hours_of(found) if found["causes"][found["alerts"][0]] == "silence"]
    assert AT + 2 <= told[0] <= AT + 4


def test_a_slow_creep_of_prompts_is_told_before_it_has_doubled() -> None:
    row = series()
    creep = np.clip((np.arange(HOURS) - 5 * 168) / 240, 0, 1) * 1.5 + 1
    row["tokens_in"] = row["tokens_in"] * creep
    row["cost_usd"] = (row["tokens_in"] + 4 * row["tokens_out"]) * 2e-6
    found = judged(row)[0]
    assert creep[hours_of(found)[0]] < 2
    assert found["causes"][found["alerts"][0]] == "prompt_size"


@pytest.mark.parametrize("cut", [AT + 1, AT + 5, AT + 30, AT + 100])
def test_no_hour_is_judged_by_later_ones(cut: int) -> None:
    whole = scaled(series(), AT, AT + 60, cost_usd=3.0)
    early = {k: v[:cut] if isinstance(v, np.ndarray) or k == "ts" else v for k, v in whole.items()}
    assert judged(early)[0]["alerts"] == [hour for hour in judged(whole)[0]["alerts"] if hour < whole["ts"][cut]]


def test_a_series_is_judged_the_same_beside_others() -> None:
    rows = [scaled(series(seed, size=40.0 * (seed + 1)), AT, AT + 6, cost_usd=3.0) for seed in range(4)]
    late = {k: v[500:] if isinstance(v, np.ndarray) or k == "ts" else v for k, v in rows[3].items()}
    assert judged(*rows[:3], late) == [judged(row)[0] for row in (*rows[:3], late)]


def test_what_was_announced_is_not_told_and_its_level_is_the_usual_one_afterwards() -> None:
    launch = {"requests": 3.0, "tokens_in": 3.0, "tokens_out": 3.0, "cost_usd": 3.0}
    row = scaled(series(), AT, HOURS, **launch)
    assert judged(row)[0]["alerts"]
    row["announced"] = [{"start": row["ts"][AT], "end": row["ts"][AT + 48]}]
    assert judged(row)[0]["alerts"] == []


def test_a_level_that_stays_is_told_for_days_not_for_ever() -> None:
    found = hours_of(judged(scaled(series(), 5 * 168, HOURS, cost_usd=2.0))[0])
    assert found[0] < 5 * 168 + 3
    assert 2 * 24 < len(found) <= 5 * 24


def test_nothing_is_told_of_a_series_younger_than_two_weeks() -> None:
    assert judged(scaled(series(hours=14 * 24), 10 * 24, 11 * 24, cost_usd=9.0))[0]["alerts"] == []


def test_a_series_of_a_few_requests_an_hour_is_quiet() -> None:
    assert judged(series(3, size=1.0))[0]["alerts"] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ts": None}, "no list `ts`"),
        ({"ts": ["yesterday"]}, "is no time"),
        ({"cost_usd": [1.0]}, "as long as `ts`"),
        ({"requests": None}, "`requests` must be a list"),
        ({"ts": ["2026-03-02T00:10:00Z", "2026-03-02T00:50:00Z"]}, "tells an hour twice"),
        ({"announced": [{"start": "2026-03-02"}]}, "objects with `start` and `end`"),
        ({"announced": ["launch"]}, "objects with `start` and `end`"),
        ({"announced": [{"start": "soon", "end": "2026-03-02"}]}, "'soon' is no time"),
    ],
)
def test_a_series_that_cannot_be_read_is_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        judged({**series(), **change})


@pytest.mark.parametrize("value", [-1.0, float("nan"), "many"])
def test_figures_are_numbers_from_zero_on(value: Any) -> None:
    row = series(hours=48)
    with pytest.raises(ValueError, match="must hold numbers"):
        judged({**row, "tokens_in": [value] * 48})


def test_no_series_and_an_empty_one_are_fine() -> None:
    empty = {"id": "e", "ts": [], "requests": [], "tokens_in": [], "tokens_out": [], "cost_usd": []}
    assert judged() == []
    assert judged(empty) == [{"id": "e", "alerts": [], "causes": {}}]
