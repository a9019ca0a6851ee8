"""Texts seen before: agents send their system prompt, tools and history again with every call.

Of a text in which nothing was found the text itself is kept for a while. Of one that held something only its keyed hash is, with what
stands in its place, so that no personal data stays in memory. Of two neighbours that no value was cut between, hashes too.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from collector.redaction.matching import Span

Result = tuple[bytes, list[Span], str | None]  # new text, spans in bytes of the old one, reason if dropped

LEAST = 512  # characters of a text that is worth remembering: a shorter one is scanned as fast as looked up
_MOST = 4 << 20  # characters kept, at most twice as many
_PATIENCE = 8_192  # texts in a row without one seen before, from which on ...
_SELDOM = 8  # ... only every eighth batch is looked at: to look costs a fiftieth of a scan
_ENTRY = 64  # characters that a hash counts for


@dataclass(slots=True)
class Known:
    """What is known of a batch. ``looked``: was it asked at all?"""

    looked: bool = True
    clean: list[int] = field(default_factory=list)  # numbers of texts that hold nothing by themselves
    told: dict[int, Result] = field(default_factory=dict)  # what others came to, by number
    repeats: list[int] = field(default_factory=list)  # numbers of texts that stand earlier in the batch
    first: dict[str, int] = field(default_factory=dict)  # new long texts and where each stands first


@dataclass(slots=True)
class _Generation:
    clean: set[str] = field(default_factory=set)
    #: By the interpreter's hash of the text: its keyed one and what it came to, from its second time on.
    told: dict[int, tuple[bytes, Result] | None] = field(default_factory=dict)
    joints: set[int] = field(default_factory=set)


class Seen:
    """Texts of late, in two generations: the older one goes when the younger one is full."""

    __slots__ = ("_batches", "_key", "_misses", "_older", "_recent", "_size")

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._recent, self._older = _Generation(), _Generation()
        self._size = self._misses = self._batches = 0

    def known(self, texts: Sequence[str]) -> Known:
        """Which of these texts need not be judged, and why."""
        self._batches += 1
        if self._misses > _PATIENCE and self._batches % _SELDOM:
            return Known(looked=False)
        known = Known()
        told, recent, older = self._recent.told or self._older.told, self._recent.clean, self._older.clean
        long = [i for i, text in enumerate(texts) if len(text) >= LEAST]
        first = dict(zip([texts[i] for i in reversed(long)], reversed(long), strict=True))
        if not told and recent.isdisjoint(first) and older.isdisjoint(first):  # all are new
            known.first = first
            if len(first) < len(long):
                known.repeats = [i for i in long if first[texts[i]] != i]
            self._misses = 0 if known.repeats else self._misses + len(long)
            return known
        first = known.first
        for i, text in enumerate(texts):
            if len(text) < LEAST:
                continue
            if text in recent or text in older:
                known.clean.append(i)
            elif text in first:
                known.repeats.append(i)
            elif told and (result := self._told(text)) is not None:
                known.told[i] = result
            else:
                first[text] = i
        self._misses = 0 if known.clean or known.told or known.repeats else self._misses + len(first)
        return known

    def _told(self, text: str) -> Result | None:
        name = hash(text)
        entry = self._recent.told.get(name) or self._older.told.get(name)
        return entry[1] if entry is not None and entry[0] == self._hash(text) else None

    def _hash(self, text: str) -> bytes:
        return blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()

    def apart(self, left: str, right: str) -> bool:
        """Is it known that no value is cut between these neighbours?"""
        joint = hash((left, right))
        return joint in self._recent.joints or joint in self._older.joints

    def learn(self, clean: Collection[str], told: Iterable[tuple[str, Result]] = (), joints: Iterable[tuple[str, str]] = ()) -> None:
        """Nothing was found in the first ones; others came to this by themselves; and between these neighbours nothing was cut."""
        self._recent.clean.update(clean)
        self._size += sum(map(len, clean))
        for text, result in told:
            name = hash(text)
            again = name in self._recent.told or name in self._older.told
            self._recent.told[name] = (self._hash(text), result) if again else None
            self._size += len(result[0]) + _ENTRY * len(result[1]) if again else _ENTRY
        before = len(self._recent.joints)
        self._recent.joints.update(map(hash, joints))
        self._size += _ENTRY * (len(self._recent.joints) - before)
        if self._size > _MOST:
            self._older, self._recent, self._size = self._recent, _Generation(), 0
