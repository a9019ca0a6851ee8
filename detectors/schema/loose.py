"""Is a text JSON but for its spelling? Unquoted keys, other quotes, literals of Python and JavaScript, comments, commas too many or missing.

Only to name a failure: nothing is repaired, and no value is made.
"""

from __future__ import annotations

import re

MAX_CHARS = 200_000
MAX_DEPTH = 100

_TOKEN = re.compile(
    r"(?P<skip>\s+|//[^\n]*|/\*.*?\*/|\#[^\n]*|\.\.\.|…)"
    r"|(?P<open>/\*)"  # a comment without an end
    r"|(?P<string>\"\"\".*?\"\"\"|'''.*?'''|[rbu]?\"(?:[^\"\\]|\\.)*\"|[rbu]?'(?:[^'\\]|\\.)*'|“[^“”]*”|‘[^‘’]*’|„[^„“”]*[“”]|`[^`]*`)"
    r"|(?P<mark>[{}\[\]():,])"
    r"|(?P<word>[^\s{}\[\]():,\"'“”‘’`#]+)",
    re.S,
)
_SCALAR = re.compile(
    r"[+-]?(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|Infinity|inf)n?$|(?:true|false|null|none|undefined|nan|nil)$", re.I
)
_NAME = re.compile(r"[\w$@.-]+$")
_CLOSES = {"{": "}", "[": "]", "(": ")"}


class _Broken(Exception):
    """Not even loosely JSON."""


def loose(text: str) -> bool:
    """Whether ``text`` is one object or array that a forgiving reader takes; ``text`` starts with its bracket."""
    if len(text) > MAX_CHARS:
        return False
    try:
        told = _tokens(text)
        return bool(told) and told[0][1] in "{[" and _value(told, 0, 0) == len(told)
    except _Broken:
        return False


def _tokens(text: str) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup == "open":
            raise _Broken
        if found.lastgroup != "skip":
            out.append((found.lastgroup or "", found.group()))
        at = found.end()
    return out


def _value(told: list[tuple[str, str]], at: int, depth: int) -> int:
    """Where the value that starts at ``at`` ends."""
    if at >= len(told) or depth > MAX_DEPTH:
        raise _Broken
    kind, text = told[at]
    if kind == "string" or (kind == "word" and _SCALAR.match(text)):
        return at + 1
    if kind == "mark" and text in _CLOSES:
        return _members(told, at + 1, _CLOSES[text], depth + 1)
    raise _Broken


def _members(told: list[tuple[str, str]], at: int, closing: str, depth: int) -> int:
    """Past the closing bracket; commas may be missing or too many."""
    while at < len(told):
        kind, text = told[at]
        if text == closing and kind == "mark":
            return at + 1
        if text == "," and kind == "mark":
            at += 1
            continue
        if closing == "}":
            if not (kind == "string" or (kind == "word" and _NAME.match(text))) or told[at + 1 : at + 2] != [("mark", ":")]:
                raise _Broken
            at += 2
        at = _value(told, at, depth)
    raise _Broken


__all__ = ["loose"]
