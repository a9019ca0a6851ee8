"""Is a response supported by its context? The public entry: texts in, risk with evidence offsets out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from detectors.grounding.model import Model, shipped
from detectors.grounding.units import Units, units

BATCH = 256


class Sentence(NamedTuple):
    """One sentence of the response: its span, its risk, and the span of the nearest context sentence (None: no shared word)."""

    start: int
    end: int
    score: float
    evidence: tuple[int, int] | None


class Grounding(NamedTuple):
    """The verdict on one response. Offsets only, no text.

    Attributes:
        score: calibrated probability that something in it is not supported by the context; None when it could not be judged.
        floored: the score above what clean answers reach, 0 for most of them; None with ``score``.
        flagged: ``score`` is over the shipped threshold.
        sentences: in order; evidence offsets count in the context, documents joined by a blank line.
        reason: why ``score`` is None (`no_context`, `no_words`), else empty.
        regime: kind of exchange (`units.REGIMES`), empty when not judged.
    """

    score: float | None
    floored: float | None
    flagged: bool
    sentences: tuple[Sentence, ...] = ()
    reason: str = ""
    regime: str = ""


Asked = tuple[str | Sequence[str], str, str]  # context, question, response


def score(context: str | Sequence[str], question: str, response: str, model: Model | None = None) -> Grounding:
    """Judge one response."""
    return next(iter(score_many([(context, question, response)], model)))


def score_many(asked: Iterable[Asked], model: Model | None = None) -> Iterable[Grounding]:
    """Judge many, lazily and in order, `BATCH` at a time; equal contexts close together are indexed once."""
    model = model or shipped()
    batch: list[Asked] = []
    for item in asked:
        batch.append(item)
        if len(batch) == BATCH:
            yield from _batch(batch, model)
            batch.clear()
    yield from _batch(batch, model)


def _batch(batch: list[Asked], model: Model) -> list[Grounding]:
    made = [units(*item, model.weigh) for item in batch]
    judged = iter(model.scores([u for u in made if u is not None]))
    return [_unjudged(item) if u is None else _judged(u, *next(judged), model) for item, u in zip(batch, made, strict=True)]


def _judged(u: Units, p: float, each: Iterable[float], model: Model) -> Grounding:
    sentences = tuple(Sentence(start, end, float(s), e) for (start, end), s, e in zip(u.spans, each, u.evidence, strict=True))
    return Grounding(p, model.floored(p), p > model.threshold, sentences, "", u.regime)


def _unjudged(item: Asked) -> Grounding:
    context = item[0] if isinstance(item[0], str) else "".join(item[0])
    return Grounding(None, None, False, reason="no_words" if any(c.isalnum() for c in context) else "no_context")
