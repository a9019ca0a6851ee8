"""``spanledger eval schema|grounding|contradiction``: rows in, verdicts out, in order and with the same ``id``.

Row formats: `docs/detectors.md`. Lazy: memory does not grow with the file. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import tee
from typing import Any, Literal

Kind = Literal["schema", "grounding", "contradiction"]
Row = dict[str, Any]


def evaluate(kind: Kind, rows: Iterable[Row]) -> Iterator[Row]:
    """Verdicts of one detector.

    Raises:
        ValueError: an unknown kind, or a row without the kind's text fields.
    """
    judges = {"schema": _schema, "grounding": _grounding, "contradiction": _contradiction}
    if kind not in judges:
        raise ValueError(f"unknown detector {kind!r}; known: {', '.join(judges)}")
    return judges[kind](rows)


def threshold(kind: str) -> float:
    """The shipped threshold of a detector whose score is a probability."""
    from detectors.contradiction.model import shipped as pair_model
    from detectors.grounding.model import shipped as grounding_model

    return {"grounding": grounding_model, "contradiction": pair_model}[kind]().threshold


def _schema(rows: Iterable[Row]) -> Iterator[Row]:
    from detectors.schema import check

    for row in rows:
        verdict = check(_text(row, "response"), row.get("schema"), row.get("finish_reason"))
        yield {"id": row.get("id"), **verdict.to_dict()}


def _grounding(rows: Iterable[Row]) -> Iterator[Row]:
    from detectors.grounding import score_many

    rows, asked = tee(rows)
    verdicts = score_many((_context(r), _text(r, "question", optional=True), _text(r, "response")) for r in asked)
    for row, verdict in zip(rows, verdicts, strict=True):
        sentences = [{"start": s.start, "end": s.end, "score": round(s.score, 4), "evidence": _span(s.evidence)} for s in verdict.sentences]
        out = {"id": row.get("id"), "score": verdict.score, "floored": verdict.floored, "flagged": verdict.flagged, "sentences": sentences}
        yield out if verdict.score is not None else {**out, "reason": verdict.reason}


def _contradiction(rows: Iterable[Row]) -> Iterator[Row]:
    from detectors.contradiction import pairs

    rows, asked = tee(rows)
    verdicts = pairs((_text(r, "question", optional=True), _text(r, "answer_a"), _text(r, "answer_b")) for r in asked)
    for row, (score, flagged) in zip(rows, verdicts, strict=True):
        yield {"id": row.get("id"), "score": score, "flagged": flagged}


def _context(row: Row) -> str | list[str]:
    context = row.get("context")
    if isinstance(context, list):
        return [str(c) for c in context]
    return str(context or "")


def _text(row: Row, field: str, optional: bool = False) -> str:
    value = row.get(field)
    if value is None:
        if optional:
            return ""
        raise ValueError(f"row {row.get('id')!r} has no field {field!r}")
    return str(value)


def _span(span: tuple[int, int] | None) -> dict[str, int] | None:
    return None if span is None else {"start": span[0], "end": span[1]}
