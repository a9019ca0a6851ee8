"""Medians, quantiles and moving means that leave out what is not there (NaN), for whole arrays of series at once."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

_NORMAL = 1.4826  # median absolute deviation → standard deviation of a normal distribution


def median(values: Array) -> Array:
    """Along the last axis; NaN where there is nothing. Many times as fast as ``np.nanmedian``."""
    ordered = np.sort(values, axis=-1)  # NaN last
    n = np.count_nonzero(~np.isnan(values), axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum((n - 1) // 2, 0), -1)
    high = np.take_along_axis(ordered, np.minimum(n // 2, values.shape[-1] - 1), -1)
    return np.where(n > 0, (low + high) / 2, np.nan)[..., 0]


def spread(values: Array) -> Array:
    """Robust standard deviation along the last axis."""
    return _NORMAL * median(np.abs(values - median(values)[..., None]))


def quantile(values: Array, q: float, least: int) -> Array:
    """Along the last axis; minus infinity where fewer than ``least`` values tell."""
    ordered = np.sort(values, axis=-1)
    n = np.count_nonzero(~np.isnan(values), axis=-1, keepdims=True)
    found = np.take_along_axis(ordered, np.maximum(np.ceil(q * n).astype(np.int64) - 1, 0), -1)
    return np.where(n >= least, found, -np.inf)[..., 0]


def trailing_sums(values: Array, width: int, last: int) -> Array:
    """Sums over the ``width`` values that end at each of the ``last`` places of the last axis."""
    sums = np.cumsum(values, axis=-1)
    n = values.shape[-1]
    return sums[..., n - last :] - sums[..., n - last - width : n - width]


def trailing_means(values: Array, width: int, last: int) -> Array:
    """As :func:`trailing_sums`, of what is there; NaN where that is less than half."""
    there = ~np.isnan(values)
    n = trailing_sums(there.astype(np.float64), width, last)
    sums = trailing_sums(np.where(there, values, 0.0), width, last)
    return np.where(n >= max(1.0, width / 2), sums / np.maximum(n, 1.0), np.nan)
