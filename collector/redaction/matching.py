"""What every matcher shares: the handler type, spans, words near a candidate, run-away protection."""

from __future__ import annotations

import re
from collections.abc import Callable

Span = tuple[int, int, str]  # first byte, one past the last byte, class
Handler = Callable[[bytes, int, int, int, list[Span]], int]
"""``(buffer, trigger end, text start, text end, spans) -> offset``: appends spans found around a trigger's end and
returns up to where further triggers of the same handler have nothing new to say."""

TOKEN_RUN = re.compile(rb"[A-Za-z0-9_.=+/\-]*+")
_ATTEMPTS = 12  # failed looks within one unbroken run of token characters before the whole run is taken for a secret


def words(alternatives: str) -> re.Pattern[bytes]:
    """A search for any of the given words (an alternation), ignoring case, not inside a longer word of letters."""
    return re.compile(rb"(?i)(?<![A-Za-z])(?:" + alternatives.encode() + rb")(?![a-z])")


def near(pattern: re.Pattern[bytes], b: bytes, start: int, end: int, lo: int, hi: int, before: int = 48, after: int = 16) -> bool:
    """Does one of the words stand shortly before, or right after, ``[start, end)``?"""
    if pattern.search(b, max(lo, start - before), start):
        return True
    return after > 0 and pattern.search(b, end, min(hi, end + after)) is not None


class Runaway:
    """Bounds the work on an unbroken run of token characters full of failing candidates (``sk-sk-sk-…``)."""

    __slots__ = ("_end", "_failures", "_start", "class_name")

    def __init__(self, class_name: str) -> None:
        self.class_name = class_name
        self._start = self._end = self._failures = 0

    def failed(self, b: bytes, start: int, hi: int, out: list[Span]) -> int:
        """Note a failed candidate at ``start``; the offset up to which the handler may skip."""
        if not self._start <= start < self._end:
            self._start, self._end, self._failures = start, TOKEN_RUN.match(b, start, hi).end(), 1  # type: ignore[union-attr]
            return start
        self._failures += 1
        if self._failures < _ATTEMPTS:
            return start
        out.append((self._start, self._end, self.class_name))
        return self._end

    def reset(self) -> None:
        """Forget the run: offsets of the next buffer mean something else."""
        self._start = self._end = self._failures = 0
