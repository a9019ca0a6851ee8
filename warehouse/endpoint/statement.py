"""A statement's clauses: FORMAT, SETTINGS, identifier parameters, and the head of an INSERT."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from warehouse.endpoint.lexer import Token, tokens, unquote
from warehouse.endpoint.refusal import Refused

_NAME = re.compile(r"[A-Za-z_]\w*$", re.ASCII)
_PARAM = re.compile(r"\{\s*(\w+)\s*:\s*Identifier\s*\}$")
_AFTER_FORMAT = re.compile(rb"[ \t]*;?(?:\r?\n)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True)
class Clauses:
    """A statement without its FORMAT clause.

    Attributes:
        sql: the statement, SETTINGS inside SELECTs included.
        format: what FORMAT asked for, or empty.
        outer: settings that hold for the whole statement.
        inner: settings of subqueries.
        count: SETTINGS clauses left in ``sql``.
    """

    sql: str
    format: str
    outer: dict[str, str]
    inner: dict[str, str]
    count: int


def clauses(sql: str) -> Clauses:
    """Take a statement apart (as formatted by the engine: one statement, no comments).

    Raises:
        Refused: a quoted name with control characters, INTO OUTFILE, a setting whose value is no plain literal.
    """
    found = list(tokens(sql))
    for token in found:
        if token.kind == "quoted" and _CONTROL.search(unquote(token)):
            raise Refused("control characters in a name are not allowed")  # they would break the lines of EXPLAIN AST
    depths = _depths(found)
    for i, token in enumerate(found[:-1]):
        if token.is_word("INTO") and found[i + 1].is_word("OUTFILE"):
            raise Refused("INTO OUTFILE is not allowed")
    cut, fmt, tail = _format(found, depths, len(sql))
    outer: dict[str, str] = {}
    inner: dict[str, str] = {}
    count = 0
    for i, token in enumerate(found):
        if not _opens_settings(found, i):
            continue
        outermost = depths[i] == 0
        (outer if outermost else inner).update(_assignments(found, i + 1))
        count += token.start < cut
    return Clauses(sql[:cut].rstrip() + tail, fmt, outer, inner, count)


def _depths(found: list[Token]) -> list[int]:
    depth, out = 0, []
    for token in found:
        depth -= token.text in (")", "]", "}") and token.kind == "op"
        out.append(depth)
        depth += token.text in ("(", "[", "{") and token.kind == "op"
    return out


def _format(found: list[Token], depths: list[int], length: int) -> tuple[int, str, str]:
    """Where a trailing FORMAT clause starts (or the end), its name, and what follows that belongs to the statement."""
    for i in range(len(found) - 2, 0, -1):
        if depths[i] or not found[i].is_word("FORMAT") or found[i + 1].kind not in ("word", "quoted"):
            continue
        after = found[i + 2 :]
        before = found[i - 1]
        ends = not after or after[0].is_word("SETTINGS") or after[0].text == ";"
        if ends and before.text not in (",", ".", "=", "(", "+", "-", "*", "/") and not before.is_word("AS", "SELECT", "BY", "WHERE", "AND", "OR"):
            return found[i].start, unquote(found[i + 1]), ""
    return length, "", ""


def _opens_settings(found: list[Token], i: int) -> bool:
    return (
        found[i].is_word("SETTINGS")
        and i + 2 < len(found)
        and found[i + 1].kind in ("word", "quoted")
        and found[i + 2].text == "="
        and not (i and found[i - 1].text == ".")
    )


def _assignments(found: list[Token], start: int) -> dict[str, str]:
    """``name = literal, …`` from token ``start`` on."""
    out: dict[str, str] = {}
    i = start
    while True:
        name = unquote(found[i]) if i < len(found) else ""
        if not _NAME.match(name) or i + 2 >= len(found) or found[i + 1].text != "=":
            raise Refused("SETTINGS are name = value pairs", 62)
        value, sign = found[i + 2], ""
        if value.text in ("-", "+") and i + 3 < len(found):
            sign, i = value.text, i + 1
            value = found[i + 2]
        if value.kind not in ("string", "number", "word"):
            raise Refused(f"Cannot modify '{name}' setting in readonly mode", 164)
        out[name] = sign + unquote(value)
        i += 3
        if i >= len(found) or found[i].text != ",":
            return out
        i += 1


def with_identifiers(sql: str, params: dict[str, str]) -> str:
    """``sql`` with ``{name:Identifier}`` parameters written out, so that what is checked is what runs."""
    parts: list[str] = []
    last = 0
    for token in tokens(sql):
        match = _PARAM.match(token.text) if token.kind == "param" else None
        if match is None:
            continue
        value = params.get(match.group(1))
        if value is None:
            raise Refused(f"Substitution `{match.group(1)}` is not set", 456)
        names = value.split(".")
        if not all(_NAME.match(name) for name in names):
            raise Refused(f"Value of parameter `{match.group(1)}` is not an identifier", 457)
        parts += [sql[last : token.start], ".".join(f"`{name}`" for name in names)]
        last = token.end
    return "".join(parts) + sql[last:] if parts else sql


@dataclass(frozen=True)
class InsertHead:
    """``INSERT INTO t (…)``: the statement without FORMAT, the format, and where its rows begin in the bytes."""

    sql: str
    format: str
    data_at: int


def insert_head(head: bytes, *, complete: bool) -> InsertHead | Literal[False] | None:
    """The head of an INSERT whose rows follow; ``False`` if it brings no rows (INSERT … SELECT), ``None`` if more bytes are needed.

    Args:
        head: the beginning of the statement.
        complete: ``head`` is all there is.
    """
    text = head.decode("latin-1")  # one character per byte: offsets stay offsets
    depth = 0
    previous: Token | None = None
    for token in tokens(text):
        if token.kind == "op":
            depth += (token.text == "(") - (token.text == ")")
        elif depth == 0 and token.kind == "word":
            at_the_end = token.end == len(text) and not complete
            if at_the_end:
                return None
            if previous is not None and previous.is_word("FORMAT"):
                after = _AFTER_FORMAT.match(head, token.end)
                end = after.end() if after else token.end
                if end == len(head) and not complete:
                    return None
                return InsertHead(head[: previous.start].decode(), token.text, end)
            if token.is_word("VALUES"):
                return InsertHead(head[: token.start].decode(), "Values", token.end)
            if token.is_word("SELECT", "WITH", "INFILE", "WATCH", "FUNCTION"):
                return False
        previous = token
    return False if complete else None
