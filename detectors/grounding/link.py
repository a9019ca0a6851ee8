"""Evidence by meaning: the context sentence nearest to each risky claim, where words alone found little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.embeddings import Encoder
from detectors.grounding.score import Asked, Grounding, Sentence
from detectors.text.context import ContextIndex, indexed, joined

RISKY = 0.33  # sentences below it keep their lexical evidence: they share most of their words with it
MIN_COSINE = 0.4
MAX_CONTEXT_SENTENCES = 200


def linked(asked: Sequence[Asked], verdicts: Sequence[Grounding], encoder: Encoder) -> list[Grounding]:
    """The verdicts with evidence of risky sentences replaced by the nearest context sentence in meaning, if one is near enough.

    Scores stay as they are. All texts of a call to this function are encoded in one batch, equal ones once.
    """
    todo = [(i, k) for i, v in enumerate(verdicts) for k, s in enumerate(v.sentences) if s.score >= RISKY]
    if not todo:
        return list(verdicts)
    contexts = {i: indexed(joined(asked[i][0])) for i in {i for i, _ in todo}}
    claims = [asked[i][2][verdicts[i].sentences[k].start : verdicts[i].sentences[k].end] for i, k in todo]
    told = {i: [c.text[a:b] for a, b in c.spans[:MAX_CONTEXT_SENTENCES]] for i, c in contexts.items()}
    place, texts = _numbered([*claims, *(t for sentences in told.values() for t in sentences)])
    vectors = encoder.encode(texts)
    out = [list(v.sentences) for v in verdicts]
    for (i, k), claim in zip(todo, claims, strict=True):
        cosines = vectors[[place[t] for t in told[i]]] @ vectors[place[claim]]
        out[i][k] = _nearest(out[i][k], cosines, contexts[i])
    return [v._replace(sentences=tuple(s)) for v, s in zip(verdicts, out, strict=True)]


def _numbered(texts: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    unique = list(dict.fromkeys(texts))
    return {text: i for i, text in enumerate(unique)}, unique


def _nearest(sentence: Sentence, cosines: np.ndarray, context: ContextIndex) -> Sentence:
    best = int(np.argmax(cosines)) if len(cosines) else -1
    return sentence._replace(evidence=context.spans[best]) if best >= 0 and cosines[best] >= MIN_COSINE else sentence
