"""Tables of HTML, and lists of terms: what stands under or beside a heading is read as ``heading: value``."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate, compress, repeat
from operator import itemgetter
from typing import Any

import numpy as np

from collector.redaction.budget import Dropped
from collector.redaction.matching import Span
from collector.redaction.placeholders import PLACEHOLDER
from collector.redaction.secrets import name_strength
from collector.redaction.wrapped import Unwrapped

_MOST = 60_000  # tags, and rows that are plain, of a table that is read
_REACH, _LONGEST_CELL = 4_096, 512
_TAG = re.compile(  # a whole cell without tags in it, or one tag
    rb"(?i)<(th|td|dt|dd)(?:\s[^<>]{0,400}+)?>([^<]{0,512}+)<\\?/\1>|<(\\?/)?(tr|th|td|dt|dd|table|dl)\b[^<>]{0,400}+>?"
)
_PLAIN_ROW = re.compile(rb"<tr>\s*+(?:<td>[^<]{0,512}+</td>\s*+){1,64}</tr>")
_MANY_ROWS = 4
_LESS, _GREATER, _SLASH, _D, _R = b"<>/dr"
_MARKED = np.zeros(256, np.bool_)  # first bytes of a cell whose text is not all of it, or a placeholder
_MARKED[list(b"<&\\[")] = True
_BEGIN = (b"<tr", b"<TR", b"<dt", b"<DT")
_AROUND = re.compile(rb"(?:\s|&nbsp;|\\[nrt]|<[^<>]{0,300}+>)*+")
_INSIDE = re.compile(rb"<[^<>]{0,300}+>|\s+|\\[nrt]")
_TELLING = re.compile(
    rb"(?i)pass|kennwort|contrase|senha|wachtwoord|pwd|secret|token|key|credential|pin\b|cvv|cvc|ssn|social|phone|telefon|mobil|\btel|fax|cell|account|konto|iban|"
    rb"birth|geburt|\bdob|national|tax|licen[cs]e|\bid\b|card|insurance|e-?mail|address"
)

Array = np.ndarray[Any, Any]
Cell = tuple[bool, int, int]  # is it a heading by its tag, first byte, one past the last
Value = tuple[bytes, int, int]  # what it is said to be, first byte, one past the last


@dataclass(frozen=True, slots=True)
class Block:
    """Many rows of so many plain cells: ``<tr><td>…</td>…</tr>``, nothing but blanks between them. One row of columns each."""

    first: Array
    past: Array


def unwrap_table(b: bytes, to: int, lo: int, hi: int) -> Unwrapped:
    """What the cells of a table say beside their headings; the trigger ends behind a heading."""
    start = max([b.rfind(tag, max(lo, to - _REACH), to) for tag in _BEGIN])
    if start < 0:
        return to, [], []
    rows, end = _rows(b, start, hi)
    values = _values(b, rows)
    text = b"".join([b"%b: %b\n" % (heading, b[a:z]) for heading, a, z in values])
    return max(to, end), [(text, partial(_back, values))] if values else [], []


def _back(values: Sequence[Value], found: Sequence[Span]) -> list[Span]:
    """Spans of the text made as spans of the buffer: what of them is in values."""
    sizes = [len(heading) + z - a + 3 for heading, a, z in values]
    lines = list(accumulate(sizes, initial=0))
    spans: list[Span] = []
    if len(found) > _MANY_ROWS:
        spans, found = _in_one(values, np.array(lines), found)
    for begin, stop, name in found:
        k = max(0, bisect_right(lines, begin) - 1)
        while k < len(values) and lines[k] < stop:
            heading, a, z = values[k]
            shift = a - lines[k] - len(heading) - 2
            if max(a, begin + shift) < min(z, stop + shift):
                spans.append((max(a, begin + shift), min(z, stop + shift), name))
            k += 1
    return spans


def _in_one(values: Sequence[Value], lines: Array, found: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """Spans within one line each, as spans of the buffer, and the others as they are."""
    headings, firsts, pasts = zip(*values, strict=True)
    begins, stops, names = zip(*found, strict=True)
    begin, stop = np.array(begins), np.array(stops)
    k = np.maximum(np.searchsorted(lines, begin, "right") - 1, 0)
    one = stop <= lines[np.minimum(k + 1, len(lines) - 1)]
    k = np.minimum(k, len(values) - 1)
    a, z = np.array(firsts)[k], np.array(pasts)[k]
    shift = a - lines[k] - np.array(list(map(len, headings)))[k] - 2
    a, z = np.maximum(a, begin + shift), np.minimum(z, stop + shift)
    spans = list(compress(zip(a.tolist(), z.tolist(), names, strict=True), (one & (a < z)).tolist()))
    return spans, list(compress(found, (~one).tolist()))


def _rows(b: bytes, start: int, hi: int) -> tuple[list[list[Cell] | Block], int]:
    """The cells of each row from ``start`` to the table's end, and where that is. Raises ``Dropped`` where there are too many."""
    rows: list[list[Cell] | Block] = []
    row: list[Cell] = []
    opened: tuple[bool, int] | None = None
    end, left = start, _MOST
    tags = _TAG.finditer(b, start, hi)
    while (m := next(tags, None)) is not None:
        end = m.end()
        left -= 1
        if left < 0:
            raise Dropped("candidates")
        if opened:
            row.append((opened[0], opened[1], m.start()))
            opened = None
        name = (m[1] or m[4]).lower()
        if m[3]:
            if name in (b"table", b"dl"):
                break
        elif name in (b"tr", b"dt") and row:
            rows.append(row)
            row = []
        if name == b"tr" and rows and not m[3]:
            many = _block(b, m.start(), hi, left)
            if many:
                block, end = many
                rows.append(block)
                left -= block.first.shape[0]
                tags = _TAG.finditer(b, end, hi)
                continue
        if m[1]:
            row.append((name in (b"th", b"dt"), *m.span(2)))
        elif not m[3] and name not in (b"tr", b"table", b"dl"):
            opened = name in (b"th", b"dt"), m.end()
    if row or not rows:
        rows.append(row)
    return rows, end


def _block(b: bytes, start: int, hi: int, most: int) -> tuple[Block, int] | None:
    """The plain rows that begin at ``start``, where there are many and all have as many cells; and where they end."""
    first_row = _PLAIN_ROW.match(b, start, hi)
    if not first_row:
        return None
    cells = b.count(b"<td>", start, first_row.end())
    end = _plain_rows(cells).match(b, start, hi).end()  # type: ignore[union-attr]
    raw = np.frombuffer(b, np.uint8, end - start, start)
    begins = np.flatnonzero(raw == _LESS)
    kinds = raw[begins + 2]  # of ``<td>``, ``<tr>``, ``</td>``, ``</tr>``
    firsts, lasts = begins[kinds == _D], begins[(raw[begins + 1] == _SLASH) & (raw[begins + 3] == _D)]
    n = min(len(firsts) // cells, most)
    if n < _MANY_ROWS:
        return None
    ends = begins[(raw[begins + 1] == _SLASH) & (raw[begins + 3] == _R)]
    shape = n, cells
    return Block((firsts[: n * cells] + start + 4).reshape(shape), (lasts[: n * cells] + start).reshape(shape)), int(ends[n - 1]) + start + 5


@cache
def _plain_rows(cells: int) -> re.Pattern[bytes]:
    """Rows of so many cells."""
    return re.compile(rb"(?:<tr>\s*+(?:<td>[^<]{0,512}+</td>\s*+){%d}</tr>\s*+)*+" % cells)


def _values(b: bytes, rows: Sequence[list[Cell] | Block]) -> list[Value]:
    """Each value with what it is said to be: by the first row, or by the cell before it."""
    found: list[Value] = []
    heads = rows[0]
    assert isinstance(heads, list)
    columns = [_heading(b, a, z) for _, a, z in heads]
    sure = [bool(said) and head[0] for said, head in zip(columns, heads, strict=True)]  # a heading by its tag
    for n, row in enumerate(rows):
        if isinstance(row, Block):
            if row.first.shape[1] != 2 or (len(sure) > 1 and sure[1]):
                found += _of_block(b, row, columns)
                continue
            for firsts, pasts in zip(row.first.tolist(), row.past.tolist(), strict=True):
                found += _of_row(b, [(False, a, z) for a, z in zip(firsts, pasts, strict=True)], columns, sure)
        else:
            found += _of_row(b, row, columns if n else [], sure)
    return found


def _of_row(b: bytes, row: list[Cell], columns: Sequence[bytes], sure: Sequence[bool]) -> list[Value]:
    found: list[Value] = []
    for k, (is_heading, a, z) in enumerate(row):
        if is_heading or z - a > _LONGEST_CELL:
            continue
        above = columns[k] if k < len(columns) else b""
        certain = above and sure[k] and not row[k - 1][0]
        beside = _heading(b, *row[k - 1][1:]) if k and not certain and (row[k - 1][0] or len(row) == 2) else b""
        heading = beside or above
        if heading:
            a, z = _value(b, a, z)
            if a < z and not PLACEHOLDER.fullmatch(b, a, z):
                found.append((heading, a, z))
    return found


def _of_block(b: bytes, block: Block, columns: Sequence[bytes]) -> list[Value]:
    """Where what stands above says what a cell is."""
    found: list[Value] = []
    raw = np.frombuffer(b, np.uint8)
    for k, heading in enumerate(columns[: block.first.shape[1]]):
        if not heading:
            continue
        first, past = block.first[:, k], block.past[:, k]
        told = first < past
        first, past = first[told], past[told]
        plain = (raw[first] > 32) & (raw[past - 1] > 32) & ~_MARKED[raw[first]] & (raw[past - 1] != _GREATER)
        found += zip(repeat(heading), first[plain].tolist(), past[plain].tolist())
        for a, z in zip(first[~plain].tolist(), past[~plain].tolist(), strict=True):
            a, z = _value(b, a, z)
            if a < z and not PLACEHOLDER.fullmatch(b, a, z):
                found.append((heading, a, z))
    return sorted(found, key=itemgetter(1))


def _heading(b: bytes, a: int, z: int) -> bytes:
    """A cell's words, if they may say what a value is."""
    if z - a > _LONGEST_CELL or not _TELLING.search(b, a, z):
        return b""
    words = _INSIDE.sub(b" ", b[a:z]).strip(b" :*")[:64]
    return words.replace(b" ", b"_") if words and name_strength(words) in ("password", "secret") else words  # as names are written


def _value(b: bytes, a: int, z: int) -> tuple[int, int]:
    """A cell without the blanks and tags around its text."""
    if a < z and b[a] > 32 and b[z - 1] > 32 and b[a] not in b"<&\\" and b[z - 1] != 62:
        return a, z
    a = _AROUND.match(b, a, z).end()  # type: ignore[union-attr]
    while a < z:
        z = a + len(b[a:z].rstrip())
        cut = b.rfind(b"<", a, z) if b[z - 1 : z] == b">" else -1
        if cut < 0:
            break
        z = cut
    return a, z
