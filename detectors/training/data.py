"""Labelled rows from the shared data folder (its README names origins and licences), as feature units with groups."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.grounding.features import Weights
from detectors.grounding.units import Units, units
from detectors.text.words import STOP, tokens

PUBLIC_SETS = ("ragtruth_qa", "begin", "wice", "fever_symmetric", "halueval_dialogue", "halueval_summary")
GROUNDING_SETS = (*PUBLIC_SETS, "written", "retrieved")
REPORT_ONLY = ("halueval_qa", "faithdial_audit")
_MIN_BLOCKS = 4  # a term in fewer blocks of text counts as unknown
_BLOCK = 60  # words
_SLOT = re.compile(r"\{([^{}]*?)=>([^{}]*?)\}")


class Labelled(NamedTuple):
    """One set: units, response labels, sentence labels (span labels where the set has them, else the response's), split groups, row weights."""

    name: str
    rows: list[dict[str, Any]]
    units: list[Units]
    y: NDArray[np.float64]
    sentence_y: list[NDArray[np.float64]]
    groups: list[str]
    weight: NDArray[np.float64]

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
            self.weight[at],
        )


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one file; `written` and `retrieved` are our own."""
    if name in _OWN:
        return list(_OWN[name](Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf8")))
    with (folder / f"{name}.jsonl").open(encoding="utf8") as lines:
        return [json.loads(line) for line in lines]


def written(text: str) -> Iterator[dict[str, Any]]:
    """Rows of short answers written for this project; the format stands at the top of the file."""
    for number, told in _exchanges(text):
        about = {"context": told["C"], "question": " ".join(told["Q"]), "source_id": str(number)}
        for label, mark in enumerate("+-"):
            yield from ({**about, "response": answer, "label": label} for answer in told[mark])


def retrieved(text: str) -> Iterator[dict[str, Any]]:
    """Rows of answers to several passages written for this project: each as it should be, and with one of its slots filled wrongly.

    The unfaithful ones of an answer weigh as much together as the faithful one; those without slots are faithful only.
    """
    for number, told in _exchanges(text):
        context = "\n\n".join(f"passage {i}:{passage}" for i, passage in enumerate(told["C"], 1))
        about = {"context": context, "question": " ".join(told["Q"]), "source_id": str(number)}
        for answer in told["="]:
            slots = len(_SLOT.findall(answer))
            for wrong in range(-1, slots):
                response, spans = _filled(answer, wrong)
                yield {**about, "response": response, "label": int(wrong >= 0), "spans": spans, "weight": 1 / slots if wrong >= 0 else 1.0}


def _exchanges(text: str) -> Iterator[tuple[int, dict[str, list[str]]]]:
    for number, block in enumerate(text.split("\n\n")):
        told: dict[str, list[str]] = {mark: [] for mark in "CQ+-=#"}
        for line in block.strip().splitlines():
            told[line[0]].append(line[2:].strip().replace("\\n", "\n"))
        yield number, told


def _filled(answer: str, wrong: int) -> tuple[str, list[dict[str, int]]]:
    """An answer with all slots as they should be but the one numbered ``wrong`` (-1: none), and where that one stands."""
    out, at, spans = "", 0, []
    for number, slot in enumerate(_SLOT.finditer(answer)):
        told = slot.group(1 + (number == wrong))
        out += answer[at : slot.start()] + told
        at = slot.end()
        if number == wrong:
            stop = len(out) - (len(told) - len(told.rstrip()))
            spans.append({"start": min(stop - 1, len(out) - len(told.lstrip())), "end": stop})
    return out + answer[at:], spans


_OWN = {"written": written, "retrieved": retrieved}


def labelled(folder: Path, name: str, weigh: Weights) -> Labelled:
    """One set with its features; rows that cannot be judged are left out."""
    kept = [(row, u) for row in read(folder, name) if (u := units(row["context"], row.get("question") or "", row["response"], weigh)) is not None]
    rows, made = [r for r, _ in kept], [u for _, u in kept]
    y = np.array([float(bool(r["label"])) for r in rows])
    groups = [str(r["context"] if name in ("fever_symmetric", "begin") else r.get("source_id") or r["context"]) for r in rows]
    weight = np.array([float(r.get("weight", 1.0)) for r in rows])
    return Labelled(name, rows, made, y, [_sentence_labels(r, u) for r, u in kept], groups, weight)


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
