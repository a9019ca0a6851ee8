"""Expressions spelled out: Hyperscan looks for a thousand strings at once at no cost, but runs an automaton for each alternation of them."""

from __future__ import annotations

import re

_TOKEN = re.compile(rb"\\x([0-9a-fA-F]{2})|\\(.)|\[((?:\\.|[^\]\\])+)\]|(.)", re.S)
_MEMBER = re.compile(rb"(\\x[0-9a-fA-F]{2}|\\.|.)(?:-(\\x[0-9a-fA-F]{2}|\\.|.))?", re.S)


def spelled_out(expression: bytes) -> list[bytes]:
    """Every string that an expression of letters, classes, groups and ``?`` matches, but for those that end as another one does:
    where they match, that one does too, and at the same place."""
    strings, end = _alternatives(expression, 0)
    if end != len(expression):
        raise ValueError(f"cannot be spelled out: {expression!r}")
    found = set(strings)
    return sorted(s for s in found if not any(s[k:] in found for k in range(1, len(s))))


def _alternatives(e: bytes, at: int) -> tuple[list[bytes], int]:
    """What stands at ``at`` up to the end of its group, and where that is."""
    found: list[bytes] = []
    strings = [b""]
    while at < len(e) and e[at] != 41:  # )
        if e[at] == 124:  # |
            found += strings
            strings, at = [b""], at + 1
            continue
        parts, at = _part(e, at)
        if e[at : at + 1] == b"?":
            parts, at = [b"", *parts], at + 1
        strings = [s + part for s in strings for part in parts]
    return found + strings, at


def _part(e: bytes, at: int) -> tuple[list[bytes], int]:
    """One letter, class or group."""
    if e.startswith(b"(?:", at):
        parts, at = _alternatives(e, at + 3)
        return parts, at + 1
    m = _TOKEN.match(e, at)
    if m is None or m[4] in (b"*", b"+", b"{", b".", b"(", b"^", b"$") or (m[2] and m[2].isalnum()) or (m[3] and m[3].startswith(b"^")):
        raise ValueError(f"cannot be spelled out: {e!r}")
    if m[3] is None:
        return [_one(m[0])], m.end()
    members: list[bytes] = []
    for first, last in _MEMBER.findall(m[3]):
        members += [bytes([c]) for c in range(_one(first)[0], _one(last or first)[0] + 1)]
    return members, m.end()


def _one(told: bytes) -> bytes:
    return bytes.fromhex(told[2:].decode()) if told.startswith(b"\\x") and len(told) == 4 else told[-1:]
