"""The compiled gates (``gates.c``), where the installation has them: a library without Python in it, called through ctypes.

It is built with the package (``hatch_build.py``) and taken only if it was made of the source that lies beside it.
"""

from __future__ import annotations

import ctypes
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from collector.redaction.gates import BlockGates, Gates, Regions

NAMES = ("digits", "said", "runs", "ats", "colons", "wide", "streets")  # in the order of ``gates.c``
LIBRARY = Path(__file__).with_name("_gates.so")
_SOURCE = Path(__file__).with_name("gates.c")
_LEAST, _KEPT = 1 << 16, 1 << 22  # bytes of a buffer that there is room for from the start, and for good


@cache
def load() -> Any | None:
    """The function ``spanledger_gates``, or None where it was not built, or of another source."""
    try:
        library = ctypes.CDLL(str(LIBRARY))
        made_of = ctypes.c_char_p.in_dll(library, "spanledger_source").value
    except (OSError, ValueError):
        return None
    if made_of != digest().encode():
        return None
    function = library.spanledger_gates
    address, number = ctypes.c_void_p, ctypes.c_int64
    function.argtypes = [ctypes.c_char_p, number, address, address, number, address, address, address, ctypes.c_int]
    function.restype = None
    return function


def digest() -> str:
    """What names the source of the library."""
    return hashlib.sha256(_SOURCE.read_bytes()).hexdigest()


def best_gates() -> Gates:
    """The compiled gates, or those in numpy."""
    function = load()
    return BlockGates() if function is None else CompiledGates(function)


class CompiledGates:
    """See ``gates.Gates``. Regions are good until the next are asked for."""

    names: frozenset[str] = frozenset(NAMES)

    def __init__(self, function: Any, *, plain: bool = False) -> None:
        self._function, self._plain = function, plain
        self._most = -1
        self._counts, self._sizes = np.zeros(len(NAMES), np.int64), np.zeros(len(NAMES), np.int64)

    def _make_room(self, size: int) -> None:
        self._most = most = max(_LEAST, size + size // 4)
        self._starts = np.empty((len(NAMES), most // 24 + 2), np.int64)
        self._ends = np.empty_like(self._starts)
        self._cuts = np.empty(len(NAMES) * most, np.uint8)
        starts, ends, counts, cuts, sizes = (some.ctypes.data for some in (self._starts, self._ends, self._counts, self._cuts, self._sizes))
        self._places = (starts, ends, self._starts.shape[1], counts, cuts, sizes, self._plain)

    def regions(self, buffer: bytes) -> dict[str, Regions | None]:
        """See ``gates.Gates``."""
        size = len(buffer)
        if not size <= self._most <= max(_KEPT, 2 * size):
            self._make_room(size)
        self._function(buffer, size, *self._places)
        found: dict[str, Regions | None] = {"all": None}
        for g, (name, count, held) in enumerate(zip(NAMES, self._counts.tolist(), self._sizes.tolist(), strict=True)):
            found[name] = None if count < 0 else Regions(self._starts[g, :count], self._ends[g, :count], self._cuts[g * size : g * size + held])
        return found
