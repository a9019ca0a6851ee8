"""Decoded views: what a reader of an escaped or disguised passage would see, with a way back. Base64 and dumps: ``wrapped.py``.

A view is a text decoded from a window of a stored text. Spans found in it are mapped to the bytes they came from.
Layers, up to three: JSON/``\\x``/URL/HTML escapes, compatibility characters (NFKC), invisible characters, decimal digits of
any script, mark-up inside words.
"""

# ruff: noqa: E501 - patterns read worse when cut
from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from collector.redaction.matching import Span

Array = np.ndarray[Any, Any]
Edges = Sequence[int] | Array  # where stretches (even) and replacements (odd) begin
Layer = tuple[Edges, Edges]  # in the output, and in the input

_SHORT = 1_024  # characters from which on columns are worth it
_STRANGE = re.compile(r"[^\x01-\x7f]")
_MANY = 12  # spans from which on columns are worth it
_LAYERS = 3
_ESCAPED = 64  # bytes for each escape of a text that is full of them, at most
_FULL = 16  # one in so many characters of a text that is full of disguised ones
_ESCAPE = re.compile(
    r"(?=[\\%&*_`=<\x1b])(?:\\+u[dD]([89abAB][0-9a-fA-F]{2})\\+u[dD]([c-fC-F][0-9a-fA-F]{2})"  # a pair of surrogates
    r"|(?:\\+u|%u)([0-9a-fA-F]{4})|\\+x([0-9a-fA-F]{2})|\\+u\{([0-9a-fA-F]{1,6})\}|\\+U([0-9a-fA-F]{8})|%(?:25)*([0-9A-Fa-f]{2})"
    r"|&#(?:[xX]([0-9a-fA-F]{1,6})|([0-9]{1,7}));?|&([A-Za-z]{2,8});"
    r"|(?<=[\w@])(?:\*\*|__|`)(?=[\w@])|</?(?:b|i|u|em|strong|mark|wbr)/?>|\x1b\[[0-9;]{0,12}m"  # mark-up inside a word
    r"|(?<=[\w.])=(?:(40)(?=[A-Za-z0-9])|(?<![A-Za-z0-9+/]{12}=)\r?\n(?=[\w.@]))"  # quoted-printable; not base64 at its end
    r"|\\+(?=[nrt\"/])([nrt\"/])|\\\r?\n)"
)
_ENTITIES = {
    "commat": "@",
    "period": ".",
    "lowbar": "_",
    "hyphen": "-",
    "dash": "-",
    "num": "#",
    "colon": ":",
    "plus": "+",
    "sol": "/",
    "amp": "&",
    "quot": '"',
    "lt": "<",
    "gt": ">",
    "nbsp": " ",
    "equals": "=",
    "apos": "'",
    "zwnj": "",
    "zwj": "",
    "shy": "",
}
_INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff\ufe0f\0"
_HEX_DIGITS = np.array([int(chr(c), 16) if chr(c) in "0123456789abcdefABCDEF" else 16 for c in range(256)], np.uint8)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "/": "/"}
_CONTROL_VALUES = np.array([ord(_CONTROLS.get(chr(c), "\0")) for c in range(256)], np.uint8)


@cache
def _changing() -> tuple[dict[int, str], Array]:
    """The characters that read as something else and what they read as; and how long that is, by code point (-1: unchanged). Built on first use (a few ms)."""
    table: dict[str, str] = dict.fromkeys(_INVISIBLE, "")
    ranges = (
        range(0xA0, 0x3400),
        range(0xA620, 0xABFA),
        range(0xF900, 0xFB50),
        range(0xFE10, 0x10000),
        range(0x104A0, 0x104AA),
        range(0x11066, 0x11070),
        range(0x1D400, 0x1D800),
        range(0x1E950, 0x1E95A),
        range(0x1F100, 0x1F170),
        range(0x1FBF0, 0x1FBFA),
    )
    for r in ranges:
        for cp in r:
            c = chr(cp)
            d = unicodedata.decimal(c, None)
            plain = str(d) if d is not None else unicodedata.normalize("NFKC", c)
            if plain != c and c not in table and len(plain) <= 4:
                table[c] = plain
    table.update(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
    table.update(dict.fromkeys("\u3002\uff61", "."))
    sizes = np.full(max(map(ord, table)) + 2, -1, np.int8)
    sizes[list(map(ord, table))] = list(map(len, table.values()))
    return {ord(c): plain for c, plain in table.items()}, sizes


def prepare() -> None:
    """Build the tables of characters now, not within the first text's time budget."""
    _disguises()


@cache
def _disguises() -> Array:
    """Which characters (by code point) do nothing but disguise a letter or a digit, or cannot be seen?"""
    table, sizes = _changing()
    found = np.zeros(len(sizes), np.bool_)
    found[[cp for cp, plain in table.items() if cp > 0x7F and (not plain or (len(plain) == 1 and plain.isascii() and plain.isalnum()))]] = True
    return found


def disguised(raw: bytes) -> tuple[Array, Array] | None:
    """Where the characters of a text begin and end that disguise others, if it is full of them."""
    whole = np.frombuffer(raw, np.uint8)
    if np.count_nonzero(whole > 0x7F) * _FULL < len(raw):
        return None
    points = np.frombuffer(raw.decode().encode("utf-32-le"), np.uint32)
    found = _disguises()
    at = np.flatnonzero(found[np.minimum(points, len(found) - 1)])
    if len(at) * _FULL < len(points):
        return None
    edges = np.append(np.flatnonzero(_begins(raw)), len(raw))
    return edges[at], edges[at + 1]


def escaped(raw: bytes) -> tuple[Array, Array] | None:
    """Where the escapes of letters and digits of a text begin and end (``\\u0040``, ``%40``), if it is full of them."""
    many = [sign for sign in (b"\\u00", b"%") if raw.count(sign) * _ESCAPED > len(raw)]
    if not many:
        return None
    whole = np.frombuffer(raw + bytes(6), np.uint8)
    found: list[tuple[Array, Array]] = []
    for sign in many:
        n = len(sign)
        at = np.flatnonzero(whole[: len(raw)] == sign[0])
        for k in range(1, n):
            at = at[whole[at + k] == sign[k]]
        first, second = _HEX_DIGITS[whole[at + n]], _HEX_DIGITS[whole[at + n + 1]]
        at = at[(first > 2) & (first < 8) & (second < 16)]
        found.append((at, at + n + 2))
    first, past = (np.concatenate(edges) for edges in zip(*found, strict=True))
    return (first, past) if len(first) * _ESCAPED > len(raw) else None


@dataclass(slots=True)
class View:
    """A decoded text and, for every place where it differs, where that came from (character positions)."""

    text: str
    source: bytes
    origin: int  # offset of ``source`` in the buffer
    owner: int  # which text of the batch it belongs to
    layers: list[Layer]

    def spans(self, found: Sequence[Span]) -> list[Span]:
        """Spans of the encoded view as spans of the buffer."""
        if len(found) < _MANY:
            return [(a, z, name) for start, end, name in found for a, z in self.back(start, end)]
        starts, ends, names = zip(*found, strict=True)
        a, z = np.array(starts), np.array(ends)
        if not self.text.isascii():
            ended = np.append(_begins(self.text.encode("utf-8", "replace"))[1:], True)  # does a character end with this byte?
            count = np.concatenate([[0], np.cumsum(ended)])
            a, z = count[a], count[z]
        for out, into in reversed(self.layers):
            a, z = _all_before(np.asarray(out), np.asarray(into), a), _all_after(np.asarray(out), np.asarray(into), z)
        if not self.source.isascii():
            places = np.append(np.flatnonzero(_begins(self.source)), len(self.source))
            a, z = places[a], places[z]
        return list(zip((a + self.origin).tolist(), (z + self.origin).tolist(), names, strict=True))

    def back(self, start: int, end: int) -> list[tuple[int, int]]:
        """The one byte range in the buffer of bytes ``[start, end)`` of the encoded view."""
        a, z = start, end
        if not self.text.isascii():
            raw = self.text.encode()
            a, z = len(raw[:start].decode("utf-8", "ignore")), len(raw[:end].decode("utf-8", "ignore"))
        for out, into in reversed(self.layers):
            a, z = int(_before(out, into, a)), int(_after(out, into, z))
        if not self.source.isascii():
            source = self.source.decode()
            a, z = len(source[:a].encode()), len(source[:z].encode())
        return [(self.origin + a, self.origin + z)]


def _before(out: Edges, into: Edges, at: int) -> int:
    """Where output position ``at`` begins in the input: a position inside a replacement begins where that began."""
    k = bisect_right(out, at) - 1
    return into[k] + (at - out[k]) if k % 2 == 0 else into[k]


def _after(out: Edges, into: Edges, at: int) -> int:
    """Where output ending at ``at`` ends in the input."""
    if at == 0:
        return into[0]
    k = bisect_right(out, at - 1) - 1
    return into[k] + (at - out[k]) if k % 2 == 0 else into[k + 1]


def _begins(raw: bytes) -> Array:
    """Which bytes of UTF-8 begin a character?"""
    return (np.frombuffer(raw, np.uint8) & 0xC0) != 0x80


def _all_before(out: Array, into: Array, at: Array) -> Array:
    k = np.searchsorted(out, at, "right") - 1
    return into[k] + np.where(k % 2, 0, at - out[k])


def _all_after(out: Array, into: Array, at: Array) -> Array:
    k = np.searchsorted(out, at - 1, "right") - 1
    return np.where(at == 0, into[0], np.where(k % 2, into[np.minimum(k + 1, len(into) - 1)], into[k] + at - out[k]))


def _layer(places: Array, old: Array, new: Array) -> Layer:
    """Replacements at ``places`` of the input, so many characters there and in the output."""
    grown = np.cumsum(new - old)
    starts = places + grown - new + old
    return _edges(starts, starts + new), _edges(places, places + old)


def _edges(starts: Array, ends: Array) -> Array:
    edges = np.zeros(2 * len(starts) + 1, np.int64)
    edges[1::2], edges[2::2] = starts, ends
    return edges


def _replaced(pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str | None], text: str) -> tuple[str, Layer | None]:
    """The text with what ``replace`` gives for each match; ``None`` leaves it."""
    pieces: list[str] = []
    out, into = [0], [0]
    last = size = 0
    for m in pattern.finditer(text):
        new = replace(m)
        if new is None:
            continue
        a, z = m.span()
        pieces += (text[last:a], new)
        size += a - last
        out += (size, size + len(new))
        into += (a, z)
        size += len(new)
        last = z
    if not pieces:
        return text, None
    pieces.append(text[last:])
    return "".join(pieces), (out, into)


def _unescaped(text: str) -> tuple[str, Layer | None]:
    """The text with what its escapes stand for."""
    if len(text) < _SHORT:
        return _replaced(_ESCAPE, _unescape, text)
    if text.isascii() and not _holds(text, _OTHER_TOLD, _OTHER_SIGNS) and ("<" not in text or _MARK_UP.search(text) is None):
        read = _plain_escapes(text)
        if read is not None:
            return read
    places: list[int] = []
    told: list[str] = []
    known: dict[str, str | None] = {}  # an escape stands for one thing, wherever it stands

    def replace(m: re.Match[str]) -> str:
        said = m[0]
        if said not in known:
            known[said] = _unescape(m)
        new = known[said]
        if new is None:
            return said
        places.append(m.start())
        told.append(said)
        return new

    new = _ESCAPE.sub(replace, text)
    if not told:
        return new, None
    return new, _layer(np.array(places), np.array(list(map(len, told))), np.array([len(known[said] or "") for said in told]))


def _plain_escapes(text: str) -> tuple[str, Layer | None] | None:
    """The same for an ASCII text whose escapes are ``\\u0040``, ``\\x40``, ``\\n`` and its kin, and ``%40``, in columns; ``None`` if there are others."""
    raw = np.frombuffer(f"{text}\0\0\0\0\0\0".encode(), np.uint8)
    at = np.flatnonzero((raw == 92) | (raw == 37))
    kind, digits = raw[at + 1], _HEX_DIGITS[raw[at[:, None] + np.arange(1, 6)]]
    percent = raw[at] == 37
    if (np.diff(at)[~percent[:-1]] == 1).any() or (~percent & ((kind == 10) | (kind == 13) | (kind == 85))).any():
        return None  # more than one backslash, one before a line break, or the longest form
    four, two = ~percent & (kind == 117), ~percent & (kind == 120)
    sizes, values = np.zeros(len(at), np.int64), _CONTROL_VALUES[np.where(percent, 0, kind)].astype(np.int64)
    sizes[values > 0] = 2
    for which, size, first in ((four, 6, 1), (two, 4, 1), (percent, 3, 0)):
        told = digits[:, first : first + size - 2 + (first == 0)]
        good = which & (told < 16).all(1)
        sizes[good] = size
        values[good] = (told[good].astype(np.int64) * 16 ** np.arange(told.shape[1])[::-1]).sum(1)
    if (four & (sizes == 0)).any() or (values > 0x7F).any() or ((values == 0) & (sizes > 0)).any() or (percent & (values == 37)).any():
        return None
    sizes[percent & (values < 32) & (values != 9) & (values != 10) & (values != 13) | (values == 0x7F) & percent] = 0
    at, values, sizes = at[sizes > 0], values[sizes > 0], sizes[sizes > 0]
    if not len(at):
        return text, None
    new = raw[: len(text)].copy()
    new[at] = values
    kept = np.ones(len(raw), np.bool_)
    for k in range(1, 6):
        kept[at[sizes > k] + k] = False
    return new[kept[: len(text)]].tobytes().decode(), _layer(at, sizes, np.ones(len(at), np.int64))


def _plain_characters(text: str) -> tuple[str, Layer | None]:
    """The text with what its characters read as."""
    table, sizes = _changing()
    if len(text) < _SHORT:
        return _replaced(_STRANGE, lambda m: table.get(ord(m[0])), text)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    places = np.flatnonzero(sizes[np.minimum(points, len(sizes) - 1)] >= 0)
    if not len(places):
        return text, None
    return text.translate(table), _layer(places, np.ones(len(places), np.int64), sizes[points[places]].astype(np.int64))


def _unescape(m: re.Match[str]) -> str | None:
    """What an escape stands for; ``None`` if it is none, nothing for mark-up and soft line breaks."""
    if m.lastindex is None:
        return ""
    told: str = m[m.lastindex]
    if m.lastindex == 2:
        return chr(0x10000 + (int(m[1], 16) - 0x800 << 10) + int(told, 16) - 0xC00)
    if m.lastindex == _URL:
        cp = int(told, 16)
        return chr(cp) if 0x20 <= cp < 0x7F or cp in (9, 10, 13) else None
    if m.lastindex == _NAMED:
        return _ENTITIES.get(told)
    if m.lastindex == _MAIL_AT:
        return "@"
    if m.lastindex == _CONTROL:
        return _CONTROLS[told]
    cp = int(told, 10 if m.lastindex == _DECIMAL else 16)
    return None if 0xD800 <= cp < 0xE000 or cp > 0x10FFFF else chr(cp)


_URL, _DECIMAL, _NAMED, _MAIL_AT, _CONTROL = 7, 9, 10, 11, 12  # groups of _ESCAPE


def _escaped(text: str) -> bool:
    """May there be an escape? Much cheaper than to look for one."""
    return _holds(text, _TOLD, _SIGNS) or ("<" in text and _MARK_UP.search(text) is not None)


def _holds(text: str, told: bytes, signs: Sequence[str]) -> bool:
    """Does a text hold one of these? ``told``: the first bytes of those, by which a long text is asked first."""
    if len(text) >= _SHORT and text.encode("utf-8", "replace").translate(told).find(1) < 0:
        return False
    return any(map(text.__contains__, signs))


_SIGNS = ("\\", "%", "&", "`", "\x1b", "**", "__", "=40", "=\n", "=\r\n")
_OTHER_SIGNS = ("&", "`", "\x1b", "**", "__", "=40", "=\n", "=\r\n")
_TOLD, _OTHER_TOLD = (bytes(chr(c) in {sign[0] for sign in signs} for c in range(256)) for signs in (_SIGNS, _OTHER_SIGNS))
_MARK_UP = re.compile(r"</?[a-z]+/?>")


def decode(source: bytes, origin: int, owner: int) -> View | None:
    """The view of a window, or nothing if decoding changes nothing."""
    text = source.decode()
    layers: list[Layer] = []
    for _ in range(_LAYERS):
        before = text
        if _escaped(text):
            text, layer = _unescaped(text)
            layers += [layer] if layer else []
        if not text.isascii() or "\0" in text:
            text, layer = _plain_characters(text)
            layers += [layer] if layer else []
        if text == before:
            break
    return View(text, source, origin, owner, layers) if layers else None
