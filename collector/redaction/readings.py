"""What the layout of a cluster of digits says: which rules have its shape, where a card or another number may be in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from collector.redaction.cards import card_places
from collector.redaction.clusters import Group, groups_of, layout_of, pieces_of
from collector.redaction.phones import Form, own_form
from collector.redaction.rules import Rule
from collector.redaction.validators import VALIDATORS

FEWEST, MOST = 6, 19  # digits of a number
Check = tuple[int, int, Callable[[str], bool]]  # from and to which digit, and what must hold
NumberRule = tuple[re.Pattern[str], Callable[[str], bool], str, int]  # shape, check, class, number of its words or -1


class Reading(NamedTuple):
    """What a layout says of a cluster as a whole: digits a group, separators, the rules that have its shape (all, and those that
    need no word), where in its digits a card may be (None: anywhere), and whether it is judged as one line."""

    sizes: list[int]
    seps: list[str]
    fit: list[NumberRule]
    free: list[NumberRule]
    cards: list[tuple[int, int]] | None
    line: bool


class Piece(NamedTuple):
    """A piece of a cluster that may be a number: where its digits begin and end among all, the rules that have its shape, and a telephone
    number's form if it has one."""

    first: int
    past: int
    fit: list[NumberRule]
    free: list[NumberRule]
    form: Form | None


class Readings:
    """Of the rules about numbers; the same layouts come again and again."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        by_length: dict[int, list[NumberRule]] = {}
        for k, rule in enumerate(rules):
            for n in rule.digits:
                by_length.setdefault(n, []).append((re.compile(rule.shape), VALIDATORS[rule.validator], rule.class_name, k if rule.words else -1))
        self._by_length = by_length
        self.fitting = lru_cache(maxsize=4096)(self._fitting)
        self.telling = lru_cache(maxsize=4096)(self._telling)
        self.reading = lru_cache(maxsize=4096)(self._reading)

    def _fitting(self, layout: str) -> tuple[list[NumberRule], list[NumberRule]]:
        """Rules whose shape these groups have (digits are told as ``0``): all, and those that need no word."""
        fit = [entry for entry in self._by_length.get(layout.count("0"), ()) if entry[0].fullmatch(layout)]
        return fit, [entry for entry in fit if entry[3] < 0]

    def _telling(self, layout: bytes) -> list[Check]:
        """What may be in a cluster of this layout (its digits told as ``1``, zeros as such where one leads a group) where no word is near
        and no ``+`` before: places among its digits, and what must hold. Cards apart."""
        found: dict[Check, None] = {}
        for piece in self.pieces(layout):
            checks = [valid for _, valid, _, _ in piece.free]
            if piece.form is not None:
                checks.append(piece.form.holds)
            found |= dict.fromkeys((piece.first, piece.past, check) for check in checks)
        return list(found)

    def pieces(self, layout: bytes) -> list[Piece]:
        """The pieces of a cluster of such a layout that may be a number."""
        groups = groups_of(layout, 0, len(layout))
        at = dict(zip([g[0] for g in groups], accumulate([len(g[2]) for g in groups], initial=0), strict=False))
        found: list[Piece] = []
        known: set[tuple[int, int]] = set()
        for piece, free in pieces_of(layout, groups):
            digits, first = "".join([g[2] for g in piece]), at[piece[0][0]]
            place = (first, len(digits))
            if not FEWEST <= len(digits) <= MOST or place in known:
                continue
            known.add(place)
            sizes, seps = sizes_of(piece)
            fit, by_itself = self.fitting(layout_of(piece))
            found.append(Piece(first, first + len(digits), fit, by_itself if free else [], own_form(sizes, seps, digits) if free else None))
        return found

    def _reading(self, layout: bytes) -> Reading:
        """Of a cluster of this layout (its digits told as ``0``) without escaped separators."""
        groups = groups_of(layout, 0, len(layout))
        sizes, seps = sizes_of(groups)
        n = sum(sizes)
        one = "\n" not in seps and ("|" not in seps or len(set(seps)) == 1)
        line = one and FEWEST <= n <= MOST and len(groups) <= 8 and not (n == 8 and len(groups) == 3)
        return Reading(sizes, seps, *self.fitting(layout_of(groups)), card_places(sizes), line)


def sizes_of(piece: Sequence[Group]) -> tuple[list[int], list[str]]:
    """Digits a group, and what stands between the groups."""
    return [len(g[2]) for g in piece], [g[3] for g in piece[1:]]
