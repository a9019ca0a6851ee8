"""Gradient-boosted trees as plain arrays: trained with LightGBM, evaluated with numpy alone.

`Ensemble.of(booster)` copies a trained LightGBM booster; `raw` then gives its raw score to within 1e-9 (a test compares the two).
Only numerical splits of the form ``x <= threshold`` are supported, and inputs must be finite, which is all that the detectors use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Ensemble:
    """All nodes of all trees in flat arrays; leaves point at themselves, so that every walk may take ``depth`` steps."""

    def __init__(self, roots: list[int], feature: list[int], threshold: list[float], left: list[int], right: list[int], value: list[float]) -> None:
        self.roots = np.asarray(roots, np.int32)
        self.feature = np.asarray(feature, np.int32)
        self.threshold = np.asarray(threshold, np.float64)
        self.left = np.asarray(left, np.int32)
        self.right = np.asarray(right, np.int32)
        self.value = np.asarray(value, np.float64)
        self.depth = self._depth()

    def _depth(self) -> int:
        level, steps = np.unique(self.roots), 0
        while True:
            below = np.unique(np.concatenate((self.left[level], self.right[level]))) if level.size else level
            below = below[self.left[below] != below] if below.size else below
            inner = level[self.left[level] != level]
            if not inner.size:
                return steps
            steps += 1
            level = below

    @classmethod
    def of(cls, booster: Any, digits: int | None = None) -> Ensemble:
        """The trees of a LightGBM ``Booster``. ``digits``: round thresholds and values to so many significant digits."""
        made: dict[str, list[Any]] = {k: [] for k in ("roots", "feature", "threshold", "left", "right", "value")}
        for tree in booster.dump_model()["tree_info"]:
            made["roots"].append(_add(tree["tree_structure"], made, digits))
        return cls(**made)

    @classmethod
    def from_dict(cls, stored: Mapping[str, list[Any]]) -> Ensemble:
        """The inverse of `to_dict`."""
        return cls(**{k: list(stored[k]) for k in ("roots", "feature", "threshold", "left", "right", "value")})

    def to_dict(self) -> dict[str, list[Any]]:
        """Plain lists, for the JSON artefact."""
        return {k: getattr(self, k).tolist() for k in ("roots", "feature", "threshold", "left", "right", "value")}

    def raw(self, x: Array) -> Array:
        """Sum of leaf values (log-odds for a binary objective), shape ``(rows,)``, for ``x`` of shape ``(rows, features)``."""
        rows = np.arange(len(x))[:, None]
        node = np.broadcast_to(self.roots, (len(x), len(self.roots))).copy()
        for _ in range(self.depth):
            goes_left = x[rows, self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return self.value[node].sum(axis=1)


def _add(node: Mapping[str, Any], made: dict[str, list[Any]], digits: int | None) -> int:
    """Append a node and those below it; its index."""
    at = len(made["feature"])
    leaf = "leaf_value" in node
    if not leaf and (node["decision_type"] != "<=" or node["missing_type"] not in ("None", "NaN")):
        raise ValueError(f"unsupported split: {node['decision_type']}, {node['missing_type']}")
    made["feature"].append(0 if leaf else int(node["split_feature"]))
    made["threshold"].append(0.0 if leaf else _round(float(node["threshold"]), digits))
    made["value"].append(_round(float(node["leaf_value"]), digits) if leaf else 0.0)
    made["left"].append(at)
    made["right"].append(at)
    if not leaf:
        made["left"][at] = _add(node["left_child"], made, digits)
        made["right"][at] = _add(node["right_child"], made, digits)
    return at


def _round(value: float, digits: int | None) -> float:
    return value if digits is None else float(f"{value:.{digits}g}")
