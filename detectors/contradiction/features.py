"""Features of two answers to one prompt: each read as the context of the other, both ways, and made symmetric."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from detectors.grounding.features import NAMES, Weights, unit
from detectors.text import cues, sentences
from detectors.text.context import by_sentence, indexed
from detectors.text.words import NUMBER, STOP, Token

Array = NDArray[np.float64]

MAX_CHARS = 8_000  # of each answer
_DIRECT = (
    "shared_weight",
    "contained_weight",
    "shared_numbers",
    "numbers_differ",
    "yes_against_no",
    "one_denies",
    "length_gap_log",
    "length_min_log",
)
PAIR_NAMES = (
    *(f"{how}_{name}" for how in ("min", "max", "mean", "gap") for name in NAMES),
    *(f"{how}_first_{name}" for how in ("min", "max") for name in NAMES),
    *_DIRECT,
)
_YES_NO = re.compile(r"^\W*(yes|no)\b", re.I)


class Answer:
    """One answer, tokenised once for all the pairs it stands in."""

    def __init__(self, text: str) -> None:
        self.text = text[:MAX_CHARS].strip()
        self.words = cues.said(self.text)
        self.spans = sentences.spans(self.text, 2)
        self.first = by_sentence(self.words, self.spans)[0] if self.spans else []
        self.terms = {t.term for t in self.words if t.kind != STOP}
        self.numbers = {t.term for t in self.words if t.kind == NUMBER}
        self.denies = cues.denies(self.text)
        answer = _YES_NO.match(self.text)
        self.yes_no = answer.group(1).lower() if answer else ""


def pair_features(a: Answer, b: Answer, asked: frozenset[str], weigh: Weights) -> Array | None:
    """Values of `PAIR_NAMES`; None when either answer holds no word. The order of the answers does not matter."""
    if not a.words or not b.words:
        return None
    forward, backward = _whole(a, b, asked, weigh), _whole(b, a, asked, weigh)
    first, second = _first(a, b, asked, weigh), _first(b, a, asked, weigh)
    symmetric = (np.minimum(forward, backward), np.maximum(forward, backward), (forward + backward) / 2, np.abs(forward - backward))
    return np.concatenate([*symmetric, np.minimum(first, second), np.maximum(first, second), _direct(a, b, weigh)])


def _whole(a: Answer, b: Answer, asked: frozenset[str], weigh: Weights) -> Array:
    return np.array(unit(a.words, a.text, indexed(b.text), asked, weigh, whole=True)[0])


def _first(a: Answer, b: Answer, asked: frozenset[str], weigh: Weights) -> Array:
    part: list[Token] = a.first
    start, end = a.spans[0] if a.spans else (0, 0)
    return np.array(unit(part, a.text[start:end], indexed(b.text), asked, weigh)[0])


def _direct(a: Answer, b: Answer, weigh: Weights) -> list[float]:
    """Values of `_DIRECT`."""
    shared, longer = _sum(a.terms & b.terms, weigh), (np.log1p(len(a.text)), np.log1p(len(b.text)))
    return [
        shared / max(1e-9, _sum(a.terms | b.terms, weigh)),
        shared / max(1e-9, min(_sum(a.terms, weigh), _sum(b.terms, weigh))),
        len(a.numbers & b.numbers) / max(1, len(a.numbers | b.numbers)),
        float(bool(a.numbers) and bool(b.numbers) and not a.numbers & b.numbers),
        float(bool(a.yes_no) and bool(b.yes_no) and a.yes_no != b.yes_no),
        float(a.denies != b.denies),
        abs(longer[0] - longer[1]),
        min(longer),
    ]


def _sum(terms: Iterable[str], weigh: Weights) -> float:
    return sum(weigh(t) for t in sorted(terms))
