"""The grounding model: a handful of small experts, mixed per kind of exchange, calibrated to a probability.

An expert judges one unit. A sentence expert holds a response for as risky as its riskiest sentence; a sequence expert sees a sentence in its
place (`sequence.py`) and takes the two riskiest; a peaks expert sees the response with its worst sentences. Each regime
(`units.REGIMES`) has its own mixture and Platt map; regimes whose training data have an artificial base rate are calibrated to
`ASSUMED_RATE`, so that one threshold serves all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.artefacts import stored
from detectors.calibration import Platt
from detectors.grounding.features import NAMES, Weights
from detectors.grounding.sequence import PEAKS, SEQUENCE, in_sequence, with_peaks
from detectors.grounding.swaps import SWAPS
from detectors.grounding.units import Units
from detectors.linear import Linear, logit, sigmoid
from detectors.trees import Ensemble

Array = NDArray[np.float64]

ASSUMED_RATE = 1 / 3


class Expert(NamedTuple):
    """One small model over some feature columns; ``on`` is `sentence`, `sequence`, `swaps`, `response` or `peaks`."""

    name: str
    on: str
    columns: NDArray[np.int64]
    body: Linear | Ensemble


class Part(NamedTuple):
    """An expert's place in a mixture: log-odds are centred and scaled before weighting."""

    expert: str
    weight: float
    center: float
    spread: float


class Mixture(NamedTuple):
    """Parts and calibration of one regime."""

    parts: tuple[Part, ...]
    platt: Platt

    def mixed(self, opinions: Mapping[str, Array], only: frozenset[str] | None = None) -> Array:
        """Weighted mean of the standardised log-odds of the experts (of those in ``only``, if given)."""
        parts = [p for p in self.parts if only is None or p.expert in only]
        total = sum(p.weight for p in parts)
        return sum((p.weight / total) * (opinions[p.expert] - p.center) / p.spread for p in parts)  # type: ignore[return-value]


class Model:
    """Experts, mixtures and the weights table, from the artefact or from the training command."""

    def __init__(
        self, experts: Sequence[Expert], mixtures: Mapping[str, Mixture], weigh: Weights, threshold: float, floor: float, version: str
    ) -> None:
        self.experts = tuple(experts)
        self.mixtures = dict(mixtures)
        self.weigh = weigh
        self.threshold = threshold
        self.floor = floor
        self.version = version
        self.by_sentence = frozenset(e.name for e in experts if e.on in AGGREGATE)

    def scores(self, batch: Sequence[Units]) -> list[tuple[float, Array]]:
        """Per response: its probability of being unsupported, and that of each of its sentences."""
        out: list[tuple[float, Array]] = [(0.0, np.zeros(0))] * len(batch)
        for regime, mixture in self.mixtures.items():
            chosen = [i for i, u in enumerate(batch) if u.regime == regime]
            if chosen:
                for i, result in zip(chosen, self._scored([batch[i] for i in chosen], mixture), strict=True):
                    out[i] = result
        return out

    def _scored(self, batch: list[Units], mixture: Mixture) -> list[tuple[float, Array]]:
        needed = {p.expert for p in mixture.parts}
        cuts = np.cumsum([len(u.spans) for u in batch])[:-1]
        of_sentences: dict[str, Array] = {}
        of_responses: dict[str, Array] = {}
        experts = [e for e in self.experts if e.name in needed]
        seen = {on: np.vstack([SEEN[on](u) for u in batch]) for on in {e.on for e in experts}}
        for expert in experts:
            raw = expert.body.raw(seen[expert.on][:, expert.columns])
            if expert.on in AGGREGATE:
                of_sentences[expert.name] = raw
                of_responses[expert.name] = AGGREGATE[expert.on](np.split(sigmoid(raw), cuts))
            else:
                of_responses[expert.name] = logit(sigmoid(raw))
        whole = mixture.platt(mixture.mixed(of_responses))
        each = np.split(mixture.platt(mixture.mixed(of_sentences, self.by_sentence)), cuts)
        return [(float(p), s) for p, s in zip(whole, each, strict=True)]

    def floored(self, score: float) -> float:
        """The score above what clean answers reach: ``max(0, (p − p0) / (1 − p0))`` (research §6.3)."""
        return max(0.0, (score - self.floor) / (1.0 - self.floor))

    def to_dict(self) -> dict[str, Any]:
        """The artefact."""
        experts = [
            {
                "name": e.name,
                "on": e.on,
                "kind": "linear" if isinstance(e.body, Linear) else "trees",
                "columns": [COLUMNS[e.on][c] for c in e.columns],
                "body": e.body.to_dict(),
            }
            for e in self.experts
        ]
        mixtures = {
            r: {"parts": [[p.expert, p.weight, round(p.center, 6), round(p.spread, 6)] for p in m.parts], "platt": [round(v, 6) for v in m.platt]}
            for r, m in self.mixtures.items()
        }
        return {"version": self.version, "threshold": self.threshold, "floor": self.floor, "mixtures": mixtures, "experts": experts}

    @classmethod
    def from_dict(cls, made: Mapping[str, Any], weigh: Weights) -> Model:
        """The inverse of `to_dict`."""
        position = {on: {name: i for i, name in enumerate(names)} for on, names in COLUMNS.items()}
        experts = [
            Expert(
                e["name"],
                e["on"],
                np.array([position[e["on"]][c] for c in e["columns"]]),
                (Linear if e["kind"] == "linear" else Ensemble).from_dict(e["body"]),
            )
            for e in made["experts"]
        ]
        mixtures = {r: Mixture(tuple(Part(*p) for p in m["parts"]), Platt(*m["platt"])) for r, m in made["mixtures"].items()}
        return cls(experts, mixtures, weigh, made["threshold"], made["floor"], made["version"])


def riskiest(sentences: Sequence[Array]) -> Array:
    """Log-odds of each response's most probable sentence."""
    return logit(np.array([p.max() for p in sentences]))


def two_riskiest(sentences: Sequence[Array]) -> Array:
    """Mean log-odds of each response's two most probable sentences."""
    return np.array([np.sort(logit(p))[-2:].mean() for p in sentences])


AGGREGATE = {"sentence": riskiest, "sequence": two_riskiest, "swaps": riskiest}
#: What an expert sees of a response: a row for each sentence, or for those that judge the whole, one.
SEEN: Mapping[str, Callable[[Units], Array]] = {
    "sentence": lambda u: u.sentences,
    "sequence": lambda u: in_sequence(u.sentences, u.whole),
    "swaps": lambda u: u.swaps,
    "response": lambda u: u.whole,
    "peaks": lambda u: with_peaks(u.sentences, u.whole),
}
COLUMNS = {"sentence": NAMES, "response": NAMES, "sequence": SEQUENCE, "peaks": PEAKS, "swaps": SWAPS}


@cache
def weights() -> Weights:
    """The bundled inverse document frequencies."""
    table = stored("weights")
    return Weights(_terms(table), table["unknown"])


def _terms(table: dict[str, Any]) -> dict[str, float]:
    return {term: float(value) for value, terms in table["terms"].items() for term in terms.split()}


@cache
def shipped() -> Model:
    """The model in the package."""
    return Model.from_dict(stored("grounding"), weights())
