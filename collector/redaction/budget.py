"""What a text may cost: CPU time, more of it for values found, and the exception that ends a text over its budget."""

from __future__ import annotations

import time

BUDGET_S = 0.008  # CPU time for a text, besides its size at RATE and what it finds; both looks, before and after replacement, share it
FIND_S = 60e-6  # CPU time for every value found: a list of customers takes longer than prose, noise that looks like one does not
RATE = 9_000_000  # bytes per second that any input reaches or is dropped; ordinary text is many times as fast
LOOK_S = 0.18  # at most for the first look at one text: replacement and the second look take the rest up to a quarter of a second


class Dropped(Exception):
    """This batch (or text) cannot be redacted within bounds; ``args[0]`` is the reason."""


class Budget:
    """CPU seconds that may be spent: some at once, more for every value found, up to a most. Reads the wall clock, which costs
    nothing, before the thread's own clock, a system call; a busy machine costs no text.
    """

    __slots__ = ("_cpu_from", "_found", "_granted", "_most", "_seconds", "_wall_until")

    def __init__(self, seconds: float, most: float) -> None:
        self._seconds, self._most = seconds, most
        self._wall_until = time.perf_counter() + seconds
        self._cpu_from = time.thread_time()
        self._found = self._granted = 0

    def grant(self, values: int) -> None:
        """So many values are about to be looked at where a heading says what they are."""
        self._granted += values

    def over(self, found: int = 0) -> bool:
        """Is it spent, where so many values have been found so far?"""
        if found > self._found:
            self._found = found
        if time.perf_counter() < self._wall_until:
            return False
        return time.thread_time() - self._cpu_from > min(self._seconds + (self._found + self._granted / 4) * FIND_S, self._most)
