"""Release gates: may a candidate (prompt version, model) take the place of a baseline? One verdict for command line and API.

A check fails where the candidate is worse than its bound by more than chance explains; no verdict below ``min_calls`` on either side.
Chance is judged by the 95 % limits of each side, put together for the difference as Newcombe does for proportions (Statistics in Medicine
17:873, 1998) and Zou and Donner for any pair of estimates (Statistics in Medicine 27:1693, 2008): Wilson limits for shares, normal
limits for means (then the test is Welch's), limits by order statistics for quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import sqrt
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from warehouse.queries import Filters, Scope, release_calls, releases

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

Verdict = Literal["pass", "fail", "not enough data", "not checked"]
By = Literal["prompt_version", "model"]
SAMPLE = 20_000  # single calls of each side
_Z = 1.959964


@dataclass(frozen=True)
class Limits:
    """What a candidate may do. Increases are shares of the baseline; ``None``: no worse than the baseline."""

    cost_increase: float = 0.05
    latency_increase: float = 0.10
    error_rate: float | None = None
    schema_failure_rate: float | None = None
    hallucination: float | None = None
    min_calls: int = 50


@dataclass(frozen=True)
class Estimate:
    """A figure of one side with its 95 % limits, and how many calls or answers it is of."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Check:
    """One comparison. ``bound``: what the candidate's figure may be; ``lower``: what the candidate exceeds it by at least, where above 0."""

    name: str
    unit: str
    verdict: Verdict
    baseline: float | None
    candidate: float | None
    bound: float | None
    baseline_n: int
    candidate_n: int
    lower: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Side:
    """What is known of one release: its single calls (:func:`release_calls`) and its counts (:func:`releases`)."""

    calls: pl.DataFrame
    counts: dict[str, Any]


@dataclass(frozen=True)
class Gate:
    """All checks and what they come to."""

    verdict: Verdict
    checks: tuple[Check, ...]

    def told(self) -> dict[str, Any]:
        """As command line and API print it: statistics with nine digits after the point, no money."""
        checks = [{name: round(value, 9) if isinstance(value, float) else value for name, value in asdict(check).items()} for check in self.checks]
        return {"verdict": self.verdict, "checks": checks}


def gate(
    client: Client,
    app: str,
    by: By,
    baseline: str,
    candidate: str,
    window: tuple[datetime, datetime],
    limits: Limits,
    *,
    teams: Sequence[str] | None = None,
) -> Gate:
    """The verdict on two releases of an app within a window, from the ledger as it is and as far as the asker may see it (``teams``)."""
    sides: list[Side] = []
    for release in (baseline, candidate):
        chosen = Filters(app=(app,), **{by: (release,)})  # type: ignore[arg-type]
        scope = Scope(*window, chosen, teams)
        counts = releases(client, scope, by=("app",))
        sides.append(Side(release_calls(client, scope, limit=SAMPLE), next(counts.iter_rows(named=True), dict[str, Any]())))
    return judged(sides[0], sides[1], limits)


def judged(baseline: Side, candidate: Side, limits: Limits) -> Gate:
    """The verdict on two sides."""
    checks = (
        _against("cost per 1,000 calls", "USD", *_both(_cost, baseline, candidate), limits, share=limits.cost_increase),
        _against("latency p50", "ms", *_both(_p50, baseline, candidate), limits, share=limits.latency_increase),
        _against("latency p90", "ms", *_both(_p90, baseline, candidate), limits, share=limits.latency_increase),
        _against("failure rate", "share", *_both(_failures, baseline, candidate), limits, cap=limits.error_rate),
        _against("schema failure rate", "share", *_both(_schema, baseline, candidate), limits, cap=limits.schema_failure_rate),
        _against("hallucination score", "score", *_both(_risk, baseline, candidate), limits, cap=limits.hallucination),
        _safety(baseline, candidate),
    )
    verdicts = {check.verdict for check in checks}
    worst: Verdict = "fail" if "fail" in verdicts else "not enough data" if "not enough data" in verdicts else "pass"
    return Gate(worst, checks)


def share_of(bad: int, n: int) -> Estimate | None:
    """A share with Wilson's limits; None of nothing."""
    if not n:
        return None
    p, z2 = bad / n, _Z * _Z / n
    middle, half = (p + z2 / 2) / (1 + z2), _Z * sqrt(p * (1 - p) / n + z2 / (4 * n)) / (1 + z2)
    return Estimate(p, max(0.0, middle - half), min(1.0, middle + half), n)


def mean_of(values: np.ndarray) -> Estimate | None:
    """A mean with normal limits; None of nothing."""
    if not len(values):
        return None
    mean, half = float(values.mean()), _Z * float(values.std(ddof=1)) / sqrt(len(values)) if len(values) > 1 else float("inf")
    return Estimate(mean, mean - half, mean + half, len(values))


def quantile_of(values: np.ndarray, q: float) -> Estimate | None:
    """A quantile with limits that are order statistics: whatever the distribution; None of nothing."""
    n = len(values)
    if not n:
        return None
    half = _Z * sqrt(n * q * (1 - q))
    low, high = max(0, int(np.floor(n * q - half)) - 1), min(n - 1, int(np.ceil(n * q + half)))
    ordered = np.sort(values)
    return Estimate(float(np.quantile(ordered, q)), float(ordered[low]), float(ordered[high]), n)


def excess(candidate: Estimate, baseline: Estimate, factor: float = 1.0) -> float:
    """The least by which the candidate exceeds ``factor`` times the baseline: the lower 95 % limit of the difference."""
    difference = candidate.value - factor * baseline.value
    return difference - sqrt((candidate.value - candidate.low) ** 2 + factor**2 * (baseline.high - baseline.value) ** 2)


def _both(figure: Any, baseline: Side, candidate: Side) -> tuple[Estimate | None, Estimate | None]:
    return figure(baseline), figure(candidate)


def _against(
    name: str, unit: str, baseline: Estimate | None, candidate: Estimate | None, limits: Limits, *, share: float = 0.0, cap: float | None = None
) -> Check:
    """Against ``cap`` where one is given, else against the baseline and ``share`` of it more."""
    told = [None if e is None else e.value for e in (baseline, candidate)]
    counts = [0 if e is None else e.n for e in (baseline, candidate)]
    bound = cap if cap is not None else None if baseline is None else baseline.value * (1 + share)
    if baseline is None and candidate is None and cap is None:
        return Check(name, unit, "not checked", None, None, None, 0, 0, note="neither release has any")
    few = counts[1] < limits.min_calls or (cap is None and counts[0] < limits.min_calls)
    if few or candidate is None or (baseline is None and cap is None):
        return Check(name, unit, "not enough data", *told, bound, *counts, note=f"fewer than {limits.min_calls}")  # type: ignore[arg-type]
    lower = excess(candidate, baseline, 1 + share) if cap is None and baseline is not None else candidate.low - (cap or 0.0)
    over = bound is not None and candidate.value > bound
    note = "over the bound, by no more than chance explains" if over and lower <= 0 else ""
    return Check(name, unit, "fail" if over and lower > 0 else "pass", *told, bound, *counts, lower, note)  # type: ignore[arg-type]


def _safety(baseline: Side, candidate: Side) -> Check:
    """No violation is tolerated, whatever the baseline did."""
    before, now = _count(baseline, "safety"), _count(candidate, "safety")
    counts = _count(baseline, "calls"), _count(candidate, "calls")
    verdict: Verdict = "fail" if now else "pass" if counts[1] else "not enough data"
    return Check("safety violations", "count", verdict, before, now, 0, *counts)


def _count(side: Side, name: str) -> int:
    """A count; 0 where there is no call, or nothing was judged."""
    return int(side.counts.get(name) or 0)


def _cost(side: Side) -> Estimate | None:
    """Of calls whose price is known; failed attempts cost nothing and count."""
    import polars as pl

    known = side.calls.filter(pl.col("cost_source") != "unpriced")
    found = mean_of(known["cost_usd"].cast(pl.Float64).to_numpy())
    return None if found is None else Estimate(found.value * 1000, found.low * 1000, found.high * 1000, found.n)


def _latency(side: Side, q: float) -> Estimate | None:
    """Of calls that were answered: a refusal is fast."""
    import polars as pl

    return quantile_of(side.calls.filter(pl.col("billed") & (pl.col("latency_ms") > 0))["latency_ms"].cast(pl.Float64).to_numpy(), q)


def _p50(side: Side) -> Estimate | None:
    return _latency(side, 0.5)


def _p90(side: Side) -> Estimate | None:
    return _latency(side, 0.9)


def _failures(side: Side) -> Estimate | None:
    """Errors, timeouts and rate limits of all calls."""
    return share_of(sum(_count(side, name) for name in ("errors", "timeouts", "rate_limited")), _count(side, "calls"))


def _schema(side: Side) -> Estimate | None:
    return share_of(_count(side, "schema_failures"), _count(side, "schema_checked"))


def _risk(side: Side) -> Estimate | None:
    return mean_of(side.calls["hallucination_score"].drop_nulls().to_numpy().astype(np.float64))
