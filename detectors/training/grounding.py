"""What the grounding experts are fitted on, how they are mixed, and the cross-validation that is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray

from detectors import calibration
from detectors.grounding.features import LENGTH, Weights
from detectors.grounding.model import AGGREGATE, ASSUMED_RATE, COLUMNS, SEEN, Expert, Mixture, Model, Part
from detectors.linear import Linear, logit, sigmoid
from detectors.training.data import Labelled
from detectors.training.metrics import folds
from detectors.trees import Ensemble

Array = NDArray[np.float64]

VERSION = "grounding-6"
THRESHOLD = 1 / 3  # half of the best F1 to be had, about 2/3: where expected F1 is highest (`metrics.expected_threshold`)
INNER_FOLDS = 5
BAD_AVERAGE = 0.2  # what bad retrieved answers average above the floor: one bad answer in ten then averages 0.02 (DESIGN §4, research §6.3)


class Spec(NamedTuple):
    """One expert: its data set or sets, the unit it judges, its form, whether it may see length features, and its regularisation.

    Several sets count the same, and so do good and bad answers in each: what tells sets apart then tells nothing.
    """

    name: str
    data: str | tuple[str, ...]
    on: str
    kind: str
    length: bool
    c: float = 0.02

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of the data sets."""
        return (self.data,) if isinstance(self.data, str) else self.data


_OPEN = ("begin", "written")
#: HaluEval is length-leaky: its experts never see length features.
SPECS = (
    Spec("rag_sequence", "ragtruth_qa", "sequence", "linear", True, 0.1),
    Spec("rag_sentence", "ragtruth_qa", "sentence", "linear", False),
    Spec("rag_sentence_length", "ragtruth_qa", "sentence", "linear", True),
    Spec("rag_response", "ragtruth_qa", "response", "linear", True, 0.05),
    Spec("rag_peaks", "ragtruth_qa", "peaks", "linear", True, 0.1),
    Spec("chat_sentence", "begin", "sentence", "linear", False),
    Spec("chat_sentence_length", "begin", "sentence", "linear", True),
    Spec("chat_response", "begin", "response", "linear", True, 0.05),
    Spec("claim_sentence", "wice", "sentence", "linear", False),
    Spec("claim_response", "wice", "response", "linear", True, 0.05),
    Spec("claim_trees", "wice", "sentence", "trees", False),
    Spec("fact_sentence", "fever_symmetric", "sentence", "linear", False),
    Spec("fact_trees", "fever_symmetric", "sentence", "trees", False),
    Spec("dialogue_sentence", "halueval_dialogue", "sentence", "linear", False),
    Spec("dialogue_trees", "halueval_dialogue", "sentence", "trees", False),
    Spec("dialogue_response", "halueval_dialogue", "response", "trees", False),
    Spec("summary_sentence", "halueval_summary", "sentence", "linear", False),
    Spec("summary_response", "halueval_summary", "response", "linear", False),
    Spec("plain_sentence", "written", "sentence", "linear", False),
    Spec("plain_response", "written", "response", "linear", False, 0.1),
    Spec("plain_length", "written", "response", "linear", True),
    Spec("passages_sequence", "retrieved", "sequence", "linear", False),
    Spec("open_sentence", _OPEN, "sentence", "linear", False),
    Spec("open_response", _OPEN, "response", "linear", True, 0.05),
    Spec("open_trees", _OPEN, "response", "trees", True),
    Spec("swapped_facts", ("ragtruth_qa", "wice", "fever_symmetric", "written", "retrieved"), "swaps", "linear", False, 0.1),
)
_BOTH = {
    "rag_sentence": 1.0,
    "rag_sentence_length": 1.0,
    "rag_response": 1.0,
    "chat_sentence": 1.0,
    "chat_sentence_length": 1.0,
    "chat_response": 1.0,
}
#: Weights of the experts in each regime's mixture, and the sets that calibrate it.
MIXTURES: Mapping[str, tuple[Mapping[str, float], tuple[str, ...]]] = {
    "retrieved": (
        {
            "rag_sequence": 3.0,
            "rag_peaks": 2.0,
            "passages_sequence": 6.0,
            "chat_sentence": 1.0,
            "chat_sentence_length": 1.0,
            "chat_response": 1.0,
            "open_trees": 1.0,
            "plain_sentence": 1.0,
            "swapped_facts": 5.0,
        },
        ("ragtruth_qa", "written"),
    ),
    "snippet": (
        {
            "open_response": 2.0,
            "open_trees": 2.0,
            "open_sentence": 1.0,
            "plain_sentence": 1.0,
            "plain_response": 1.0,
            "chat_response": 1.0,
            "swapped_facts": 0.5,
        },
        ("begin", "written"),
    ),
    "claim": (
        {
            **_BOTH,
            "claim_sentence": 1.0,
            "claim_response": 1.0,
            "claim_trees": 1.0,
            "fact_sentence": 0.7,
            "fact_trees": 0.7,
            "plain_sentence": 2.0,
            "passages_sequence": 4.0,
            "swapped_facts": 2.0,
        },
        ("wice", "fever_symmetric"),
    ),
    "summary": ({**_BOTH, "summary_sentence": 2.0, "summary_response": 4.0}, ("halueval_summary",)),
    "dialogue": ({**_BOTH, "dialogue_sentence": 6.0, "dialogue_trees": 6.0, "dialogue_response": 6.0}, ("halueval_dialogue",)),
}
_NATURAL_RATE = ("ragtruth_qa",)  # answers of real models to real questions; elsewhere the base rate is an artefact of how the set was made
_BY_SENTENCE = ("ragtruth_qa", "wice", "fever_symmetric", "retrieved")  # their labels say which sentence
_TREES = {
    "objective": "binary", "learning_rate": 0.05, "feature_fraction": 0.5, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0,
    "min_data_in_leaf": 20, "verbose": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True,
}  # fmt: skip
_ROUNDS = 100


def expert(spec: Spec, parts: Sequence[Labelled], seed: int) -> Expert:
    """One fitted expert. Sentence experts learn from sentences where labels belong to them, else from whole responses."""
    names = COLUMNS[spec.on]
    columns = np.array([i for i, n in enumerate(names) if spec.length or not n.endswith(LENGTH)])
    if spec.on in AGGREGATE and spec.data in _BY_SENTENCE:
        x, y, weight = rows(spec.on, parts[0]), np.concatenate(parts[0].sentence_y), _sentence_weights(parts[0])
    else:
        x, y = np.vstack([responses(spec.on, d) for d in parts]), np.concatenate([d.y for d in parts])
        weight = np.ones(len(y)) if len(parts) == 1 else np.concatenate([_rate_weights("", d.y, 0.5) for d in parts])
    x = x[:, columns]
    if spec.kind == "linear":
        return Expert(spec.name, spec.on, columns, Linear.fit(x, y, weight, spec.c))
    leaves = 15 if len(y) > 1500 and len(parts) == 1 else 7
    booster = lightgbm.train({**_TREES, "num_leaves": leaves, "seed": seed}, lightgbm.Dataset(x, y, weight=weight / weight.mean()), _ROUNDS)
    return Expert(spec.name, spec.on, columns, Ensemble.of(booster, digits=8))


def _sentence_weights(data: Labelled) -> Array:
    """A row's weight over the square root of its sentences; in answers made bad on purpose, bad sentences count half of the good ones together."""
    weight = np.concatenate([np.full(len(u.spans), w * len(u.spans) ** -0.5) for u, w in zip(data.units, data.weight, strict=True)])
    bad = np.concatenate(data.sentence_y) == 1
    return np.where(bad, weight * weight[~bad].sum() / weight[bad].sum() / 2, weight) if data.name == "retrieved" else weight


def opinion(made: Expert, data: Labelled) -> Array:
    """An expert's log-odds per response."""
    if made.on not in AGGREGATE:
        return logit(sigmoid(made.body.raw(rows(made.on, data)[:, made.columns])))
    raw = sigmoid(made.body.raw(rows(made.on, data)[:, made.columns]))
    return AGGREGATE[made.on](np.split(raw, np.cumsum([len(u.spans) for u in data.units])[:-1]))


def rows(on: str, data: Labelled) -> Array:
    """What such an expert sees of a set, see `model.SEEN`."""
    return np.vstack([SEEN[on](u) for u in data.units])


def responses(on: str, data: Labelled) -> Array:
    """One row per response: of a sentence expert the response's own features, of a swaps expert whether any sentence has one."""
    if on == "swaps":
        return np.vstack([u.swaps.max(axis=0) for u in data.units])
    return rows("response" if on in AGGREGATE else on, data)


def fit(sets: Mapping[str, Labelled], weigh: Weights, seed: int) -> Model:
    """The whole model from labelled sets; mixtures are centred and calibrated on opinions of experts that did not see the row."""
    experts = {s.name: expert(s, [sets[n] for n in s.sets], seed) for s in SPECS}
    unseen = _unseen(sets, experts, seed)
    mixtures: dict[str, Mixture] = {}
    floor = 0.0
    for regime, (weights, names) in MIXTURES.items():
        mixtures[regime], p = _mixture(weights, names, sets, unseen)
        if regime == "retrieved":
            natural = sets[names[0]].y
            floor = _floor(p[: len(natural)][natural == 1])
    return Model(list(experts.values()), mixtures, weigh, round(THRESHOLD, 4), floor, VERSION)


def _unseen(sets: Mapping[str, Labelled], experts: Mapping[str, Expert], seed: int) -> dict[tuple[str, str], Array]:
    """Opinion of each expert on each calibrating set, out of fold on its own."""
    out: dict[tuple[str, str], Array] = {}
    for spec in SPECS:
        for regime_weights, names in MIXTURES.values():
            for name in names:
                if spec.name in regime_weights and (spec.name, name) not in out:
                    out[spec.name, name] = _out_of_fold(spec, name, sets, seed) if name in spec.sets else opinion(experts[spec.name], sets[name])
    return out


def _out_of_fold(spec: Spec, name: str, sets: Mapping[str, Labelled], seed: int) -> Array:
    """Opinions on a set by experts that saw none of the row's group of it, and all of their other sets."""
    data = sets[name]
    out = np.zeros(len(data.y))
    fold = folds(data.groups, INNER_FOLDS, seed)
    for k in range(INNER_FOLDS):
        parts = [data.take(fold != k) if n == name else sets[n] for n in spec.sets]
        out[fold == k] = opinion(expert(spec, parts, seed), data.take(fold == k))
    return out


def _mixture(
    weights: Mapping[str, float], names: Sequence[str], sets: Mapping[str, Labelled], unseen: Mapping[tuple[str, str], Array]
) -> tuple[Mixture, Array]:
    opinions = {e: np.concatenate([unseen[e, n] for n in names]) for e in weights}
    parts = tuple(Part(e, w, float(opinions[e].mean()), float(opinions[e].std())) for e, w in weights.items())
    mixture = Mixture(parts, calibration.Platt())
    y = np.concatenate([sets[n].y for n in names])
    weight = np.concatenate([_rate_weights(n, sets[n].y) for n in names])
    mixture = mixture._replace(platt=calibration.fit(mixture.mixed(opinions), y, weight))
    return mixture, mixture.platt(mixture.mixed(opinions))


def _floor(bad: Array) -> float:
    """The lowest floor, in hundredths, at which floored scores of bad answers average at most `BAD_AVERAGE`."""
    steps = np.arange(0.0, 0.96, 0.01)
    means = np.array([np.maximum(0.0, (bad - f) / (1 - f)).mean() for f in steps])
    return round(float(steps[np.argmax(means <= BAD_AVERAGE)]), 2)


def _rate_weights(name: str, y: Array, to: float = ASSUMED_RATE) -> Array:
    """Row weights that bring a set of artificial base rate to the rate ``to``; every set counts as 300 rows."""
    if name in _NATURAL_RATE:
        return np.ones(len(y))
    rate = y.mean()
    return np.where(y == 1, to / rate, (1 - to) / (1 - rate)) * 300 / len(y)


def cross_validated(sets: Mapping[str, Labelled], weigh: Weights, k: int, seed: int) -> dict[str, Array]:
    """Scores of every row by a model that saw no row of its group, calibration included; same order as each set's rows."""
    fold = {name: folds(data.groups, k, seed) for name, data in sets.items()}
    out = {name: np.zeros(len(data.y)) for name, data in sets.items()}
    for part in range(k):
        model = fit({n: d.take(fold[n] != part) for n, d in sets.items()}, weigh, seed)
        for name, data in sets.items():
            held = fold[name] == part
            out[name][held] = [p for p, _ in model.scores(data.take(held).units)]
    return out


def left_out(name: str, sets: Mapping[str, Labelled]) -> list[Array]:
    """Opinions on one set of regressions that saw no row of it: of all other sets, of `written` alone, of `retrieved` alone."""
    others = tuple(n for n in sets if n != name)
    specs = [Spec("left_out", chosen, "sentence", "linear", False) for chosen in (others, ("written",)) if name not in chosen]
    specs += [Spec("left_out", "retrieved", "sequence", "linear", False)] if name != "retrieved" else []
    return [opinion(expert(spec, [sets[n] for n in spec.sets], 0), sets[name]) for spec in specs]


def report(model: Model, data: Labelled) -> Array:
    """Scores of a set that the model never learns from."""
    return np.array([p for p, _ in model.scores(data.units)])


__all__ = ["SPECS", "cross_validated", "expert", "fit", "left_out", "report"]
