"""What stands in a redacted text: ``[EMAIL]``, ``[EMAIL:3f9a1c02]``, ``[DROPPED:budget]``."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

from collector.redaction.matching import Span

PLACEHOLDER = re.compile(rb"\[[A-Z][A-Z0-9_]{1,31}(?::[0-9a-f]{8,16}|:[a-z_]{3,24})?\]")
JOINABLE = frozenset({"EMAIL", "IP_ADDRESS", "MAC_ADDRESS", "PHONE", "STREET_ADDRESS", "CRYPTO"})  # hard enough to guess or low enough in risk

DIGITS = "DIGITS"  # the class of numbers that all go without a look at each
_GENERAL = frozenset({"NATIONAL_ID", "BANK_ACCOUNT", "API_KEY", "SECRET_ASSIGN", "PHONE", DIGITS})  # give way to a more telling class of equal extent

CHECKED = 4_096  # placeholders between looks at the clock
_BLANKS = b" \t\n\r\v\f"
_LONGEST = 64  # bytes of a placeholder
_MANY = 16  # spans from which on it is worth asking whether the text is plain ASCII


def placeholder(class_name: str, value: bytes, key: bytes) -> bytes:
    """``[CLASS]``, or with a keyed hash of the value for classes that people want to join on."""
    if not key or class_name not in JOINABLE:
        return bare(class_name)
    hashed = _keyed(key).copy()
    hashed.update(value.lower().translate(None, _BLANKS))
    return f"[{class_name}:{hashed.hexdigest()}]".encode()


def placeholders(raw: bytes, spans: Sequence[Span], key: bytes, check: Callable[[], None]) -> list[bytes]:
    """What stands for each of these spans of a text. ``check`` is called now and then."""
    if not key:
        return [bare(name) for _, _, name in spans]
    low, keyed = raw.lower(), _keyed(key)
    found: list[bytes] = []
    for k in range(0, len(spans), CHECKED):
        told: list[str] = []
        for start, end, name in spans[k : k + CHECKED]:
            if name in JOINABLE:
                hashed = keyed.copy()
                hashed.update(low[start:end].translate(None, _BLANKS))
                name = f"{name}:{hashed.hexdigest()}"
            told.append(f"[{name}]")
        found += "\0".join(told).encode().split(b"\0")
        if k:
            check()
    return found


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
    if len(spans) == 2 and spans[0][0] == spans[1][0] and spans[0][1] == spans[1][1]:  # told by two rules
        spans = [min(spans, key=_telling)] if spans[0][2] != spans[1][2] else spans[:1]
    if len(spans) == 1:  # the usual case: nothing to put in order
        start, end, _ = spans[0]
        first, last = start - _LONGEST, end + _LONGEST
        if (
            lo <= start < end <= hi
            and b[start] < 0x80
            and b[end - 1] < 0x80
            and b.find(b"[", first if first > lo else lo, last if last < hi else hi) < 0
        ):
            return list(spans)
    found = sorted(spans) if len(spans) > 1 else list(spans)
    if _overlap(found, lo, hi):  # seldom
        found = list(dict.fromkeys(found))  # neighbouring windows show what stands in both
        if _overlap(found, lo, hi):
            found = _merged(found, lo, hi)
    first, last = (max(lo, found[0][0] - _LONGEST), min(hi, found[-1][1] + _LONGEST)) if found else (lo, lo)
    if found and b.find(b"[", first, last) >= 0:
        taken = [m.span() for m in PLACEHOLDER.finditer(b, first, last)]
        if taken:
            ends = [end for _, end in taken]
            found = [piece for span in found for piece in _around(b, span, taken, bisect_right(ends, span[0]))]
    if len(found) > _MANY and b[lo:hi].isascii():
        return found
    return [s if b[s[0]] < 0x80 and b[s[1] - 1] < 0x80 else _whole_characters(b, s) for s in found]


def _overlap(ordered: Sequence[Span], lo: int, hi: int) -> bool:
    """Does one begin before another ends, lie beyond the text, or say nothing?"""
    for start, end, _ in ordered:
        if start < lo or end <= start:
            return True
        lo = end
    return lo > hi


def _merged(ordered: Sequence[Span], lo: int, hi: int) -> list[Span]:
    """Spans that overlap, as one: of most only to see that they do not."""
    merged: list[Span] = []
    together: list[Span] = []
    reached = lo
    for start, end, name in ordered:
        if start < lo:
            start = lo
        if end > hi:
            end = hi
        if start >= end:
            continue
        if start >= reached and together:
            merged.append(together[0] if len(together) == 1 else _one(together))
            together = []
        together.append((start, end, name))
        if end > reached:
            reached = end
    if together:
        merged.append(_one(together))
    return merged


def _one(together: list[Span]) -> Span:
    """Overlapping spans as one, named after the longest."""
    together.sort(key=lambda s: (s[0], -s[1], *_telling(s)))
    _, _, name = max(together, key=lambda s: s[1] - s[0])  # the first of these
    return together[0][0], max(end for _, end, _ in together), name


def _telling(span: Span) -> tuple[bool, str]:
    """Orders the classes of an extent: those that say more about it first."""
    return span[2] in _GENERAL, span[2]


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
