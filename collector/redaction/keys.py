"""Matchers for tokens that a prefix or a fixed form gives away: vendor keys, identifiers with a check, wallets."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import Counter
from functools import lru_cache

from collector.redaction.checksums import IBAN_LENGTH
from collector.redaction.matching import Handler, Runaway, Sought, Span, near, words
from collector.redaction.rules import Rule
from collector.redaction.validators import VALIDATORS

_BREAK = re.compile(rb"(?:\*{1,3}|__|`|(?:\\\\?)?\r?\n[ \t]*|(?:\\\\?[rn])+[ \t]*|\\\r?\n)")  # a line break or a mark-up that cuts a key
_MAY_BREAK = b"*_`\r\n\\"  # what such a break begins with
_ALPHANUMERIC = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_FIRST = re.compile(rb"[A-Za-z0-9_\-]{4,256}+")
_REST = re.compile(rb"[A-Za-z0-9_\-]{10,}+")
_LEAST_DIFFERENT, _MIXED_DIFFERENT = 10, 14  # bytes in a value of 3.3, and of 3.8, bits a byte
_BLANKS = re.compile(rb"\s")
_STRIP = re.compile(rb"[^A-Za-z0-9]")


def entropy(value: bytes) -> float:
    """Shannon entropy in bits per character."""
    n = len(value)
    return -sum(c / n * math.log2(c / n) for c in Counter(value).values()) if n else 0.0


@lru_cache(maxsize=4096)
def _least_entropy(n: int, different: int) -> float:
    """What ``n`` bytes have at least, where so many of them are different."""
    most = n - different + 1
    return (different - 1) / n * math.log2(n) + most / n * math.log2(n / most)


def _evenly(value: bytes) -> bool:
    """Is no byte more than a tenth of all? Then there are at least 3.3 bits in each."""
    return max(Counter(value).values()) * 10 <= len(value)


def looks_random(value: bytes) -> bool:
    """Digits and letters of both cases, or long hex: not a word, not a name."""
    n = len(value)
    if (
        n - len(value.translate(None, b"0123456789")) < 2
        or n - len(value.translate(None, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")) < 2
        or n - len(value.translate(None, b"abcdefghijklmnopqrstuvwxyz")) < 2
    ):
        return False
    different = len(set(value))
    return different >= _LEAST_DIFFERENT and (_least_entropy(n, different) >= 3.3 or _evenly(value) or entropy(value) >= 3.3)


_CASE = bytes(65 if chr(c).isupper() else 97 for c in range(256))


def mixes_case(value: bytes) -> bool:
    """Upper and lower case change back and forth more than in words."""
    case = value.translate(_CASE)
    return case.count(b"Aa") + case.count(b"aA") >= len(value) // 3 and len(set(value)) >= _MIXED_DIFFERENT and entropy(value) >= 3.8


def jwt_header(token: bytes) -> bool:
    """Does the first segment decode to a JOSE header?"""
    head = token.split(b".", 1)[0]
    try:
        fields = json.loads(base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and ("alg" in fields or "enc" in fields or "typ" in fields)


def _valid(rule: Rule, value: bytes) -> bool:
    if not rule.validator:
        return True
    if rule.validator == "jwt":
        return jwt_header(value)
    if rule.validator == "random":
        return looks_random(value) or (len(value) >= 20 and mixes_case(value))
    if rule.validator == "has_digits":
        return sum(48 <= c <= 57 for c in value) >= 3
    strip = _BLANKS if rule.validator == "lettered_id" else _STRIP
    try:
        return VALIDATORS[rule.validator](strip.sub(b"", value).decode("ascii"))
    except (ValueError, IndexError, KeyError):
        return False


def prefix_handler(rule: Rule, offset: int) -> Handler:
    """A key that starts ``offset`` bytes before the trigger's end (negative: see ``Trigger``). Takes the whole run, also over a line break."""
    body = re.compile(rule.pattern.encode("latin-1"), re.IGNORECASE if rule.ignore_case else 0)
    needed = words(rule.words) if rule.words else None
    runaway = Runaway(rule.class_name)

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        start = to - offset if offset > 0 else max(b.rfind(b"_", max(0, to - 13), to), b.rfind(b"-", max(0, to - 13), to)) + 1 + offset
        if b[start - 1] in _ALPHANUMERIC and not (b[start - 1] in b"nrtbf" and b[start - 2] == 92):
            return to
        m = body.match(b, start, hi)
        if m is None:
            end = _joined(b, start, hi, body)
            if end:
                out.append((start, end, rule.class_name))
                return end
            return runaway.failed(b, start, hi, out)
        end = m.end()
        if not _valid(rule, m[0]) or (needed and not near(needed, b, start, end, lo, hi)):
            return runaway.failed(b, start, hi, out)
        end = _across_breaks(b, end, hi)
        out.append((start, end, rule.class_name))
        return end

    return handle


def _across_breaks(b: bytes, end: int, hi: int) -> int:
    """End of a key that goes on after a line break or mark-up: only if what follows looks as random as a key."""
    for _ in range(8):
        if b[end] not in _MAY_BREAK:
            return end
        cut = _BREAK.match(b, end, hi)
        rest = _REST.match(b, cut.end(), hi) if cut else None
        if cut is None or rest is None or not looks_random(rest[0]):
            return cut.end() if cut and cut[0].startswith((b"*", b"`", b"__")) and cut.end() - end < 4 else end
        end = rest.end()
    return end


def _joined(b: bytes, start: int, hi: int, body: re.Pattern[bytes]) -> int:
    """End of a key whose first line alone is too short to be one; 0 if the joined lines are none either."""
    first = _FIRST.match(b, start, hi)
    cut = _BREAK.match(b, first.end(), hi) if first else None
    rest = _REST.match(b, cut.end(), min(hi, cut.end() + 512)) if cut else None
    if first is None or rest is None or not looks_random(rest[0]):
        return 0
    joined = first[0] + rest[0]
    return _across_breaks(b, rest.end(), hi) if body.match(joined) else 0


_LOOKED_AHEAD = 8  # bytes that a pattern may ask for behind the value


def pattern_handler(rule: Rule) -> Handler:
    """An exact pattern ``rule.reach`` bytes around the trigger's end, or, with ``rule.back``, exactly where the value begins
    (``back`` bytes before the trigger's end; negative: with the letters before). ``rule.longest`` bytes, if it says so, are all that it can have;
    ``rule.then`` is what follows the trigger in all that match: it is asked first, for it takes less."""
    exact = re.compile(rule.pattern.encode("latin-1"), re.IGNORECASE if rule.ignore_case else 0)
    needed = words(rule.words) if rule.words else None
    refused = words(rule.not_words) if rule.not_words else None
    then = re.compile(rule.then.encode("latin-1"), exact.flags & re.IGNORECASE) if rule.then else None
    group = 1 if exact.groups else 0
    reach, back = rule.longest + 1 if rule.longest else rule.reach, rule.back
    behind = reach + _LOOKED_AHEAD if rule.longest else 4 * reach

    def accepted(b: bytes, m: re.Match[bytes], lo: int, hi: int, out: list[Span]) -> int:
        start, end = m.span(group)
        if not _valid(rule, m[group]) or (needed and not near(needed, b, start, end, lo, hi, 56, 24)):
            return 0
        if refused and near(refused, b, start, end, lo, hi, 24, 0):
            return 0
        if rule.validator == "iban_run":
            end = _iban_end(b, start, end)
        out.append((start, end, rule.class_name))
        return end

    def here(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        start = to - abs(back)
        while back < 0 and start > lo and b[start - 1 : start].isalpha() and to - start < 7:
            start -= 1
        m = exact.match(b, start, hi)
        return (accepted(b, m, lo, hi, out) if m else 0) or to

    sought, runaway = Sought(exact), Runaway(rule.class_name)

    def around(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        if then is not None and then.match(b, to, hi) is None:
            return to
        done = to
        for m in sought.beginning(b, max(lo, to - reach), to, min(hi, to + behind), lo, hi):
            if m.start() >= to:
                break
            if m.end() >= to - 1:
                done = max(done, accepted(b, m, lo, hi, out))
                if m.end() >= to:
                    if done == to:
                        sought.refused = m.span()
                        done = max(to, runaway.failed_value(*m.span(group), out))
                    break
        return done

    return here if back else around


def _iban_end(b: bytes, start: int, end: int) -> int:
    """Where the account number stops: its country says how many letters and digits it has."""
    left = IBAN_LENGTH[b[start : start + 2].upper().decode()]
    for at in range(start, end):
        if b[at : at + 1].isalnum() and b[at] < 128:
            left -= 1
            if not left:
                return at + 1
    return end
