"""The runs of digits of a text as columns: first byte, length, the mark behind each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from collector.redaction.matching import Span

Array = np.ndarray[Any, Any]

_FORMS = 6  # runs that the longest form has


def table(members: bytes | str) -> Array:
    """Which bytes are among these."""
    found = np.zeros(256, np.bool_)
    found[list(members.encode() if isinstance(members, str) else members)] = True
    return found


MARKS = table(b"\0 \t\r\n,;|\"'<>")  # what stands around a value that stands by itself
DIGITS = table(b"0123456789")
CAPITALS = table(bytes(range(65, 91)))
EXTENDS = table(b"#xXeEpPdD")  # what begins an extension
_ENDS = table(b"\0 \r\n")  # behind a full stop
_GOES_ON = table(b"0123456789#xXeE")  # behind a value, or behind a blank: more digits, an extension


@dataclass(slots=True)
class Runs:
    """The runs of digits of a text, in columns with some empty rows behind; ``raw`` begins and ends with a NUL byte."""

    raw: Array
    first: Array
    past: Array
    size: Array
    mark: Array  # what stands between a run and the next, if it is one byte
    apart: Array  # does the run stand behind a mark, not joined to digits before?
    sizes: bytes  # as one byte each

    def holds(self, *sizes: int) -> bool:
        """Do runs of these sizes follow each other anywhere?"""
        return bytes(sizes) in self.sizes

    def at(self, places: Array) -> Array:
        """Bytes of the text."""
        return self.raw[np.minimum(places, len(self.raw) - 1)]

    def form(self, *sizes: int, marks: bytes) -> Array:
        """Where runs of these sizes follow each other with the same one of ``marks`` between them."""
        n = len(self.size) - _FORMS
        fits = np.logical_and.reduce([self.size[k : n + k] == size for k, size in enumerate(sizes)])
        if len(sizes) > 1:
            mark = self.mark[:n]
            fits &= np.logical_or.reduce([mark == m for m in marks])
            for k in range(1, len(sizes) - 1):
                fits &= self.mark[k : n + k] == mark
        return np.flatnonzero(fits)

    def alone_behind(self, past: Array) -> Array:
        """Does what ends there stand before a mark, and no digits or extension go on behind it?"""
        a, z = self.at(past), self.at(past + 1)
        ended = MARKS[a] | ((a == 46) & _ENDS[z])
        return ended & ~_GOES_ON[np.where(a == 32, z, a)]


def runs_of(raw: Array) -> Runs:
    """The runs of a text between two NUL bytes."""
    digit = np.subtract(raw, 48) < 10
    edges = np.flatnonzero(digit[1:] != digit[:-1]) + 1
    first, past = edges[::2], edges[1::2]
    size = past - first
    mark = np.zeros(len(first), np.uint8)
    close = first[1:] - past[:-1] == 1
    mark[:-1][close] = raw[past[:-1][close]]
    one, two, three = raw[first - 1], raw[first - 2], raw[first - 3]  # before the text: its last bytes, which do no harm
    blank, other = (one == 32) | (one == 9), (two == 32) | (two == 9)
    joined = ((one == 32) & (digit[first - 2] | (two == 41))) | (blank & (two == 41)) | (blank & other & (three == 41))
    empty = np.zeros(_FORMS, np.int64)
    return Runs(
        raw,
        np.concatenate([first, empty]),
        np.concatenate([past, empty]),
        np.concatenate([size, empty]),
        np.concatenate([mark, empty.astype(np.uint8)]),
        MARKS[one] & ~joined,
        np.minimum(size, 255).astype(np.uint8).tobytes(),
    )


def append(out: list[Span], lo: int, start: Array, end: Array, name: str) -> None:
    """Places in ``raw``, which begins one byte before the text, as spans."""
    out.extend(zip((start + lo - 1).tolist(), (end + lo - 1).tolist(), repeat(name)))
