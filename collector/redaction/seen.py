"""Texts seen before: agents send their system prompt, tools and history again with every call.

A text in which nothing was found is not scanned again for a while. Nothing else is kept: what held something is judged afresh each
time, so that no personal data stays in memory. What a text says together with its neighbours is looked at each time too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LEAST = 1_024  # characters of a text that is worth remembering: a shorter one is scanned as fast as looked up
_MOST = 4 << 20  # characters kept, at most twice as many
_PATIENCE = 8_192  # texts in a row without one seen before, from which on ...
_SELDOM = 8  # ... only every eighth batch is looked at: to look costs a fiftieth of a scan


class Seen:
    """Clean texts of late, in two generations: the older one goes when the younger one is full."""

    __slots__ = ("_batches", "_misses", "_older", "_recent", "_size")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._recent: set[str] = set()
        self._older: set[str] = set()
        self._size = self._misses = self._batches = 0

    def known(self, texts: Sequence[str]) -> tuple[list[int], dict[str, int]]:
        """Numbers of texts that are clean or stand earlier in the batch, and the long ones seen first, with their numbers."""
        self._batches += 1
        if self._misses > _PATIENCE and self._batches % _SELDOM:
            return [], {}
        known: list[int] = []
        first: dict[str, int] = {}
        recent, older = self._recent, self._older
        for i, text in enumerate(texts):
            if len(text) < LEAST:
                continue
            if text in recent or text in older or text in first:
                known.append(i)
            else:
                first[text] = i
        self._misses = 0 if known else self._misses + len(first)
        return known, first

    def learn(self, clean: Iterable[str]) -> None:
        """Nothing was found in these."""
        for text in clean:
            self._recent.add(text)
            self._size += len(text)
        if self._size > _MOST:
            self._older, self._recent, self._size = self._recent, set(), 0
