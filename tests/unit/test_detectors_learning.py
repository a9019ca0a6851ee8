"""The small learners do what their definitions say, and numpy alone gives LightGBM's numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import calibration
from detectors.calibration import Distribution, Platt, route_map, shift
from detectors.grounding.units import regime
from detectors.jobs import calibrations
from detectors.linear import Linear, logit, sigmoid
from detectors.training import metrics
from detectors.training.data import read, retrieved
from detectors.trees import Ensemble

RND = np.random.default_rng(7)
scores = st.lists(st.floats(0, 1), min_size=1, max_size=60)


def sample(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    x = RND.normal(size=(n, 6))
    return x, (x[:, 0] + x[:, 1] * x[:, 2] + RND.normal(size=n) > 0).astype(float)


def test_trees_give_lightgbms_raw_scores_to_a_billionth() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    x, y = sample()
    booster = lightgbm.train({"objective": "binary", "num_leaves": 15, "verbose": -1, "num_threads": 1}, lightgbm.Dataset(x, y), 60)
    copied = Ensemble.from_dict(Ensemble.of(booster).to_dict())
    fresh = RND.normal(size=(500, 6))
    assert np.abs(copied.raw(fresh) - booster.predict(fresh, raw_score=True)).max() < 1e-9


def test_the_linear_fit_is_at_the_minimum_of_its_objective() -> None:
    x, y = sample(300)
    made = Linear.fit(x, y, None, 0.05)
    z = np.column_stack([np.clip((x - made.mean) / made.scale, -4, 4), np.ones(len(x))])
    w = np.append(made.weight, made.bias)
    gradient = 0.05 * z.T @ (sigmoid(z @ w) - y) + np.append(made.weight, 0)
    assert np.abs(gradient).max() < 1e-6


def test_models_survive_being_written_and_read() -> None:
    x, y = sample(200)
    made = Linear.fit(x, y)
    assert np.allclose(Linear.from_dict(made.to_dict()).raw(x), made.raw(x), atol=1e-6)


def test_one_wild_feature_cannot_run_away() -> None:
    x, y = sample(200)
    made = Linear.fit(x, y)
    wild = np.full((1, 6), 1e12)
    assert np.isfinite(made.raw(wild)).all()
    assert abs(made.raw(wild)[0] - made.bias) <= 4 * np.abs(made.weight).sum() + 1e-9


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=4, max_size=40))
def test_auroc_is_the_chance_that_a_positive_scores_over_a_negative(rows: list[tuple[bool, float]]) -> None:
    y, s = np.array([float(a) for a, _ in rows]), np.array([b for _, b in rows])
    if 0 < y.sum() < len(y):
        pairs = [(p > n) + 0.5 * (p == n) for p in s[y == 1] for n in s[y == 0]]
        assert metrics.auroc(y, s) == pytest.approx(float(np.mean(pairs)))


def test_the_best_threshold_has_the_highest_f1() -> None:
    y, s = np.array([0.0, 1, 0, 1, 1]), np.array([0.1, 0.4, 0.5, 0.6, 0.9])
    best = metrics.f1(y, s >= metrics.best_threshold(y, s))
    assert best == max(metrics.f1(y, s >= t) for t in s)


def test_rows_of_a_group_share_a_fold() -> None:
    groups = [f"g{i % 13}" for i in range(100)]
    fold = metrics.folds(groups, 5, 1)
    assert len({(g, int(f)) for g, f in zip(groups, fold, strict=True)}) == 13
    assert set(fold.tolist()) == set(range(5))


def test_platt_finds_the_map_that_made_the_labels() -> None:
    x = RND.normal(size=20_000) * 2
    y = (RND.random(20_000) < sigmoid(1.5 * x - 1)).astype(float)
    made = calibration.fit(x, y)
    assert made.slope == pytest.approx(1.5, abs=0.1)
    assert made.bias == pytest.approx(-1, abs=0.1)


def test_few_or_one_sided_labels_calibrate_nothing() -> None:
    assert route_map([0.2] * 19, [True] * 10 + [False] * 9) is None
    assert route_map([0.2] * 40, [True] * 40) is None


@given(scores, st.data())
def test_a_route_map_never_turns_the_ranking_round(values: list[float], data: st.DataObject) -> None:
    values = values * 25
    labels = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    made = route_map(values, labels)
    if made is not None:
        mapped = made(logit(np.array(sorted(values))))
        assert (np.diff(mapped) >= 0).all()
        assert ((mapped >= 0) & (mapped <= 1)).all()


def test_labels_of_answers_that_a_map_has_moved_still_calibrate_by_their_plain_scores() -> None:
    rows: list[dict[str, Any]] = [{"app_id": "a", "route": "r", "score": 0.9, "hallucinated": n % 2, "plain": 0.2 + 0.4 * (n % 2)} for n in range(24)]

    def made(**told: str) -> Platt | None:
        evidence = [orjson.dumps({"calibrated": True, **{k: row[v] for k, v in told.items()}}).decode() for row in rows]
        return calibrations(pl.DataFrame(rows).drop("plain").with_columns(evidence=pl.Series(evidence))).get(("a", "r"))

    assert made() is None
    assert made(plain="plain") == route_map([row["plain"] for row in rows], [bool(row["hallucinated"]) for row in rows])


def test_the_identity_map_changes_nothing() -> None:
    assert Platt().of(0.3) == pytest.approx(0.3)


@given(scores, scores)
def test_distributions_add_up(a: list[float], b: list[float]) -> None:
    together = Distribution().add([*a, *b])
    assert (Distribution().add(a) + Distribution().add(b)).counts.tolist() == together.counts.tolist()
    assert together.n == len(a) + len(b)


@given(scores)
def test_equal_distributions_have_not_shifted(a: list[float]) -> None:
    moved = shift(Distribution().add(a), Distribution().add(a))
    assert moved is not None
    assert moved.stability_index == pytest.approx(0, abs=1e-9)
    assert moved.distance == pytest.approx(0, abs=1e-12)


def test_a_route_that_got_worse_shows_a_large_shift() -> None:
    before, now = Distribution().add(RND.beta(1, 9, 500)), Distribution().add(RND.beta(5, 5, 500))
    moved = shift(before, now)
    assert moved is not None
    assert moved.stability_index > 0.25
    assert moved.mean_change > 0.2
    assert shift(Distribution(), now) is None


def test_scoring_needs_neither_torch_nor_lightgbm_nor_scikit_learn() -> None:
    program = (
        "import sys; from detectors.evaluate import evaluate\n"
        "list(evaluate('grounding', [{'context': 'a b', 'response': 'c'}])); list(evaluate('contradiction', [{'answer_a': 'a', 'answer_b': 'b'}]))\n"
        "print([m for m in ('torch', 'lightgbm', 'sklearn', 'scipy', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_each_slot_of_a_written_answer_gives_one_unfaithful_answer_with_its_span() -> None:
    told = "C: Open 9 to 5.\nC: Closed on Mondays.\nQ: when?\n= Open {9=>8} to 5.{=> Parking is free.} {Closed=>Open} on Mondays.\n= From nine.\n"
    rows = list(retrieved(told))
    assert [r["response"] for r in rows] == [
        "Open 9 to 5. Closed on Mondays.",
        "Open 8 to 5. Closed on Mondays.",
        "Open 9 to 5. Parking is free. Closed on Mondays.",
        "Open 9 to 5. Open on Mondays.",
        "From nine.",
    ]
    assert [[r["response"][s["start"] : s["end"]] for s in r["spans"]] for r in rows] == [[], ["8"], ["Parking is free."], ["Open"], []]
    assert [r["label"] for r in rows] == [0, 1, 1, 1, 0]
    assert sum(r["weight"] for r in rows if r["label"]) == pytest.approx(1)
    assert {r["context"] for r in rows} == {"passage 1:Open 9 to 5.\n\npassage 2:Closed on Mondays."}


def test_the_answers_written_for_training_are_judged_as_answers_to_retrieved_passages() -> None:
    rows = read(Path(), "retrieved")
    assert len({r["source_id"] for r in rows}) > 50
    assert all("{" not in r["response"] and "=>" not in r["response"] for r in rows)
    assert {regime(r["context"], r["question"], 3) for r in rows} == {"retrieved"}
    faithful = {r["response"] for r in rows if not r["label"]}
    assert not any(r["response"] in faithful for r in rows if r["label"])
