"""Usage told by agents, chains, workflows and steps: nothing where calls below explain it, else an entry of its own (posting 3)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from collector.posting.calls import NEAR_NS, Call, told, totals
from collector.posting.family import Family
from collector.posting.figures import added, residual
from spanledger.model import Usage


@dataclass(slots=True)
class Rest:
    """Usage that only an aggregate tells. ``aggregate``: it stands for calls nobody reports; ``unattributed``: it is no call."""

    span: int
    usage: Usage
    kind: Literal["aggregate", "unattributed"]
    models: frozenset[str]
    end: int


def sums_of_one(family: Family, calls: Sequence[Call]) -> dict[int, list[Usage]]:
    """By first member of a call: usages of aggregates around it that sum up this call alone, innermost first.

    Some frameworks keep cached tokens and reasoning for the agent's sum (VoltAgent).
    """
    sums = {i for i, s in enumerate(family.spans) if s.role == "aggregate" and s.usage is not None and s.usage.detail > 2}
    if not sums:
        return {}
    below: dict[int, set[int]] = {}
    inner: dict[int, list[int]] = {}
    for call in calls:
        first = call.members[0]
        for up in dict.fromkeys(a for m in call.members for a in family.ancestors(m) if a in sums):
            below.setdefault(up, set()).add(first)
            inner.setdefault(first, []).append(up)
    only = {first: [family.spans[up].usage for up in ups if len(below[up]) == 1] for first, ups in inner.items()}
    return {c.members[0]: found for c in calls if (found := [u for u in only.get(c.members[0], ()) if u is not None and totals(u) in c.sums])}


def rests(family: Family, calls: Sequence[Call], usages: Mapping[int, Usage | None], covering: Iterable[int]) -> list[Rest]:
    """What the aggregates of a family tell beyond its calls.

    Args:
        usages: by first member of each call, its usage.
        covering: call spans that only repeat several calls below them.
    """
    covers = set(covering)
    spans = [i for i, s in enumerate(family.spans) if told(s.usage) and (s.role == "aggregate" or i in covers)]
    if not spans:
        return []
    by_events = {(c.project, family.links[m]) for c in calls if c.logs for m in c.members}
    by_any = {(c.project, family.links[m]) for c in calls for m in c.members}
    spans = [i for i in spans if not _told_elsewhere(family, i, by_events, by_any)]
    return _Aggregates(family, calls, usages, covers).rests(spans)


def _told_elsewhere(family: Family, i: int, by_events: set[tuple[str, str]], by_any: set[tuple[str, str]]) -> bool:
    """Does an agent's session tell its calls better than this span? Events rule over its aggregates, anything over its metrics."""
    session = family.spans[i].project, family.links[i]
    return bool(session[1]) and session in (by_any if family.spans[i].signal == "metric" else by_events)


class _Aggregates:
    def __init__(self, family: Family, calls: Sequence[Call], usages: Mapping[int, Usage | None], covers: set[int]) -> None:
        self.family, self.usages, self.covers = family, usages, covers
        self.below: dict[int, list[Call]] = {}
        self.in_trace: dict[tuple[str, bytes], list[Call]] = {}
        for call in calls:
            for up in {a for m in call.members for a in family.ancestors(m)}:
                self.below.setdefault(up, []).append(call)
            for trace in call.traces:
                self.in_trace.setdefault((call.project, trace), []).append(call)
        self.found: list[Rest] = []
        self._summed: dict[tuple[str, bytes], tuple[list[int], list[Usage]]] = {}
        self._around: dict[tuple[str, bytes], tuple[list[Call], list[int]]] = {}

    def rests(self, spans: Sequence[int]) -> list[Rest]:
        f = self.family
        for i in sorted(spans, key=lambda i: (-f.depth(i), f.spans[i].end_ns, i)):
            self._one(i)
        return self._deltas()

    def _one(self, i: int) -> None:
        s = self.family.spans[i]
        own = s.usage
        if own is None:
            return
        if s.signal == "metric":
            self._add(i, own, "unattributed")
            return
        rule = "unknown" if i in self.covers else s.aggregate_rule
        calls = [c for c in self.below.get(i, ()) if c.answered and not c.cache_hit]
        inner = [r for r in self.found if i in self.family.ancestors(r.span)]
        if rule == "sum":
            explained = self._before(i) if calls or inner else self._within(i)
            if calls and not self._tell(calls, inner) and _less(own, explained):
                explained = self._within(i)  # less than the trace has told before: it sums its own run only, of which nothing else tells
            left = residual(own, explained) if explained else own
            if left is not None:
                self._add(i, left, "unattributed" if explained or calls or inner else "aggregate")
        elif calls or inner:
            if rule != "cumulative" and not self._tell(calls, inner):
                self._add(i, own, "unattributed")  # calls below that report nothing explain nothing
        elif not self._explained(own, self._within(i)):
            self._add(i, own, "aggregate")

    def _tell(self, calls: Sequence[Call], inner: Sequence[Rest]) -> bool:
        """Does anything below an aggregate tell usage?"""
        return bool(inner) or any(told(self.usages.get(c.members[0])) for c in calls)

    def _add(self, i: int, usage: Usage, kind: Literal["aggregate", "unattributed"]) -> None:
        s = self.family.spans[i]
        self.found.append(Rest(i, usage, kind, self.family.models[i], max(s.end_ns, s.start_ns)))

    def _before(self, i: int) -> list[Usage]:
        """Usage of everything in the trace that ended before this aggregate did, or is below it; that of calls as one sum."""
        s = self.family.spans[i]
        limit = s.end_ns + NEAR_NS
        ends, sums = self._sums(s.project, s.trace_id)
        calls = sums[bisect_right(ends, limit)]
        late = [u for c in self.below.get(i, ()) if c.end > limit and not c.cache_hit and (u := self.usages.get(c.members[0])) is not None]
        other = [r.usage for r in self.found if self.family.spans[r.span].trace_id == s.trace_id and r.end <= limit]
        return [u for u in (calls, *late, *other) if not u.empty]

    def _sums(self, project: str, trace: bytes) -> tuple[list[int], list[Usage]]:
        """Ends of a trace's calls, ascending, and the summed usage of the first 0, 1, 2, … of them."""
        if (project, trace) not in self._summed:
            told = [(c.end, self.usages.get(c.members[0])) for c in self.in_trace.get((project, trace), ()) if not c.cache_hit]
            known = sorted(((end, u) for end, u in told if u is not None and not u.empty), key=lambda t: t[0])
            self._summed[project, trace] = [end for end, _ in known], list(accumulate((u for _, u in known), added, initial=Usage()))
        return self._summed[project, trace]

    def _within(self, i: int) -> list[Usage]:
        """Usage of calls in the trace that ran while this aggregate did, wherever they hang."""
        s = self.family.spans[i]
        since, until = s.start_ns - NEAR_NS, s.end_ns + NEAR_NS
        if (s.project, s.trace_id) not in self._around:
            there = sorted(self.in_trace.get((s.project, s.trace_id), ()), key=lambda c: (c.start, c.members[0]))
            self._around[s.project, s.trace_id] = there, [c.start for c in there]
        there, starts = self._around[s.project, s.trace_id]
        calls = (c for c in there[bisect_left(starts, since) : bisect_right(starts, until)] if c.end <= until and not c.cache_hit)
        found = (self.usages.get(c.members[0]) for c in calls)
        return [u for u in found if u is not None and not u.empty]

    @staticmethod
    def _explained(own: Usage, others: Sequence[Usage]) -> bool:
        return bool(others) and residual(own, others) is None

    def _deltas(self) -> list[Rest]:
        """Runs of one cumulative agent, alone: each tells the runs before it too, so only the growth is its own."""
        last: dict[tuple[str, bytes, str, str, str], Usage] = {}
        kept: list[Rest] = []
        for rest in sorted(self.found, key=lambda r: (r.end, r.span)):
            s = self.family.spans[rest.span]
            if s.aggregate_rule == "cumulative" and rest.kind == "aggregate":
                key = (s.project, s.trace_id, s.service, s.scope, s.name)
                before, last[key] = last.get(key), rest.usage
                if before is not None and (rest.usage.input or 0) >= (before.input or 0) and (rest.usage.output or 0) >= (before.output or 0):
                    growth = residual(rest.usage, [before])
                    if growth is None:
                        continue
                    rest.usage = growth
            kept.append(rest)
        return kept


def _less(own: Usage, others: Sequence[Usage]) -> bool:
    """Is a sum smaller than what it would have to cover?"""
    return any((getattr(own, name) or 0) < sum(getattr(u, name) or 0 for u in others) for name in ("input", "output"))
