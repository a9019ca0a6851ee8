"""The pair model: fitted on human-labelled pairs of answers (RefChecker) and on pairs of our own written answers, cross-validated by prompt.

RefChecker's answers rarely say the same in other words; without the written pairs half of such answers are flagged.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, groupby
from pathlib import Path
from typing import NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray

from detectors import calibration
from detectors.contradiction.features import Answer, pair_features
from detectors.contradiction.model import PairModel, mixed
from detectors.contradiction.sketch import SketchModel, sketch, sketch_features
from detectors.grounding.features import Weights
from detectors.linear import Linear
from detectors.training.data import read
from detectors.training.metrics import folds
from detectors.trees import Ensemble

Array = NDArray[np.float64]

VERSION = "contradiction-5"
THRESHOLD = 1 / 3
INNER_FOLDS = 5
CLEAN_PERCENTILE = 0.9
WRITTEN = "written"
_WRITTEN_ROWS, _WRITTEN_RATE = 150.0, 0.4  # what the written pairs count for together, and the share of disagreement among them
_C = 0.003
_SKETCH_C = 0.05
_KEY = b"training"  # any key gives the same features
_ROUNDS = 150
_TREES = {
    "objective": "binary", "learning_rate": 0.04, "num_leaves": 7, "min_data_in_leaf": 20, "feature_fraction": 0.3, "bagging_fraction": 0.8,
    "bagging_freq": 1, "lambda_l2": 10.0, "verbose": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True,
}  # fmt: skip


class Pairs(NamedTuple):
    """Features of the texts and of their sketches, labels, prompts and settings of labelled pairs."""

    x: Array
    sketched: Array
    y: Array
    groups: list[str]
    source: list[str]

    def take(self, chosen: NDArray[np.bool_]) -> Pairs:
        """The rows where ``chosen`` is true."""
        at = np.flatnonzero(chosen)
        return Pairs(self.x[at], self.sketched[at], self.y[at], [self.groups[i] for i in at], [self.source[i] for i in at])


def labelled(folder: Path, weigh: Weights) -> Pairs:
    """The labelled pairs that can be judged."""
    kept = []
    for a, b, label, group, source in (*_refchecker(folder), *_written(folder)):
        one, other = Answer(a), Answer(b)
        x, sketched = pair_features(one, other, frozenset(), weigh), sketch_features(sketch(one, _KEY, weigh), sketch(other, _KEY, weigh))
        if x is not None and sketched is not None:
            kept.append((x, sketched, float(label), group, source))
    x, sketched, y, groups, source = zip(*kept, strict=True)
    return Pairs(np.vstack(x), np.vstack(sketched), np.array(y), list(groups), list(source))


def _refchecker(folder: Path) -> Iterator[tuple[str, str, bool, str, str]]:
    for row in read(folder, "pairs_refchecker"):
        yield row["answer_a"], row["answer_b"], bool(row["label"]), row["prompt_id"], row["source"]


def _written(folder: Path) -> Iterator[tuple[str, str, bool, str, str]]:
    """Faithful answers to one question agree with each other and disagree with unfaithful ones."""
    for number, rows in groupby(read(folder, WRITTEN), lambda r: r["source_id"]):
        told = [(r["response"], bool(r["label"])) for r in rows]
        for (a, a_bad), (b, b_bad) in combinations(told, 2):
            if not (a_bad and b_bad):
                yield a, b, a_bad != b_bad, f"{WRITTEN}-{number}", WRITTEN


def _weights(data: Pairs) -> Array:
    """One for a labelled pair; the written ones together count for `_WRITTEN_ROWS` of all."""
    own = np.array([s == WRITTEN for s in data.source])
    weight = np.ones(len(data.y))
    if own.any() and 0 < data.y[own].mean() < 1:
        rate = data.y[own].mean()
        balanced = np.where(data.y[own] == 1, _WRITTEN_RATE / rate, (1 - _WRITTEN_RATE) / (1 - rate))
        weight[own] = balanced * _WRITTEN_ROWS / own.sum()
    return weight


def _experts(data: Pairs, seed: int) -> tuple[Linear, Ensemble]:
    weight = _weights(data)
    booster = lightgbm.train({**_TREES, "seed": seed}, lightgbm.Dataset(data.x, data.y, weight=weight), _ROUNDS)
    return Linear.fit(data.x, data.y, weight, _C), Ensemble.of(booster, digits=8)


def fit(data: Pairs, seed: int) -> PairModel:
    """The pair model, calibrated on out-of-fold opinions."""
    fold = folds(data.groups, INNER_FOLDS, seed)
    unseen = np.zeros((len(data.y), 2))
    for k in range(INNER_FOLDS):
        linear, trees = _experts(data.take(fold != k), seed)
        held = data.x[fold == k]
        unseen[fold == k] = np.column_stack([linear.raw(held), trees.raw(held)])
    centers = (float(unseen[:, 0].mean()), float(unseen[:, 1].mean()))
    spreads = (float(unseen[:, 0].std()), float(unseen[:, 1].std()))
    z = mixed(unseen, centers, spreads)
    platt = calibration.fit(z, data.y, _weights(data))
    floor = round(float(np.quantile(platt(z)[data.y == 0], CLEAN_PERCENTILE)), 4)
    linear, trees = _experts(data, seed)
    return PairModel(linear, trees, centers, spreads, platt, round(THRESHOLD, 4), floor, VERSION)


def fit_sketches(data: Pairs, seed: int) -> SketchModel:
    """The model of sketches, calibrated on out-of-fold opinions."""
    fold = folds(data.groups, INNER_FOLDS, seed)
    unseen = np.zeros(len(data.y))
    for k in range(INNER_FOLDS):
        part = data.take(fold != k)
        unseen[fold == k] = Linear.fit(part.sketched, part.y, _weights(part), _SKETCH_C).raw(data.sketched[fold == k])
    return SketchModel(Linear.fit(data.sketched, data.y, _weights(data), _SKETCH_C), calibration.fit(unseen, data.y, _weights(data)))


def cross_validated_sketches(data: Pairs, k: int, seed: int) -> Array:
    """`cross_validated`, from sketches alone."""
    fold = folds(data.groups, k, seed)
    out = np.zeros(len(data.y))
    for part in range(k):
        out[fold == part] = fit_sketches(data.take(fold != part), seed).scores(data.sketched[fold == part])
    return out


def cross_validated(data: Pairs, k: int, seed: int) -> Array:
    """Scores of every pair by a model that saw no pair of its prompt."""
    fold = folds(data.groups, k, seed)
    out = np.zeros(len(data.y))
    for part in range(k):
        out[fold == part] = fit(data.take(fold != part), seed).scores(data.x[fold == part])
    return out
