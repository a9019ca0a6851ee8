"""The second look: what a text says where placeholders now stand, in as few bytes as will do."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, compress, count, repeat
from typing import Any

import numpy as np

from collector.redaction.matching import AS_ZEROS, Span, tester
from collector.redaction.placeholders import PLACEHOLDER, resolve
from collector.redaction.plain import LEAST

Array = np.ndarray[Any, Any]

AROUND = 200  # bytes around a placeholder in which replacement may have changed what rules see
_NEAR = 112  # bytes around a placeholder in which there must be more than words for a second look
_DIGIT_WORD = rb"(?:zero|one|two|three|four|five|six|seven|eight|nine|oh)"
_LIVELY = tester([rb"[0-9@=\\%&`\x80-\xff]|(?i:(?:" + _DIGIT_WORD + rb"[ ,.\-\r\n]{1,3}){3})"], latin=True)
_PLAIN_LIVELY = re.compile(rb"[0-9@=\\%&`\x80-\xff]")
_DULL = bytes(c for c in range(256) if not _PLAIN_LIVELY.match(bytes([c])))
_SPARSE = 6 * AROUND  # bytes about a single placeholder of which only the nearest are looked at
_CHARACTER = 3  # bytes of a character that may lie beyond
_SAMPLE = 400  # pieces that tell whether a list repeats itself
_HASH = re.compile(rb":[0-9a-f]{10}\]")
_VARIED = 8  # times as many entries as kinds of them in such a list, at least
_BEFORE, _MOST_BEFORE = 256, 24  # bytes before an entry, in entries at most, that say how it reads
_FEW_DIGITS = 12
_ONE, _ODD = np.uint64(1), np.uint64(0x9E3779B97F4A7C15)
_SEVERAL = 4
_WORTH = 32_768  # bytes of a text from which on it is worth asking
_REPEATED = 4_096  # bytes of entries that read alike of which the second look sees the first ones only: more than any rule does


def marks(pieces: Sequence[bytes]) -> list[tuple[int, int]]:
    """First and last+1 byte of each placeholder in the new text."""
    edges = list(accumulate(map(len, pieces)))
    return list(zip(edges[::2], edges[1::2], strict=False))


def masked(pieces: Sequence[bytes]) -> bytes:
    """The new text, the hashes of its placeholders made equal if there are many: what their digits happen to say is nothing, but takes time."""
    text = b"".join(pieces)
    return _HASH.sub(b":a1b2c3d4e5]", text) if len(pieces) > 2 * LEAST else text


def near_marks(replaced: Sequence[list[bytes]]) -> tuple[list[bytes], list[int]]:
    """What may read differently now in these texts, given as pieces, and the number of the text that each stretch is from."""
    found: list[bytes] = []
    owners: list[int] = []
    quiet: list[tuple[int, bytes]] = []
    for k, pieces in enumerate(replaced):
        if len(pieces) > 3 or len(pieces[0]) + len(pieces[-1]) < _SPARSE:
            some = stretches(pieces)
            found += some
            owners += [k] * len(some)
            continue
        around = pieces[0][-_NEAR:] + pieces[2][:_NEAR]  # the usual case
        if b"[" in around:
            around = PLACEHOLDER.sub(b"", around)
        if around.translate(None, _DULL):
            found.append(_stretch(*pieces))
            owners.append(k)
        else:
            quiet.append((k, around))
    if quiet and _LIVELY.Match(b"\0".join([around for _, around in quiet])):
        said = [k for k, around in quiet if _LIVELY.Match(around)]
        found += [_stretch(*replaced[k]) for k in said]
        owners += said
    return found, owners


def _stretch(before: bytes, mark: bytes, behind: bytes) -> bytes:
    """What stands around a placeholder, in whole characters."""
    left, right = before[-AROUND:], behind[:AROUND]
    if left and left[0] & 0xC0 == 0x80:
        left = _end(before)
    if len(behind) > AROUND and behind[AROUND] & 0xC0 == 0x80:
        right = _begin(behind)
    return left + mark + right


def stretches(pieces: list[bytes]) -> list[bytes]:
    """What may read differently now: the text, or, of a long one with few placeholders, what stands around these.

    Left out is what has nothing but words around its placeholders: every rule that words set off wants more than these.
    """
    size = sum(map(len, pieces))
    dense = len(pieces) * 2 * AROUND > size
    if dense and len(pieces) > 2 * LEAST and size > _REPEATED:
        return [masked(_unrepeated(pieces))]
    if dense or size < 4 * AROUND:
        return [masked(pieces)] if _lively(pieces[::2]) else []
    text = masked(pieces)
    found: list[bytes] = []
    for a, z in marks(pieces):
        before, behind = text[max(0, a - AROUND - _CHARACTER) : a], text[z : z + AROUND + _CHARACTER]
        if _lively([before[-_NEAR:], behind[:_NEAR]]):
            found.append(_stretch(before, text[a:z], behind))
    return found


def _end(text: bytes) -> bytes:
    """The last bytes of a text, in whole characters."""
    first = max(0, len(text) - AROUND)
    while first and text[first] & 0xC0 == 0x80:
        first -= 1
    return text[first:]


def _begin(text: bytes) -> bytes:
    """The first bytes of a text, in whole characters."""
    last = min(len(text), AROUND)
    while last < len(text) and text[last] & 0xC0 == 0x80:
        last += 1
    return text[:last]


def _unrepeated(pieces: list[bytes]) -> list[bytes]:
    """A list without most of the entries that now read, with those before them, as earlier ones: what is nothing at its begin is nothing further on.
    Few digits in an entry (a row's number, a date) make it no other: what digits alone make was found before."""
    between = pieces[2::2]
    if _all_alike(pieces[1::2], between):
        return pieces[: 5 + 2 * _REPEATED // len(pieces[1] + pieces[2]) | 1]
    if sum(map(len, pieces)) < _WORTH:
        return pieces
    alike = _alike(between[:_SAMPLE])
    if len(set(alike)) * _VARIED > len(alike):
        return pieces
    known: dict[bytes, int] = {}
    told = np.fromiter(map(known.setdefault, alike if len(alike) == len(between) else _alike(between), count()), np.uint64, len(between))
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    marked, behind = lengths[1::2], lengths[2::2]
    first = np.cumsum(lengths)[:-1:2]
    raw = np.frombuffer(b"".join(pieces), np.uint8)
    for said in (marked, raw[first + 1], raw[first + 2]):  # two letters tell classes of one length apart
        told = told * _ODD + said.astype(np.uint64)
    ids, sizes = told, marked + behind
    if (ids == ids[0]).all():
        return pieces[: 5 + 2 * _REPEATED // int(sizes[0]) | 1]
    reach = min(_MOST_BEFORE, 2 + _BEFORE // int(sizes.min()))
    powers = _powers(len(ids))
    told = np.cumsum(ids * powers[1])  # an entry and those before it, as one number: the sum of each times a power of its distance
    told[reach:] -= told[:-reach].copy()
    told *= powers[0]
    order = np.argsort(told, kind="stable")
    heads = np.flatnonzero(np.append(True, np.diff(told[order]) != 0))
    times = np.empty(len(told), np.int64)
    many = np.diff(np.append(heads, len(told)))
    times[order] = np.arange(len(told)) - np.repeat(heads, many)
    apart = np.empty(len(told), np.int64)  # bytes from an entry to the next that reads alike, on average
    apart[order] = np.repeat((first[order[heads + many - 1]] - first[order[heads]]) // np.maximum(many - 1, 1), many)
    new = np.concatenate([np.cumsum(times == 0), np.full(reach, len(heads))])
    kept = (times < _SEVERAL + _REPEATED // np.maximum(apart, sizes)) | (new[reach:] > new[:-reach])  # what stands before a new one is kept for it
    return [pieces[0], *compress(pieces[1:], np.repeat(kept, 2).tolist())]


def _powers(n: int) -> tuple[Array, Array]:
    """So many powers of an odd number, and of what it is one times which, modulo 2**64."""
    ups, downs = _doubled_powers(n.bit_length())
    return ups[:n], downs[:n]


@lru_cache(maxsize=4)
def _doubled_powers(bits: int) -> tuple[Array, Array]:
    inverse = np.uint64(pow(int(_ODD), -1, 1 << 64))
    ups, downs = (np.cumprod(np.append(_ONE, np.full(1 << bits, base, np.uint64))) for base in (_ODD, inverse))
    return ups, downs


def _all_alike(marked: list[bytes], between: list[bytes]) -> bool:
    """Is it one class again and again, with the same between?"""
    head = b"".join(marked[0].partition(b":")[:2])
    return len(set(between)) == 1 and all(map(bytes.startswith, marked, repeat(head)))


def _alike(between: list[bytes]) -> list[bytes]:
    """What stands between placeholders, few digits told as zeros."""
    if len(set(between)) * _VARIED <= len(between):
        return between
    told = b"\0".join(between).translate(AS_ZEROS).split(b"\0")
    if len(told) != len(between):
        return between
    many = {zeros for zeros in set(told) if zeros.count(b"0") > _FEW_DIGITS}
    return [said if zeros in many else zeros for zeros, said in zip(told, between, strict=True)] if many else told


def _lively(pieces: Sequence[bytes]) -> bool:
    """Is there more than words in what stands around placeholders?"""
    around = b"".join(pieces)
    if _PLAIN_LIVELY.search(around) and b"[" not in around:
        return True
    return bool(_LIVELY.Match(PLACEHOLDER.sub(b"", around) if b"[" in around else around))


def origin(moves: list[tuple[int, int]], at: int, *, end: bool = False) -> int:
    """Where a place in the new text was in the old; ``moves``: both, behind each placeholder."""
    k = bisect_right(moves, (at - (1 if end else 0), 1 << 60)) - 1
    return moves[k][1] + at - moves[k][0]


def with_later(raw: bytes, replaced: list[bytes], known: list[Span], more: Sequence[Span]) -> list[Span]:
    """Known spans of a text, and more of them found in the redacted one."""
    moves = [(0, 0), *((size, end) for (_, size), (_, end, _) in zip(marks(replaced), known, strict=True))]
    return resolve(raw, 0, len(raw), known + [(origin(moves, a), origin(moves, z, end=True), name) for a, z, name in more])


def whole_lines(text: bytes, spans: Sequence[Span]) -> list[Span]:
    """The same to the ends of their lines: where each replacement uncovers the next value, nothing else comes to rest."""
    return [(text.rfind(b"\n", 0, start) + 1, end if (end := text.find(b"\n", last)) >= 0 else len(text), name) for start, last, name in spans]
