"""Clusters of digits, taken apart: groups, what stands between them, and the pieces that may be a number.

A cluster is a maximal chain of digit groups with up to three separators between neighbours (blank, dash, dot, line
break, their Unicode, URL- and JSON-escaped kin).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

LONGEST = 2048  # bytes of a cluster judged at once
MANY = LONGEST  # groups of a cluster, and more
_ROWS = {2: 6, 4: 4}  # groups of such a size of which no part stands apart
_PIECES = re.compile(r"([0-9]+)")
_DASHES = re.compile(rb"-|\xe2\x80[\x90-\x95]|\xe2\x88\x92|%~D")
_BREAKS = re.compile(rb"[\r\n]|\\[nr]")
ZEROS = ["0" * n for n in range(LONGEST + 1)]
_KINDS: dict[str, str] = {}  # separators seen so far
Group = tuple[
    int, int, str, str
]  # first byte, one past the last, digits, separator before: one of "-", ".", " ", "/", "(", "\n", "|" (several of a kind, or mixed)


def groups_of(b: bytes, start: int, end: int) -> list[Group]:
    """The groups of a cluster; it begins with a digit."""
    text = b[start:end].decode("latin-1")
    if "%" in text:  # an escaped separator has digits of its own
        text = text.replace("%20", "%~z").replace("%2", "%~")
    pieces = _PIECES.split(text)
    groups: list[Group] = []
    at, kind = start, ""
    for i in range(1, len(pieces), 2):
        digits, after = pieces[i], pieces[i + 1]
        past = at + len(digits)
        groups.append((at, past, digits, kind))
        at = past + len(after)
        if after in _KINDS:
            kind = _KINDS[after]
        else:
            kind = _separator(after)
            if len(_KINDS) < 4096:
                _KINDS[after] = kind
    return groups


def _separator(text: str) -> str:
    """What stands between two groups, reduced to one of the marks that :data:`Group` names. ``text``: its bytes as Latin-1."""
    raw = text.encode("latin-1")
    if len(raw) <= 1:
        return text.replace("\t", "|").replace("\r", "\n")
    if _BREAKS.search(raw):
        return "\n"
    if b"(" in raw or b")" in raw:
        return "("
    if _DASHES.fullmatch(raw):
        return "-"
    if raw == b"%~E":
        return "."
    if raw.strip(b" -./_*\t"):
        return " "  # one Unicode blank, or an escaped one
    return "|"


def split_at(groups: list[Group], strong: str) -> Iterator[list[Group]]:
    """A cluster cut before each group that one of these marks stands before."""
    piece: list[Group] = []
    for g in groups:
        if piece and g[3] and g[3] in strong:
            yield piece
            piece = []
        piece.append(g)
    yield piece


def layout_of(piece: list[Group]) -> str:
    """A piece with its digits told as ``0``."""
    return ZEROS[len(piece[0][2])] + "".join([g[3] + ZEROS[len(g[2])] for g in piece[1:]])


def opened(b: bytes, line: list[Group]) -> list[list[Group]]:
    """The pieces of a line that begin with an opening bracket; none if it is but one."""
    at = [k for k, g in enumerate(line) if k and b[g[0] - 1] == 40]
    return [line[i:j] for i, j in pairwise([0, *at, len(line)])] if at else []


def pieces_of(b: bytes, groups: list[Group]) -> Iterator[tuple[list[Group], bool]]:
    """Every piece of a cluster that may be judged, and whether it may be something without a word near."""
    kinds = {g[3] for g in groups[1:]}
    for part in split_at(groups, "|") if "|" in kinds and len(kinds) > 1 else [groups]:
        yield part, True
        for line in split_at(part, "\n"):
            yield line, True
            yield from ((token, True) for token in split_at(line, " "))
            yield from ((piece, True) for piece in opened(b, line))
            if len(line) > 2:
                free = not in_row(line)
                yield line[1:], free
                yield line[:-1], free


def in_row(line: list[Group]) -> bool:
    """Six pairs of digits or more (draws of a lottery), or four fours or more (references), with the same between them: no part of these is a number
    by itself."""
    size = len(line[0][2])
    return len(line) >= _ROWS.get(size, MANY) and all(len(g[2]) == size for g in line) and len({g[3] for g in line[1:]}) == 1
