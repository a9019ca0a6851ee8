"""The texts of a batch in one buffer, as scanners want them: each between NUL bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import add, contains, sub

from collector.redaction.compiled import best_join

_one_more = (1).__add__
_compiled = best_join()


@dataclass(frozen=True, slots=True)
class Joined:
    """``raw`` begins and ends with a NUL byte and has one between neighbours; text ``i`` is ``raw[starts[i]:ends[i]]``."""

    raw: bytes
    starts: list[int]
    ends: list[int]
    nul: bool  # does a text itself hold a NUL byte?

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, i: int) -> bytes:
        return self.raw[self.starts[i] : self.ends[i]]

    def __iter__(self) -> Iterator[bytes]:
        return (self.raw[a:z] for a, z in zip(self.starts, self.ends, strict=True))

    @property
    def longest(self) -> int:
        """Bytes of the longest text."""
        return max(map(sub, self.ends, self.starts), default=0)


def join(parts: Sequence[bytes]) -> Joined:
    """Texts in UTF-8."""
    return _placed(b"\0".join([b"", *parts, b""]), list(map(len, parts)), any(map(contains, parts, repeat(0))))


def join_texts(texts: Sequence[str]) -> Joined:
    """Texts still to be encoded. Raises ``UnicodeEncodeError`` for lone surrogates."""
    if _compiled is not None:
        return Joined(*_compiled(texts))
    if all(map(str.isascii, texts)):
        return _placed("\0".join(["", *texts, ""]).encode(), list(map(len, texts)), any(map(contains, texts, repeat("\0"))))
    return join(list(map(str.encode, texts)))


def _placed(raw: bytes, lengths: list[int], nul: bool) -> Joined:
    starts = list(accumulate(map(_one_more, lengths), initial=1))
    starts.pop()
    return Joined(raw, starts, list(map(add, starts, lengths)), nul)
