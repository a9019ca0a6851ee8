"""Grids of digits, as puzzles, boards and matrices are written: rows of as many, or of very many, blanks between. They are no numbers of anybody.

A trigger tells of every digit of one, and each row reads like a number that somebody spells: a prompt with a puzzle in it would be withheld, or full
of telephone numbers. A few digits in rows may still be one number (a card in four lines), and so may rows near a word that says so: these are looked
at as ever.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np

from collector.redaction.cards import CARD_WORD_LIST
from collector.redaction.digit_runs import Runs, table
from collector.redaction.matching import Span, said_near, word_set
from collector.redaction.rules import load

Array = np.ndarray[Any, Any]

_ROWS, _DIGITS = 3, 40  # rows of a grid and digits in it, at least: twice as many digits as the longest number has
_WIDTH, _WIDE, _SIZE = (
    2,
    8,
    3,
)  # columns of a grid of single digits, of one of numbers with more (of as many groups is a card in pairs only), and their digits
_GAP = 3  # blanks between two columns at most
_APART = 8  # bytes between rows at most: a bracket, an escaped line break, an indentation
_INDENTED = 8  # blanks before and behind a row
_REACH = (64, 24)  # bytes before and behind in which a word says that there are numbers: those of cards reach furthest
_MOST = 256  # grids in a part of a text of which that is asked
_BEGINS, _ENDS = table(b"\0\r\n\"'[(|{,;"), table(b"\0\r\n\"'])|},;\\")  # what stands around a row
_BLANKS = table(b" \t")
_ROW = re.compile(rb"\0(?:0\0){4}|\0(?:0{1,3}\0{1,3}){%d}" % _WIDE)
_ESCAPED_BREAK = (92, 110)  # a backslash and an ``n``


@cache
def _words() -> Any:
    """What says of digits that they are a number of somebody's."""
    return word_set([*(rule.words for rule in load() if rule.kind == "number" or rule.id == "number"), CARD_WORD_LIST])


def may_hold_grids(told: bytes) -> bool:
    """May there be one in a text, its digits told as ``0`` and the marks around values as NUL bytes?"""
    return _ROW.search(told) is not None


def grids(runs: Runs, b: bytes, lo: int, hi: int) -> list[Span]:
    """Where the triggers in the grids of ``b[lo:hi]`` say nothing. ``runs``: those of that part of the text."""
    n = len(runs.apart)
    if n < _DIGITS // _SIZE:
        return []
    size = runs.size[:n]
    between, behind = runs.past[: n - 1], runs.first[1:n]
    gap = behind - between
    blank = (gap <= _GAP) & _BLANKS[runs.raw[between]] & _BLANKS[runs.raw[behind - 1]] & _BLANKS[runs.raw[(between + behind) // 2]]
    heads = np.flatnonzero(np.append(True, ~blank))
    tails = np.append(heads[1:], n) - 1
    width, first, past, most = tails - heads + 1, runs.first[heads], runs.past[tails], np.maximum.reduceat(size, heads)
    row, single = most <= _SIZE, (most == 1) & (width >= _WIDTH)
    wide = row & ((width > _WIDE) | ((width == _WIDE) & (most > np.minimum.reduceat(size, heads))))
    if np.count_nonzero(single | wide) < _ROWS:
        return []
    row &= _begun(runs, first) & _ended(runs, past)
    digits = np.add.reduceat(size, heads)
    alike = wide[1:] | wide[:-1] | (single[1:] & single[:-1] & (width[1:] == width[:-1]))  # a long row may go on in the next line
    below = row[1:] & row[:-1] & alike & (first[1:] - past[:-1] <= _APART)
    tops = np.flatnonzero(np.append(True, ~below))
    bottoms = np.append(tops[1:], len(row)) - 1
    whole = np.flatnonzero((bottoms - tops + 1 >= _ROWS) & (np.add.reduceat(digits, tops) >= _DIGITS))[:_MOST]
    found: list[Span] = []
    for start, end in zip((first[tops[whole]] + lo - 1).tolist(), (past[bottoms[whole]] + lo - 1).tolist(), strict=True):
        a, z = _REACH if said_near(_words(), b, start, end, lo, hi, *_REACH) else (0, 0)
        if start + a < end - z:
            found.append((start + a, end - z, ""))
    return found


def _begun(runs: Runs, first: Array) -> Array:
    """Does a row begin there?"""
    raw, at = runs.raw, first - 1
    for _ in range(_INDENTED):
        at = at - _BLANKS[raw[at]]
    return _BEGINS[raw[at]] | ((raw[at] == _ESCAPED_BREAK[1]) & (raw[at - 1] == _ESCAPED_BREAK[0]))


def _ended(runs: Runs, past: Array) -> Array:
    """Does a row end there?"""
    for _ in range(_INDENTED):
        past = past + _BLANKS[runs.at(past)]
    return _ENDS[runs.at(past)]
