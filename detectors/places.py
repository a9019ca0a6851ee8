"""Where the detector jobs stand: what is new is followed, what is behind is worked off from the newest to the oldest.

The *tail* is a posting time: everything known later is new. What was not judged in its turn (a first start on a full ledger, a pause, more
answers than one pass takes) is *behind*: a range of posting times, walked by the start of the calls, newest first, in slices that
grow where little is found. Nothing is lost by walking a slice twice: an answer is a candidate only until it has been judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import orjson

from warehouse.scoring import Between

HOUR_US = 3_600_000_000
SHORTEST_US, LONGEST_US = HOUR_US // 4, 24 * 30 * HOUR_US
EVER = Between(0, int(timedelta(days=365 * 200) / timedelta(microseconds=1)))


@dataclass
class Places:
    """Times in microseconds. ``behind``: posting times that are not fully judged; None: nothing is."""

    tail: int = 0
    behind: Between | None = None
    cursor: int | None = None  # calls that started before it are still to be looked through; None: from the newest on
    oldest: int = 0  # start of the oldest call behind
    slice_us: int = HOUR_US

    @classmethod
    def read(cls, mark: str) -> Places:
        """Where the stored mark stood."""
        told = orjson.loads(mark or "0")
        tail, after = (told, None) if isinstance(told, int) else (int(told["tail"]), told["behind"])
        return cls(tail, None if after is None else Between(min(after, tail), tail))

    def take_up(self, now_us: int, overlap_us: int = 0) -> Between:
        """The time since the mark, in which nobody looked, falls behind, with ``overlap_us`` before it; returns it."""
        away = Between(max(0, self.tail - overlap_us), now_us)
        self.fall_behind(away)
        self.tail = now_us
        return away

    def mark(self) -> str:
        """As text; where the walk stands is not kept, judged answers are skipped quickly."""
        return orjson.dumps({"tail": self.tail, "behind": self.behind.after if self.behind else None}).decode()

    def fall_behind(self, known: Between) -> None:
        """Not everything of ``known`` was judged: the walk starts again at the newest."""
        self.behind = known if self.behind is None else Between(min(known.after, self.behind.after), max(known.until, self.behind.until))
        self.cursor, self.slice_us = None, HOUR_US

    def slice(self) -> Between:
        """The starts of calls to look at next."""
        before = self.cursor if self.cursor is not None else EVER.until
        since = before - self.slice_us
        return Between(max(self.oldest, since), before)

    def walked(self, looked: Between, full: bool, few: bool) -> None:
        """After a look at ``looked``; ``full``: it holds more than was taken; ``few``: the next slice may be longer."""
        if full:
            self.slice_us = max(SHORTEST_US, self.slice_us // 2)
            return
        if looked.after <= self.oldest:
            self.behind, self.cursor = None, None
            return
        self.cursor = looked.after
        if few:
            self.slice_us = min(LONGEST_US, self.slice_us * 2)
