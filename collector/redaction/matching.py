"""What every matcher shares: the handler type, spans, words near a candidate, run-away protection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar

import re2

Span = tuple[int, int, str]  # first byte, one past the last byte, class
Handler = Callable[[bytes, int, int, int, list[Span]], int]
"""``(buffer, trigger end, text start, text end, spans) -> offset``: appends spans found around a trigger's end and
returns up to where further triggers of the same handler have nothing new to say."""

_MARK = rb"[A-Z][A-Z_]+(?::[0-9a-f]{8,16})?"
_MARKED = rb"[ \t\r\n]{0,2}[\"']?[,;:|&/][ \t\r\n]{0,2}[\"']?| (?:and|or|und|oder|et|ou|y|o|e) "
LISTED = rb"(?:%b|[ \t\r\n]{1,3})[(+]{0,2}" % _MARKED  # between values of a list
_TAKEN = re.compile(
    rb"(?:\[%b|\A[A-Z_]*(?::?[0-9a-f]{0,16}))\](?!(?:%b)[(+]{0,2}\Z)" % (_MARK, _MARKED)
)  # a placeholder, or what is left of it at the begin of what is looked at; none that a mark joins to what follows: blanks join all in a table
UNSAID = re.compile(rb"\[%b\](?!(?:%b)[(+]{0,2}[0-9])" % (_MARK, _MARKED))  # the same wherever it stands
_TAKEN_BEHIND = re.compile(rb"\[[A-Z][A-Z_]+(?::[0-9a-f]{0,16})?(?:\]|\Z)")  # or its begin
TOKEN_RUN = re.compile(rb"[A-Za-z0-9_.=+/\-]*+")
AS_ZEROS = bytes(48 if 48 <= c <= 57 else c for c in range(256))
_SHORT, _MOST_KNOWN = 256, 2_048  # bytes of a text that is remembered, and how many are
_LONG_VALUE = 128  # bytes of a value that costs more than a few looks at others like it
_ATTEMPTS = 12  # failed looks within one unbroken run of token characters before the whole run is taken for a secret


def words(alternatives: str) -> Any:
    """A test for any of the given words (an alternation), ignoring case, not inside a longer word of letters: a byte before and one behind
    must be there.

    An RE2 set: it asks its automaton in one pass; ``re`` would try each word at each place.
    """
    return word_set([alternatives])


def word_set(lists: Sequence[str]) -> Any:
    """Several lists of words at once: ``Match(text)`` gives the numbers of the lists with a word in it."""
    return _Words(tester([worded(alternatives) for alternatives in lists], latin=True))


def worded(alternatives: str) -> bytes:
    """The pattern of one of these words, with the bytes before and behind it; of none where there are none."""
    return rb"[^A-Za-z](?i:" + _WIDE_CLASS.sub(_alternatives, alternatives or "[^\\x00-\\xff]").encode() + rb")[^a-z]"


class _Words:
    """Lists of words, and which of them were in short texts of late: the rows of a table read alike but for their digits, and no word has any.
    No text is kept, but its hash."""

    __slots__ = ("_known", "_lists", "new")

    def __init__(self, lists: Any) -> None:
        self._lists, self._known = lists, dict[int, list[int]]()
        self.new = 0  # texts that had to be read

    def Match(self, text: bytes) -> list[int]:
        """Numbers of the lists with a word in it. Named as RE2 names it."""
        if len(text) > _SHORT:
            return self._lists.Match(text) or []
        read = hash(text.translate(AS_ZEROS))
        found = self._known.get(read)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self.new += 1
            found = self._known[read] = self._lists.Match(text) or []
        return found


_WIDE_CLASS = re.compile(r"\[([^\]]*[^\x00-\x7f][^\]]*)\]")


def _alternatives(m: re.Match[str]) -> str:
    """A class with letters of several bytes as an alternation: the search is over bytes."""
    return "(?:" + "|".join(map(re.escape, m[1])) + ")"


def tester(patterns: Sequence[bytes], *, latin: bool) -> Any:
    """An RE2 set: ``Match(text)`` gives the numbers of the patterns that occur."""
    options = re2.Options()
    if latin:
        options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 << 20
    found = re2.Set.SearchSet(options)
    for pattern in patterns:
        found.Add(pattern)
    found.Compile()
    return found


def said_near(told: Any, b: bytes, start: int, end: int, lo: int, hi: int, before: int = 48, after: int = 16) -> list[int]:
    """Which of a set's word lists have a word shortly before, or right after, ``[start, end)``? A placeholder is a word only of what it is in
    a list with: else each that stands somewhere near would take the next one."""
    said, behind = _before(b, start, lo, before), b[end : min(hi, end + after) + 1]
    if b"]" in said:
        said = _TAKEN.sub(b"\0", said)
    if b"[" in behind:
        behind = _TAKEN_BEHIND.sub(b"\0", behind)
    return told.Match(b"%b\0%b" % (said, behind)) or []


def near(pattern: Any, b: bytes, start: int, end: int, lo: int, hi: int, before: int = 48, after: int = 16) -> bool:
    """Does one of the words stand shortly before, or right after, ``[start, end)``?"""
    if not after:
        return bool(pattern.Match(_before(b, start, lo, before) + b"\0"))
    return bool(pattern.Match(b"%b\0%b" % (_before(b, start, lo, before), b[end : min(hi, end + after) + 1])))


def _before(b: bytes, start: int, lo: int, reach: int) -> bytes:
    """What stands before a place within reach, and the byte before that: it tells whether a word begins there."""
    at = max(lo, start - reach)
    return b[at - 1 : start] if at else b"\0" + b[:start]


class Sought:
    """Where a pattern was looked for without avail: a text full of triggers is not searched again at each, a window's length."""

    __slots__ = ("_pattern", "_text", "barren", "refused")

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self._text = (0, 0, 0)
        self.barren = 0  # before this place nothing begins any more
        self.refused = (0, 0)  # the match that was refused last

    def beginning(self, b: bytes, first: int, to: int, last: int, lo: int, hi: int) -> Iterable[re.Match[bytes]]:
        """The matches that begin in ``b[first:to]``, and perhaps some behind; ``b[lo:hi]`` is the text, and ``last`` where they end at most.
        None, if the first of them would be the one that was refused."""
        text = (Runaway.generation, lo, hi)
        if text != self._text:
            self._text, self.barren, self.refused = text, 0, (0, 0)
        elif first <= self.refused[0] and to <= self.refused[1]:
            return ()
        found = self._pattern.finditer(b, first, last) if first >= self.barren else self._each(b, self.barren, to, last)
        m = next(found, None)
        if m is None or m.start() >= to:
            self.barren = to
            return ()
        return chain((m,), found)

    def _each(self, b: bytes, at: int, to: int, last: int) -> Iterator[re.Match[bytes]]:
        """Every place by itself: they are few, and a search goes on behind them."""
        while at < to:
            m = self._pattern.match(b, at, last)
            at = max(m.end(), at + 1) if m else at + 1
            if m:
                yield m


class Runaway:
    """Bounds the work on an unbroken run of token characters full of failing candidates (``sk-sk-sk-…``)."""

    generation: ClassVar[int] = 0  # of the buffer: offsets of another one mean something else
    __slots__ = ("_end", "_failures", "_generation", "_start", "class_name")

    def __init__(self, class_name: str) -> None:
        self.class_name = class_name
        self._start = self._end = self._failures = self._generation = 0

    def failed(self, b: bytes, start: int, hi: int, out: list[Span]) -> int:
        """Note a failed candidate at ``start``; the offset up to which the handler may skip."""
        if not self._start <= start < self._end or self._generation != Runaway.generation:
            self._generation = Runaway.generation
            self._start, self._end, self._failures = start, TOKEN_RUN.match(b, start, hi).end(), 1  # type: ignore[union-attr]
            return start
        return self._again(start, out)

    def failed_value(self, start: int, end: int, out: list[Span]) -> int:
        """The same of a value that is none and begins within one that was none either: ``a=b=c=…``. Long ones count more."""
        if not self._start <= start < self._end or self._generation != Runaway.generation:
            self._generation = Runaway.generation
            self._start, self._end, self._failures = start, end, 0
        elif end - start > _LONG_VALUE:
            self._end = max(self._end, end)
            return self._again(start, out, (end - start) // _LONG_VALUE)
        return start

    def _again(self, start: int, out: list[Span], times: int = 1) -> int:
        self._failures += times
        if self._failures < _ATTEMPTS:
            return start
        out.append((self._start, self._end, self.class_name))
        return self._end
