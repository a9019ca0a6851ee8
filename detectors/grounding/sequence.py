"""A sentence in its place: its own features, where it stands, its neighbours, and the whole response; a response with its worst sentences.

Invented sentences come in runs, stand more often at the end, and mean more in a response that is otherwise copied: labelled spans of
RAGTruth are ranked at 0.88 with their surroundings and at 0.83 without.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.grounding.features import NAMES

Array = NDArray[np.float64]

_PLACE = ("place", "first", "last")
PEAKS = (*NAMES, *(f"peak_{name}" for name in NAMES))
SEQUENCE = (*NAMES, *_PLACE, *(f"{where}_{name}" for where in ("previous", "next", "whole") for name in NAMES))


def in_sequence(sentences: Array, whole: Array) -> Array:
    """Values of `SEQUENCE` for each sentence, shape ``(sentences, len(SEQUENCE))``; neighbours that do not exist are zero."""
    n = len(sentences)
    blank = np.zeros((1, sentences.shape[1]))
    at = np.arange(n)
    place = np.column_stack([at / max(1, n - 1), at == 0, at == n - 1])
    before, after = np.vstack([blank, sentences])[:n], np.vstack([sentences, blank])[1:]
    return np.hstack([sentences, place, before, after, np.broadcast_to(whole, sentences.shape)])


def with_peaks(sentences: Array, whole: Array) -> Array:
    """Values of `PEAKS` for a response: its own features, and of each feature the mean of the two highest among its sentences."""
    return np.concatenate([whole, np.sort(sentences, axis=0)[-2:].mean(axis=0)])
