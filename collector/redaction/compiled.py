"""What is compiled (``SOURCES``), where the installation has it: a library that is called through ctypes.

It is built with the package (``hatch_build.py``) and taken only if it was made of the sources that lie beside it.
"""

from __future__ import annotations

import ctypes
import hashlib
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from collector.redaction.gates import BlockGates, Gates, Regions

NAMES = ("digits", "said", "runs", "ats", "colons", "wide", "streets")  # in the order of ``gates.c``
SOURCES = tuple(
    Path(__file__).with_name(name)
    for name in ("gates.c", "joined.c", "borders.c", "clusters.c", "check_digits.c", "check_digits.h", "hits.c", "rough_numbers.c")
)
LIBRARY = Path(__file__).with_name("_compiled.so")
_LEAST, _KEPT = 1 << 16, 1 << 22  # bytes of a buffer that there is room for from the start, and for good


@cache
def load() -> Any | None:
    """The library, or None where it was not built, or of other sources."""
    try:
        library = ctypes.CDLL(str(LIBRARY))
        made_of = ctypes.c_char_p.in_dll(library, "spanledger_source").value
    except (OSError, ValueError):
        return None
    return library if made_of == digest().encode() else None


def digest() -> str:
    """What names the sources of the library."""
    return hashlib.sha256(b"".join(source.read_bytes() for source in SOURCES)).hexdigest()


def best_gates() -> Gates:
    """The compiled gates, or those in numpy."""
    library = load()
    return BlockGates() if library is None else CompiledGates(library)


def best_join() -> Callable[[Sequence[str]], tuple[bytes, list[int], list[int], bool]] | None:
    """What puts texts between NUL bytes: gives the buffer, where each begins and ends, and whether one holds a NUL byte itself. None where there
    is none. It raises ``UnicodeEncodeError`` for lone surrogates."""
    if load() is None:
        return None
    function = ctypes.PyDLL(str(LIBRARY)).spanledger_join  # keeps the interpreter's lock
    function.argtypes, function.restype = [ctypes.py_object, ctypes.c_void_p], ctypes.py_object

    def joined(texts: Sequence[str]) -> tuple[bytes, list[int], list[int], bool]:
        n = len(texts)
        places = array("q", bytes(16 * n + 8))
        raw = function(texts if type(texts) is list else list(texts), places.buffer_info()[0])
        told = places.tolist()
        return raw, told[:n], told[n:-1], bool(told[-1])

    return joined


def best_borders() -> Callable[[bytes, Sequence[int], Sequence[int], Sequence[int]], list[int]] | None:
    """What tells of texts with one trigger for a next message, by where they begin and end and where it ends, whether nothing goes on behind that
    border: 1, or 0 where it is to be looked at. None if there is none."""
    library = load()
    if library is None:
        return None
    function = library.spanledger_borders
    address = ctypes.c_void_p
    function.argtypes, function.restype = [ctypes.c_char_p, address, address, address, ctypes.c_int64, address], None

    def quiet(b: bytes, starts: Sequence[int], ends: Sequence[int], places: Sequence[int]) -> list[int]:
        told = array("B", bytes(len(places)))
        given = [array("q", some) for some in (starts, ends, places)]
        function(b, *[some.buffer_info()[0] for some in given], len(places), told.buffer_info()[0])
        return told.tolist()

    return quiet


class CompiledGates:
    """See ``gates.Gates``. Regions are good until the next are asked for."""

    names: frozenset[str] = frozenset(NAMES)

    def __init__(self, library: Any, *, plain: bool = False) -> None:
        address, number = ctypes.c_void_p, ctypes.c_int64
        self._function, self._plain = library.spanledger_gates, plain
        self._function.argtypes = [ctypes.c_char_p, number, address, address, number, address, address, address, ctypes.c_int]
        self._function.restype = None
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
