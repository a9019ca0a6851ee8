"""What the scan is spared of long texts: values that are taken already, and characters and escapes that are decoded anyway."""

from __future__ import annotations

from collections.abc import Sequence
from operator import sub
from typing import Any

import numpy as np

from collector.redaction.matching import Span
from collector.redaction.views import disguised, escaped
from collector.redaction.windows import telling

Array = np.ndarray[Any, Any]

LONG = 4096  # bytes of a text in which it is worth asking what it is full of
_VEIL = ord("~")  # no trigger has it


def shown(b: bytes, starts: list[int], ends: list[int]) -> tuple[bytes, list[tuple[int, int]]]:
    """The buffer with the disguised characters and the escapes of long texts veiled that are full of them, and where these are to be decoded:
    to hear of each takes the scan longer than all else."""
    places: list[tuple[int, int]] = []
    veiled: Array | None = None
    for i, size in enumerate(map(sub, ends, starts)) if len(b) >= LONG else ():
        if size < LONG:
            continue
        text = b[starts[i] : ends[i]]
        for found in (escaped(text), None if text.isascii() else disguised(text)):
            if found is None:
                continue
            veiled = np.frombuffer(b, np.uint8).copy() if veiled is None else veiled
            first, past = (edges + starts[i] for edges in found)
            for k in range(int((past - first).max())):
                veiled[np.minimum(first + k, past - 1)] = _VEIL
            places += [(i, to) for to in past[telling(past, np.zeros(len(past), np.int64), np.array([starts[i]]))].tolist()]
    return (b if veiled is None else veiled.tobytes()), places


def veiled(b: bytes, spans: Sequence[Span]) -> bytes:
    """The buffer as the scan sees it: values that are taken already are veiled but for their last byte."""
    if not spans:
        return b
    starts, ends, _ = zip(*spans, strict=True)
    edges = np.zeros(len(b) + 1, np.int8)
    edges[np.array(starts)] = 1
    edges[np.array(ends) - 1] -= 1
    veiled = np.frombuffer(b, np.uint8).copy()
    veiled[np.cumsum(edges[:-1], dtype=np.int8) > 0] = _VEIL
    return veiled.tobytes()
