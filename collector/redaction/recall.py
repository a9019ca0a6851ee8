"""A batch of texts of which some were seen before: those are told from memory, the others are judged, borders between them looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from operator import ne

from collector.redaction.seen import LEAST, Known, Result, Seen

Changed = dict[int, Result]  # by number of the text
Judge = Callable[[Sequence[str], Sequence[int] | None], tuple[Changed, set[int] | None]]
"""Texts and groups in; changed texts out, and the numbers of those with a value cut by a border, ``None`` if that is not known."""
Crossing = Callable[[list[str], list[int]], Iterable[int]]  # texts and groups in; numbers of texts with a value cut by a border out


class Recall:
    """Belongs to a redactor.

    Args:
        judge: looks at texts as a whole.
        crossing: looks at borders only.
        count: is told the classes of what stands in texts that are not judged again.
    """

    def __init__(self, judge: Judge, crossing: Crossing, count: Callable[[Iterable[str]], None]) -> None:
        self._judge, self._crossing, self._count = judge, crossing, count
        self.seen = Seen()

    def changed(self, texts: Sequence[str], groups: Sequence[int] | None) -> Changed:
        """What is to stand in place of texts, by number. Neighbours with equal ``groups`` value are parts of one span or stream."""
        known = self.seen.known(texts)
        if known.clean or known.told or known.repeats:
            changed, crossed = self._some(texts, groups, known)
        else:
            changed, crossed = self._judge(texts, groups)
        if known.looked:
            self._learn(texts, groups, known, changed, crossed)
        return changed

    def _learn(self, texts: Sequence[str], groups: Sequence[int] | None, known: Known, changed: Changed, crossed: set[int] | None) -> None:
        clean = [text for text, i in known.first.items() if i not in changed]
        if crossed is None:
            self.seen.learn(clean)
            return
        told = [(texts[i], result) for i, result in changed.items() if result[2] is None and i not in crossed and known.first.get(texts[i]) == i]
        joints: list[tuple[str, str]] = []
        if groups is not None:
            long = [len(text) >= LEAST for text in texts]
            joints = [
                (texts[i - 1], texts[i])
                for i, (before, group) in enumerate(pairwise(groups), 1)
                if before == group and long[i - 1] and long[i] and i not in crossed and i - 1 not in crossed
            ]
        self.seen.learn(clean, told, joints)

    def _some(self, texts: Sequence[str], groups: Sequence[int] | None, known: Known) -> tuple[Changed, set[int] | None]:
        """Judge what is not known, and where a value is cut by the border to what is known."""
        told = sorted([*known.clean, *known.told, *known.repeats])
        asked = set(range(len(texts))).difference(told)
        numbers: list[int] | None = None
        apart: list[list[int]] = []  # groups that are judged text by text
        cut: set[int] = set()
        if groups is not None:
            numbers = list(accumulate(map(ne, groups[1:], groups), initial=0))
            mixed = groups_of(numbers, told)
            cut = set(self._cut(texts, mixed))
            asked |= cut
            apart = [members for members in mixed if not asked.issuperset(members)]
            for members in apart:
                for i in members:
                    numbers[i] = ~i  # its neighbours have been looked at
        changed, also = self._judged(texts, sorted(asked), numbers)
        crossed = None if also is None else cut | also
        again: list[int] = []
        for i in told:
            if i in asked:
                continue
            result = known.told.get(i) or self._repeated(changed, crossed, known.first.get(texts[i], i))
            if result is not None:
                changed[i] = result
                self._count(name for _, _, name in result[1])
            elif known.first.get(texts[i]) in changed:
                again.append(i)
        changed |= self._judged(texts, again, None)[0]
        redacted = {i: changed[i][0].decode() for members in apart for i in members if i in changed}
        cut = set(self._cut(texts, [members for members in apart if not redacted.keys().isdisjoint(members)], redacted)) if redacted else set()
        if cut:  # what redaction left on both sides of a border makes something
            owners = {i: g for g, members in enumerate(apart) for i in members}
            changed |= self._judged(texts, sorted(cut), [owners.get(i, -1) for i in range(len(texts))])[0]
            crossed = None
        return changed, crossed

    def _repeated(self, changed: Changed, crossed: set[int] | None, first: int) -> Result | None:
        """What a text came to by itself that stands earlier in the batch."""
        result = changed.get(first)
        return result if result is not None and result[2] is None and crossed is not None and first not in crossed else None

    def _judged(self, texts: Sequence[str], some: list[int], groups: list[int] | None) -> tuple[Changed, set[int] | None]:
        if not some:
            return {}, set()
        changed, crossed = self._judge([texts[i] for i in some], groups and [groups[i] for i in some])
        return {some[k]: what for k, what in changed.items()}, None if crossed is None else {some[k] for k in crossed}

    def _cut(self, texts: Sequence[str], mixed: Sequence[list[int]], redacted: Mapping[int, str] | None = None) -> set[int]:
        """Numbers of texts in groups where a value is cut by a border; ``redacted``: as some of them now read.
        What cannot be told is to be looked at as a whole."""
        pieces: list[list[int]] = []
        owners: list[int] = []
        for g, members in enumerate(mixed):
            for piece in self._pieces(texts, members):
                pieces.append(piece)
                owners.append(g)
        if not pieces:
            return set()
        now = redacted or {}
        numbers = [k for k, piece in enumerate(pieces) for _ in piece]
        hit = {owners[numbers[k]] for k in self._crossing([now.get(i, texts[i]) for piece in pieces for i in piece], numbers)}
        return {i for g in hit for i in mixed[g]}

    def _pieces(self, texts: Sequence[str], members: list[int]) -> list[list[int]]:
        """A group without the borders between long texts that were looked at before. Those separate: no view reaches over a long text."""
        pieces = [[members[0]]]
        for left, right in pairwise(members):
            a, b = texts[left], texts[right]
            if len(a) >= LEAST and len(b) >= LEAST and self.seen.apart(a, b):
                pieces.append([right])
            else:
                pieces[-1].append(right)
        return [piece for piece in pieces if len(piece) > 1]


def groups_of(groups: Sequence[int], some: Sequence[int]) -> list[list[int]]:
    """The groups, each as the numbers of its texts, that hold one of ``some``."""
    found: list[list[int]] = []
    for i in some:
        if found and found[-1][-1] >= i:
            continue
        first, last = i, i + 1
        while first and groups[first - 1] == groups[i]:
            first -= 1
        while last < len(groups) and groups[last] == groups[i]:
            last += 1
        found.append(list(range(first, last)))
    return found
