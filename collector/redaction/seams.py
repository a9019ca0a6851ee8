"""Cross-message view: values cut by the border between messages, or streamed in chunks.

Parts are the texts of one group, or the ``"content"`` strings of a JSON list of messages inside one text. Joined views: the
parts in a row around each border, and, for long digit runs, the last words of neighbours (``… 41460201`` / ``… 70628478``).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise

from collector.redaction.compiled import best_borders
from collector.redaction.matching import Span

_quiet = best_borders()  # tells most borders of listed messages without Python

_REACH = 192  # bytes looked at on each side of a border
NEAR_BORDER = 384  # bytes beyond which nothing matters to a border
_CHAIN = 8192  # bytes of short parts joined into one view
_TAIL = re.compile(rb"[A-Za-z0-9@._%+/=:\-]*+")
_DIGITS = re.compile(rb"[0-9]")
_BACKWARD_PLACEHOLDER = re.compile(rb"(?:[0-9a-f]{8,16}:)?[A-Z0-9_]{1,31}[A-Z]\[")  # backwards, without what closes it
_CLOSING = b" .,;:!?\"')]}\n\r\t\\"
_HALF = re.compile(rb"[0-9@\-_]")  # what half of a number, a key or an address holds
_SIGN = re.compile(rb"[A-Za-z0-9]")  # a row of hyphens is half of nothing
_WORDY = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._%+/=:-"  # what _TAIL runs over
_TELLING = b"0123456789@:="  # what no mere word holds
_TELLS = re.compile(rb"[0-9@=]|:(?!//)")  # the same, but for what begins an address
_MIXED = re.compile(rb"[0-9A-Z]")  # what a key has that is longer than words
_DULL = re.compile(rb"[A-Za-z._%+/\-]*+")  # what else _TAIL runs over
_CONTENT = re.compile(rb'"(?:content|text|delta|value|input|output)\\*"\s*:\s*(\\*)"')
_INSIDE = rb'[^"]*+(?:(?<=\\)"[^"]*+)*+'  # up to a quote that no backslash escapes
_STRING = re.compile(_INSIDE + b'"')
_OPENING = rb'"\}, ?\{ ?(?:"(?:role|type|id|name|index)": ?(?:"[\w.\-]{0,64}"|[0-9]{1,6}), ?){0,4}"(?:content|text|delta|value|input|output)": ?"'
_NEXT = re.compile(_OPENING)
_FURTHER = re.compile(_OPENING + b"(" + _INSIDE + b')(?=")')
_ENDING = 32  # bytes of a message that say whether it is one string
_QUOTED = re.compile(rb'[^\\]"')  # the message is short, or something else stands there
_LONG = 288  # bytes of a message, with what stands around it, of which no border sees the other end
_MOST_PLAIN = 64  # borders
_SHORT_WORD = re.compile(rb"[A-Za-z]{1,10}(?![A-Za-z0-9@._%+/=:\-])")
_KEYED = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._@+/=\-]{2,}")

Part = tuple[int, int]  # byte range in the buffer


@dataclass(slots=True)
class SeamView:
    """A joined text; ``parts`` say which bytes of the buffer its stretches came from."""

    text: bytes
    parts: Sequence[Part]

    def spans(self, found: Sequence[Span]) -> list[Span]:
        """Spans of the view as spans of the buffer."""
        return [(a, z, name) for start, end, name in found for a, z in self.back(start, end)]

    def back(self, start: int, end: int) -> list[Part]:
        """Buffer ranges of ``[start, end)`` if it crosses a border, else nothing."""
        found: list[Part] = []
        at = 0
        for a, z in self.parts:
            if a < z and start < at + (z - a) and end > at:
                found.append((a + max(0, start - at), min(z, a + end - at)))
            at += z - a
        return found if len(found) > 1 else []


def join(b: bytes, ranges: Sequence[Part]) -> SeamView:
    """One text of several stretches of the buffer."""
    return SeamView(b"".join([b[a:z] for a, z in ranges]), ranges)


def borders(b: bytes, parts: Sequence[Part]) -> list[SeamView]:
    """Views over the borders of adjacent parts where a value may have been cut."""
    if len(parts) == 2 and min(parts[0][1] - parts[0][0], parts[1][1] - parts[1][0]) >= 96:  # the usual case
        return _border(b, *parts)
    views = [view for left, right in pairwise(parts) for view in _border(b, left, right)]
    sizes = [z - a for a, z in parts]
    i, n = 0, len(parts)
    while i < n - 1:
        size, j = sizes[i], i + 1
        while j < n and size < _CHAIN and (sizes[j] < 96 or sizes[j - 1] < 96):
            size += sizes[j]
            j += 1
        if j > i + 2 or (j == i + 2 and size < 400):
            views += _chain(b, parts[i:j])
        i = max(j - 1, i + 1)
    return views


def _chain(b: bytes, parts: Sequence[Part]) -> list[SeamView]:
    ranges = list(parts)
    ranges[0] = max(parts[0][0], parts[0][1] - _REACH), parts[0][1]
    ranges[-1] = parts[-1][0], min(parts[-1][1], parts[-1][0] + _REACH)
    whole = join(b, ranges)
    if len(parts) == 2:
        return [whole]
    last: list[Part] = []
    for part in parts:
        a, z = _last_word(b, *part)
        if _DIGITS.search(b, a, z) is None:
            return [whole]
        last.append((a, z))
    return [whole, join(b, last)]


def _border(b: bytes, left: Part, right: Part) -> list[SeamView]:
    (a, z), (c, d) = left, right
    if a == z or c == d:
        return []
    tail = b[max(a, z - _REACH) : z]
    said = tail.rstrip(_CLOSING)
    closed = len(said) < len(tail)
    at = said.rfind(b" ") + 1
    word = said[at:]
    if word.isalpha():  # the usual case
        if closed or b[c] not in _WORDY or (at and len(word) <= 12 and _SHORT_WORD.match(b, c)) or not _cut(b, z - len(word), z, c, d):
            return []
        return [join(b, [(z - len(tail), z), (c, min(d, c + _REACH))])] if len(word) > 1 else []
    telling = _HALF.search(word) is not None
    if not telling and (closed or tail[-1] not in _WORDY or b[c] not in _WORDY or _two_words(b, z, c)):
        return []
    return _halves(b, left, right, telling)


def _halves(b: bytes, left: Part, right: Part, telling: bool) -> list[SeamView]:
    """Views over a border where something may go on; ``telling``: what the left part ends with may be half of a value."""
    (a, z), (c, d) = left, right
    word = _last_word(b, a, z)
    views: list[SeamView] = []
    if word[1] - word[0] < 2:
        return views
    if word[1] == z and _cut(b, word[0], z, c, d):
        views.append(join(b, [(max(a, z - _REACH), z), (c, min(d, c + _REACH))]))
    if telling and _worth(b, *word):
        last = _last_word(b, c, d)
        if _worth(b, *last):
            views.append(join(b, [word, last]))
        for m in _KEYED.finditer(b, c, min(d, c + 96)):
            if m.span() != last and _worth(b, *m.span()):
                views.append(join(b, [word, m.span()]))
                break
    return views


def _two_words(b: bytes, end: int, start: int) -> bool:
    """Do a word that ends at ``end`` and one that begins at ``start`` make nothing but a longer word, too short for a key?"""
    before = b[max(0, end - 24) : end]
    first = max(before.rfind(b" "), before.rfind(b"\n")) + 1
    return first > 0 and len(before) - first <= 12 and before[first:].isalpha() and _SHORT_WORD.match(b, start) is not None


def _cut(b: bytes, start: int, end: int, first: int, last: int) -> bool:
    """Could the token that ends one part go on in the next, and be more than a word?"""
    last = min(last, first + _REACH)
    rest = _DULL.match(b, first, last).end()  # type: ignore[union-attr]
    if rest < last and b[rest] in _TELLING:
        return True
    if rest == first:
        return False
    long = end - start + rest - first >= 24
    return bool((long and (_MIXED.search(b, start, end) or _MIXED.search(b, first, rest))) or _TELLS.search(b, start, end))


def _last_word(b: bytes, a: int, z: int) -> Part:
    """The last token of a part, closing punctuation left out; nothing where a placeholder stands there."""
    tail = b[max(a, z - _REACH) : z].rstrip(_CLOSING)
    end = max(a, z - _REACH) + len(tail)
    if end < z and b[end] == 93 and _BACKWARD_PLACEHOLDER.match(tail[::-1]):
        return end, end
    return end - _TAIL.match(tail[::-1]).end(), end  # type: ignore[union-attr]


def _worth(b: bytes, a: int, z: int) -> bool:
    """Could this be half of a number, a key or an address?"""
    return z - a >= 3 and _HALF.search(b, a, z) is not None and _SIGN.search(b, a, z) is not None


def views_of_listed(b: bytes, starts: Sequence[int], ends: Sequence[int], listed: Mapping[int, Sequence[int]]) -> list[SeamView]:
    """Views over the borders of the messages that texts list; ``listed``: by text where triggers for a next message end."""
    left: Iterable[tuple[int, Sequence[int]]] = listed.items()
    if _quiet is not None and listed:
        single = [i for i, places in left if len(places) == 1]
        told = _quiet(b, [starts[i] for i in single], [ends[i] for i in single], [listed[i][0] for i in single])
        dull = set(compress(single, told))
        left = [(i, places) for i, places in left if i not in dull]
    return [view for i, places in left for view in listed_borders(b, starts[i], ends[i], places)]


def listed_borders(b: bytes, lo: int, hi: int, places: Sequence[int]) -> list[SeamView]:
    """Views over the borders of the JSON messages inside a text; ``places``: where triggers for a next message end."""
    parts = _long_messages(b, lo, hi, places)
    if parts is None:
        return borders(b, messages(b, lo, hi))
    return _border(b, *parts) if len(parts) == 2 else [view for left, right in pairwise(parts) for view in _border(b, left, right)]


def _long_messages(b: bytes, lo: int, hi: int, places: Sequence[int]) -> list[Part] | None:
    """Long messages one behind the other in the usual notation; None if any is short or noted otherwise. The first and the last reach as far
    as the text: only what stands at borders is looked at."""
    if len(places) > _MOST_PLAIN:
        return None
    parts: list[Part] = []
    start = lo
    for to in places:
        at = b.rfind(b"{", to - 16, to)
        end = at - (4 if b[at - 1] == 32 else 3)
        if end - start < _LONG or b[end - 1] == 92 or (b.find(b'"', end - _ENDING, end) >= 0 and _QUOTED.search(b, end - _ENDING, end)):
            return None
        opening = _NEXT.match(b, end, hi)
        if opening is None:
            return None
        parts.append((start, end))
        start = opening.end()
    parts.append((start, hi))
    return parts if hi - start >= _LONG else None


def messages(b: bytes, lo: int, hi: int) -> list[Part]:
    """The content strings of JSON messages inside a text, in order."""
    parts: list[Part] = []
    m = _CONTENT.search(b, lo, hi)
    while m is not None:
        start = m.end()
        at = _string_end(b, start, hi, len(m[1]))
        if at < 0:
            break
        parts.append((start, at))
        while (m := _FURTHER.match(b, at, hi)) is not None:  # the usual notation
            parts.append(m.span(1))
            at = m.end()
        m = _CONTENT.search(b, at, hi)
    return parts


def _string_end(b: bytes, start: int, hi: int, escapes: int) -> int:
    """Offset of what closes the string: a quote after exactly ``escapes`` backslashes."""
    if not escapes:
        closed = _STRING.match(b, start, hi)
        return closed.end() - 1 if closed else -1
    at = b.find(b'"', start, hi)
    while at >= 0:
        run = at
        while run > start and b[run - 1] == 92:
            run -= 1
        if at - run == escapes:
            return run
        at = b.find(b'"', at + 1, hi)
    return -1


def near_border(places: Sequence[int], start: int, spans: Sequence[Span]) -> bool:
    """Is one of the spans of a text that begins at ``start``, in order, near one of these places of the buffer? Of no spans it is not known."""
    for at in map(start.__rsub__, places):
        k = bisect_left(spans, (at,))
        if (k < len(spans) and spans[k][0] - at <= NEAR_BORDER) or (k and at - spans[k - 1][1] <= NEAR_BORDER):
            return True
    return not spans
