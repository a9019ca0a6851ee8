"""What base64, hexadecimal and dumps of bytes say, as texts of their own with a way back.

Each ``unwrap_…`` is given a trigger's end and tells up to where further triggers have nothing new to say, what it read, and which bytes
say nothing by themselves: the digits of a dump are nobody's number.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from collector.redaction.matching import Span

Back = Callable[[Sequence[Span]], list[Span]]
Derived = tuple[bytes, Back]  # a text made of others; what spans of it are in the buffer
Unwrapped = tuple[int, list[Derived], list[tuple[int, int]]]

_LONGEST = 16_384  # bytes of a token that is read
_SHORT = 256  # bytes of one that is read whole at once
_TRIGGERED = 32  # bytes of a token that its trigger shows
_DEPTH = 3  # base64 within base64
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-]{1,%d}+={0,2}" % _LONGEST)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f\xf5-\xff]")
_INNER = re.compile(r"(?<![A-Za-z0-9+/_\-])[I-Za-f][A-Za-z0-9+/_\-]{19,16384}+={0,2}")
_TELLING = re.compile(rb"[ -~]*+")
_INNER_TOKEN = re.compile(rb"[A-Za-z0-9+/_\-]{20}")
_ONLY_INNER = re.compile(rb"[I-Za-f][A-Za-z0-9+/]{19,16384}+={0,2}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_HEX = re.compile(rb"[0-9a-fA-F]{1,%d}+" % _LONGEST)
_XEH = re.compile(rb"[0-9a-fA-F]{0,%d}+" % _LONGEST)
_ROW = re.compile(
    rb"[ \t]*+[0-9a-fA-F]{4,16}+:?[ \t]{1,3}((?:[0-9a-fA-F]{2}[ \t]{0,2}){1,16}+)((?:(?!\\[nr])[^\r\n]){0,80}+)(?:\r?\n|(?:\\+r)?\\+n|\Z|(?=[\"\0]))"
)
_MOST_ROWS = 4_096
_FULL = 8  # bytes of a row that is a dump for certain, if all of them are text
_BLANK = bytes(c if 32 <= c < 127 or c in (9, 10, 13) else 32 for c in range(256))


def unwrap_base64(b: bytes, to: int, lo: int, hi: int) -> Unwrapped:
    """A base64 token of readable text around ``to`` (12 kB of it), and what base64 in it says."""
    start = to - _TRIGGERED
    m = _BASE64.match(b, start, hi)
    if m is None:
        return to, [], []
    said = _plainly(m[0])
    if said is None:
        text = _decoded(m[0])
        if text is None:
            return to, [], []
        said = _with_inner(text).encode()
    return m.end(), [(said, _whole(start, m.end()))], []


def _plainly(token: bytes) -> bytes | None:
    """What a short token of plain text says, base64 of base64 too, as :func:`_decoded` and :func:`_with_inner` have it; ``None``: ask these."""
    for _ in range(_DEPTH):
        if len(token) > _SHORT or len(token) % 4:
            return None
        try:
            token = binascii.a2b_base64(token)
        except binascii.Error:
            return None
        if _ONLY_INNER.fullmatch(token) is None:
            return token if _TELLING.fullmatch(token) and _INNER_TOKEN.search(token) is None else None
    return None


def _decoded(token: bytes) -> str | None:
    """The readable text that a token stands for."""
    token = token.rstrip(b"=").translate(_URL_SAFE)
    token = token[: len(token) - (len(token) % 4 == 1)]
    try:
        if len(token) <= _SHORT:  # mostly plain text: to decode all of it is cheaper than to ask what it begins with
            raw = binascii.a2b_base64(token + b"=" * (-len(token) % 4))
            if raw.isascii() and (text := raw.decode()).isprintable():
                return text
        if not _begins_as_text(binascii.a2b_base64(token[:24])):
            return None
        return _readable(binascii.a2b_base64(token + b"=" * (-len(token) % 4)))
    except binascii.Error:
        return None


def _begins_as_text(head: bytes) -> bool:
    if len(head) > 3 and not any(head[1::2]):  # UTF-16
        head = head[::2]
    return _BINARY.search(head) is None


def _readable(raw: bytes) -> str | None:
    try:
        text = raw.decode("utf-16-le" if len(raw) > 3 and not any(raw[1:24:2]) else "utf-8")
    except ValueError:
        return None
    return text if text.isprintable() or "\n" in text or "\t" in text else None


def _with_inner(text: str) -> str:
    """A text, and under it what base64 in it says, and in that; of a text that is nothing but base64 what that says."""
    said = [text]
    for _ in range(_DEPTH - 1):
        if _INNER.fullmatch(said[-1]) and (read := _decoded(said[-1].encode())) is not None:
            said[-1] = read
            continue
        inner = [read for m in _INNER.finditer(said[-1]) if (read := _decoded(m[0].encode())) is not None]
        if not inner:
            break
        said.append("\n".join(inner))
    return "\n".join(said)


def _whole(start: int, end: int) -> Back:
    """Whatever is found: all of it."""
    return lambda found: [(start, end, name) for _, _, name in found]


def together(read: Sequence[Derived]) -> Derived:
    """Several derived texts as one, NUL bytes between them."""
    ends = list(accumulate(len(text) + 1 for text, _ in read))

    def back(found: Sequence[Span]) -> list[Span]:
        spans: list[Span] = []
        for start, end, name in found:
            k = bisect_right(ends, start)
            at = ends[k] - len(read[k][0]) - 1
            spans += read[k][1]([(start - at, min(end - at, len(read[k][0])), name)])
        return spans

    return b"\0".join([text for text, _ in read]), back


def unwrap_hex(b: bytes, to: int, lo: int, hi: int) -> Unwrapped:
    """Readable text written as hexadecimal digits in a row."""
    start = to - _XEH.match(b[max(lo, to - _LONGEST) : to][::-1]).end()  # type: ignore[union-attr]
    m = _HEX.match(b, start, hi)
    digits = m[0] if m else b""
    if len(digits) % 2:
        return to, [], []
    raw = bytes.fromhex(digits.decode())
    text = _readable(raw) if _begins_as_text(raw[:16]) else None
    return start + len(digits), [(_with_inner(text).encode(), _whole(start, start + len(digits)))] if text else [], []


def unwrap_dump(b: bytes, to: int, lo: int, hi: int) -> Unwrapped:
    """What the rows of a dump say (``xxd``, ``hexdump -C``, ``od -tx1``). A span takes its rows, but for the first one's offset."""
    first = max(lo, to - 64)
    start = max(first, b.rfind(b"\n", first, to) + 1, b.rfind(b"\\n", first, to) + 2, b.rfind(b'"', first, to) + 1)
    at, places, rows = 0, [], []
    pieces: list[bytes] = []
    mute: list[tuple[int, int]] = []
    while len(rows) < _MOST_ROWS and (m := _ROW.match(b, start, hi)) is not None:
        row = bytes.fromhex(m[1].decode())
        pieces.append(row.translate(_BLANK))
        if mute or (len(row) >= _FULL and row == pieces[-1]):
            mute.append((m.start(), m.end(1)))
        places.append(at)
        rows.append((m.start(1), m.end(2)))
        at += len(pieces[-1])
        start = m.end()
    if not rows:
        return to, [], []

    def back(found: Sequence[Span]) -> list[Span]:
        return [(rows[bisect_right(places, a) - 1][0], rows[max(0, bisect_left(places, z) - 1)][1], name) for a, z, name in found]

    return max(to, start), [(b"".join(pieces), back)], mute
