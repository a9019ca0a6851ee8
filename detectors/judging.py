"""Every detector on a batch of answers: verdicts and the composite, as plain rows. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import orjson

from detectors import grounding
from detectors.calibration import Platt
from detectors.comparing import contradictions
from detectors.composite import Composite, Verdict, combine, floored
from detectors.contradiction.sketch import Sketch
from detectors.embeddings import Encoder
from detectors.grounding.carried import carried
from detectors.grounding.link import linked
from detectors.grounding.model import shipped as grounding_model
from detectors.material import Material
from detectors.schema import check
from spanledger.policy.quality import Detectors, SchemaEntry

VERSION = "composite-1"
SCHEMA_VERSION = "schema-2"
MAX_EVIDENCE = 40  # sentences told in one verdict, riskiest first


class Answer(NamedTuple):
    """One call with what there is to judge it by.

    Attributes:
        call: the ledger's columns.
        material: question, context, response; None when no text is there.
        schema_verdict: JSON that the collector made from the unredacted text, or empty.
        peers: other answers of the same model to exactly the same prompt, within the window.
        chosen: the sampling policy wants it judged.
        sketches: what is left of answers to the same prompt whose text is gone.
        sketch_key: set where this answer's text may not be kept: its sketch goes into the verdict.
        left: its text was in memory only and had to leave before it was judged.
    """

    call: Mapping[str, Any]
    material: Material | None
    schema_verdict: str = ""
    peers: tuple[str, ...] = ()
    chosen: bool = True
    sketches: tuple[Sketch, ...] = ()
    sketch_key: bytes = b""
    left: bool = False

    @property
    def without_text(self) -> str:
        """Why there is nothing to judge, where there is not."""
        return "left_window" if self.left else "no_text"


Calibrations = Mapping[tuple[str, str], Platt]  # (app, route) -> map of grounding scores


def judge(
    answers: Sequence[Answer], policy: Detectors, calibrations: Calibrations | None = None, encoder: Encoder | None = None
) -> list[tuple[list[Verdict], Composite]]:
    """Verdicts and composite of each answer, in order. An answer not chosen has no verdicts and a null composite.

    ``encoder`` links risky claims to evidence by meaning; scores are the same without it.
    """
    grounded = _grounded(answers, policy, calibrations or {}, encoder)
    compared = contradictions(answers, [v is not None and v.score is not None for v in grounded], policy)
    out: list[tuple[list[Verdict], Composite]] = []
    for answer, of_context, of_others in zip(answers, grounded, compared, strict=True):
        if not answer.chosen:
            out.append(([], Composite(None, None, False, ())))
            continue
        found = [v for v in (_schema(answer, policy), of_context, of_others) if v is not None]
        out.append((found, combine(found)))
    return out


def why_null(answer: Answer, verdicts: Sequence[Verdict]) -> str:
    """The reason of a composite without a score."""
    if not answer.chosen:
        return "not_sampled"
    if answer.material is None:
        return answer.without_text
    return next((v.reason for v in verdicts if v.reason), "nothing_to_judge_by")


def _wanted(name: str, policy: Detectors) -> bool:
    return name not in policy.disable


def _grounded(answers: Sequence[Answer], policy: Detectors, calibrations: Calibrations, encoder: Encoder | None) -> list[Verdict | None]:
    version = grounding_model().version
    out: list[Verdict | None] = [None] * len(answers)
    if not _wanted("grounding", policy):
        return out
    asked: list[tuple[int, Material]] = []
    for i, answer in enumerate(answers):
        if not answer.chosen:
            continue
        if answer.material is None or not answer.material.context:
            out[i] = Verdict("grounding", version, None, None, False, reason=answer.without_text if answer.material is None else "no_context")
        else:
            asked.append((i, answer.material))
    for (i, m), result in zip(asked, _results([m for _, m in asked], encoder), strict=True):
        call = answers[i].call
        platt = calibrations.get((str(call.get("app_id")), str(call.get("route"))))
        out[i] = _grounding_verdict(result, m, platt, policy)
    return out


def _results(found: Sequence[Material], encoder: Encoder | None) -> list[grounding.Grounding]:
    model = grounding_model()
    plain = [(m.context, m.question, m.response) for m in found if m.source != "translation"]
    results = list(grounding.score_many(plain))
    told = iter(results if encoder is None else linked(plain, results, encoder))
    return [carried("\n".join(m.context), m.response, model.threshold, model.floor) if m.source == "translation" else next(told) for m in found]


def _grounding_verdict(result: grounding.Grounding, m: Material, platt: Platt | None, policy: Detectors) -> Verdict:
    model = grounding_model()
    if result.score is None:
        return Verdict("grounding", model.version, None, None, False, reason=result.reason)
    score = platt.of(result.score) if platt else result.score
    threshold = policy.thresholds.get("grounding", model.threshold)
    riskiest = sorted(result.sentences, key=lambda s: -s.score)[:MAX_EVIDENCE]
    evidence = [[s.start, s.end, round(s.score, 3), *(s.evidence or ())] for s in sorted(riskiest, key=lambda s: s.start)]
    told: dict[str, Any] = {"source": m.source, "regime": result.regime, "calibrated": platt is not None, "sentences": evidence}
    if platt:
        told["plain"] = round(result.score, 4)  # what later labels calibrate
    label = "unsupported" if score > threshold else "supported"
    return Verdict("grounding", model.version, score, floored(score, model.floor), score > threshold, label, "", orjson.dumps(told).decode())


def _schema(answer: Answer, policy: Detectors) -> Verdict | None:
    """The collector's verdict on the unredacted text, or a check of the redacted text against a registered schema."""
    if not _wanted("schema", policy):
        return None
    if answer.schema_verdict:
        return schema_verdict(orjson.loads(answer.schema_verdict), policy)
    entry = registered(policy.schemas, answer.call)
    if entry is None or answer.material is None or entry.json_schema is None:
        return None
    made = check(answer.material.response, entry.json_schema, str(answer.call.get("finish_reason") or ""))
    if made.class_ == "violation" and _redacted(answer.material.response):
        return Verdict("schema", SCHEMA_VERSION, None, None, False, reason="redacted_text")  # the placeholder may be what breaks it
    return schema_verdict(made.to_dict(), policy)


def schema_verdict(told: Mapping[str, Any], policy: Detectors) -> Verdict:
    """A row of the schema detector from its verdict under public names."""
    score = float(told["score"])
    flagged = score >= policy.thresholds["schema"] if "schema" in policy.thresholds else not told["strict_valid"]
    evidence = orjson.dumps({k: told.get(k) for k in ("error_path", "recoverable", "recovered_valid", "schema_state")}).decode()
    return Verdict("schema", SCHEMA_VERSION, score, score, flagged, str(told["class"]), "", evidence)


def registered(entries: Sequence[SchemaEntry], call: Mapping[str, Any]) -> SchemaEntry | None:
    """The registered schema of a call: the matching entry with the fewest wildcards, the first of equals."""
    keys = (("app", "app_id"), ("route", "route"), ("prompt_id", "prompt_id"), ("prompt_version", "prompt_version"))
    fitting = [e for e in entries if all(fnmatchcase(str(call.get(column) or ""), getattr(e, name)) for name, column in keys)]
    return min(fitting, key=lambda e: sum("*" in getattr(e, name) for name, _ in keys), default=None)


def _redacted(text: str) -> bool:
    at = text.find("[")
    while at >= 0:
        end = text.find("]", at)
        inside = text[at + 1 : end] if end > at else ""
        if 3 <= len(inside) <= 60 and inside[:1].isupper() and inside.split(":")[0].replace("_", "").isupper():
            return True
        at = text.find("[", at + 1)
    return False
