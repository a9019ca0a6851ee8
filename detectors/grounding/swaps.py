"""Facts put in another's place: a number, unit, day, name or opposite that the evidence of a sentence tells otherwise.

One changed fact leaves a long answer nearly as well covered as before, so that features of novelty hardly move. Here each word of a sentence is held
against the sentences that support it: it counts as swapped when they do not hold it but hold a *rival* (another number, another member of its
kind, its opposite, another name) beside the same neighbours, and when it never stands with those neighbours anywhere in the context.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

from detectors.grounding.features import Weights
from detectors.text.arithmetic import value
from detectors.text.context import ContextIndex
from detectors.text.lexicon import ORDINALS, WORKED_OUT
from detectors.text.rivals import OPPOSITES, SIBLINGS
from detectors.text.words import CONTENT, NUMBER, STOP, Token, readings

SWAPS = ("number_swapped", "unit_swapped", "kind_swapped", "opposite_said", "name_swapped")
_CLOSE, _NEAR = 3, 4  # tokens to either side: of a number or name, of its rival
_ORDINALS = frozenset(ORDINALS.split()) | {"one", "ones", "once", "twice"}
_FEW = 3  # amounts up to it are seldom told as such


class Rival(NamedTuple):
    """A token of the evidence that the answer's sentence does not hold, the terms around it, and those next to it."""

    token: Token
    around: frozenset[str]
    beside: frozenset[str]


def swaps(part: list[Token], context: ContextIndex, best: int, asked: Set[str], weigh: Weights) -> list[float]:
    """Values of `SWAPS`, each 0 or 1, of one sentence. ``best``: the context sentence that covers most of it, -1 for none."""
    if best < 0 or not part:
        return [0.0] * len(SWAPS)
    evidence = _evidence(part, context, best, weigh)
    mask = sum(1 << n for n in evidence)
    doubted = [i for i, t in enumerate(part) if not context.where.get(t.term, 0) & mask and t.term not in asked and _has_rivals(t, i)]
    measured = [(number, unit) for number, unit in _measured(part) if unit in SIBLINGS]
    found = [False] * len(SWAPS)
    if doubted or measured:
        told = [context.sentence(n) for n in evidence]
        said = {t.term for tokens in told for t in tokens}
        doubted = [i for i in doubted if part[i].term not in said]
        rivals = _rivals(part, doubted, told) if doubted else []
        for i in doubted if rivals else ():
            _weigh_up(part, i, rivals, context, mask, found)
        found[1] = _other_unit(measured, told)
    return [float(f) for f in found]


def _has_rivals(token: Token, place: int) -> bool:
    """Whether a word is of a sort that has rivals: an amount, a name, a member of a kind, one of two opposites."""
    if token.kind == NUMBER:
        return _amount(token)
    return token.term in SIBLINGS or token.term in OPPOSITES or _name(token, place)


def _evidence(part: list[Token], context: ContextIndex, best: int, weigh: Weights) -> tuple[int, ...]:
    """The covering sentence, and the one that covers most of what it leaves: of several words, else the swapped one would bring its own."""
    left: dict[int, list[float]] = {}
    for term in {t.term for t in part if t.kind != STOP}:
        if not context.where.get(term, 0) >> best & 1:
            for n in context.postings.get(term, ()):
                left.setdefault(n, []).append(weigh(term))
    several = {n: sum(weights) for n, weights in left.items() if len(weights) > 1}
    return (best, max(several, key=lambda n: (several[n], -n))) if several else (best,)


def _rivals(part: list[Token], doubted: list[int], told: Iterable[list[Token]]) -> list[Rival]:
    """Tokens of the evidence that may stand in the place of a doubted word."""
    mine = {term for t in part for term in (t.term, *readings(t))}
    words = {other for i in doubted for other in (*SIBLINGS.get(part[i].term, ()), *OPPOSITES.get(part[i].term, ()))}
    numbers, names = any(part[i].kind == NUMBER for i in doubted), any(part[i].capital for i in doubted)
    return [
        Rival(t, _around(tokens, i, _NEAR), _beside(tokens, i))
        for tokens in told
        for i, t in enumerate(tokens)
        if t.term not in mine and (t.term in words or (numbers and t.kind == NUMBER and _amount(t)) or (names and _name(t, i)))
    ]


def _name(token: Token, place: int) -> bool:
    return token.capital and token.kind == CONTENT and place > 0


def _around(tokens: list[Token], at: int, reach: int) -> frozenset[str]:
    return frozenset(t.term for t in tokens[max(0, at - reach) : at + reach + 1] if t.kind != STOP and t is not tokens[at])


def _beside(tokens: list[Token], at: int) -> frozenset[str]:
    """The nearest word on either side that is no stop word."""
    before = next((t.term for t in reversed(tokens[max(0, at - _CLOSE) : at]) if t.kind != STOP), None)
    after = next((t.term for t in tokens[at + 1 : at + 1 + _CLOSE] if t.kind != STOP), None)
    return frozenset(term for term in (before, after) if term is not None)


def _weigh_up(part: list[Token], i: int, rivals: list[Rival], context: ContextIndex, mask: int, found: list[bool]) -> None:
    """Which rivals of the word numbered ``i`` stand in its place."""
    token, around = part[i], _around(part, i, _CLOSE)
    if not around:
        return
    if token.kind == NUMBER:
        found[0] = found[0] or (any(around & r.around for r in rivals if r.token.kind == NUMBER) and _made_up(part, i, around, context, mask))
        return
    if token.kind == CONTENT and _together(token.term, around, context):
        return
    beside, siblings, opposites = _beside(part, i), SIBLINGS.get(token.term, ()), OPPOSITES.get(token.term, ())
    found[2] = found[2] or any(beside & r.beside for r in rivals if r.token.term in siblings)
    found[3] = found[3] or any(beside & r.beside for r in rivals if r.token.term in opposites)
    if _name(token, i):
        found[4] = found[4] or any(around & r.around for r in rivals if r.token.capital and r.token.kind == CONTENT)


def _together(term: str, around: Set[str], context: ContextIndex) -> bool:
    """Whether one sentence of the context holds the term with a neighbour that it has here."""
    sentences = context.where.get(term, 0)
    return bool(sentences) and any(sentences & context.where.get(other, 0) for other in around)


def _amount(token: Token) -> bool:
    """Whether a number tells an amount, rather than counting along: not "two teas", "the third", "once"."""
    return token.word[0].isdigit() or (token.word not in _ORDINALS and (value(token.term) or 0.0) > _FEW)


def _made_up(part: list[Token], i: int, around: Set[str], context: ContextIndex, mask: int) -> bool:
    """Whether a number is neither told in the evidence in another way, nor worked out exactly, nor told near the same words elsewhere."""
    token = part[i]
    if any(context.where.get(r, 0) & mask for r in readings(token)):
        return False
    if any(t.word in WORKED_OUT for t in part[max(0, i - _NEAR) : i + _NEAR + 1]):
        return False
    if token.term not in context.where and context.arithmetic.exactly(token.term):
        return False
    return not any((token.term, other) in context.number_pairs for other in around)


def _other_unit(measured: list[tuple[str, str]], told: Sequence[list[Token]]) -> bool:
    """Whether a number of the evidence has got another unit: weeks for days."""
    if not measured:
        return False
    evidence = {pair for tokens in told for pair in _measured(tokens)}
    return any(pair not in evidence and any((pair[0], other) in evidence for other in SIBLINGS[pair[1]]) for pair in measured)


def _measured(tokens: list[Token]) -> list[tuple[str, str]]:
    """Numbers with the word that they count."""
    return [(t.term, u.term) for t, u in itertools.pairwise(tokens) if t.kind == NUMBER and u.kind == CONTENT]
