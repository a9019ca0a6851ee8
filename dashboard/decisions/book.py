"""Limits with what is used and what is reserved, in memory; every decision is made here, under one lock, without waiting for anybody.

A reservation holds what a call is expected to use until the ledger has the call, the caller gives it back, or its time is over. It is counted
beside what the ledger has only as long as the figures that it stands beside were read before the call was posted.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import islice
from secrets import token_hex

from dashboard.decisions.limits import ANSWERS, Answer, Known, Limit, Meter, Standing, limits, meters, standing, tier_of, worst
from spanledger.policy import Policy
from warehouse.matching import Hash, matches
from warehouse.quotas import PER, Used

MOST_HELD = 100_000
_MOST_CALLERS = 10_000
_MOST_TRACES = 200_000
ONE, _NOTHING = Used(1), Used()
Place = tuple[tuple[str, str], str]  # a meter's key, and whose use
Labels = tuple[tuple[str, str], ...]
_SKEW = timedelta(seconds=10)  # between our clock and that of whoever makes the call
_AT_ONCE = 500  # traces that are looked at while decisions wait


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that is to be made. ``labels``: columns of the ledger → what the call will have there; ``users``: the user's hashes.

    ``wants``: what it is expected to use. ``reserve``: hold that for so long; None: only ask. ``trace_id``: by which the ledger will have it.
    """

    labels: Mapping[str, str]
    users: tuple[str, ...] = ()
    wants: Used = ONE
    reserve: timedelta | None = None
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, who gave it (None: nobody limits this call), and what every limit said. ``known``: all of them know what is used."""

    answer: Answer
    by: Standing | None
    standings: Sequence[Standing]
    known: bool
    reservation: str = ""


@dataclass(slots=True)
class _Held:
    made_at: datetime
    ends_at: datetime
    trace_id: str
    wants: Used
    places: list[Place]


@dataclass(slots=True)
class Book:
    """What decisions are made of.

    Args:
        tenant_hash: what the ledger has for a tenant's name.
    """

    tenant_hash: Hash = str
    lag_s: float = 0.0
    counts: dict[Answer, int] = field(default_factory=lambda: dict.fromkeys(ANSWERS, 0))
    _policy: Policy = field(default_factory=Policy)
    _complete: bool = False
    _limits: list[Limit] = field(default_factory=list[Limit])
    _known: dict[tuple[str, str], Known] = field(default_factory=dict[tuple[str, str], Known])
    _tiers: Mapping[str, str] = field(default_factory=dict[str, str])
    _fitting: dict[Labels, list[Limit]] = field(default_factory=dict[Labels, list[Limit]])
    _held: dict[Place, Used] = field(default_factory=dict[Place, Used])
    _open: dict[str, _Held] = field(default_factory=dict[str, _Held])
    _ends: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])
    _of_trace: dict[str, deque[str]] = field(default_factory=dict[str, "deque[str]"])
    _posted: set[str] = field(default_factory=set[str])
    _upto: dict[str, datetime] = field(default_factory=dict[str, datetime])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # -- what is known ---------------------------------------------------------------------------------------------------------------

    def take(self, policy: Policy, *, complete: bool) -> list[Meter]:
        """Go by this policy from now on; what is to be counted. ``complete``: with the budgets that people have set."""
        counted = meters(policy)
        fresh = [limit for meter in counted for limit in limits(meter)]
        with self._lock:
            if fresh != self._limits or policy.tiers != self._policy.tiers:
                before = {limit.meter.key: limit.meter for limit in self._limits}
                self._known = {m.key: self._known[m.key] for m in counted if before.get(m.key) == m and m.key in self._known}
                self._limits = fresh
                self._fitting.clear()
            self._policy, self._complete = policy, complete or self._complete
        return counted

    def learn(self, known: Mapping[tuple[str, str], Known], entries: Mapping[str, Sequence[datetime]]) -> None:
        """Take in what was read: use by meter, and read before that, when entries of traces (:meth:`waiting`) began.

        The oldest reservation of a trace ends with its first entry, the next with the next: each where the figures beside it hold the entry.
        """
        told = list(entries.items())
        for i in range(0, len(told), _AT_ONCE):
            with self._lock:
                for trace, begun in told[i : i + _AT_ONCE]:
                    self._see(trace, begun)
        with self._lock:
            self._known.update(known)
            for name in list(self._posted):
                held = self._open[name]
                self._drop(name, held, [place for place in held.places if place[0] in known])

    def _see(self, trace: str, begun: Sequence[datetime]) -> None:
        upto = self._upto.get(trace)
        left = deque(at for at in begun if upto is None or at > upto)
        for name in self._of_trace.get(trace, ()):
            if name in self._posted:
                continue
            while left and left[0] < self._open[name].made_at - _SKEW:
                left.popleft()
            if not left:
                return
            self._posted.add(name)
            self._upto[trace] = left.popleft()

    def see_tiers(self, seen: Mapping[str, str]) -> None:
        """Model → tier, as the ledger has it."""
        with self._lock:
            self._tiers = seen
            self._fitting.clear()

    def waiting(self, most: int) -> tuple[list[str], datetime | None]:
        """Traces that somebody has reserved for, at most so many, the oldest first; from when on their entries count."""
        with self._lock:
            found = list(islice(self._of_trace, most))
            return found, min((self._open[self._of_trace[t][0]].made_at for t in found), default=None)

    def oldest(self, now: datetime) -> float:
        """Seconds since the figures of the limit that was read longest ago; 0 without any."""
        with self._lock:
            return max(((now - one.at).total_seconds() for one in self._known.values()), default=0.0)

    # -- decisions -------------------------------------------------------------------------------------------------------------------

    def decide(self, asked: Asked, now: datetime) -> Decision:
        """The answer, and if it is asked for and the call may be made (``allow``, ``warn``), a reservation."""
        with self._lock:
            self._expire(now)
            terms = self._policy.decisions
            told: list[Standing] = []
            places: list[Place] = []
            for limit in self._fit(asked):
                keys = _keys(limit.meter, asked)
                if not keys:
                    continue
                held = Used()
                for key in keys:
                    held = held.plus(self._held.get((limit.meter.key, key), _NOTHING))
                told.append(standing(limit, self._known.get(limit.meter.key), keys, held, asked.wants, now, terms))
                places.append((limit.meter.key, keys[-1]))
            deciding = worst(told)
            known = self._complete and all(one.used is not None for one in told)
            answer = deciding.answer if deciding is not None else "allow" if self._complete else terms.when_unknown
            self.counts[answer] += 1
            wanted = asked.reserve is not None and answer in ("allow", "warn") and len(self._open) < MOST_HELD
            return Decision(answer, deciding, told, known, self._reserve(asked, places, now) if wanted else "")

    def give_back(self, reservation: str) -> bool:
        """End a reservation of a call that was not made; False: there is none."""
        with self._lock:
            held = self._open.get(reservation)
            if held is not None:
                self._drop(reservation, held, held.places)
            return held is not None

    def _fit(self, asked: Asked) -> list[Limit]:
        """The limits that the call's labels fit."""
        labels = asked.labels
        if labels.get("model") and not labels.get("model_tier"):
            labels = {**labels, "model_tier": tier_of(self._policy, labels["model"], labels.get("provider", ""), self._tiers)}
        key = tuple(labels.items())
        fitting = self._fitting.get(key)
        if fitting is None:
            if len(self._fitting) >= _MOST_CALLERS:
                self._fitting.clear()
            fitting = [limit for limit in self._limits if matches(limit.meter.of.match.patterns(), labels, self.tenant_hash)]
            self._fitting[key] = fitting
        return fitting

    def _reserve(self, asked: Asked, places: Iterable[Place], now: datetime) -> str:
        assert asked.reserve is not None
        name, held = token_hex(8), _Held(now, now + asked.reserve, asked.trace_id, asked.wants, list(dict.fromkeys(places)))
        self._open[name] = held
        heappush(self._ends, (held.ends_at, name))
        for place in held.places:
            self._held[place] = self._held.get(place, _NOTHING).plus(held.wants)
        if held.trace_id:
            self._of_trace.setdefault(held.trace_id, deque()).append(name)
        return name

    def _drop(self, name: str, held: _Held, places: Sequence[Place]) -> None:
        """Take what is held off these places; off the last of them the reservation is gone."""
        gone = set(places)
        for place in gone:
            left = self._held[place].plus(held.wants, -1)
            if left == _NOTHING:
                del self._held[place]
            else:
                self._held[place] = left
        held.places = [place for place in held.places if place not in gone]
        if held.places:
            return
        del self._open[name]
        self._posted.discard(name)
        if held.trace_id:
            self._of_trace[held.trace_id].remove(name)
            if not self._of_trace[held.trace_id]:
                del self._of_trace[held.trace_id]
                if len(self._upto) > _MOST_TRACES:
                    self._upto = {trace: at for trace, at in self._upto.items() if trace in self._of_trace}

    def _expire(self, now: datetime) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, name = heappop(self._ends)
            if (held := self._open.get(name)) is not None:
                self._drop(name, held, held.places)


def _keys(meter: Meter, asked: Asked) -> tuple[str, ...]:
    """Under which names a meter counts this caller's use; none: it does not say whose it is."""
    if meter.per == "all":
        return ("",)
    if meter.per == "user":
        return asked.users
    key = asked.labels.get(PER[meter.per][0], "")
    return (key,) if key else ()
