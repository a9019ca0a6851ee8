"""What is left of an answer whose text may not be kept: keyed hashes of its words and numbers, enough to ask whether a later one disagrees.

A sketch holds up to `TERMS` 32-bit hashes under a key of the installation and tenant, a few flags, and no text. Without the key it says how
many different words an answer had; with it, somebody can ask whether a known word was among them, as with every keyed hash.

Layout, base64: flags (1 byte), number of numbers (1 byte), hashes of numbers, then of words, each 4 bytes little endian, ascending.
"""

from __future__ import annotations

import base64
import math
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.artefacts import stored
from detectors.calibration import Platt
from detectors.contradiction.features import Answer
from detectors.grounding.features import Weights
from detectors.linear import Linear

Array = NDArray[np.float64]

TERMS = 96  # the heaviest words of an answer
NUMBERS = 32
_YES, _NO, _DENIES = 1, 2, 4
NAMES = ("overlap", "contained", "shared_numbers", "numbers_differ", "yes_against_no", "one_denies", "count_gap_log", "count_min_log", "share_gap")


class Sketch(NamedTuple):
    """Keyed hashes of one answer."""

    flags: int
    numbers: frozenset[int]
    words: frozenset[int]

    def pack(self) -> str:
        """As text for a JSON field."""
        hashes = np.array([*sorted(self.numbers), *sorted(self.words)], "<u4")
        return base64.b64encode(bytes((self.flags, len(self.numbers))) + hashes.tobytes()).decode()

    @classmethod
    def unpack(cls, packed: str) -> Sketch | None:
        """The inverse of `pack`; None for anything else."""
        try:
            raw = base64.b64decode(packed, validate=True)
        except ValueError:
            return None
        if len(raw) < 2 or (len(raw) - 2) % 4:
            return None
        hashes = np.frombuffer(raw[2:], "<u4").tolist()
        return cls(raw[0], frozenset(hashes[: raw[1]]), frozenset(hashes[raw[1] :]))


def sketch(answer: Answer, key: bytes, weigh: Weights) -> Sketch:
    """The sketch of one answer under ``key`` (at most 64 bytes)."""
    numbers = sorted(answer.numbers)[:NUMBERS]
    words = sorted(answer.terms - answer.numbers, key=lambda t: (-weigh(t), t))[:TERMS]
    flags = {"yes": _YES, "no": _NO}.get(answer.yes_no, 0) | (_DENIES if answer.denies else 0)
    return Sketch(flags, frozenset(_hash(t, key) for t in numbers), frozenset(_hash(t, key) for t in words))


def _hash(term: str, key: bytes) -> int:
    return int.from_bytes(blake2b(term.encode("utf8", "replace"), key=key, person=b"spl-sketch", digest_size=4).digest(), "little")


def sketch_features(a: Sketch, b: Sketch) -> Array | None:
    """Values of `NAMES`; None when either holds nothing. The order does not matter."""
    first, second = a.words | a.numbers, b.words | b.numbers
    if not first or not second:
        return None
    shared, fewer, more = len(first & second), *sorted((len(first), len(second)))
    numbers, all_numbers = len(a.numbers & b.numbers), len(a.numbers | b.numbers)
    words = len(a.words & b.words) / max(1, min(len(a.words), len(b.words)))
    return np.array([
        shared / len(first | second), shared / fewer, numbers / max(1, all_numbers), float(bool(a.numbers and b.numbers) and not numbers),
        float({a.flags & 3, b.flags & 3} == {_YES, _NO}), float(bool((a.flags ^ b.flags) & _DENIES)), math.log(more / fewer), math.log1p(fewer),
        words - numbers / max(1, min(len(a.numbers), len(b.numbers))) if all_numbers else 0.0,
    ])  # fmt: skip


class SketchModel(NamedTuple):
    """Probability that two answers disagree, from their sketches alone."""

    linear: Linear
    platt: Platt

    def scores(self, x: Array) -> Array:
        """One probability per row of `sketch_features`."""
        return self.platt(self.linear.raw(x))

    def to_dict(self) -> dict[str, Any]:
        """The artefact."""
        return {"linear": self.linear.to_dict(), "platt": [round(v, 6) for v in self.platt]}

    @classmethod
    def from_dict(cls, made: dict[str, Any]) -> SketchModel:
        """The inverse of `to_dict`."""
        return cls(Linear.from_dict(made["linear"]), Platt(*made["platt"]))


@cache
def shipped_sketches() -> SketchModel:
    """The model in the package."""
    return SketchModel.from_dict(stored("contradiction")["sketch"])
