"""Do two releases of an app answer the same questions differently? Contradiction across prompt versions or models.

Answers meet only where the question (the last thing that the user said) and the retrieved context are the same. Answers of one release to one
question differ among themselves too: the rate within each release stands beside the rate across.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations, product
from typing import Any, NamedTuple

from detectors.contradiction.score import against
from detectors.material import turns

PER_QUESTION = 4  # answers of one release to one question
QUESTIONS = 2_000


class Side(NamedTuple):
    """Pairs compared and how many of them contradict each other."""

    pairs: int
    contradictions: int

    @property
    def rate(self) -> float | None:
        """Share; None without a pair."""
        return self.contradictions / self.pairs if self.pairs else None


class Comparison(NamedTuple):
    """Across the releases and within each; ``questions``: asked of both with equal context, ``answers`` of each release read."""

    questions: int
    across: Side
    within_baseline: Side
    within_candidate: Side
    answers: tuple[int, int]

    def told(self) -> dict[str, Any]:
        """For a report."""
        sides = {
            name: {**getattr(self, name)._asdict(), "rate": getattr(self, name).rate} for name in ("across", "within_baseline", "within_candidate")
        }
        return {"questions": self.questions, "answers": {"baseline": self.answers[0], "candidate": self.answers[1]}, **sides}


def compared(rows: Iterable[Mapping[str, Any]], baseline: str, candidate: str) -> Comparison:
    """Judge answers (``release, context_hash, prompt, response``) of two releases."""
    groups: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: {baseline: [], candidate: []})
    read = {baseline: 0, candidate: 0}
    for row in rows:
        asked = _question(row["prompt"])
        if asked and row["release"] in read:
            read[row["release"]] += 1
            told = groups[asked, row["context_hash"]][row["release"]]
            if len(told) < PER_QUESTION:
                told.append(row["response"])
    common = [(key[0], told) for key, told in groups.items() if told[baseline] and told[candidate]][:QUESTIONS]
    return Comparison(
        len(common),
        _side([(q, a, b) for q, told in common for a, b in product(told[baseline], told[candidate])]),
        _side([(q, a, b) for q, told in common for a, b in combinations(told[baseline], 2)]),
        _side([(q, a, b) for q, told in common for a, b in combinations(told[candidate], 2)]),
        (read[baseline], read[candidate]),
    )


def _question(prompt: str) -> str:
    said = next((text for role, text in reversed(turns(prompt)) if role in ("user", "human")), "")
    return " ".join(said.split())


def _side(pairs: list[tuple[str, str, str]]) -> Side:
    found = against([(q, a, [b]) for q, a, b in pairs])
    return Side(sum(f.n for f in found), sum(f.disagrees for f in found))
