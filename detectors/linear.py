"""Ridge-regularised logistic regression on standardised, clipped features: fitted and evaluated with numpy alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CLIP = 4.0  # standard deviations: a strange text must not be judged by one runaway feature
_STEPS = 60
_TOLERANCE = 1e-9


class Linear:
    """``raw(x) = bias + Σ weight · clip((x − mean) / scale)``; raw scores are log-odds."""

    def __init__(self, mean: Any, scale: Any, weight: Any, bias: float) -> None:
        self.mean = np.asarray(mean, np.float64)
        self.scale = np.asarray(scale, np.float64)
        self.weight = np.asarray(weight, np.float64)
        self.bias = float(bias)

    @classmethod
    def fit(cls, x: Array, y: Array, sample_weight: Array | None = None, c: float = 0.05) -> Linear:
        """Minimise ``½‖w‖² + c Σ s_i · loss_i`` by Newton steps; the bias is free. ``y`` in {0, 1}."""
        mean, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale < 1e-12, 1.0, scale)
        z = np.column_stack([np.clip((x - mean) / scale, -CLIP, CLIP), np.ones(len(x))])
        s = c * (np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, np.float64))
        ridge = np.append(np.ones(x.shape[1]), 1e-8)
        w = np.zeros(z.shape[1])
        for _ in range(_STEPS):
            p = sigmoid(z @ w)
            gradient = z.T @ (s * (p - y)) + ridge * w
            hessian = (z * (s * p * (1 - p))[:, None]).T @ z + np.diag(ridge)
            step = np.linalg.solve(hessian, gradient)
            w -= step * min(1.0, 5.0 / max(1e-12, float(np.abs(step).max())))
            if np.abs(step).max() < _TOLERANCE:
                break
        return cls(mean, scale, w[:-1], w[-1])

    def raw(self, x: Array) -> Array:
        """Log-odds, shape ``(rows,)``."""
        return np.clip((x - self.mean) / self.scale, -CLIP, CLIP) @ self.weight + self.bias

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Linear:
        """The inverse of `to_dict`."""
        return cls(stored["mean"], stored["scale"], stored["weight"], stored["bias"])

    def to_dict(self, digits: int = 8) -> dict[str, Any]:
        """Plain numbers, for the JSON artefact."""
        rounded = {k: [float(f"{v:.{digits}g}") for v in getattr(self, k)] for k in ("mean", "scale", "weight")}
        return {**rounded, "bias": float(f"{self.bias:.{digits}g}")}


def sigmoid(x: Array) -> Array:
    """Log-odds to probability, safe for any finite input."""
    return 1.0 / (1.0 + np.exp(-np.clip(x, -60.0, 60.0)))


def logit(p: Array, floor: float = 1e-4) -> Array:
    """Probability to log-odds, clipped at ``floor`` and ``1 − floor``."""
    p = np.clip(p, floor, 1.0 - floor)
    return np.log(p / (1.0 - p))
