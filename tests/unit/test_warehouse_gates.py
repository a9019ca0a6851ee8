"""A gate fails what is worse by more than chance, and only that."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest

from warehouse.gates import Limits, Side, excess, judged, mean_of, quantile_of, share_of

MOST = 0.05  # of 400 equal pairs; the limits promise 2.5 %


def _side(n: int = 200, *, cost: float = 0.01, latency: float = 900, risk: float | None = 0.01, seed: int = 1, **counts: int) -> Side:
    """Calls whose costs and latencies scatter as real ones do."""
    draw = np.random.default_rng(seed)
    calls = pl.DataFrame(
        {
            "cost_usd": draw.lognormal(np.log(cost), 0.5, n),
            "latency_ms": draw.lognormal(np.log(latency), 0.4, n),
            "billed": [True] * n,
            "cost_source": ["computed"] * n,
            "hallucination_score": [None if risk is None else max(0.0, risk + 0.01 * x) for x in draw.normal(size=n)],
        },
        schema_overrides={"hallucination_score": pl.Float64},
    )
    known = {"calls": n, "errors": 2, "timeouts": 0, "rate_limited": 0, "safety": 0, "schema_failures": 1, "schema_checked": n}
    return Side(calls, known | counts)


def _verdicts(gate: Any) -> dict[str, str]:
    return {check.name: check.verdict for check in gate.checks}


def test_an_equal_candidate_passes_every_check() -> None:
    gate = judged(_side(seed=1), _side(seed=2), Limits())
    assert gate.verdict == "pass"
    assert set(_verdicts(gate).values()) == {"pass"}


@pytest.mark.parametrize(
    ("worse", "check"),
    [
        ({"cost": 0.02}, "cost per 1,000 calls"),
        ({"latency": 1800}, "latency p50"),
        ({"latency": 1800}, "latency p90"),
        ({"errors": 30}, "failure rate"),
        ({"timeouts": 30}, "failure rate"),
        ({"schema_failures": 30}, "schema failure rate"),
        ({"risk": 0.05}, "hallucination score"),
        ({"safety": 1}, "safety violations"),
    ],
)
def test_a_worse_candidate_fails_for_what_is_worse(worse: dict[str, Any], check: str) -> None:
    gate = judged(_side(seed=1), _side(seed=2, **worse), Limits())
    assert gate.verdict == "fail"
    assert _verdicts(gate)[check] == "fail"
    others = {name for name, verdict in _verdicts(gate).items() if verdict == "fail"} - {check}
    assert others <= {"latency p50", "latency p90"}
    assert judged(_side(seed=2, **worse), _side(seed=1), Limits()).verdict == "pass"  # the other way round it is better


def test_a_cap_counts_instead_of_the_baseline() -> None:
    bad = _side(errors=40)
    assert _verdicts(judged(bad, bad, Limits()))["failure rate"] == "pass"
    assert _verdicts(judged(bad, bad, Limits(error_rate=0.01)))["failure rate"] == "fail"
    assert _verdicts(judged(_side(), bad, Limits(error_rate=0.5)))["failure rate"] == "pass"


def test_below_fifty_there_is_no_verdict_but_for_safety() -> None:
    few = _side(49)
    assert judged(_side(), few, Limits()).verdict == "not enough data"
    assert judged(few, _side(), Limits()).verdict == "not enough data"
    assert set(_verdicts(judged(_side(), few, Limits())).values()) == {"not enough data", "pass"}
    assert judged(_side(), _side(49, safety=1), Limits()).verdict == "fail"


def test_what_no_release_has_is_not_checked_unless_asked_for() -> None:
    unscored = _side(risk=None, schema_checked=0, schema_failures=0)
    gate = judged(unscored, unscored, Limits())
    assert (gate.verdict, _verdicts(gate)["hallucination score"], _verdicts(gate)["schema failure rate"]) == ("pass", "not checked", "not checked")
    assert judged(unscored, unscored, Limits(hallucination=0.02)).verdict == "not enough data"
    nothing = Side(unscored.calls.head(0), {})
    assert judged(_side(), nothing, Limits()).verdict == "not enough data"


def test_unpriced_calls_say_nothing_about_cost() -> None:
    side = _side(60)
    half = Side(side.calls.with_columns(cost_source=pl.Series(["unpriced"] * 20 + ["computed"] * 40)), side.counts)
    assert _verdicts(judged(_side(), half, Limits()))["cost per 1,000 calls"] == "not enough data"


def test_equal_releases_are_failed_by_chance_as_rarely_as_promised() -> None:
    chance, draw = Random(7), np.random.default_rng(7)

    def shares() -> bool:
        one, two = (share_of(sum(chance.random() < 0.05 for _ in range(300)), 300) for _ in range(2))
        return one is not None and two is not None and excess(two, one) > 0

    def means() -> bool:
        one, two = (mean_of(draw.lognormal(0, 0.8, 200)) for _ in range(2))
        return one is not None and two is not None and excess(two, one) > 0

    def quantiles() -> bool:
        one, two = (quantile_of(draw.lognormal(0, 0.8, 200), 0.9) for _ in range(2))
        return one is not None and two is not None and excess(two, one) > 0

    for test in (shares, means, quantiles):
        assert sum(test() for _ in range(400)) <= MOST * 400, test.__name__


def test_limits_are_those_of_the_textbook() -> None:
    """Newcombe 1998, table II: 56/70 against 48/80, difference 0.2 with 0.0524 to 0.3339."""
    one, two = share_of(48, 80), share_of(56, 70)
    assert one is not None
    assert two is not None
    assert excess(two, one) == pytest.approx(0.0524, abs=1e-4)
