"""What stands in a redacted text: ``[EMAIL]``, ``[EMAIL:3f9a1c02]``, ``[DROPPED:budget]``."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache

from collector.redaction.matching import Span

PLACEHOLDER = re.compile(rb"\[[A-Z][A-Z0-9_]{1,31}(?::[0-9a-f]{8,16}|:[a-z_]{3,24})?\]")
JOINABLE = frozenset({"EMAIL", "IP_ADDRESS", "MAC_ADDRESS", "PHONE", "STREET_ADDRESS", "CRYPTO"})  # hard enough to guess or low enough in risk

_GENERAL = frozenset({"NATIONAL_ID", "BANK_ACCOUNT", "API_KEY", "SECRET_ASSIGN", "PHONE"})  # give way to a more telling class of equal extent

_LONGEST = 64  # bytes of a placeholder
_MANY = 16  # spans from which on it is worth asking whether the text is plain ASCII


def placeholder(class_name: str, value: bytes, key: bytes) -> bytes:
    """``[CLASS]``, or with a keyed hash of the value for classes that people want to join on."""
    if key and class_name in JOINABLE:
        hashed = _keyed(key).copy()
        hashed.update(value.lower().translate(None, b" \t\n\r\v\f"))
        return f"[{class_name}:{hashed.hexdigest()}]".encode()
    return bare(class_name)


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> hashlib.blake2b:
    """A hash that has taken in its key and waits for the value."""
    return hashlib.blake2b(key=key[:64], digest_size=5, person=b"redact")


@cache
def bare(class_name: str) -> bytes:
    """``[CLASS]``."""
    return f"[{class_name}]".encode()


def resolve(b: bytes, lo: int, hi: int, spans: Sequence[Span]) -> list[Span]:
    """Spans in order without overlap, clipped to the text and around placeholders that already stand there.

    Overlapping spans become one, named after the longest of them: what any rule found goes.
    """
    ordered = sorted(spans) if len(spans) > 1 else list(spans)
    found, last = ordered, lo
    for start, end, _ in ordered:
        if start < last:
            last = hi + 1
            break
        last = end
    if last > hi:  # seldom
        found = _merged(spans, lo, hi)
    first, last = (max(lo, found[0][0] - _LONGEST), min(hi, found[-1][1] + _LONGEST)) if found else (lo, lo)
    if found and b.find(b"[", first, last) >= 0:
        taken = [m.span() for m in PLACEHOLDER.finditer(b, first, last)]
        if taken:
            ends = [end for _, end in taken]
            found = [piece for span in found for piece in _around(b, span, taken, bisect_right(ends, span[0]))]
    if len(found) > _MANY and b[lo:hi].isascii():
        return found
    return [s if b[s[0]] < 0x80 and b[s[1] - 1] < 0x80 else _whole_characters(b, s) for s in found]


def _merged(spans: Sequence[Span], lo: int, hi: int) -> list[Span]:
    """Spans that overlap, as one."""
    merged: list[list[int | str]] = []
    longest = 0
    for start, end, name in sorted(spans, key=lambda s: (s[0], -s[1], s[2] in _GENERAL, s[2])):
        start, end = max(start, lo), min(end, hi)
        if start >= end:
            continue
        if merged and start < merged[-1][1]:  # type: ignore[operator]
            merged[-1][1] = max(merged[-1][1], end)  # type: ignore[type-var]
            if end - start > longest:
                longest, merged[-1][2] = end - start, name
        else:
            merged.append([start, end, name])
            longest = end - start
    return [(int(s), int(e), str(n)) for s, e, n in merged]


def _around(b: bytes, span: Span, taken: Sequence[tuple[int, int]], first: int) -> list[Span]:
    """What of a span is not in placeholders, of which ``first`` is the first that ends behind its begin."""
    start, end, name = span
    hit: list[tuple[int, int]] = []
    while first < len(taken) and taken[first][0] < end:
        hit.append(taken[first])
        first += 1
    if not hit:
        return [span]
    pieces: list[Span] = []
    for a, z in [*hit, (end, end)]:
        if a - start >= 4 and b[start:a].strip(b" .,;:-/\\\"'()[]"):
            pieces.append((start, a, name))
        start = max(start, z)
    return pieces


def _whole_characters(b: bytes, span: Span) -> Span:
    start, end, name = span
    while b[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(b) and b[end] & 0xC0 == 0x80:
        end += 1
    return start, end, name
