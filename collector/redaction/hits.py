"""What a scan calls at each match: keeps where it ended and of which trigger, in one number. Compiled where that is at hand (``hits.c``)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Protocol

import numpy as np

from collector.redaction.compiled import LIBRARY, load

HIT_BITS = 12  # a hit is ``end << HIT_BITS | number``: a fifth of what a pair costs where there are many
HIT_NUMBER = (1 << HIT_BITS) - 1


class Collector(Protocol):
    """Keeps the hits of one scan after another. Belongs to one thread."""

    on_match: Callable[..., object]  # ``(trigger, start, end, flags, context)``: whether it is enough

    def begin(self, checked: int, enough: Callable[[int], int]) -> None:
        """Start anew. ``enough``: asked with how many there are when these are more than ``checked``; gives at how many more it is to be asked
        again, or 0 if it is enough."""
        ...

    def hits(self) -> list[int]:
        """Those since it began."""
        ...


def best_collector(most: int) -> Collector:
    """The compiled one, for as many as ``most`` and one, or that in Python."""
    return PlainCollector() if load() is None else CompiledCollector(most)


class PlainCollector:
    """See ``Collector``."""

    def __init__(self) -> None:
        self._hits: list[int] = []
        self.on_match: Callable[..., object] = bool

    def begin(self, checked: int, enough: Callable[[int], int]) -> None:
        """See ``Collector``."""
        hits: list[int] = []
        append = hits.append

        def on_match(trigger: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            nonlocal checked
            append(end << HIT_BITS | trigger)
            if len(hits) <= checked:
                return False
            more = enough(len(hits))
            checked = len(hits) + more
            return not more

        self._hits, self.on_match = hits, on_match

    def hits(self) -> list[int]:
        """See ``Collector``."""
        return self._hits


class _Collected(ctypes.Structure):
    """See ``hits.c``."""

    _fields_ = (
        ("hits", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("count", "checked")),
        *((name, ctypes.py_object) for name in ("stop", "nothing")),
    )


class CompiledCollector:
    """See ``Collector``."""

    def __init__(self, most: int) -> None:
        function = ctypes.PyDLL(str(LIBRARY)).spanledger_on_match  # keeps the interpreter's lock
        function.argtypes, function.restype = [ctypes.c_void_p], ctypes.py_object
        self._hits = np.empty(most + 1, np.int64)
        self._enough: Callable[[int], int] = int
        self._state = _Collected(self._hits.ctypes.data, 0, 0, self._stop, None)
        self.on_match: Callable[..., object] = function(ctypes.addressof(self._state))

    def begin(self, checked: int, enough: Callable[[int], int]) -> None:
        """See ``Collector``."""
        self._enough = enough
        self._state.count, self._state.checked = 0, checked

    def _stop(self) -> bool:
        found = self._state.count
        more = self._enough(found)
        self._state.checked = found + more
        return not more

    def hits(self) -> list[int]:
        """See ``Collector``."""
        return self._hits[: self._state.count].tolist()
