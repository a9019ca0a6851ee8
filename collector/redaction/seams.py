"""Cross-message view: values cut by the border between messages, or streamed in chunks.

Parts are the texts of one group, or the ``"content"`` strings of a JSON list of messages inside one text. Joined views: the
parts in a row around each border, and, for long digit runs, the last words of neighbours (``… 41460201`` / ``… 70628478``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.redaction.matching import Span

_REACH = 192  # bytes looked at on each side of a border
NEAR_BORDER = 384  # bytes beyond which nothing matters to a border
_CHAIN = 8192  # bytes of short parts joined into one view
_TAIL = re.compile(rb"[A-Za-z0-9@._%+/=:\-]*+")
_DIGITS = re.compile(rb"[0-9]")
_BACKWARD_PLACEHOLDER = re.compile(rb"(?:[0-9a-f]{8,16}:)?[A-Z0-9_]{1,31}[A-Z]\[")  # backwards, without what closes it
_CLOSING = b" .,;:!?\"')]}\n\r\t\\"
_HALF = re.compile(rb"[0-9@\-_]")  # what half of a number, a key or an address holds
_WORDY = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._%+/=:-"  # what _TAIL runs over
_OPEN_ENDED = bytes(c for c in _WORDY if c not in _CLOSING)  # what a word that goes on in the next part may end in
_TELLING = re.compile(rb"[0-9@:=]")
_CONTENT = re.compile(rb'"(?:content|text|delta|value|input|output)\\*"\s*:\s*(\\*)"')
_STRING = re.compile(rb'[^"]*+(?:(?<=\\)"[^"]*+)*+"')  # up to a quote that no backslash escapes
_OPENING = rb'\{ ?(?:"(?:role|type|id|name|index)": ?(?:"[\w.\-]{0,64}"|[0-9]{1,6}), ?){0,4}"(?:content|text|delta|value|input|output)": ?"'
_NEXT = re.compile(_OPENING)
_ENDING = 32  # bytes of a message that say how it ends
_QUOTED = re.compile(rb'[^\\]"')  # the message is short, or something else stands there
#: The message ends with a word and a full stop: no value goes on behind it.
_QUIET = re.compile(rb'(?=[^"]{%d}")[^"]* [A-Za-z]{1,22}[.!?]{1,3}"\}, ?%b' % (_ENDING, _OPENING))
_LONG = 288  # bytes of a message, with what stands around it, of which no border sees the other end
_MOST_PLAIN = 64  # borders
_SHORT_WORD = re.compile(rb"[A-Za-z]{1,10}(?![A-Za-z0-9@._%+/=:\-])")
_KEYED = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._@+/=\-]{2,}")

Part = tuple[int, int]  # byte range in the buffer


@dataclass(slots=True)
class SeamView:
    """A joined text; ``pieces`` say which bytes of the buffer its stretches came from."""

    text: bytes
    pieces: list[tuple[int, int, int]]  # offset in text, buffer start, buffer end

    def spans(self, found: Sequence[Span]) -> list[Span]:
        """Spans of the view as spans of the buffer."""
        return [(a, z, name) for start, end, name in found for a, z in self.back(start, end)]

    def back(self, start: int, end: int) -> list[Part]:
        """Buffer ranges of ``[start, end)`` if it crosses a border, else nothing."""
        found = [(a + max(0, start - at), min(z, a + end - at)) for at, a, z in self.pieces if a < z and start < at + (z - a) and end > at]
        return found if len(found) > 1 else []


def join(b: bytes, ranges: Sequence[Part]) -> SeamView:
    """One text of several stretches of the buffer."""
    pieces, at = [], 0
    for a, z in ranges:
        pieces.append((at, a, z))
        at += z - a
    return SeamView(b"".join(b[a:z] for a, z in ranges), pieces)


def borders(b: bytes, parts: Sequence[Part]) -> Iterator[SeamView]:
    """Views over the borders of adjacent parts where a value may have been cut."""
    i, n = 0, len(parts)
    if n == 2 and min(parts[0][1] - parts[0][0], parts[1][1] - parts[1][0]) >= 96:  # the usual case
        yield from _border(b, *parts)
        return
    while i < n - 1:
        size, j = parts[i][1] - parts[i][0], i + 1
        while j < n and size < _CHAIN and (parts[j][1] - parts[j][0] < 96 or parts[j - 1][1] - parts[j - 1][0] < 96):
            size += parts[j][1] - parts[j][0]
            j += 1
        if j > i + 2 or (j == i + 2 and size < 400):
            yield from _chain(b, parts[i:j])
        for k in range(i, min(j, n - 1)):
            yield from _border(b, parts[k], parts[k + 1])
        i = max(j - 1, i + 1)


def _chain(b: bytes, parts: Sequence[Part]) -> Iterator[SeamView]:
    ranges = [(max(a, z - _REACH) if k == 0 else a, min(z, a + _REACH) if k == len(parts) - 1 else z) for k, (a, z) in enumerate(parts)]
    yield join(b, ranges)
    if len(parts) > 2:
        last: list[Part] = []
        for part in parts:
            a, z = _last_word(b, *part)
            if _DIGITS.search(b, a, z) is None:
                return
            last.append((a, z))
        yield join(b, last)


def _border(b: bytes, left: Part, right: Part) -> Iterator[SeamView]:
    a, z = left
    if a == z or right[0] == right[1]:
        return
    first = max(a, z - _REACH)
    tail = b[first:z].rstrip(_CLOSING)
    telling = _HALF.search(tail, tail.rfind(b" ") + 1) is not None
    if not telling and (b[z - 1] not in _OPEN_ENDED or b[right[0]] not in _WORDY or _two_words(b, z, right[0])):
        return  # nothing to put together: the usual case, and a cheap one
    word = _last_word(b, a, z)
    if word[1] - word[0] < 2:
        return
    if word[1] == z and _cut(b, word[0], z, right[0], right[1]):
        yield join(b, [(first, z), (right[0], min(right[1], right[0] + _REACH))])
    if telling and _worth(b, *word):
        last = _last_word(b, *right)
        if _worth(b, *last):
            yield join(b, [word, last])
        for m in _KEYED.finditer(b, right[0], min(right[1], right[0] + 96)):
            if m.span() != last and _worth(b, *m.span()):
                yield join(b, [word, m.span()])
                break


def _two_words(b: bytes, end: int, start: int) -> bool:
    """Do a word that ends at ``end`` and one that begins at ``start`` make nothing but a longer word, too short for a key?"""
    before = b[max(0, end - 24) : end]
    first = max(before.rfind(b" "), before.rfind(b"\n")) + 1
    return first > 0 and len(before) - first <= 12 and before[first:].isalpha() and _SHORT_WORD.match(b, start) is not None


def _cut(b: bytes, start: int, end: int, first: int, last: int) -> bool:
    """Could the token that ends one part go on in the next, and be more than a word?"""
    rest = _TAIL.match(b, first, min(last, first + _REACH)).end()  # type: ignore[union-attr]
    if rest == first:
        return False
    return end - start + rest - first >= 24 or _TELLING.search(b, start, end) is not None or _TELLING.search(b, first, rest) is not None


def _last_word(b: bytes, a: int, z: int) -> Part:
    """The last token of a part, closing punctuation left out; nothing where a placeholder stands there."""
    tail = b[max(a, z - _REACH) : z].rstrip(_CLOSING)
    end = max(a, z - _REACH) + len(tail)
    if end < z and b[end] == 93 and _BACKWARD_PLACEHOLDER.match(tail[::-1]):
        return end, end
    return end - _TAIL.match(tail[::-1]).end(), end  # type: ignore[union-attr]


def _worth(b: bytes, a: int, z: int) -> bool:
    """Could this be half of a number, a key or an address?"""
    return z - a >= 3 and (_DIGITS.search(b, a, z) is not None or b.find(b"@", a, z) >= 0 or b.find(b"-", a, z) >= 0 or b.find(b"_", a, z) >= 0)


def listed_borders(b: bytes, lo: int, hi: int, places: Sequence[int]) -> Iterator[SeamView]:
    """Views over the borders of the JSON messages inside a text; ``places``: where triggers for a next message end."""
    plain = _plain_borders(b, lo, hi, places)
    if plain is not None:
        for left, right in plain:
            yield from _border(b, left, right)
        return
    parts = messages(b, lo, hi)
    if len(parts) > 1:
        yield from borders(b, parts)


def _plain_borders(b: bytes, lo: int, hi: int, places: Sequence[int]) -> list[tuple[Part, Part]] | None:
    """Where a value may have been cut between long messages one behind the other in the usual notation, by what stands at their borders; None
    if any is short or noted otherwise. The first and the last reach as far as the text: only what stands at borders is looked at."""
    if len(places) > _MOST_PLAIN:
        return None
    parts: list[Part] = []
    doubtful: list[int] = []
    start = lo
    for to in places:
        at = b.rfind(b"{", to - 16, to)
        end = at - (4 if b[at - 1] == 32 else 3)
        if end - start < _LONG:
            return None
        opening = _QUIET.match(b, end - _ENDING, hi)
        if opening is None:
            opening = _NEXT.match(b, at, hi) if b[end : end + 3] == b'"},' and b[end - 1] != 92 else None
            if opening is None or _QUOTED.search(b, end - _ENDING, end):
                return None
            doubtful.append(len(parts))
        parts.append((start, end))
        start = opening.end()
    if hi - start < _LONG:
        return None
    parts.append((start, hi))
    return [(parts[k], parts[k + 1]) for k in doubtful]


def messages(b: bytes, lo: int, hi: int) -> list[Part]:
    """The content strings of JSON messages inside a text, in order."""
    parts: list[Part] = []
    at = lo
    while (m := _CONTENT.search(b, at, hi)) is not None:
        start = m.end()
        end = _string_end(b, start, hi, len(m[1]))
        if end < 0:
            break
        parts.append((start, end))
        at = end
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
