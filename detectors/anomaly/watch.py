"""Day by day: what each hour should show (from four weeks before), how far off it is, and whether that is to be told.

Hours that are told are left out of what is usual, so that an incident does not become the norm. A level that stays is accepted: up when most
of four days were told, down after two days, what was announced as soon as that is over. Thresholds: ``limits.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from detectors.anomaly.expectation import PAST, WEEK, expected
from detectors.anomaly.limits import SHORT, WINDOWS, limits, near_month_end
from detectors.anomaly.robust import Array, median, trailing_means, trailing_sums
from detectors.anomaly.series import DAY, Grid, Mask
from detectors.anomaly.signals import CAUSES, SIGNALS, signals

SILENCE = "silence"
_MATURE_H = 14 * DAY  # of a series, before anything of it is told
_READABLE_H = WEEK  # before anything is expected of it
_ACCEPT_UP_H, _ACCEPT_DOWN_H = 4 * DAY, 2 * DAY
_MOST = 0.6  # share of these four days told, for a level that stays
_STILL = 0.6  # of the new level in the last half day
_RISE, _FALL = 0.05, -0.25  # logarithms that count as another level
_NOW = 0.75  # of a long window's limit in the last day: what creeps is still there
_NOW_DAY = 0.5  # of a day's limit in the last six hours
_MORE_REQUESTS = 0.25  # retries are more requests, not only less output
_SEEN_REQUESTS = 10  # in a short window, before its ratios say anything
_SILENT_H, _SILENT_REQUESTS = 3, 15.0  # hours without a request, where so many were expected
_RATIOS = slice(2, None)
_REQUESTS, _RETRIES = SIGNALS.index("requests"), SIGNALS.index("retries")


@dataclass(frozen=True, slots=True)
class Found:
    """``alerts``: (series, hours) hours to tell of; ``causes``: numbers of :data:`CAUSES`, or their length for silence; -1 for none."""

    alerts: Mask
    causes: np.ndarray[Any, np.dtype[np.int8]]

    def cause_of(self, series: int, hour: int) -> str:
        """``volume``, ``prompt_size``, ``price``, ``retries`` or ``silence``."""
        return (*CAUSES, SILENCE)[self.causes[series, hour]]


def watch(grid: Grid) -> Found:
    """Every hour of a grid, judged with what was known at its end. 0.7 to 1 ms of CPU a series and day."""
    state = _State(grid)
    for at in range(PAST, state.hours, DAY):
        state.day(at)
    silent = state.silent
    return Found((state.alerts | silent)[:, PAST:], np.where(silent, len(CAUSES), state.causes)[:, PAST:].astype(np.int8))


class _State:
    """Arrays over all hours, with four empty weeks in front. ``told``: hours left out of what is usual; ``sudden``: those of short windows."""

    def __init__(self, grid: Grid) -> None:
        self._start = grid.start
        padding = ((0, 0), (PAST, 0))
        figures = (grid.requests, grid.tokens_in, grid.tokens_out, grid.cost_usd)
        self._figures: list[Array] = [np.pad(some, padding) for some in figures]
        self._requests = self._figures[0]
        self._quiet = np.pad(grid.quiet, padding)
        self._known = np.pad(grid.known, padding)
        n, self.hours = self._requests.shape
        shape = (n, len(SIGNALS), self.hours)
        self._told, self._sudden = np.zeros((2, *shape), np.bool_)
        self._moved = np.zeros(shape)  # added to what was before a level was accepted
        self._off = np.full(shape, np.nan)  # above the expectation
        self._off_quiet = np.full(shape, np.nan)  # the same, where nothing is to be told
        self._shown = np.full((n, len(SIGNALS), len(WINDOWS), PAST), np.nan)  # of the last four weeks only
        self._month_end, self._this_month_end = np.full((2, n, len(SIGNALS), len(WINDOWS)), -np.inf)
        self._was_month_end = False
        self._silent_h, self._missed = np.zeros((2, n))
        self.alerts, self.silent = np.zeros((2, n, self.hours), np.bool_)
        self.causes = np.full((n, self.hours), -1, np.int8)

    def day(self, at: int) -> None:
        """Judge the 24 hours from ``at`` on."""
        today = slice(at, at + DAY)
        date = self._start + timedelta(hours=at - PAST)
        self._settle_announced(at)
        expect, seen, little = self._measure(at, date)
        within = limits(self._shown, date, self._month_ends(date))
        means, over = self._windows(at, within)
        if near_month_end(date):
            self._this_month_end = np.fmax(self._this_month_end, np.where(np.isnan(means), -np.inf, means).max(-1))
        ready = self._known[:, today] & ~self._quiet[:, today] & (seen >= _MATURE_H)[:, None]
        fired = over.any(2) & ready[:, None]
        self.alerts[:, today] = fired.any(1)
        self.causes[:, today] = np.where(fired.any(1), _main_signal(means, within, over), -1)
        self._told[:, :, today] = fired
        self._shown[..., :-DAY] = self._shown[..., DAY:]
        self._shown[..., -DAY:] = np.where(fired[:, :, None], np.nan, means)
        self._listen(at, np.expm1(expect[:, _REQUESTS]) * little, ready)
        self._accept(at + DAY, seen)

    def _measure(self, at: int, date: datetime) -> tuple[Array, Array, Array]:
        """Fill in how far today's hours are off; gives the expectation, hours known before, and requests that are next to nothing."""
        span, past, today = slice(at - PAST, at + DAY), slice(at - PAST, at), slice(at, at + DAY)
        usable = self._known[:, past] & ~self._quiet[:, past]
        usual = np.zeros((len(usable), PAST + DAY), np.bool_)
        usual[:, :PAST] = usable & ~self._told[:, :, past].any(1)
        requests, tokens_in, tokens_out, cost = (some[:, span] for some in self._figures)
        levels, little = signals(requests, tokens_in, tokens_out, cost, usual)
        levels += self._moved[:, :, span]
        expect = expected(np.where(usable[:, None] & ~self._told[:, :, past], levels[..., :PAST], np.nan), date)
        seen = self._known[:, past].sum(1)
        off = np.where(self._known[:, None, today] & (seen >= _READABLE_H)[:, None, None], levels[..., PAST:] - expect, np.nan)
        self._off[:, :, today] = np.where(self._quiet[:, None, today], np.nan, off)
        self._off_quiet[:, :, today] = off
        return expect, seen, little

    def _windows(self, at: int, within: Array) -> tuple[Array, Mask]:
        """(series, signals, windows, 24) means of what is off, and which of them are over their limits."""
        tail = slice(at - WEEK - DAY, at + DAY)
        off = self._off[:, :, tail]
        means = np.full((*within.shape, DAY), np.nan)
        for k, width in enumerate(WINDOWS[:SHORT]):
            means[:, :, k] = trailing_means(off, width, DAY)
        over = means > within[..., None]
        requests = self._requests[:, tail]
        for k, width in enumerate(WINDOWS[:SHORT]):
            over[:, _RATIOS, k] &= (trailing_sums(requests, width, DAY) >= _SEEN_REQUESTS)[:, None]
        over[:, _RETRIES] &= (means[:, _REQUESTS, 1] > _MORE_REQUESTS)[:, None]
        self._sudden[:, :, at : at + DAY] = over.any(2)
        steady = np.where(self._sudden[:, :, tail], np.nan, off)
        for k, width in enumerate(WINDOWS[SHORT:], SHORT):
            means[:, :, k] = trailing_means(steady, width, DAY)
            lately, share = (DAY, _NOW) if width > DAY else (WINDOWS[SHORT - 1], _NOW_DAY)
            limit = within[:, :, k, None]
            over[:, :, k] = (means[:, :, k] > limit) & (trailing_means(off, lately, DAY) > share * limit)
        return means, over

    def _month_ends(self, date: datetime) -> Array:
        """What the last month's end showed; a month's end that is over becomes the last one."""
        now = near_month_end(date)
        if self._was_month_end and not now:
            self._month_end, self._this_month_end = self._this_month_end, np.full_like(self._month_end, -np.inf)
        self._was_month_end = now
        return self._month_end

    def _listen(self, at: int, requests: Array, ready: Mask) -> None:
        """No requests for hours in which there should have been some. ``requests``: expected in each hour of today."""
        for k in range(DAY):
            none = (self._requests[:, at + k] == 0) & self._known[:, at + k] & ~self._quiet[:, at + k]
            self._silent_h = np.where(none, self._silent_h + 1, 0)
            self._missed = np.where(none, self._missed + np.maximum(requests[:, k], 0), 0)
            self.silent[:, at + k] = (self._silent_h >= _SILENT_H) & (self._missed >= _SILENT_REQUESTS) & ready[:, k]

    def _accept(self, end: int, seen: Array) -> None:
        """Levels that have stayed until ``end`` are the usual ones from now on."""
        told = self._told[:, :, end - _ACCEPT_UP_H : end].mean(-1)
        lately = median(self._off[:, :, end - _ACCEPT_DOWN_H : end])
        half_day = median(self._off[:, :, end - DAY // 2 : end])
        old = (seen >= _READABLE_H + 3 * DAY)[:, None]
        up = (told > _MOST) & (lately > _RISE) & (half_day > _STILL * lately) & old
        down = (lately < _FALL) & (median(self._off[:, :, end - DAY : end]) < _FALL) & old & ~up
        self._move(np.where(up, lately, 0.0), end - _ACCEPT_UP_H, end)
        self._move(np.where(down, lately, 0.0), end - _ACCEPT_DOWN_H, end)

    def _settle_announced(self, at: int) -> None:
        """What was announced is over: what it has brought is usual from now on."""
        ended = self._quiet[:, at - 1] & ~self._quiet[:, at]
        if not ended.any():
            return
        by = np.nan_to_num(median(self._off_quiet[:, :, at - DAY : at]))
        self._move(np.where(ended[:, None] & (np.abs(by) > _RISE), by, 0.0), at, at)

    def _move(self, by: Array, since: int, until: int) -> None:
        """Hours before ``since`` count as so much higher; what was told in them since then is the usual, and short and long windows start anew."""
        moved = by != 0.0
        if not moved.any():
            return
        self._moved[:, :, :since] += by[..., None]
        for marks in (self._told, self._sudden):
            marks[:, :, since:until] &= ~moved[..., None]
        self._off[:, :, since:until] -= by[..., None]
        self._off[:, :, :since][moved] = np.nan


def _main_signal(means: Array, within: Array, over: Mask) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(series, 24) the signal that is furthest over its limits; a ratio, if one is over, since that is why cost or volume are."""
    finite = np.where(np.isfinite(within), within, 1.0)
    score = np.where(over, means / finite[..., None], 0.0).max(2)
    ratio = 2 + score[:, _RATIOS].argmax(1)
    return np.where(score[:, _RATIOS].any(1), ratio, score[:, :2].argmax(1))
