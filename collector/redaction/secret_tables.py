"""Matcher for tables with a column of secrets: CSV, Markdown, what a database client prints. The heading says what the cells are."""

from __future__ import annotations

import re
from functools import lru_cache

from collector.redaction.budget import Dropped
from collector.redaction.matching import Handler, Runaway, Span
from collector.redaction.rules import Rule
from collector.redaction.secrets import is_phrase, is_secret, name_strength, plainly_secret

_DEAR = 5  # times as dear as others is a row that is noted in another way
_MOST_ROWS, _MOST_CELLS, _LONGEST_LINE, _LONGEST_HEADING = 60_000, 64, 4_096, 48
_LINE = re.compile(rb"\r?\n|(?:\\+r)?\\+n")  # also escaped, as in JSON
_WORDS = 4  # of a passphrase in a table, at least
_RULED = b"|-+:= \t"  # what the line under a heading is made of
_AROUND_CELL = b" \t\"'`*\\"
_CELL = {mark: re.compile(rb'((?:"[^"]*+"|[^%b])*+)(?:%b|\Z)' % (re.escape(mark), re.escape(mark))) for mark in (b"|", b"\t", b";", b",")}
_QUOTE = re.compile(rb'(?<!\\)"')
_TAKEN = b"[SECRET_ASSIGN]"
_NO_HEADINGS = re.compile(rb"[^\w \-.()*`\"'\x80-\xff\\|;,\t]")  # in a line of code or prose
_HEADING = re.compile(rb"[\w \-.()*`\"'\x80-\xff]{1,%d}" % _LONGEST_HEADING)

Cell = tuple[int, int]  # byte range in the buffer


def secret_table_handler(rule: Rule) -> Handler:
    """A heading that names a secret, and what stands under it; the trigger ends behind the heading's cell."""

    dull: tuple[int, int, int] = (0, 0, 0)  # the line looked at last, in which ...
    marks: list[bytes] = []  # ... none of these stands between headings

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        nonlocal dull
        start, end = _line_around(b, to, lo, hi)
        if b[end : end + 1] == b"\\":  # a table inside a string, as in JSON: the string's quotes bound it
            lo, hi = _string_around(b, to, start, hi)
            start = lo
        if end - start > _LONGEST_LINE:
            return to
        if dull != (Runaway.generation, start, end):
            if _NO_HEADINGS.search(b, start, end):
                return max(to, end)  # nor is there one for another word in this line
            dull = (Runaway.generation, start, end)
            marks.clear()
        mark = b[to - 1 : to] if b[to - 1 : to] in _CELL else next((mark for mark in _CELL if b.find(mark, start, end) >= 0), b"")
        if mark in marks:
            return to
        marks.append(mark)
        headings = _cells(b, start, end, mark) if mark else []
        columns = {k: strength for k, (a, z) in enumerate(headings) if (strength := _names_secret(b[a:z]))}
        if not columns or any(z > a and _HEADING.fullmatch(b, a, z) is None for a, z in headings):
            return to
        before = _line_around(b, start - 1, lo, hi) if start - 1 > lo else None
        if before and len(_cells(b, *before, mark)) == len(headings):
            return to  # a row among others
        row, wanted = _plain_row(mark, len(headings), tuple(columns)), [(3 * k + 1, strength) for k, strength in enumerate(columns.values())]
        left = _MOST_ROWS
        while left > 0:
            left -= _DEAR
            for m in row.finditer(b, end, hi) if row.match(b, end, hi) else ():  # which looks beyond them for the next one, but once
                if m.start() != end or m.end() - end >= _LONGEST_LINE or left <= 0:
                    break
                end = m.end()
                left -= 1
                for k, strength in wanted:
                    value = m[k]
                    if value is None:
                        k, value = k + 1, m[k + 1]
                    if not value:
                        words = m[k + 1] if strength == "password" else None
                        if words and is_phrase(words.strip(b' "'), _WORDS):
                            out.append((m.end(k + 1) - len(words.lstrip(b' "')), m.start(k + 1) + len(words.rstrip(b' "')), rule.class_name))
                        continue
                    if plainly_secret(value, strength) or (not value.startswith(_TAKEN) and is_secret(value, strength, quoted=False)):
                        out.append((*m.span(k), rule.class_name))
            line = _next_line(b, end, hi)
            if line is None:
                break
            cells = _cells(b, *line, mark)
            if len(cells) != len(headings) and (line[0] == line[1] or b[line[0] : line[1]].strip(_RULED)):
                break
            end = line[1]
            for k, strength in columns.items() if len(cells) == len(headings) else ():
                a, z = cells[k]
                cell = b[a:z]
                if (b" " not in cell and is_secret(cell, strength, quoted=False)) or (strength == "password" and is_phrase(cell, _WORDS)):
                    out.append((a, z, rule.class_name))
        else:
            raise Dropped("candidates")
        return max(to, end)

    return handle


@lru_cache(maxsize=64)
def _plain_row(mark: bytes, cells: int, columns: tuple[int, ...]) -> re.Pattern[bytes]:
    """A line of so many cells, in quotes or not, without escapes, and the break before it. Three groups for each of these columns: the
    cell, if it is one word, bare and in quotes, and if it is several."""
    m = re.escape(mark)
    cell = rb"(?:\"[^\"\r\n\\]*+\" *+|[^%b\r\n\"\\]*+)" % m
    several = rb"(?:\"[^\"\r\n\\\t'`*]*+\"|[^%b\r\n\"\\\t'`*]*+)" % m  # words, if it is not one: no secret, or a passphrase
    wanted = rb" *+(?:([^%b\r\n\"\\ \t*`']*+)(?= *+(?:%b|\r?\n))|\"([^\r\n\"\\ \t*`']*+)\"(?= *+(?:%b|\r?\n))|(%b)) *+" % (m, m, m, several)
    return re.compile(rb"\r?\n" + re.escape(mark).join([wanted if k in columns else cell for k in range(cells)]) + rb"(?=\r?\n)")


def _names_secret(heading: bytes) -> str:
    strength = name_strength(heading[-80:]) if heading else ""
    return strength if strength in ("password", "secret") else ""


def _line_around(b: bytes, at: int, lo: int, hi: int) -> Cell:
    """The line that holds the byte before ``at``; a line break there belongs to the line it ends."""
    first, last = max(lo, at - _LONGEST_LINE), min(hi, at + _LONGEST_LINE)
    start = max(first, b.rfind(b"\n", first, at - 1) + 1)
    start = max(start, b.rfind(b"\\n", start, at - 1) + 2)
    return start, _line_end(b, max(start, at - 3), last)


def _line_end(b: bytes, at: int, last: int) -> int:
    """Where the first line break begins from ``at`` on."""
    end = b.find(b"\n", at, last)
    if b.find(b"\\", at, last if end < 0 else end) >= 0:
        m = _LINE.search(b, at, last)
        return m.start() if m else last
    return last if end < 0 else end - (end > at and b[end - 1] == 13)


def _string_around(b: bytes, at: int, lo: int, hi: int) -> Cell:
    """What lies between the quotes around ``at`` that no backslash escapes."""
    opening = b.rfind(b'"', lo, at)
    while opening >= lo and b[opening - 1] == 92:
        opening = b.rfind(b'"', lo, opening)
    closing = _QUOTE.search(b, at, hi)
    return max(lo, opening + 1), closing.start() if closing else hi


def _next_line(b: bytes, end: int, hi: int) -> Cell | None:
    """The line behind the break at ``end``."""
    m = _LINE.match(b, end, hi)
    if m is None or m.end() >= hi:
        return None
    return m.end(), _line_end(b, m.end(), min(hi, m.end() + _LONGEST_LINE))


def _cells(b: bytes, start: int, end: int, mark: bytes) -> list[Cell]:
    """Where the cells of a line are, what stands around their values left out; none if there is but one or too many."""
    cells: list[Cell] = []
    at = start
    while at <= end and len(cells) <= _MOST_CELLS:
        m = _CELL[mark].match(b, at, end)
        if m is None:
            break
        a, z = m.span(1)
        raw = b[a:z]
        cells.append((z - len(raw.lstrip(_AROUND_CELL)), a + len(raw.rstrip(_AROUND_CELL))) if raw.strip(_AROUND_CELL) else (a, a))
        at = m.end()
        if m.end() == z:
            break
    return cells if 1 < len(cells) <= _MOST_CELLS else []
