"""Month-end forecast of a daily cost series: what is spent, and a robust level times the shape of a week for the days that are left.

A median level and profile leave out single bad days, which a trend or a mean would carry on; measured against AutoETS, MSTL, Theta, run rate
and last week again it is the nearest (decision 0013). The interval holds 80 %: how far such forecasts of the same series were off
over as many days, mixed with how far they are off in general.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from detectors.anomaly.robust import Array

_PROFILE_DAYS, _LEVEL_DAYS = 28, 18
_LEVEL = 0.6  # quantile of the last days: spend grows, and its good days are further up than its bad ones are down
_ORIGINS = 42  # days before, from which a forecast is compared with what came
_GENERAL = (-0.3, 0.42)  # logarithms: 10th and 90th percentile of what came over what was forecast, over ten days
_GENERAL_WEIGHT = 20.0  # origins that the general error is worth
_HORIZON = 10.0
_LEAST_USD = 1e-9  # a median day of less has no shape of a week; the ledger's money has nine digits


@dataclass(frozen=True, slots=True)
class Forecast:
    """USD of a whole period; in four of five cases between ``low`` and ``high``."""

    total: float
    low: float
    high: float


def month_total(days: list[date], cost_usd: list[float], month: date) -> Forecast:
    """:func:`period_total` of the month that begins at ``month``."""
    return period_total(days, cost_usd, month, month + timedelta(days=monthrange(month.year, month.month)[1]))


def period_total(days: list[date], cost_usd: list[float], begins: date, ends: date) -> Forecast:
    """The cost of ``[begins, ends)``, where ``days`` and their costs are known; days left out count as nothing spent.

    Raises:
        ValueError: no days, or a period that ends before the last of them.
    """
    if not days:
        raise ValueError("no day is known")
    first, last = min(days), max(days)
    if ends <= last:
        raise ValueError(f"{begins:%Y-%m} is over: the last day known is {last}")
    daily = np.zeros((last - first).days + 1)
    np.add.at(daily, [(d - first).days for d in days], cost_usd)
    spent = float(daily[max(0, (begins - first).days) :].sum()) if last >= begins else 0.0
    ahead = (ends - last).days - 1
    skipped = max(0, (begins - last).days - 1)  # days before the period that are not known either
    if ahead <= skipped:
        return Forecast(spent, spent, spent)
    rest = float(_ahead(daily, first.weekday(), ahead)[skipped:].sum())
    low, high = _band(daily, first.weekday(), ahead)
    return Forecast(spent + rest, spent + rest * low, spent + rest * high)


def evaluate(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """``spanledger eval forecast``: per row ``{"id", "total", "low", "high"}`` in USD.

    Raises:
        ValueError: a row without days, costs and month, or with such that are none.
    """
    for row in rows:
        try:
            days, costs = [date.fromisoformat(str(d)[:10]) for d in row["days"]], [float(c) for c in row["cost_usd"]]
            month = date.fromisoformat(f"{row['month']}-01")
            if len(days) != len(costs) or not np.isfinite(costs).all():
                raise ValueError("`cost_usd` must hold a number for each of `days`")
            found = month_total(days, costs, month)
        except (KeyError, TypeError, ValueError) as exc:
            raise ValueError(f"row {row.get('id')!r}: {exc}") from exc
        yield {"id": row.get("id"), "total": found.total, "low": found.low, "high": found.high}


def _ahead(daily: Array, weekday: int, n: int) -> Array:
    """The ``n`` days after these, of which the first is a ``weekday``."""
    begun = np.flatnonzero(daily > 0)
    known = daily[begun[0] if len(begun) else 0 :][-_PROFILE_DAYS:]
    offset = weekday + len(daily) - len(known)
    weekdays = (offset + np.arange(len(known))) % 7
    usual = float(np.median(known))
    if len(known) < 7 or usual < _LEAST_USD:
        return np.full(n, float(known.mean()))
    profile = np.array([np.median(known[weekdays == d]) for d in range(7)]) / usual
    profile = np.maximum(profile / profile.mean(), 0.02)
    level = float(np.quantile((known / profile[weekdays])[-_LEVEL_DAYS:], _LEVEL))
    return level * profile[(weekday + len(daily) + np.arange(n)) % 7]


def _band(daily: Array, weekday: int, n: int) -> tuple[float, float]:
    """10th and 90th percentile of what came over what was forecast, for ``n`` days ahead."""
    wide = min(1.6, (n / _HORIZON) ** 0.25)
    low, high = (q * wide for q in _GENERAL)
    last = len(daily) - n
    origins = range(max(_LEVEL_DAYS, last - _ORIGINS), last + 1)
    off: list[float] = []
    for at in origins:
        came, told = float(daily[at : at + n].sum()), float(_ahead(daily[:at], weekday, n).sum())
        if min(came, told) >= _LEAST_USD:
            off.append(np.log(came / told))
    if off:
        weight = len(off) / (len(off) + _GENERAL_WEIGHT)
        own = np.quantile(off, (0.1, 0.9))
        low, high = (weight * min(mine, 0.0) + (1 - weight) * general for mine, general in ((own[0], low), (-own[1], -high)))
        high = -high
    return float(np.exp(low)), float(np.exp(high))
