"""How far above its expectation a signal must be, over how many hours, to be told."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from detectors.anomaly.robust import Array, quantile, spread

WINDOWS = (1, 3, 6, 24, 72, 168)  # hours of which the mean is looked at
SHORT = 3  # of them that see sudden things; the longer ones see what creeps

_NEVER = np.inf
#: Robust standard deviations, by signal and window (cost, requests, units a request, price, retries).
_SIGMAS = np.array([[5, 4.5, 4.5, 5, 6, 6]] * 2 + [[7, 5, 4.5, 4, 4, 4], [6, 5, 5, 4.5, 5, 5], [5, 5, 5, _NEVER, _NEVER, _NEVER]])
#: Least effect, in logarithms.
_EFFECT = np.array(
    [[0.6, 0.5, 0.4, 0.3, 0.3, 0.3]] * 2
    + [[0.6, 0.35, 0.25, 0.14, 0.1, 0.09], [0.35, 0.28, 0.2, 0.12, 0.11, 0.11], [0.5, 0.45, 0.4, _NEVER, _NEVER, _NEVER]]
)
_CAUTION = np.array([1.4, 1.5, 1.0, 1.15, 1.0])[:, None] * np.array([[1, 1, 1, 1.3, 1.3, 1.3]] * 2 + [[1] * 6] * 3)
_RARE, _ABOVE = 0.998, 1.15  # above what a signal showed in all but so many hours of the last weeks
_LEAST = 50  # such hours that must be known
_SPARSELY = 6  # of what longer windows showed every sixth hour is enough
_MONTH_END = 2.5  # bills, reports and closing runs: volume counts as unusual only from so much more on
_REPEATED = 1.25  # and from so much more than at the last month's end


def limits(shown: Array, at: datetime, last_month_end: Array) -> Array:
    """(series, signals, windows) for the day ``at``.

    Args:
        shown: (series, signals, windows, hours) window means of the last weeks, NaN in hours that were told.
        last_month_end: (series, signals, windows) most that the last month's end showed, minus infinity where there was none.
    """
    found = np.empty(shown.shape[:-1])
    for k in range(len(WINDOWS)):
        some = shown[:, :, k, :: 1 if k < SHORT else _SPARSELY]
        with np.errstate(invalid="ignore"):
            wide = _SIGMAS[:, k] * spread(some)
        found[:, :, k] = np.fmax(np.fmax(wide, _ABOVE * quantile(some, _RARE, _LEAST)), _EFFECT[:, k])
    found *= _CAUTION
    if near_month_end(at):
        found = np.fmax(found, _REPEATED * last_month_end)
    if (at + timedelta(days=1)).day == 1 or at.day == 1:
        found[:, :2] *= _MONTH_END
    return found


def near_month_end(day: datetime) -> bool:
    """One of a month's last two days."""
    return (day + timedelta(days=2)).month != day.month
