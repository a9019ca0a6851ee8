"""The second look: what a text says where placeholders now stand, in as few bytes as will do."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, groupby
from operator import eq, itemgetter

from collector.redaction.matching import tester
from collector.redaction.placeholders import PLACEHOLDER
from collector.redaction.plain import LEAST

AROUND = 200  # bytes around a placeholder in which replacement may have changed what rules see
_NEAR = 112  # bytes around a placeholder in which there must be more than words for a second look
_DIGIT_WORD = rb"(?:zero|one|two|three|four|five|six|seven|eight|nine|oh)"
_LIVELY = tester([rb"[0-9@=\\%&`\x80-\xff]|(?i:(?:" + _DIGIT_WORD + rb"[ ,.\-\r\n]{1,3}){3})"], latin=True)
_PLAIN_LIVELY = re.compile(rb"[0-9@=\\%&`\x80-\xff]")
_SAMPLE = 400  # pieces that tell whether a list repeats itself
_HASH = re.compile(rb":[0-9a-f]{10}\]")
_CLASS = itemgetter(slice(0, 6))  # of a placeholder's bytes: tells classes of one length apart
_REPEATED = 4_096  # bytes of entries that read alike of which the second look sees the first ones only: more than any rule does


def marks(pieces: Sequence[bytes]) -> list[tuple[int, int]]:
    """First and last+1 byte of each placeholder in the new text."""
    edges = list(accumulate(map(len, pieces)))
    return list(zip(edges[::2], edges[1::2], strict=False))


def masked(pieces: Sequence[bytes]) -> bytes:
    """The new text, the hashes of its placeholders made equal if there are many: what their digits happen to say is nothing, but takes time."""
    text = b"".join(pieces)
    return _HASH.sub(b":a1b2c3d4e5]", text) if len(pieces) > 2 * LEAST else text


def stretches(pieces: list[bytes]) -> list[bytes]:
    """What may read differently now: the text, or, of a long one with few placeholders, what stands around these.

    Left out is what has nothing but words around its placeholders: every rule that words set off wants more than these.
    """
    size = sum(map(len, pieces))
    dense = len(pieces) * 2 * AROUND > size
    if dense and len(pieces) > 2 * LEAST:
        return [masked(_unrepeated(pieces))]
    if dense or size < 4 * AROUND:
        return [masked(pieces)] if _lively(pieces[::2]) else []
    text = masked(pieces)
    return [text[max(0, a - AROUND) : z + AROUND] for a, z in marks(pieces) if _lively([text[max(0, a - _NEAR) : a], text[z : z + _NEAR]])]


def _unrepeated(pieces: list[bytes]) -> list[bytes]:
    """A list without most of the entries that now read as the one before: what is nothing at its begin is nothing further on."""
    between = pieces[2::2]
    some = list(zip(map(len, pieces[1:_SAMPLE:2]), between, strict=False))
    if 2 * sum(map(eq, some, some[1:])) < len(some):
        return pieces
    kept, at = [pieces[0]], 1
    for (_, size, after), same in groupby(zip(map(_CLASS, pieces[1::2]), map(len, pieces[1::2]), between, strict=True)):
        n = sum(1 for _ in same)
        kept += pieces[at : at + 2 * min(n, 2 + _REPEATED // (size + len(after)))]
        at += 2 * n
    return kept


def _lively(pieces: Sequence[bytes]) -> bool:
    """Is there more than words in what stands around placeholders?"""
    around = b"".join(pieces)
    if _PLAIN_LIVELY.search(around) and b"[" not in around:
        return True
    return bool(_LIVELY.Match(PLACEHOLDER.sub(b"", around) if b"[" in around else around))


def origin(moves: list[tuple[int, int]], at: int, *, end: bool = False) -> int:
    """Where a place in the new text was in the old; ``moves``: both, behind each placeholder."""
    k = bisect_right(moves, (at - (1 if end else 0), 1 << 60)) - 1
    return moves[k][1] + at - moves[k][0]
