"""What stands along a chart's axes: round steps up to the largest value, days or hours of a window, both as words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.windows import Window

STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_MOST_STEPS = 5
_MOST_TIMES = 8
_EVERY = {"hour": (1, 2, 3, 6, 12, 24), "day": (1, 2, 7, 14, 28, 91, 364)}


@dataclass(frozen=True)
class Scale:
    """From 0 up to ``steps`` times ``step``, the least round number that holds every value."""

    step: float
    steps: int

    @property
    def top(self) -> float:
        """The value at the upper end."""
        return self.step * self.steps

    def share(self, value: float) -> float:
        """How high a value stands, in per cent."""
        return 100 * max(0.0, value) / self.top

    def labels(self, unit: str) -> list[str]:
        """The words beside each step, from 0 upwards."""
        return [written(self.step * n, self.step, unit) for n in range(self.steps + 1)]


def scale(largest: float) -> Scale:
    """Steps of 1, 2, 2.5 or 5 times a power of ten, at most five of them."""
    if not largest > 0 or math.isinf(largest):
        return Scale(1.0, 1)
    power = 10.0 ** math.floor(math.log10(largest / _MOST_STEPS))
    step = next(power * times for times in (1, 2, 2.5, 5, 10, 20) if power * times * _MOST_STEPS >= largest * (1 - 1e-7))
    return Scale(step, max(1, math.ceil(largest / step - 1e-6)))


def written(value: float, step: float, unit: str) -> str:
    """A round number as an axis says it: ``$0.05``, ``2.5k``, ``10 %``, ``4 s``; thousandths are written out, never ``m``."""
    if unit == "%":
        return f"{_plain(100 * value, 100 * step)} %"
    before, behind = {"$": ("$", ""), "s": ("", " s")}.get(unit, ("", ""))
    for size, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size and step * 20 >= size:
            return f"{before}{_plain(value / size, step / size)}{name}{behind}"
    cents = unit == "$" and step < 1
    return f"{before}{_plain(value, min(step, 0.01) if cents else step)}{behind}"


def _plain(value: float, step: float) -> str:
    """Digits enough to tell a number from its neighbours ``step`` away."""
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step * 10**places, 6) % 1:
        places += 1  # 2.5, 0.25
    return f"{value:,.{places}f}"


def times(window: Window) -> list[datetime]:
    """The beginning of every hour or day that a chart of ``window`` shows, whether there is data or not."""
    step = STEPS[window.step]
    first = window.since.replace(minute=0, second=0, microsecond=0)
    first = first.replace(hour=0) if window.step == "day" else first
    return [first + n * step for n in range(max(1, -((first - window.until) // step)))]


def time_labels(window: Window) -> list[tuple[int, str]]:
    """(place among :func:`times`, words) of at most eight of them: days by date, Mondays where weeks are skipped, hours by the clock."""
    shown = times(window)
    every = next((n for n in _EVERY[window.step] if len(shown) / n <= _MOST_TIMES), _EVERY[window.step][-1])
    if window.step == "hour":
        places = [n for n, at in enumerate(shown) if at.hour % every == 0]
        return [(n, f"{shown[n]:%d %b}" if not shown[n].hour else f"{shown[n]:%H:%M}") for n in places]
    first = next((n for n, at in enumerate(shown) if at.weekday() == 0), 0) if every >= 7 else 0
    words = "%a %d %b" if every == 1 else "%d %b"
    return [(n, f"{shown[n]:{words}}") for n in range(first, len(shown), every)]


def moment(at: datetime, step: str) -> str:
    """An hour or a day in full."""
    return f"{at:%a %d %b %Y %H:%M} UTC" if step == "hour" else f"{at:%a %d %b %Y}"
