"""Was everything carried over? A translation shares few words with its source, but its numbers, addresses and placeholders stay the same.

A check by rule, of any pair of languages; the weights are proposals, no labelled data stands behind them.
"""

from __future__ import annotations

import re
from collections import Counter

from detectors.grounding.score import Grounding, Sentence

_ITEM = re.compile(r"https?://[^\s)\]>]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\[[A-Z][A-Z_]{2,}[^\]\s]{0,40}\]|\d+(?:[.,'\u00a0\u202f]\d+)*")
_CLEAN = 0.03
_INVENTED, _MISSING, _SPELLED = 0.75, 0.4, 0.1  # risk of one item; small numbers are often spelled out
_SPELLABLE = 12


def carried(source: str, response: str, threshold: float, floor: float) -> Grounding:
    """The verdict on a translation of ``source``; null where neither text holds anything that must stay as it is."""
    told = Counter(_plain(m.group()) for m in _ITEM.finditer(source))
    found = [(m.start(), m.end(), _plain(m.group())) for m in _ITEM.finditer(response)]
    if not told and not found:
        return Grounding(None, None, False, reason="nothing_to_carry", regime="translation")
    left, sentences = told.copy(), []
    clean = 1.0 - _CLEAN
    for start, end, item in found:
        if item in told:
            left[item] -= 1
            continue
        risk = _SPELLED if _small(item) else _INVENTED
        clean *= 1.0 - risk
        sentences.append(Sentence(start, end, risk, None))
    for item, missing in left.items():
        if missing == told[item]:  # said less often than in the source is still said
            clean *= 1.0 - (_SPELLED if _small(item) else _MISSING)
    score = 1.0 - clean
    return Grounding(score, max(0.0, (score - floor) / (1.0 - floor)), score > threshold, tuple(sentences), "", "translation")


def _plain(item: str) -> str:
    """Separators of thousands and decimals differ between languages: only the digits of a number count."""
    return re.sub(r"\D", "", item) if item[0].isdigit() else item.rstrip(".,;:").lower()


def _small(item: str) -> bool:
    return item.isdigit() and float(item) <= _SPELLABLE  # no `int`: it refuses thousands of digits
