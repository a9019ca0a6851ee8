"""Payment cards in a cluster of digits: whole, in groups as they are printed, digit by digit, in a row."""

# ruff: noqa: E501 - patterns read worse when cut
from __future__ import annotations

import re
from itertools import accumulate

from collector.redaction.checksums import card, card_sure
from collector.redaction.clusters import Group
from collector.redaction.matching import Span, near, words

_CARD_SIZES = {
    (4, 4, 4, 4),
    (4, 6, 5),
    (4, 6, 4),
    (4, 4, 4, 4, 3),
    (4, 4, 4, 4, 2),
    (4, 4, 4, 4, 1),
    (8, 8),
    (4, 12),
    (12, 4),
    (6, 10),
    (6, 13),
    (4, 4, 8),
    (4, 8, 4),
    (8, 4, 4),
    (4, 4, 5),
    (4, 4, 4),
    (5, 5, 5),
    (4, 5, 6),
    (2,) * 8,
}
_PAIRS, _ROW = 8, 6  # groups of a card in pairs, and bytes around them in which other digits say that they are a row of a matrix
_DIGIT = re.compile(rb"[0-9]")
_PRINTED = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3)}  # the others want a word, unless they are all that stands there, on one line
CARD_WORD_LIST = r"cards?|pan|credit|debit|visa|mastercard|amex|carte|karte|tarjeta|cart[aã]o|carta|cc|payment|account|maestro|kreditkarte|unionpay|kaart|kort|number is|cvv|cvc|exp"
CARD_WORDS = words(CARD_WORD_LIST)
_SHAPES_BY_FIRST = {n: sorted((s for s in _CARD_SIZES if s[0] == n), key=len, reverse=True) for n in (4, 5, 6, 8)}


def take_cards(b: bytes, groups: list[Group], lo: int, hi: int, out: list[Span]) -> list[Group]:
    """Take cards out of the cluster; what is left goes on to the other rules."""
    sizes = [len(g[2]) for g in groups]
    if sum(sizes) < 12:
        return groups
    table = len(groups) > 8 and max(sizes) < 6
    if table and not near(CARD_WORDS, b, groups[0][0], groups[-1][1], lo, hi, 64, 24):
        cards = _all_cards(groups, sizes)
        if cards:
            out.extend(cards)
            return []
        spelled = len(groups) <= 19 and max(sizes) == 1
        if not (spelled and card_sure("".join(g[2] for g in groups))):
            return groups
    few = sum(sizes) <= 19
    spelled = 19 < len(groups) < 200
    if not few and not spelled and max(sizes) < 4:
        return groups
    i, left = 0, []
    while i < len(groups):
        size = sizes[i]
        n = _card_at(b, groups, sizes, i, lo, hi, whole=few and i == 0) if size > 3 or (size == 1 and spelled) or (few and i == 0) else 0
        if n:
            out.append((groups[i][0], groups[i + n - 1][1], "CREDIT_CARD"))
            i += n
        else:
            left.append(groups[i])
            i += 1
    return left


def card_places(sizes: list[int]) -> list[tuple[int, int]] | None:
    """Where in the digits of groups of these sizes :func:`take_cards` may find a card; None: anywhere (many groups, digit by digit)."""
    if sum(sizes) < 12:
        return []
    few = sum(sizes) <= 19
    if len(sizes) > 19:
        return None if 1 in sizes or max(sizes) > 3 else []
    at = list(accumulate(sizes, initial=0))
    found = [(0, at[-1])] if few and len(sizes) > 1 else []
    for i, size in enumerate(sizes):
        if size >= 12:
            found.append((at[i], at[i + 1]))
        found += [(at[i], at[i + len(shape)]) for shape in _SHAPES_BY_FIRST.get(size, ()) if tuple(sizes[i : i + len(shape)]) == shape]
    return found


def _all_cards(groups: list[Group], sizes: list[int]) -> list[Span]:
    """Cards in a row and nothing else: three or more are no table of numbers."""
    if len(groups) < 12 or len(groups) % 4 or set(sizes) != {4}:
        return []
    cards = [groups[i : i + 4] for i in range(0, len(groups), 4)]
    if not all(card_sure("".join(g[2] for g in four)) for four in cards):
        return []
    return [(four[0][0], four[-1][1], "CREDIT_CARD") for four in cards]


def _card_at(b: bytes, groups: list[Group], sizes: list[int], i: int, lo: int, hi: int, *, whole: bool) -> int:
    """How many groups from ``i`` on are a card; 0 for none."""
    if whole and len(groups) > 1:
        usual = max(sizes) == 1 or tuple(sizes) in _PRINTED or (tuple(sizes) in _CARD_SIZES and all(g[3] in " -" for g in groups[1:]))
        if len(groups) == _PAIRS and _in_row(b, groups[0][0], groups[-1][1], lo, hi):
            usual = False
        if is_card(b, groups, 0, len(groups), lo, hi, usual=usual):
            return len(groups)
    if sizes[i] >= 12:
        return int(is_card(b, groups, i, i + 1, lo, hi, usual=True))
    for shape in _SHAPES_BY_FIRST.get(sizes[i], ()):
        if tuple(sizes[i : i + len(shape)]) == shape:
            usual = shape in _PRINTED and len({g[3] for g in groups[i + 1 : i + len(shape)]}) == 1
            if is_card(b, groups, i, i + len(shape), lo, hi, usual=usual):
                return len(shape)
    if sizes[i] == 1 and 19 < len(groups) < 200:
        for n in (16, 15, 14, 19):
            if i + n <= len(groups) and max(sizes[i : i + n]) == 1 and is_card(b, groups, i, i + n, lo, hi, usual=True):
                return n
    return 0


def _in_row(b: bytes, start: int, end: int, lo: int, hi: int) -> bool:
    """Are these digits a row of a matrix, with others right before or behind?"""
    return bool(_DIGIT.search(b, max(lo, start - _ROW), start) or _DIGIT.search(b, end, min(hi, end + _ROW)))


def is_card(b: bytes, groups: list[Group], i: int, j: int, lo: int, hi: int, *, usual: bool) -> bool:
    """Are these groups a card? One of no usual form wants a word beside it."""
    digits = "".join(g[2] for g in groups[i:j])
    if not card(digits):
        return False
    start, end = groups[i][0], groups[j - 1][1]
    if not usual or not card_sure(digits):
        return near(CARD_WORDS, b, start, end, lo, hi, 64, 24)
    return not (j == i + 1 and b[start - 1 : start] == b"/" and b[end : end + 1] == b"-")
