"""Labelled rows from the shared data folder (its README names origins and licences), as feature units with groups."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.grounding.features import Weights
from detectors.grounding.units import Units, units
from detectors.text.words import STOP, tokens

PUBLIC_SETS = ("ragtruth_qa", "begin", "wice", "fever_symmetric", "halueval_dialogue", "halueval_summary")
GROUNDING_SETS = (*PUBLIC_SETS, "written")
REPORT_ONLY = ("halueval_qa", "faithdial_audit")
_MIN_BLOCKS = 4  # a term in fewer blocks of text counts as unknown
_BLOCK = 60  # words


class Labelled(NamedTuple):
    """One set: units, response labels, sentence labels (span labels where the set has them, else the response's), split groups."""

    name: str
    rows: list[dict[str, Any]]
    units: list[Units]
    y: NDArray[np.float64]
    sentence_y: list[NDArray[np.float64]]
    groups: list[str]

    def take(self, chosen: NDArray[np.bool_]) -> Labelled:
        """The rows where ``chosen`` is true."""
        at = np.flatnonzero(chosen)
        return Labelled(
            self.name,
            [self.rows[i] for i in at],
            [self.units[i] for i in at],
            self.y[at],
            [self.sentence_y[i] for i in at],
            [self.groups[i] for i in at],
        )


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one file; `written` is our own."""
    if name == "written":
        return written(Path(__file__).with_name("written.txt").read_text(encoding="utf8"))
    with (folder / f"{name}.jsonl").open(encoding="utf8") as lines:
        return [json.loads(line) for line in lines]


def written(text: str) -> list[dict[str, Any]]:
    """Rows of answers written for this project; the format stands at the top of the file."""
    rows: list[dict[str, Any]] = []
    for number, block in enumerate(text.split("\n\n")):
        told: dict[str, list[str]] = {mark: [] for mark in "CQ+-#"}
        for line in block.strip().splitlines():
            told[line[0]].append(line[2:].strip().replace("\\n", "\n"))
        for label, mark in enumerate("+-"):
            about = {"context": [c.removeprefix(" ") for c in told["C"]], "question": " ".join(told["Q"]), "source_id": str(number)}
            rows += [{**about, "response": answer, "label": label} for answer in told[mark]]
    return rows


def labelled(folder: Path, name: str, weigh: Weights) -> Labelled:
    """One set with its features; rows that cannot be judged are left out."""
    kept = [(row, u) for row in read(folder, name) if (u := units(row["context"], row.get("question") or "", row["response"], weigh)) is not None]
    rows, made = [r for r, _ in kept], [u for _, u in kept]
    y = np.array([float(bool(r["label"])) for r in rows])
    groups = [str(r["context"] if name in ("fever_symmetric", "begin") else r.get("source_id") or r["context"]) for r in rows]
    return Labelled(name, rows, made, y, [_sentence_labels(r, u) for r, u in kept], groups)


def _sentence_labels(row: dict[str, Any], u: Units) -> NDArray[np.float64]:
    if "spans" not in row:
        return np.full(len(u.spans), float(bool(row["label"])))
    return np.array([float(any(s["start"] < end and s["end"] > start for s in row["spans"])) for start, end in u.spans])


def term_weights(contexts: Iterable[str]) -> tuple[dict[str, float], float]:
    """Inverse document frequency over blocks of `_BLOCK` words of distinct contexts, and the weight of an unknown term."""
    blocks: Counter[str] = Counter()
    n = 0
    for context in sorted(set(contexts)):
        terms = [t.term for t in tokens(context[:20_000]) if t.kind != STOP]
        for start in range(0, max(1, len(terms)), _BLOCK):
            n += 1
            blocks.update(set(terms[start : start + _BLOCK]))
    table = {t: round(math.log((n + 1) / (c + 1)), 1) for t, c in blocks.items() if c >= _MIN_BLOCKS}
    return table, round(math.log((n + 1) / 2), 1)
