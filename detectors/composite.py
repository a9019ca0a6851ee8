"""One hallucination score of whatever detectors could run on an answer.

``1 − Π (1 − weight · floored)`` over those that ran (noisy-or, research §6.1). Floored scores make an average mean something: clean traffic
averages about zero, so that "average below 0.02" can hold (research §6.3). Nothing ran: None, never 0. No data set labels all detectors
at once, so the weights are proposals, not measurements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

#: How far a detector's bad verdict makes the whole answer bad. Contradiction is a weak judge of one answer (research §4); a broken
#: schema is a fault of form.
WEIGHTS: Mapping[str, float] = {"grounding": 1.0, "contradiction": 0.5, "schema": 0.5}


class Verdict(NamedTuple):
    """What one detector says of one answer; ``score`` None: it could not judge, ``reason`` says why."""

    detector: str
    version: str
    score: float | None
    floored: float | None
    flagged: bool
    label: str = ""
    reason: str = ""
    evidence: str = ""  # JSON: offsets, scores, counts; never text


class Composite(NamedTuple):
    """The answer's score.

    Attributes:
        score: noisy-or of the plain scores; None when nothing ran.
        hallucination_score: noisy-or of the floored scores; what objectives average.
        flagged: a detector flagged the answer.
        coverage: names of the detectors that ran, sorted.
    """

    score: float | None
    hallucination_score: float | None
    flagged: bool
    coverage: tuple[str, ...]


def floored(score: float, floor: float) -> float:
    """The part of a score above what clean answers reach: ``max(0, (score − floor) / (1 − floor))``."""
    return max(0.0, (score - floor) / (1.0 - floor)) if floor < 1.0 else 0.0


def noisy_or(parts: Iterable[tuple[float, float]]) -> float:
    """``1 − Π (1 − weight · score)`` of (weight, score) pairs in [0, 1]; 0 for none."""
    clean = 1.0
    for weight, score in parts:
        clean *= 1.0 - min(1.0, max(0.0, weight * score))
    return 1.0 - clean


def combine(verdicts: Iterable[Verdict], weights: Mapping[str, float] = WEIGHTS) -> Composite:
    """The composite of the verdicts that have a score; a detector without a weight does not count."""
    ran = sorted((v for v in verdicts if v.score is not None and v.detector in weights), key=lambda v: v.detector)
    if not ran:
        return Composite(None, None, False, ())
    plain = noisy_or((weights[v.detector], v.score or 0.0) for v in ran)
    above = noisy_or((weights[v.detector], v.score if v.floored is None else v.floored) for v in ran if v.score is not None)
    return Composite(plain, above, any(v.flagged for v in ran), tuple(v.detector for v in ran))
