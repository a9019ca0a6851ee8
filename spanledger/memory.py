"""Memory that a process holds without using it."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

EVERY_S = 30.0


@cache
def _trim() -> Any:
    """The C library's call for it; None where there is none (musl, macOS, Windows)."""
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None)
    except (OSError, TypeError):
        return None


def give_back() -> None:
    """Hand pages that are free within this process's heaps back to the system: after a burst they would stay for good. A few milliseconds."""
    trim = _trim()
    if trim is not None:
        trim(0)
