"""Verdicts as rows of table `scores`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from detectors.composite import Composite, Verdict
from detectors.judging import VERSION, Answer, why_null
from warehouse.tables import SCORES

_COPIED = ("project", "service", "app_id", "team", "tenant_hash", "user_hash", "env", "route", "model", "model_tier", "prompt_id", "prompt_version")


def score_rows(answers: Sequence[Answer], results: Sequence[tuple[list[Verdict], Composite]], now_us: int) -> pa.Table:
    """One row per detector that spoke and one composite per answer. ``ver`` is the version of the evidence judged."""
    rows: list[dict[str, Any]] = []
    for answer, (verdicts, composite) in zip(answers, results, strict=True):
        rows.extend(_row(answer.call, _detector(v), now_us) for v in verdicts)
        rows.append(_row(answer.call, _composite(answer, verdicts, composite), now_us))
    return pa.Table.from_pylist(rows, schema=SCORES)


def _detector(v: Verdict) -> dict[str, Any]:
    return {
        "detector": v.detector, "detector_version": v.version, "score": v.score, "hallucination_score": v.floored, "flagged": v.flagged,
        "label": v.label, "reason": v.reason, "coverage": [], "evidence": v.evidence,
    }  # fmt: skip


def _composite(answer: Answer, verdicts: Sequence[Verdict], composite: Composite) -> dict[str, Any]:
    refuses = answer.material is not None and answer.material.refuses
    return {
        "detector": "composite", "detector_version": VERSION, "score": composite.score, "hallucination_score": composite.hallucination_score,
        "flagged": composite.flagged, "label": "refusal" if refuses else "", "reason": why_null(answer, verdicts) if composite.score is None else "",
        "coverage": list(composite.coverage), "evidence": "",
    }  # fmt: skip


def _row(call: Mapping[str, Any], told: dict[str, Any], now_us: int) -> dict[str, Any]:
    return {
        **{name: call[name] for name in _COPIED},
        "ts": call["ts_us"],
        "trace_id": bytes.fromhex(call["trace_id"]),
        "span_id": bytes.fromhex(call["span_id"]),
        **told,
        "scored_at": now_us,
        "ver": int(call["evidence_ver"]),
    }
