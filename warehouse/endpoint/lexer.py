"""ClickHouse SQL as tokens: enough to find clauses, settings and parameters without being fooled by strings and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|\#[!\s][^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<string>'(?:[^'\\]|\\.|'')*')
  | (?P<quoted>"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`)
  | (?P<heredoc>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<param>\{\s*[A-Za-z_]\w*\s*:[^{}]*\})
  | (?P<number>(?:0[xX][0-9a-fA-F]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?))
  | (?P<word>[A-Za-z_]\w*)
  | (?P<op>.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class Token(NamedTuple):
    """One token; ``kind``: string, quoted (identifier), heredoc, param, number, word or op."""

    kind: str
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords (given in upper case)."""
        return self.kind == "word" and self.text.upper() in words


def tokens(sql: str) -> Iterator[Token]:
    """Tokens of ``sql`` without white space and comments."""
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or "op"
        if match.group("heredoc") is not None:
            kind = "heredoc"
        if kind != "space":
            yield Token(kind, match.group(), match.start(), match.end())


def first_word(sql: str) -> str:
    """The first word in upper case, past comments and opening parentheses; empty if there is none."""
    for token in tokens(sql):
        if token.text == "(":
            continue
        return token.text.upper() if token.kind == "word" else ""
    return ""


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "e": "\x1b"}


def unquote(token: Token) -> str:
    """The text of an identifier or string token, escapes resolved."""
    if token.kind not in ("quoted", "string"):
        return token.text
    body = token.text[1:-1].replace(token.text[0] * 2, token.text[0])
    return re.sub(r"\\(?:x([0-9a-fA-F]{2})|(.))", _unescaped, body, flags=re.DOTALL)


def _unescaped(match: re.Match[str]) -> str:
    if match.group(1):
        return chr(int(match.group(1), 16))
    return _ESCAPES.get(match.group(2), match.group(2))
