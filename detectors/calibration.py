"""Scores that mean the same on every route: a two-parameter Platt map from labels, and the shift of a route's score distribution.

The ranking of a detector travels between kinds of traffic, its threshold does not (research §3.5). Fifty labelled answers of a route
fit a `Platt` map; without labels `Distribution` shows how far a route's scores have moved from its own past.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.linear import logit, sigmoid

Array = NDArray[np.float64]

MIN_LABELS = 20
BINS = 50


class Platt(NamedTuple):
    """``p = sigmoid(slope · x + bias)`` for log-odds ``x``; the identity is ``Platt(1, 0)``."""

    slope: float = 1.0
    bias: float = 0.0

    def __call__(self, x: Array) -> Array:
        """Probabilities of log-odds ``x``."""
        return sigmoid(self.slope * np.asarray(x, np.float64) + self.bias)

    def of(self, score: float) -> float:
        """One calibrated score from one score in [0, 1]."""
        return float(self(logit(np.array([score])))[0])


def fit(x: Array, y: Array, weight: Array | None = None, slope_prior: float = 0.0) -> Platt:
    """The Platt map of log-odds ``x`` to labels ``y`` in {0, 1}.

    Targets are smoothed by the class counts (J. Platt, "Probabilistic outputs for support vector machines", 1999, §2.2), so that
    separable data stay finite. ``slope_prior``: strength of the pull towards slope 1, for few labels.
    """
    weight = np.ones(len(x)) if weight is None else weight
    positive, negative = float((y == 1).sum()), float((y == 0).sum())
    target = np.where(y == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    design = np.column_stack([x, np.ones(len(x))])
    w = np.array([1.0, 0.0])
    pull = np.array([slope_prior, 1e-6])
    for _ in range(100):
        p = sigmoid(design @ w)
        gradient = design.T @ (weight * (p - target)) + pull * (w - np.array([1.0, 0.0]))
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + np.diag(pull + 1e-9)
        step = np.linalg.solve(hessian, gradient)
        w = w - step * min(1.0, 3.0 / max(1e-12, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-10:
            break
    return Platt(float(w[0]), float(w[1]))


def route_map(scores: Sequence[float], labels: Sequence[bool]) -> Platt | None:
    """The map of one route from its labelled answers; None below `MIN_LABELS` or with one class only.

    The slope is kept positive: labels may move the threshold and the sharpness of a detector, never turn its ranking round.
    """
    y = np.asarray(labels, np.float64)
    if len(y) < MIN_LABELS or y.min() == y.max():
        return None
    made = fit(logit(np.asarray(scores, np.float64)), y, slope_prior=5.0)
    return made if made.slope > 0 else Platt(0.05, float(logit(np.array([y.mean()]))[0]))


class Distribution:
    """Histogram of one route's scores over [0, 1] in `BINS` equal bins; mergeable, so that windows add up."""

    def __init__(self, counts: Sequence[int] | None = None) -> None:
        self.counts = np.zeros(BINS, np.int64) if counts is None else np.asarray(counts, np.int64)

    def add(self, scores: Iterable[float]) -> Distribution:
        """Count further scores; returns itself."""
        at = np.clip((np.fromiter(scores, np.float64) * BINS).astype(int), 0, BINS - 1)
        self.counts += np.bincount(at, minlength=BINS)
        return self

    def __add__(self, other: Distribution) -> Distribution:
        return Distribution((self.counts + other.counts).tolist())

    @property
    def n(self) -> int:
        """How many scores were counted."""
        return int(self.counts.sum())


class Shift(NamedTuple):
    """How a route's scores moved: population stability index, difference of means, and the larger distribution distance."""

    stability_index: float
    mean_change: float
    distance: float  # Kolmogorov-Smirnov
    n_before: int
    n_now: int


def shift(before: Distribution, now: Distribution, groups: int = 10) -> Shift | None:
    """The move from ``before`` to ``now``; None when either is empty. A stability index over 0.25 is by convention a large shift."""
    if not before.n or not now.n:
        return None
    a, b = before.counts / before.n, now.counts / now.n
    middle = (np.arange(BINS) + 0.5) / BINS
    grouped_a, grouped_b = a.reshape(groups, -1).sum(axis=1), b.reshape(groups, -1).sum(axis=1)
    p, q = (grouped_a * before.n + 0.5) / (before.n + groups / 2), (grouped_b * now.n + 0.5) / (now.n + groups / 2)
    index = float(((q - p) * np.log(q / p)).sum())
    return Shift(index, float(middle @ (b - a)), float(np.abs(np.cumsum(b - a)).max()), before.n, now.n)
