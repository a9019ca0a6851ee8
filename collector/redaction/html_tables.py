"""Tables of HTML, and lists of terms: what stands under or beside a heading is read as ``heading: value``."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import islice

from collector.redaction.placeholders import PLACEHOLDER
from collector.redaction.secrets import name_strength
from collector.redaction.wrapped import Unwrapped

_MOST_ROWS, _REACH, _LONGEST_CELL = 5_000, 4_096, 512
_TAG = re.compile(  # a whole cell without tags in it, or one tag
    rb"(?i)<(th|td|dt|dd)(?:\s[^<>]{0,400}+)?>([^<]{0,512}+)<\\?/\1>|<(\\?/)?(tr|th|td|dt|dd|table|dl)\b[^<>]{0,400}+>?"
)
_BEGIN = (b"<tr", b"<TR", b"<dt", b"<DT")
_AROUND = re.compile(rb"(?:\s|&nbsp;|\\[nrt]|<[^<>]{0,300}+>)*+")
_INSIDE = re.compile(rb"<[^<>]{0,300}+>|\s+|\\[nrt]")
_TELLING = re.compile(
    rb"(?i)pass|kennwort|contrase|senha|wachtwoord|pwd|secret|token|key|credential|pin\b|cvv|cvc|ssn|social|phone|telefon|mobil|\btel|fax|cell|account|konto|iban|"
    rb"birth|geburt|\bdob|national|tax|licen[cs]e|\bid\b|card|insurance|e-?mail|address"
)

Cell = tuple[bool, int, int]  # is it a heading by its tag, first byte, one past the last


def unwrap_table(b: bytes, to: int, lo: int, hi: int) -> Unwrapped:
    """What the cells of a table say beside their headings; the trigger ends behind a heading."""
    start = max([b.rfind(tag, max(lo, to - _REACH), to) for tag in _BEGIN])
    if start < 0:
        return to, [], []
    rows, end = _rows(b, start, hi)
    lines: list[bytes] = []
    places: list[tuple[int, int, int]] = []  # where a value begins in the text made, and its bytes in the buffer
    at = 0
    for heading, a, z in _pairs(b, rows):
        lines += (heading, b": ", b[a:z], b"\n")
        places.append((at + len(heading) + 2, a, z))
        at += len(heading) + 3 + z - a
    begins = [place[0] for place in places]

    def back(begin: int, stop: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for first, a, z in islice(places, max(0, bisect_right(begins, begin) - 1), bisect_left(begins, stop)):
            if begin < first + z - a:
                found.append((a + max(0, begin - first), min(z, a + stop - first)))
        return found

    return max(to, end), [(b"".join(lines), back)] if places else [], []


def _rows(b: bytes, start: int, hi: int) -> tuple[list[list[Cell]], int]:
    """The cells of each row from ``start`` to the table's end, and where that is."""
    rows: list[list[Cell]] = [[]]
    opened: tuple[bool, int] | None = None
    end = start
    for m in _TAG.finditer(b, start, hi):
        end = m.end()
        if opened:
            rows[-1].append((opened[0], opened[1], m.start()))
            opened = None
        name = (m[1] or m[4]).lower()
        if m[3]:
            if name in (b"table", b"dl"):
                break
        elif name in (b"tr", b"dt") and rows[-1]:
            if len(rows) >= _MOST_ROWS:
                break
            rows.append([])
        if m[1]:
            rows[-1].append((name in (b"th", b"dt"), *m.span(2)))
        elif not m[3] and name not in (b"tr", b"table", b"dl"):
            opened = name in (b"th", b"dt"), m.end()
    return rows, end


def _pairs(b: bytes, rows: list[list[Cell]]) -> list[tuple[bytes, int, int]]:
    """Each value (its bytes in the buffer) with what it is said to be: by the first row, or by the cell before it."""
    found: list[tuple[bytes, int, int]] = []
    columns = [_heading(b, a, z) for _, a, z in rows[0]]
    for n, row in enumerate(rows):
        for k, (is_heading, a, z) in enumerate(row):
            if is_heading or z - a > _LONGEST_CELL:
                continue
            above = columns[k] if n and k < len(columns) else b""
            sure = above and rows[0][k][0] and not row[k - 1][0]  # a heading by its tag
            beside = _heading(b, *row[k - 1][1:]) if k and not sure and (row[k - 1][0] or len(row) == 2) else b""
            heading = beside or above
            if heading:
                a, z = _value(b, a, z)
                if a < z and not PLACEHOLDER.fullmatch(b, a, z):
                    found.append((heading, a, z))
    return found


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
