"""One response as numbers: a feature row per sentence, one for the whole, and what kind of exchange it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.grounding.features import NAMES, Weights, unit
from detectors.grounding.swaps import SWAPS, swaps
from detectors.text import cues, sentences
from detectors.text.context import ContextIndex, by_sentence, indexed, joined
from detectors.text.words import STOP, tokens

REGIMES = ("retrieved", "snippet", "claim", "summary", "dialogue")
MAX_RESPONSE_CHARS = 40_000
MAX_SENTENCES = 400

_TURN = re.compile(r"(?:^|\s)\[?(?:human|user|assistant|ai|bot|agent|customer|system)\]?\s*:", re.I)
_DOCUMENT = re.compile(
    r"^\W{0,3}(?:passage|document|doc|source|context|chunk|reference|article)?\W{0,2}\d{1,2}\W{0,2}(?::|\]|\))|\n\s*\n", re.I | re.M
)


class Units(NamedTuple):
    """Features of one response.

    Attributes:
        spans: ``(start, end)`` of each sentence in the response.
        sentences: shape ``(len(spans), len(NAMES))``.
        whole: shape ``(len(NAMES),)``.
        evidence: ``(start, end)`` in the joined context of the sentence that covers most of each response sentence; None without any.
        regime: one of `REGIMES`.
        swaps: shape ``(len(spans), len(SWAPS))``.
    """

    spans: list[tuple[int, int]]
    sentences: NDArray[np.float64]
    whole: NDArray[np.float64]
    evidence: list[tuple[int, int] | None]
    regime: str
    swaps: NDArray[np.float64]


def regime(context: str | Sequence[str], question: str, sentences: int = 1) -> str:
    """What kind of exchange it is, told from its form alone: the models of each kind differ.

    ``dialogue``: the question holds earlier turns. ``claim``: there is no question, and one sentence. ``summary``: no question, several
    sentences. ``retrieved``: several documents, as retrieval gives.
    ``snippet``: one short text.
    """
    if len(_TURN.findall(question[:20_000])) >= 2:
        return "dialogue"
    if not question.strip():
        return "claim" if sentences < 2 else "summary"
    if not isinstance(context, str):
        return "retrieved" if len(context) > 1 else "snippet"
    return "retrieved" if len(_DOCUMENT.findall(context[:20_000])) >= 2 else "snippet"


def units(context: str | Sequence[str], question: str, response: str, weigh: Weights) -> Units | None:
    """None when there is nothing to judge or nothing to judge it by (no words in the response or in the context)."""
    index = indexed(joined(context))
    response = response[:MAX_RESPONSE_CHARS]
    words = cues.said(response)
    if not index.n_tokens or not words:
        return None
    spans = sentences.spans(response, MAX_SENTENCES)
    asked = frozenset(t.term for t in tokens(question) if t.kind != STOP)
    rows, swapped, evidence, claims = [], [], [], []
    for part, (start, end) in zip(by_sentence(words, spans), spans, strict=True):
        idle = cues.claims_nothing(response[start:end], sum(t.kind != STOP for t in part))
        row, best = unit(part, response[start:end], index, asked, weigh, idle=idle)
        rows.append(row)
        swapped.append(swaps([] if idle else part, index, best.sentence, asked, weigh))
        evidence.append(index.spans[best.sentence] if best.sentence >= 0 else None)
        if not idle:
            claims += part
    whole, _ = unit(claims or words, response, index, asked, weigh, whole=True, idle=not claims)
    told = np.array(rows).reshape(len(spans), len(NAMES))
    kind = regime(context, question, len(spans))
    return Units(spans, told, np.array(whole), evidence, kind, np.array(swapped).reshape(len(spans), len(SWAPS)))


__all__ = ["REGIMES", "ContextIndex", "Units", "regime", "units"]
