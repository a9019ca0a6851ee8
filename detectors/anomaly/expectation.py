"""What the hours of a day should show, from four weeks before it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from detectors.anomaly.robust import Array, median
from detectors.anomaly.series import DAY

WEEK = 7 * DAY
PAST = 4 * WEEK
_SATURDAY = 5


def expected(past: Array, day: datetime) -> Array:
    """(…, 24) of the day that follows ``past`` (…, 672; NaN: of no use).

    Half the median of the same hour of the week, half that of the same hour on all working days or weekends, moved by the median
    of what the last seven days were off.
    """
    weeks = past.reshape(*past.shape[:-1], 4, 7, DAY)  # days of the week, from that of the day asked for
    by_weekday = median(np.moveaxis(weeks, -3, -1))
    weekend = np.array([(day + timedelta(days=d)).weekday() >= _SATURDAY for d in range(7)])
    profile = np.empty_like(by_weekday)
    for kind in (False, True):
        same = np.flatnonzero(weekend == kind)
        days = weeks[..., same, :].reshape(*past.shape[:-1], -1, DAY)
        alike = median(np.moveaxis(days, -2, -1))[..., None, :]
        profile[..., same, :] = _mean(by_weekday[..., same, :], alike)
    profile = np.where(np.isnan(profile), median(past)[..., None, None], profile)
    off = median((weeks[..., 3, :, :] - profile).reshape(*past.shape[:-1], WEEK))
    return profile[..., 0, :] + np.nan_to_num(off)[..., None]


def _mean(a: Array, b: Array) -> Array:
    """Of two, or the one that is there."""
    b = np.broadcast_to(b, a.shape)
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, (a + b) / 2))
