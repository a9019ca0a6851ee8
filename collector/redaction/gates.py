"""Where in a batch is each scan worth its cost? Cheap byte counts rule out most of it before any pattern runs.

A *gate* names what every value of a scan's rules must hold: enough digits close together, an unbroken run of token characters,
an ``@``. What may matter is let through with its surroundings: more than the triggers need, never less, so that it makes no
difference to the result which other texts a text was batched with. ``gates.c`` does the same by the byte (``compiled.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

Mask = np.ndarray[Any, np.dtype[np.bool_]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Eights = np.ndarray[Any, np.dtype[np.uint64]]
Places = np.ndarray[Any, np.dtype[np.int64]]

SMALL = 40_000  # bytes of a buffer that is scanned as it is: gates would cost more than they save
_GAP = 10  # blocks between two regions that are not worth a cut
_MOST = 0.75  # share of a buffer from which on its gate is held to be open
_CHUNK = 1 << 18  # bytes looked at at once: they stay in the processor's cache
_BLOCK = 8
_OVERLAP = 64  # bytes of the next chunk seen along: more than any window or run
_DIGITS_NEAR = 6  # digits in five neighbouring blocks: of a number, a card, an account; a trigger of digits is at most 26 bytes long
_DIGITS_SAID = 4  # of what a word says: a date of birth, a document
_FEW = 4  # digits in two neighbouring blocks, with the dots of an address or the capitals of an identifier about them
_TELLING = 2  # digits and capitals in three blocks of a random token
_SPARSE = 200  # times an ``@`` is looked for by itself
_DIGIT = re.compile(rb"[0-9]")
_ALL_YES = np.uint64(0x0101010101010101)
_TOKEN = bytes(c < 128 and (chr(c).isalnum() or chr(c) in "+/-_.") for c in range(256))
_CAPITALS, _DIGITS, _DOT = (65, 26), (48, 10), (46, 1)  # the first of a range of bytes, and how many

#: Blocks let through to the left and to the right of one that matters; a window of digits begins at its block.
_PADS = {"digits": (1, 6), "said": (11, 6), "runs": (5, 6), "ats": (104, 2)}
_ROWS = (*_PADS, "few")


class Regions:
    """Parts of a buffer, in order and apart from each other; ``text``: what ``cut`` gives, if that is known."""

    __slots__ = ("_ends", "_shifts", "_starts", "_text")

    def __init__(self, starts: Places, ends: Places, text: Bytes | None = None) -> None:
        self._starts, self._ends, self._text = starts, ends, text
        self._shifts: tuple[Places, Places] | None = None

    def __len__(self) -> int:
        return len(self._starts)

    def kept(self) -> Regions:
        """The same, good for longer than the memory that they are in."""
        return Regions(self._starts.copy(), self._ends.copy())

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts.tolist(), self._ends.tolist(), strict=True)

    def cut(self, buffer: bytes) -> bytes | Bytes:
        """The regions, each between NUL bytes."""
        return b"\0".join([b"", *(buffer[a:z] for a, z in self), b""]) if self._text is None else self._text

    def moves(self, ends: Places) -> Places:
        """How far on the buffer holds what ends at these offsets of the cut."""
        if self._shifts is None:
            past = (self._ends - self._starts + 1).cumsum()
            self._shifts = past, self._ends - past
        past, shifts = self._shifts
        return shifts[past.searchsorted(ends - 1)]


_NOTHING = Regions(np.empty(0, np.int64), np.empty(0, np.int64))


class Gates(Protocol):
    """The regions of one buffer after another. Works in scratch memory of its own: belongs to one thread."""

    names: frozenset[str]  # gates that it knows; what asks for another is scanned everywhere

    def regions(self, buffer: bytes) -> dict[str, Regions | None]:
        """Per gate the regions to scan, or None for the whole buffer (the gate ``all``, a small buffer, an open gate)."""
        ...


class BlockGates:
    """See ``Gates``: in numpy, where there are no compiled ones."""

    names: frozenset[str] = frozenset(_PADS)

    def __init__(self) -> None:
        size = _CHUNK + 2 * _OVERLAP
        self._bytes, self._last = np.empty(size, np.uint8), np.empty(size, np.uint8)
        self._yes = np.empty(size, np.bool_)
        self._blocks = np.empty((len(_ROWS), 1), np.bool_)

    def regions(self, buffer: bytes) -> dict[str, Regions | None]:
        """See ``Gates``."""
        if len(buffer) < SMALL:
            return _small(buffer)
        n = -(-len(buffer) // _BLOCK)
        if self._blocks.shape[1] < n + _OVERLAP:
            self._blocks = np.empty((len(_ROWS), n + n // 2 + _OVERLAP), np.bool_)
        self._blocks[:, : n + _OVERLAP] = False
        blocks = dict(zip(_ROWS, self._blocks, strict=True))
        whole = np.frombuffer(buffer, np.uint8)
        for start in range(0, len(buffer), _CHUNK):
            raw = whole[start : start + _CHUNK + _OVERLAP]
            if len(raw) < _CHUNK + _OVERLAP:  # the last one
                end = -(-len(raw) // _BLOCK) * _BLOCK + _OVERLAP
                self._last[: len(raw)] = raw
                self._last[len(raw) : end] = 0
                raw = self._last[:end]
            self._chunk(raw, {name: marks[start // _BLOCK :] for name, marks in blocks.items()})
        self._ats(buffer, whole, blocks["ats"])
        eights = np.frombuffer(buffer, np.uint64, len(buffer) // _BLOCK)
        self._few(eights, blocks["few"][:n], blocks["digits"])
        runs = _telling(eights, np.flatnonzero(blocks["runs"][:n]))
        found: dict[str, Regions | None] = {"all": None}
        for name, (left, right) in _PADS.items():
            found[name] = _regions(runs if name == "runs" else np.flatnonzero(blocks[name][:n]), left, right, len(buffer))
        return found

    def _chunk(self, raw: Bytes, blocks: dict[str, Mask]) -> None:
        """Set the blocks of a chunk that matter. ``raw``: a multiple of eight bytes."""
        yes = self._yes[: len(raw)]
        self._digits(raw, yes, blocks["digits"], blocks["said"], blocks["few"])
        dark = np.greater(raw, 42, out=yes).view(np.uint64) == _ALL_YES  # no blank, no quote
        dark[:-1] &= dark[1:]
        blocks["runs"][: len(dark) - 2] |= dark[:-2] & dark[1:-1]

    def _ats(self, buffer: bytes, whole: Bytes, into: Mask) -> None:
        """Set the blocks that hold an ``@``."""
        at, left = buffer.find(b"@"), _SPARSE
        while at >= 0 and left:
            into[at // _BLOCK] = True
            at, left = buffer.find(b"@", at + 1), left - 1
        if at >= 0:
            into[np.flatnonzero(whole == 64) // _BLOCK] = True

    def _digits(self, raw: Bytes, yes: Mask, into: Mask, said: Mask, few: Mask) -> None:
        """The first of every five blocks that hold enough digits, and of every two that may."""
        np.less(np.subtract(raw, 48, out=self._bytes[: len(raw)]), 10, out=yes)
        near = np.bitwise_count(yes.view(np.uint64))
        two = near[:-1] + near[1:]
        five = two[:-3] + two[2:-1]
        five += near[4:]
        said[: len(five)] |= five >= _DIGITS_SAID
        into[: len(five)] |= five >= _DIGITS_NEAR
        few[: len(five)] |= two[: len(five)] >= _FEW

    def _few(self, eights: Eights, few: Mask, into: Mask) -> None:
        """What has few digits: addresses with their dots, identifiers with their capitals. And what stands last."""
        at = np.flatnonzero(few > into[: len(few)])
        into[at[(_count(eights, at, 2, _DOT) > 2) | (_count(eights, np.maximum(at - 1, 0), 4, _CAPITALS) > 5)]] = True
        into[len(few) - 1] = True


def _telling(eights: Eights, at: Places) -> Places:
    """Of three blocks in a row those that are token characters only: any run of 31 holds three. Words and paths are left out:
    what is random has digits or capitals."""
    at = at[_count(eights, at, 3, _CAPITALS) + _count(eights, at, 3, _DIGITS) >= _TELLING]
    for k in range(3):
        at = at[_all_token(eights[at + k])]
    return at


def _count(eights: Eights, at: Places, n: int, which: tuple[int, int]) -> Bytes:
    """How many bytes of a kind there are in each of these blocks and those behind it, ``n`` in all."""
    some = np.concatenate([eights.take(at + k, mode="clip") for k in range(n)]).view(np.uint8)
    hits = np.bitwise_count(np.less(np.subtract(some, which[0]), which[1]).view(np.uint64)).reshape(n, -1)
    return hits.sum(0, dtype=np.uint8)


def _all_token(eights: Eights) -> Mask:
    """Which of these blocks are nothing but token characters?"""
    return np.frombuffer(eights.tobytes().translate(_TOKEN), np.uint64) == _ALL_YES


def _small(buffer: bytes) -> dict[str, Regions | None]:
    """The gates of a small buffer: shut only where not a single byte of what they want is there."""
    found: dict[str, Regions | None] = dict.fromkeys(("all", *_PADS))
    if b"@" not in buffer:
        found["ats"] = _NOTHING
    if _DIGIT.search(buffer) is None:
        found["digits"] = found["said"] = _NOTHING
    return found


def _regions(at: Places, left: int, right: int, size: int) -> Regions | None:
    """Byte ranges of these blocks, each with blocks to its left and right; None if that is most of the buffer."""
    if not len(at):
        return Regions(at, at)
    apart = np.flatnonzero(at[1:] - at[:-1] > left + right + 1 + _GAP)
    starts = np.maximum(at[np.append(0, apart + 1)] - left, 0) * _BLOCK
    ends = np.minimum((at[np.append(apart, len(at) - 1)] + right + 1) * _BLOCK, size)
    return None if int((ends - starts).sum()) > _MOST * size else Regions(starts, ends)
