"""The pair model: a linear and a tree expert over `PAIR_NAMES`, averaged and calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.artefacts import stored
from detectors.calibration import Platt
from detectors.linear import Linear
from detectors.trees import Ensemble

Array = NDArray[np.float64]


class PairModel(NamedTuple):
    """``p = platt(mean of the standardised log-odds)``; ``centers`` and ``spreads`` in the order linear, trees."""

    linear: Linear
    trees: Ensemble
    centers: tuple[float, float]
    spreads: tuple[float, float]
    platt: Platt
    threshold: float
    floor: float
    version: str

    def opinions(self, x: Array) -> Array:
        """Log-odds of both experts, shape ``(rows, 2)``."""
        return np.column_stack([self.linear.raw(x), self.trees.raw(x)])

    def scores(self, x: Array) -> Array:
        """Probability that the answers of each row disagree."""
        return self.platt(mixed(self.opinions(x), self.centers, self.spreads))

    def to_dict(self) -> dict[str, Any]:
        """The artefact."""
        rest = {k: getattr(self, k) for k in ("centers", "spreads", "threshold", "floor", "version")} | {"platt": list(self.platt)}
        return {**rest, "linear": self.linear.to_dict(), "trees": self.trees.to_dict()}

    @classmethod
    def from_dict(cls, made: Mapping[str, Any]) -> PairModel:
        """The inverse of `to_dict`."""
        return cls(
            Linear.from_dict(made["linear"]), Ensemble.from_dict(made["trees"]), tuple(made["centers"]), tuple(made["spreads"]),
            Platt(*made["platt"]), made["threshold"], made["floor"], made["version"],
        )  # fmt: skip


def mixed(opinions: Array, centers: tuple[float, ...], spreads: tuple[float, ...]) -> Array:
    """Mean of the standardised opinions."""
    return ((opinions - np.array(centers)) / np.array(spreads)).mean(axis=1)


@cache
def shipped() -> PairModel:
    """The model in the package."""
    return PairModel.from_dict(stored("contradiction"))
