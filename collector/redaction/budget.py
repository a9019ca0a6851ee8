"""What a text may cost: CPU time, more of it for values found, and the exception that ends a text over its budget."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

BUDGET_S = 0.008  # CPU time for a text, besides its size at RATE and what it finds; both looks, before and after replacement, share it
FIND_S = 60e-6  # CPU time for every value found: a list of customers takes longer than prose, noise that looks like one does not
RATE = 9_000_000  # bytes per second that any input reaches or is dropped; ordinary text is many times as fast
LOOKS, LAYOUTS = 128, 32  # closer looks at numbers, and layouts of these, that texts may have together, besides what each has by its size
_PATIENCE = 2  # times the time of a text of their size that several may take: to look at each by itself takes longer
_BYTES_A_LOOK = 128  # of several texts that have a closer look more together: those with few numbers leave theirs to those with many
_START_S = 0.001  # for what a look costs however short the text
_REPEATED = 1 / 30  # of that for one that has been found before
_GROWN = 1.25  # times as many values found before it is asked again how many differ
LOOK_S = 0.18  # at most for the first look at one text
REST_S = 0.06  # at most for replacement and the second look, if the first took all of its time: in all a quarter of a second, overrun included


class Dropped(Exception):
    """This batch (or text) cannot be redacted within bounds; ``args[0]`` is the reason."""


class Budget:
    """CPU seconds that may be spent: some at once, more for every value found, up to a most. Reads the wall clock, which costs
    nothing, before the thread's own clock, a system call; a busy machine costs no text.
    """

    __slots__ = (
        *("_collections", "_cpu_from", "_found", "_granted", "_kept", "_most", "_prolonged", "_sampled", "_seconds", "_variety", "_wall_until"),
        *("_rough", "layouts", "looks", "once_more"),
    )

    def __init__(self, seconds: float, most: float, looks: float | None = None, rough: float = 0.0) -> None:
        self._seconds, self._most = seconds, most
        self.looks, self.layouts = LOOKS if looks is None else looks, LAYOUTS
        self.once_more = False  # is it the third look, or a later one? Then there are no closer looks but a few
        self._wall_until = time.perf_counter() + seconds
        self._cpu_from = time.thread_time()
        self._collections = _collections()
        self._found = self._granted = self._sampled = 0
        self._kept = 0.0
        self._variety = 1.0
        self._prolonged = False
        self._rough = rough  # seconds there are to take all numbers of a text without a look at each

    def roughly(self) -> bool:
        """It is spent: may all numbers be taken instead? There is time for that once, and for a single text."""
        if not self._rough or self.late():
            return False
        self._seconds += self._rough
        self._wall_until += self._rough
        self._rough = 0.0
        return True

    def grant(self, values: int) -> None:
        """So many values are about to be looked at where a heading says what they are."""
        self._granted += values

    def keep(self, values: int) -> None:
        """So many values have been found in what has been looked at; from now on others are counted."""
        self._kept += values * self._variety
        self._found = self._sampled = 0
        self._variety = 1.0

    def prolong(self) -> None:
        """The first look is over: the time for what comes after it counts too, once."""
        if not self._prolonged:
            self._prolonged = True
            self._most += REST_S

    @property
    def first(self) -> bool:
        """Is it the first look that it is for?"""
        return not self._prolonged

    def late(self) -> bool:
        """Is the most that may be spent spent, whatever has been found? For steps that cannot tell yet what they find."""
        return time.perf_counter() >= self._wall_until and time.thread_time() - self._cpu_from > self._most

    def spent(self) -> tuple[float, float]:
        """CPU seconds since it was given: those that nothing found has earned, and all."""
        seconds = time.thread_time() - self._cpu_from
        return max(0.0, seconds - self._earned()), seconds

    def take(self, seconds: float, most: float) -> None:
        """So much of it has been spent before."""
        self._seconds -= seconds
        self._most -= most
        self._wall_until -= max(seconds, most)

    def share(self, part: float) -> Budget:
        """A budget for a part of the text, that begins now."""
        return Budget(self._seconds * part + _START_S, self._most * part + _START_S, self.looks * part)

    def disturbed(self) -> bool:
        """Has the interpreter gone through all of its objects meanwhile? That takes longer than a text does, and is not the text's fault."""
        return _collections() != self._collections

    def check(self) -> None:
        """Raises ``Dropped`` if it is late."""
        if self.late():
            raise Dropped("time")

    def over(self, found: int = 0, variety: Callable[[], float] | None = None) -> bool:
        """Is it spent, where so many values have been found so far? ``variety``: how many of these differ, as a share."""
        if found > self._found:
            self._found = found
        if time.perf_counter() < self._wall_until:
            return False
        if variety is not None and found > self._sampled * _GROWN:
            self._sampled, self._variety = found, max(variety(), _REPEATED)
        return time.thread_time() - self._cpu_from > min(self._seconds + self._earned(), self._most)

    def _earned(self) -> float:
        return (self._kept + self._found * self._variety + self._granted / 4) * FIND_S


def given(size: int, several: bool, patience: float) -> Budget:
    """A budget that begins now, for a text of so many bytes, or several of so many together. ``patience``: times the usual."""
    seconds = (BUDGET_S + size / RATE) * patience
    if several:
        return Budget(_PATIENCE * seconds, _PATIENCE * seconds + LOOK_S, LOOKS + size / _BYTES_A_LOOK)
    return Budget(min(seconds, LOOK_S), LOOK_S, rough=(BUDGET_S / 2 + size / RATE) * patience)


def _collections() -> int:
    """How often garbage of the oldest generation has been collected."""
    return gc.get_stats()[-1]["collections"]
