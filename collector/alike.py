"""Many OTLP spans read in step: where fields and attributes lie in spans that have the same ones in the same order.

A protobuf field lies behind the one before it, so that a single span can only be walked. Of hundreds of spans from one instrumentation all
take the same steps: each step is a few numpy operations over all of them. What differs from its neighbours parts into groups of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

ATTRIBUTE = 0x4A  # tag of an attribute in a span: field 9, with a length
_MAX_FIELDS = 160
_ROOM = bytes(256)  # behind the last span: what is read before its length is checked
_MAX_PARTED = 32  # times that a group parts: beyond, what differs is not read in step
_NUMBER, _SIZED, _FIXED, _MOST = 0, 2, {1: 8, 5: 4}, 1 << 40  # wire types, and how long those of fixed size are

Positions = npt.NDArray[np.int64]
Which = npt.NDArray[np.bool_]


class Alike:
    """Spans with the same fields and attribute names in the same order.

    Attributes:
        data: all spans that were looked at, one behind the other; ``array``: the same as numbers; ``told``: as characters, one a byte;
            ``words``: the eight bytes from each one on as a number.
        rows: which of them these are.
        tags: of their fields, in order; the first byte of the tag.
        openings: per field, what its attribute begins with up to its value; b"" for other fields.
        starts: per field, where its tag begins in each span; one more for the end.
        values: per field, where its payload begins (of an attribute, its value).
    """

    __slots__ = ("array", "data", "openings", "rows", "starts", "tags", "told", "values", "words")

    def __init__(self, data: bytes, told: str, rows: Positions, starts: list[Positions]) -> None:
        self.data, self.told, self.rows, self.starts = data, told, rows, starts
        self.array = np.frombuffer(data, np.uint8)
        self.words: npt.NDArray[np.uint64] = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))
        self.tags, self.openings, self.values = list[int](), list[bytes](), list[Positions]()

    def pick(self, which: Which) -> Alike:
        """Some of these spans."""
        some = Alike(self.data, self.told, self.rows[which], [at[which] for at in self.starts])
        some.tags, some.openings, some.values = self.tags[:], self.openings[:], [at[which] for at in self.values]
        return some

    @property
    def names(self) -> tuple[str, ...]:
        """Of the attributes, in order."""
        return tuple(opening[2:-1].decode("utf8", "replace") for opening in self.openings if opening)

    def back(self) -> Alike:
        """Before the last step."""
        del self.tags[-1], self.openings[-1], self.values[-1], self.starts[-1]
        return self

    def bytes_of(self, first: int, last: int) -> list[bytes]:
        """Fields ``first`` to ``last`` of each span as they came."""
        return self.slices(self.starts[first], self.starts[last + 1])

    def slices(self, begin: Positions, end: Positions) -> list[bytes]:
        """What stands from each beginning to its end."""
        data = self.data
        return [data[a:b] for a, b in zip(begin.tolist(), end.tolist(), strict=True)]

    def latin(self, begin: Positions, end: Positions) -> list[str]:
        """The same as text, a character for each byte."""
        told = self.told
        return [told[a:b] for a, b in zip(begin.tolist(), end.tolist(), strict=True)]

    def payloads(self, field: int, rows: Positions) -> list[bytes]:
        """A field of some of the spans, without tag and length."""
        return self.slices(self.values[field][rows], self.starts[field + 1][rows])

    def sizes(self, field: int) -> Positions:
        """Bytes of a field without tag and length."""
        return self.starts[field + 1] - self.values[field]

    def fixed(self, field: int) -> Positions:
        """A field of eight bytes as a number (negative from 2⁶³ on)."""
        return self.words[self.values[field]].view(np.int64)

    def ints(self, field: int) -> Positions:
        """An attribute that is a whole number from 0 below 2²⁸; -1 where it is anything else."""
        size, at = varints(self.array, self.values[field])
        value, end = varints(self.array, at + 1)
        fits = (self.array[at] == 0x18) & (at + size == end) & (end == self.starts[field + 1])
        return np.where(fits, value, -1)

    def texts(self, field: int) -> tuple[Positions, Positions]:
        """An attribute that is a text: where it begins and ends; it begins at -1 where it is anything else."""
        size, at = varints(self.array, self.values[field])
        length, begin = varints(self.array, at + 1)
        end = self.starts[field + 1]
        fits = (self.array[at] == 0x0A) & (at + size == end) & (begin + length == end)
        return np.where(fits, begin, -1), end

    def blank(self, field: int) -> Which:
        """Whether an attribute says nothing: no value, or an empty text."""
        at, array = self.values[field], self.array
        size = self.starts[field + 1] - at
        return (size == 0) | (array[at] == 0) | ((array[at] == 2) & (array[at + 1] == 0x0A) & (array[at + 2] == 0))


def alike(spans: Sequence[bytes], fewest: int) -> Iterator[Alike]:
    """Groups of at least ``fewest`` serialised spans; the others, and what is no span, are in none."""
    data = b"".join(spans) + _ROOM
    ends = np.cumsum(np.fromiter(map(len, spans), np.int64, len(spans)))
    begin = np.append(0, ends[:-1])
    waiting, parted = [Alike(data, data.decode("latin-1"), np.arange(len(spans)), [begin])], 0
    while waiting:
        group = waiting.pop()
        while len(group.rows) >= fewest and len(group.tags) < _MAX_FIELDS:
            left = ends[group.rows] - group.starts[-1]
            if not left.all():
                done = left == 0
                if np.count_nonzero(done) >= fewest:
                    yield group if done.all() else group.pick(done)
                group = group.pick(~done)
                continue
            same, others = _step(group, left)
            if same.all():
                continue
            if parted < _MAX_PARTED and np.count_nonzero(others) >= fewest:
                parted += 1
                waiting.append(group.pick(others).back())
            group = group.pick(same)


def _step(group: Alike, left: Positions) -> tuple[Which, Which]:
    """One field on. Which spans have the same field as the first; which have another. What cannot be read is neither."""
    array, here = group.array, group.starts[-1]
    tag = int(array[here[0]])
    same, at, kind = array[here] == tag, here + 1, tag & 7
    readable = True
    if tag >= 0x80:  # fields from 16 on: the tag has a second byte
        second = int(array[at[0]])
        same &= array[at] == second
        at, readable = at + 1, 0 < second < 0x80
    opening, size = b"", np.zeros(len(here), np.int64)
    if kind == _SIZED:
        size, at = varints(array, at)
        end = at + size
        if tag == ATTRIBUTE:
            opening = _opening(group.data, int(at[0]))
            for place, word, mask in _words_of(opening):
                same &= group.words[at + place] & mask == word
            at, readable = at + len(opening), bool(opening)
    elif kind == _NUMBER:
        size, end = varints(array, at)
    else:
        end = at + _FIXED.get(kind, _MOST)
    whole = (size >= 0) & (end - here <= left) & (at <= end) & readable
    group.tags.append(tag)
    group.openings.append(opening)
    group.values.append(at)
    group.starts.append(end)
    return same & whole, ~same


def _words_of(opening: bytes) -> Iterator[tuple[int, np.uint64, np.uint64]]:
    """Eight bytes at a time: where, what stands there, and which of them count."""
    for place in range(0, len(opening), 8):
        word = opening[place : place + 8]
        yield place, np.uint64(int.from_bytes(word, "little")), np.uint64((1 << 8 * len(word)) - 1)


def _opening(data: bytes, at: int) -> bytes:
    """What an attribute begins with, up to its value; b"" where it is laid out in another way."""
    size = data[at + 1]
    return data[at : at + 3 + size] if data[at] == 0x0A and size < 0x80 and data[at + 2 + size] == 0x12 else b""


def varints(array: npt.NDArray[np.uint8], at: Positions) -> tuple[Positions, Positions]:
    """Numbers of up to four bytes (-1: longer), and where each ends."""
    value = array[at].astype(np.int64)
    end = at + 1
    for shift in (7, 14, 21):
        more = value >> (shift - 7) >= 0x80
        if not more.any():
            return value, end
        byte = array[np.minimum(end, len(array) - 1)].astype(np.int64)
        value = np.where(more, (value & ((1 << shift) - 1)) | byte << shift, value)
        end = end + more
    return np.where(value >> 21 >= 0x80, -1, value), end
