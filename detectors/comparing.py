"""The contradiction detector on a batch of answers: against other answers to the same prompt, by their texts or by what is left of them.

Only where no context could judge (research §4). An answer whose text may not be kept leaves a keyed sketch in its verdict, so that later
answers can be compared with it when its text is long gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from detectors.composite import Verdict, floored
from detectors.contradiction.features import Answer as Words
from detectors.contradiction.model import shipped as pair_model
from detectors.contradiction.score import Against, against
from detectors.contradiction.sketch import Sketch, shipped_sketches, sketch, sketch_features
from detectors.grounding.model import weights
from spanledger.policy.quality import Detectors

if TYPE_CHECKING:
    from detectors.judging import Answer

MAX_PEERS = 6  # other answers that one is compared with, latest first: busy prompts have hundreds


def contradictions(answers: Sequence[Answer], grounded: Sequence[bool], policy: Detectors) -> list[Verdict | None]:
    """A verdict for each answer that could be compared, or that leaves a sketch. ``grounded``: a context has judged it already."""
    out: list[Verdict | None] = [None] * len(answers)
    if "contradiction" in policy.disable:
        return out
    asked: list[tuple[int, str, str, Sequence[str]]] = []
    for i, (answer, judged) in enumerate(zip(answers, grounded, strict=True)):
        m = answer.material
        if answer.chosen and m is not None and not judged and (answer.peers or answer.sketches or answer.sketch_key):
            asked.append((i, m.question, m.response, answer.peers[:MAX_PEERS]))
    found = against([a[1:] for a in asked])
    for (i, *_), of_texts in zip(asked, found, strict=True):
        out[i] = _verdict(answers[i], of_texts, policy)
    return out


def _verdict(answer: Answer, of_texts: Against, policy: Detectors) -> Verdict:
    model = pair_model()
    own, told = _sketch_of(answer), dict[str, Any]()
    if answer.sketch_key and own is not None:
        told["sketch"] = own.pack()
    if not answer.peers and not answer.sketches:
        return Verdict("contradiction", model.version, None, None, False, reason="no_other_answers", evidence=orjson.dumps(told).decode())
    of_sketches = _against_sketches(own, answer.sketches[: MAX_PEERS - of_texts.n])
    n = of_texts.n + of_sketches.n
    if not n:
        return Verdict("contradiction", model.version, None, None, False, reason="no_words", evidence=orjson.dumps(told).decode())
    score = ((of_texts.score or 0.0) * of_texts.n + (of_sketches.score or 0.0) * of_sketches.n) / n
    flagged = score > policy.thresholds.get("contradiction", model.threshold)
    told = {"n": n + 1, "pairs": n, "rate": round((of_texts.disagrees + of_sketches.disagrees) / n, 4), "sketched": of_sketches.n, **told}
    label = "disagrees" if flagged else "agrees"
    return Verdict("contradiction", model.version, score, floored(score, model.floor), flagged, label, "", orjson.dumps(told).decode())


def _sketch_of(answer: Answer) -> Sketch | None:
    if answer.material is None or not answer.sketch_key:
        return None
    words = Words(answer.material.response)
    return sketch(words, answer.sketch_key, weights()) if words.words else None


def _against_sketches(own: Sketch | None, others: Sequence[Sketch]) -> Against:
    rows = [] if own is None else [x for other in others if (x := sketch_features(own, other)) is not None]
    if not rows:
        return Against(None, 0, 0)
    scores = shipped_sketches().scores(np.vstack(rows))
    return Against(float(scores.mean()), int((scores > pair_model().threshold).sum()), len(rows))


__all__ = ["MAX_PEERS", "contradictions"]
