"""Disagreement of answers to one prompt: of a pair, of many pairs, of a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from detectors.contradiction.features import Answer, pair_features
from detectors.contradiction.model import PairModel, shipped
from detectors.grounding.model import weights
from detectors.text.words import STOP, tokens

BATCH = 512
MAX_GROUP = 24  # answers compared with each other; of more, an evenly spaced sample


class Rate(NamedTuple):
    """Disagreement within one group of answers to one prompt.

    Attributes:
        rate: share of the compared pairs that disagree; None with fewer than two answers.
        n: answers compared.
        pairs: pairs compared.
        each: per answer its mean score against the others, in order; None for an answer that could not be compared.
    """

    rate: float | None
    n: int
    pairs: int
    each: tuple[float | None, ...]


def pair(question: str, a: str, b: str, model: PairModel | None = None) -> tuple[float | None, bool]:
    """Probability that two answers disagree, and whether it is over the threshold. None when an answer holds no word."""
    return next(pairs([(question, a, b)], model))


def pairs(asked: Iterable[tuple[str, str, str]], model: PairModel | None = None) -> Iterator[tuple[float | None, bool]]:
    """Judge many pairs (question, a, b), lazily and in order."""
    model = model or shipped()
    batch: list[tuple[str, str, str]] = []
    for item in asked:
        batch.append(item)
        if len(batch) == BATCH:
            yield from _judged([_features(*i) for i in batch], model)
            batch.clear()
    yield from _judged([_features(*i) for i in batch], model)


def rate(question: str, answers: Sequence[str], model: PairModel | None = None) -> Rate:
    """Pairwise disagreement of a group. The caller groups by prompt fingerprint, model and context hash: answers from
    different contexts must not meet here."""
    model = model or shipped()
    kept = _spread([i for i, text in enumerate(answers) if any(c.isalnum() for c in text)], MAX_GROUP)
    made = {i: Answer(answers[i]) for i in kept}
    asked = _asked(question)
    couples = list(combinations(kept, 2))
    verdicts = _judged([pair_features(made[i], made[j], asked, weights()) for i, j in couples], model)
    scored = [(c, p, flag) for c, (p, flag) in zip(couples, verdicts, strict=True) if p is not None]
    each: list[float | None] = [None] * len(answers)
    for i in kept:
        own = [p for c, p, _ in scored if i in c]
        each[i] = sum(own) / len(own) if own else None
    share = sum(flag for _, _, flag in scored) / len(scored) if scored else None
    return Rate(share, len(kept) if scored else 0, len(scored), tuple(each))


class Against(NamedTuple):
    """One answer against others to the same prompt: mean score, how many it disagrees with, how many it was compared with."""

    score: float | None
    disagrees: int
    n: int


def against(asked: Sequence[tuple[str, str, Sequence[str]]], model: PairModel | None = None) -> list[Against]:
    """Judge many (question, answer, others) at once, each pair of texts once: cost grows with the number of pairs, whatever the group's size."""
    model = model or shipped()
    answers: dict[str, Answer] = {}
    rows: list[np.ndarray] = []
    place: dict[tuple[str, str, str], int | None] = {}
    for question, own, others in asked:
        terms: frozenset[str] | None = None
        for other in others:
            key = _couple(question, own, other)
            if key in place:
                continue
            terms = _asked(question) if terms is None else terms
            a, b = (answers.get(t) or answers.setdefault(t, Answer(t)) for t in key[1:])
            row = pair_features(a, b, terms, weights())
            place[key] = None if row is None else len(rows)
            if row is not None:
                rows.append(row)
    scores: list[float] = model.scores(np.vstack(rows)).tolist() if rows else []
    return [_mean([scores[k] for o in others if (k := place[_couple(q, own, o)]) is not None], model) for q, own, others in asked]


def _couple(question: str, a: str, b: str) -> tuple[str, str, str]:
    return (question, a, b) if a <= b else (question, b, a)


def _mean(scores: Sequence[float], model: PairModel) -> Against:
    if not scores:
        return Against(None, 0, 0)
    return Against(float(sum(scores) / len(scores)), sum(p > model.threshold for p in scores), len(scores))


def _spread(items: list[int], most: int) -> list[int]:
    if len(items) <= most:
        return items
    return [items[round(k * (len(items) - 1) / (most - 1))] for k in range(most)]


def _asked(question: str) -> frozenset[str]:
    return frozenset(t.term for t in tokens(question[:8_000]) if t.kind != STOP)


def _features(question: str, a: str, b: str) -> np.ndarray | None:
    return pair_features(Answer(a), Answer(b), _asked(question), weights())


def _judged(rows: list[np.ndarray | None], model: PairModel) -> list[tuple[float | None, bool]]:
    held = [r for r in rows if r is not None]
    scores = iter(model.scores(np.vstack(held)) if held else ())
    out: list[tuple[float | None, bool]] = []
    for row in rows:
        p = None if row is None else float(next(scores))
        out.append((p, p is not None and p > model.threshold))
    return out
