"""What calls of a trace say about each other: retries and fallbacks, the tools they asked for, safety verdicts around them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from collector.posting.calls import NEAR_NS, Call, models_related
from collector.posting.family import Family

_GAP_NS = 300_000_000_000  # an attempt follows a failed one within five minutes


def attempts(family: Family, calls: Sequence[Call]) -> dict[int, tuple[int, bool]]:
    """By first member: how many failed attempts of the same model came directly before, and whether another model's did.

    Attempts are calls of one scope under one parent, one after the other.
    """
    lanes: dict[tuple[str, bytes, bytes, str], list[Call]] = {}
    for call in calls:
        s = family.spans[call.members[0]]
        if s.parent_id:
            lanes.setdefault((s.project, s.trace_id, s.parent_id, s.scope), []).append(call)
    found: dict[int, tuple[int, bool]] = {}
    for lane in lanes.values():
        before: list[Call] = []
        for call in lane:
            if before and not (before[-1].end - NEAR_NS <= call.start <= before[-1].end + _GAP_NS):
                before = []
            if before:
                same = sum(1 for b in before if models_related(b, call))
                found[call.members[0]] = same, same < len(before)
            before = [] if call.answered else [*before, call]
    return found


class Nearby:
    """Finds the call that a tool, guardrail or other span without a call of its own belongs to."""

    def __init__(self, family: Family, calls: Sequence[Call]) -> None:
        self.family = family
        self.of_member = {m: c for c in calls for m in c.members}
        under: dict[int, dict[int, Call]] = {}
        roots: dict[tuple[str, bytes], dict[int, Call]] = {}
        for call in calls:
            for m in call.members:
                for up in family.ancestors(m):
                    under.setdefault(up, {})[call.members[0]] = call
            for trace in call.traces:
                roots.setdefault((call.project, trace), {})[call.members[0]] = call
        self._under = {up: _by_end(found.values()) for up, found in under.items()}
        self._roots = {key: _by_end(found.values()) for key, found in roots.items()}

    def call_of(self, i: int, *, after: bool = False) -> Call | None:
        """The call around span ``i``, else the last one that ended before it began, in the nearest common surroundings.

        ``after``: a span may also belong to the first call after it (guardrails look at input too).
        """
        for up in self.family.ancestors(i):
            if up in self.of_member:
                return self.of_member[up]
            found = _before(self._under.get(up), self.family.spans[i].start_ns, after=after)
            if found is not None:
                return found
        s = self.family.spans[i]
        return _before(self._roots.get((s.project, s.trace_id)), s.start_ns, after=after)


def _by_end(calls: object) -> tuple[list[int], list[Call]]:
    found = sorted(calls, key=lambda c: (c.end, c.members[0]))  # type: ignore[call-overload]
    return [c.end for c in found], found


def _before(sorted_calls: tuple[list[int], list[Call]] | None, at: int, *, after: bool) -> Call | None:
    if sorted_calls is None:
        return None
    ends, calls = sorted_calls
    k = bisect_right(ends, at + NEAR_NS)
    if k:
        return calls[k - 1]
    return calls[0] if after and calls else None


def tool_counts(family: Family, near: Nearby) -> dict[int, int]:
    """By first member of a call: how many tool runs it led to; nested tellings of one run count once."""
    counts: dict[int, int] = {}
    for i, s in enumerate(family.spans):
        if s.kind != "tool" or i in near.of_member:
            continue
        outer = (family.spans[a] for a in family.ancestors(i))
        if any(o.kind == "tool" and (o.tool_name == s.tool_name or not s.tool_name) for o in outer):
            continue
        call = near.call_of(i)
        if call is not None:
            counts[call.members[0]] = counts.get(call.members[0], 0) + 1
    return counts


def safety_around(family: Family, near: Nearby) -> dict[int, tuple[int, set[str]]]:
    """By first member of a call: violations told by spans that are no call themselves (guardrails, policy checks), and their types."""
    found: dict[int, tuple[int, set[str]]] = {}
    loud = {a for i, s in enumerate(family.spans) if s.safety for a in family.ancestors(i)}
    for i, s in enumerate(family.spans):
        if not s.safety or i in near.of_member or i in loud:  # what a span below says already is not said twice
            continue
        call = near.call_of(i, after=True)
        if call is not None:
            n, types = found.get(call.members[0], (0, set()))
            found[call.members[0]] = n + s.safety, types | set(s.safety_types)
    return found
