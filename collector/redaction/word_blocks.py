"""Which words about numbers begin where in a buffer, roughly: what no word near can say anything of need not be asked about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from collector.redaction.matching import UNSAID, tester, worded

Array = np.ndarray[Any, Any]

BLOCK, CARDS, REFUSING = 128, 1 << 63, 1 << 62  # bytes; bits of two lists; as in ``clusters.c``
_ALL = (1 << 64) - 1
_BLOCKS = 16  # of these that are asked of together first
_LONGEST = 66  # bytes of a word that counts, and one behind
_BEFORE, _BEHIND = 80, 40  # bytes around a digit in which words about it are, mostly


class WordBlocks:
    """For lists of words, each an alternation: those of the rules about numbers, words that refuse telephone numbers, and those about cards."""

    def __init__(self, numbers: Sequence[str], refusing: str, cards: str) -> None:
        lists = [(1 << k, words) for k, words in enumerate(numbers) if words] + [(REFUSING, refusing), (CARDS, cards)]
        self._bits = [bit for bit, _ in lists]
        self._words = tester([worded(words) for _, words in lists], latin=True)

    def of(self, b: bytes, ats: Array) -> Array:
        """For each block of ``b`` a bit for each list with a word that begins there, or soon behind it. Only of those near these places it is
        asked; of the others it is not known, and all are set."""
        found = np.full(len(b) // BLOCK + 1, _ALL, np.uint64)
        asked = np.zeros(len(found), np.bool_)
        for by in (-_BEFORE, 0, _BEHIND):
            asked[np.clip((ats + by) // BLOCK, 0, len(found) - 1)] = True
        for head in (np.flatnonzero(np.add.reduceat(asked, np.arange(0, len(asked), _BLOCKS))) * _BLOCKS).tolist():
            if not self._begin(b, head, _BLOCKS):
                found[head : head + _BLOCKS] = 0
                continue
            for block in (np.flatnonzero(asked[head : head + _BLOCKS]) + head).tolist():
                found[block] = self._begin(b, block, 1)
        return found

    def _begin(self, b: bytes, block: int, many: int) -> int:
        """Which begin in so many blocks? A placeholder is a word about numbers only of what it is in a list with (``matching.said_near``)."""
        start = block * BLOCK
        piece = b[max(0, start - 1) : start + many * BLOCK + _LONGEST]
        bits = self._words_of(piece)
        if bits and b"[" in piece:
            bits = bits & (CARDS | REFUSING) | self._words_of(UNSAID.sub(b"\0", piece))
        return bits

    def _words_of(self, piece: bytes) -> int:
        told = self._words.Match(piece)
        return sum([self._bits[k] for k in told]) if told else 0
