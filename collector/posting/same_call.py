"""Which spans of a family tell the same provider call (DESIGN §4, posting 1, 4, 7; research/conventions.md §4).

In this order, each step on what the one before left: companions of one dialect, nesting, response ids, twins across instrumentations
(all within a trace), log events of an agent's session, response ids across traces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from collector.posting.calls import NEAR_NS, Call, Neighbours, distance, models_related, nested_same, sums_agree, twins
from collector.posting.family import Family, response_key, tells_call
from collector.posting.matching import pairs
from collector.posting.sessions import settle_sessions

_CLOCK_NS = 5_000_000  # JavaScript tells starts in whole milliseconds
_SUMS = 4096  # partial sums looked at before a telling of several calls is given up
_CROWD = 64  # of many calls with one usage at one time the nearest will do: however they are paired, their sum is right
ACROSS_NS = 600_000_000_000  # traces are linked by response id when calls start within ten minutes


@dataclass(slots=True)
class Told:
    """The outcome: calls by first member, and call spans that only repeat several calls below them (read as aggregates)."""

    calls: list[Call]
    covering: list[int] = field(default_factory=list)


def same_calls(family: Family) -> Told:
    """Group the spans of a family into calls. Deterministic in the set of spans."""
    calls = {i: Call.of(family, i) for i, s in enumerate(family.spans) if tells_call(s)}
    return Told(list(calls.values())) if len(calls) == 1 or _apart(family, calls) else _joined(family, calls)


def _joined(family: Family, calls: dict[int, Call]) -> Told:
    _join_companions(family, calls)
    waiting = _join_nested(family, calls)
    by_trace: dict[tuple[str, bytes], list[Call]] = {}
    covering = {id(c): c for c, _ in waiting}
    for call in _roots(calls.values()):
        if id(call) not in covering and not call.logs:
            by_trace.setdefault((call.project, min(call.traces)), []).append(call)
    repeats: dict[int, Call] = {}
    for found in by_trace.values():
        _join_ids(found)
        _join_twins(_roots(found), passes=(True,))
        repeats |= _adding_up(family, _roots(found))
        _join_twins([c for c in _roots(found) if id(c) not in repeats], passes=(False,))
    covers = _settle_covering(waiting) | repeats
    _join_instants(family, [c for c in _roots(calls.values()) if id(c) not in covers])
    left, dropped = settle_sessions(family, [c for c in _roots(calls.values()) if id(c) not in covers])
    _join_across(family, left)
    _join_strays(family, _roots(c for c in left if id(c) not in dropped))
    final = sorted(_roots(c for c in left if id(c) not in dropped), key=lambda c: c.members[0])
    return Told(final, sorted(m for c in covers.values() for m in c.members))


def _apart(family: Family, calls: dict[int, Call]) -> bool:
    """Is nothing to be joined: one instrumentation, no call within another, no response id twice, no way into other traces?"""
    spans = [family.spans[i] for i in calls]
    ids = [s.response_id for s in spans if s.response_id]
    return (
        len(set(ids)) == len(ids)
        and len({(s.service, s.scope or s.dialect) for s in spans}) == 1
        and all(s.signal == "span" and not s.companion_of and not s.link for s in spans)
        and all(family.enclosing_call(i) not in calls for i in calls)
    )


def _roots(calls: Iterable[Call]) -> list[Call]:
    """Calls that live on, each once, by first member."""
    return sorted({id(c.root): c.root for c in calls}.values(), key=lambda c: c.members[0])


def _join_companions(family: Family, calls: dict[int, Call]) -> None:
    """Same-scope halves of one call, by the dialect's own key: each companion joins one call, in the order in which they ended."""
    by_key: dict[tuple[str, bytes, str, str], tuple[list[int], list[int]]] = {}
    for i in calls:
        s = family.spans[i]
        if s.companion_of:
            halves = by_key.setdefault((s.project, s.trace_id, s.scope, s.companion_of), ([], []))
            halves[s.role == "companion"].append(i)
    for halves in by_key.values():
        first, second = (sorted(half, key=lambda i: (family.spans[i].end_ns, i)) for half in halves)
        for a, b in zip(first, second, strict=False):
            calls[a].root.take(calls[b].root)


def _join_nested(family: Family, calls: dict[int, Call]) -> list[tuple[Call, list[Call]]]:
    """Innermost first: a call span and what is nested in it. Returns outer calls that repeat several calls, with these."""
    inside: dict[int, list[int]] = {}
    for i in calls:
        if family.spans[i].signal == "span" and (up := family.enclosing_call(i)) in calls:
            inside.setdefault(up, []).append(i)
    waiting: list[tuple[Call, list[Call]]] = []
    covering: dict[int, list[Call]] = {}
    for outer in sorted(inside, key=lambda i: (-family.depth(i), i)):
        mine = calls[outer].root
        kids: list[Call] = []
        for kid in _roots(calls[k] for k in inside[outer]):
            kids += covering.get(id(kid), [kid])  # one that repeats others stands for these
        kids = [k for k in _roots(kids) if k is not mine]
        if len(kids) > 1:
            _join_ids(kids)
            _join_twins(_roots(kids))
            kids = _roots(kids)
        same = [k for k in kids if nested_same(mine, k)]
        by_id = [k for k in same if mine.ids & k.ids]
        if by_id:
            for kid in by_id:
                mine = mine.root.take(kid.root)
            continue
        answered = [k for k in same if k.answered] or ([] if mine.answered else same)
        if len(answered) == 1:
            mine.take(answered[0])
        elif answered:
            covering[id(mine)] = answered
            waiting.append((mine, answered))
    return waiting


def _settle_covering(waiting: list[tuple[Call, list[Call]]]) -> dict[int, Call]:
    """Outer calls whose inner ones turned out to be one call join it; the others only repeat. Returns those, by ``id``."""
    covers: dict[int, Call] = {}
    for outer, kids in waiting:
        mine, below = outer.root, _roots(kids)
        below = [k for k in below if k is not mine]
        if len(below) == 1 and nested_same(mine, below[0]):
            mine.take(below[0])
        elif below:
            covers[id(mine)] = mine
    return {key: call for key, call in covers.items() if call.into is None}


def _join_ids(calls: Sequence[Call]) -> None:
    """One call per response id; answers from a response cache stay apart, though they repeat the id."""
    owner: dict[str, Call] = {}
    for call in calls:
        for name in sorted(call.root.ids):
            mine = call.root
            if not mine.cache_hit and (other := owner.setdefault(name, mine).root) is not mine:
                mine.take(other)


def _adding_up(family: Family, calls: Sequence[Call]) -> dict[int, Call]:
    """Tellings of several calls at once whose spans between them and these were let go: a request span around them, with exactly their sum.

    Only calls whose own chain of parents breaks off may be among them; who is linked to the telling, or to a root, was looked at as nested.
    """
    repeats: dict[int, Call] = {}
    nameless = [c for c in calls if not c.ids and len(c.members) == 1 and len(c.sums) == 1] if len(calls) > 2 else []
    if not nameless:
        return repeats
    lost = [c for c in calls if c.sums and c.answered and any(_orphaned(family, m) for m in c.members)]
    for outer in nameless:
        within = [
            c for c in lost
            if not c.scopes & outer.scopes and outer.start - _CLOCK_NS <= c.start and c.end <= outer.end + _CLOCK_NS and models_related(outer, c)
        ]  # fmt: skip
        whole = next(iter(outer.sums))
        if len(within) > 1 and (_adds_up(whole, [min(c.sums) for c in within]) or _adds_up(whole, [_fresh(c) for c in within])):
            repeats[id(outer)] = outer
    return repeats


def _orphaned(family: Family, i: int) -> bool:
    """Is a parent missing above this span?"""
    top = next(reversed(list(family.ancestors(i))), i)
    return bool(family.spans[top].parent_id) and family.parent[top] < 0


def _fresh(call: Call) -> tuple[int, int]:
    """The totals as a telling would have them that leaves cached tokens out of input."""
    own = min(call.sums)
    return min(x for x in {own, *call.also} if x[1] == own[1])


def _adds_up(whole: tuple[int, int], parts: Sequence[tuple[int, int]]) -> bool:
    """Do two or more of the parts make the whole? Unanswered where there are too many ways."""
    made = {(0, 0): 0}  # sum -> the most parts that make it
    for part in parts:
        for (ins, outs), n in list(made.items()):
            total = (ins + part[0], outs + part[1])
            if total[0] <= whole[0] and total[1] <= whole[1]:
                made[total] = max(n + 1, made.get(total, 0))
        if made.get(whole, 0) > 1:
            return True
        if len(made) > _SUMS:
            return False
    return False


def _join_twins(calls: Sequence[Call], passes: tuple[bool, ...] = (True, False)) -> None:
    """What different instrumentations say of the same calls, one to one; first where totals are told and equal, then the rest."""
    for exact in passes:
        groups: dict[tuple[tuple[str, str], ...], list[Call]] = {}
        for call in _roots(calls):
            groups.setdefault(tuple(sorted(call.scopes)), []).append(call)
        if len(groups) < 2:
            return
        clusters: list[Call] = []
        for scopes in sorted(groups, key=lambda g: (-len(g), g)):
            clusters = _match(clusters, groups[scopes], exact=exact)


def _match(clusters: list[Call], fresh: list[Call], *, exact: bool) -> list[Call]:
    """Join each fresh call with at most one cluster that it may be the twin of."""
    around = Neighbours(clusters)
    return _one_to_one(
        clusters,
        fresh,
        lambda call: [k for k in around.of(call, NEAR_NS) if (not exact or (call.sums and clusters[k].sums)) and twins(call, clusters[k])],
    )


def _one_to_one(known: list[Call], fresh: list[Call], fits: Callable[[Call], list[int]]) -> list[Call]:
    """Join each fresh call with at most one of the known ones that fit it, the closest in time first; all that live on."""
    wishes = {
        n: sorted(found, key=lambda k, call=call: (distance(call, known[k]), known[k].members[0]))
        for n, call in enumerate(fresh)
        if (found := fits(call))
    }
    for n, k in pairs(sorted(wishes, key=lambda n: fresh[n].members[0]), wishes).items():
        known[k].take(fresh[n])
    return _roots([*known, *fresh])


def _join_instants(family: Family, calls: Sequence[Call]) -> None:
    """What several callbacks of one library tell of a call, each from a context of its own: measured once, so the times are exactly the same."""
    owner: dict[tuple[str, str, int, int], Call] = {}
    for call in calls:
        for span in [family.spans[m] for m in call.members]:
            if span.link and span.link_kind in ("moment", "instant") and span.role == "call" and span.start_ns < span.end_ns:
                one = owner.setdefault((span.project, span.scope, span.start_ns, span.end_ns), call).root
                two = call.root
                if one is not two and (one.ids <= two.ids or two.ids <= one.ids) and models_related(one, two) and sums_agree(one, two):
                    one.take(two)


def _join_strays(family: Family, calls: Sequence[Call]) -> None:
    """What different instrumentations tell of the same calls in traces of their own, one to one: the client's within the framework's."""
    groups: dict[tuple[str, str, str], dict[tuple[tuple[str, str], ...], list[Call]]] = {}
    rank: dict[int, int] = {}
    for call in calls:
        spans = [family.spans[m] for m in call.members]
        rank[id(call)] = max(s.authority for s in spans)
        if call.answered and not call.cache_hit:
            for link in {(call.project, s.service, s.link) for s in spans if s.link_kind == "stray"}:
                groups.setdefault(link, {}).setdefault(tuple(sorted(call.scopes)), []).append(call)
    for _, tellers in sorted((link, found) for link, found in groups.items() if len(found) > 1):
        inner: list[Call] = []
        for scopes in sorted(tellers, key=lambda t: (-max(rank[id(c)] for c in tellers[t]), t)):
            inner = _match_strays(inner, _roots(tellers[scopes]), rank)


def _match_strays(inner: list[Call], fresh: list[Call], rank: dict[int, int]) -> list[Call]:
    near = Neighbours(inner)

    def fits(call: Call, below: Call) -> bool:
        alike = rank[id(call)] == rank[id(below)] or len(call.members) + len(below.members) > 2  # either may be the outer one
        return _around(call, below) or (alike and _around(below, call))

    return _one_to_one(inner, fresh, lambda call: [k for k in near.around(call, _CROWD) if fits(call, inner[k])])


def _around(outer: Call, inner: Call) -> bool:
    """Does one telling lie around the other in time, and agree with it in all that both tell?"""
    agree = not outer.traces & inner.traces and twins(outer, inner) and (outer.sums or inner.sums or bool(outer.ids & inner.ids))
    return bool(agree) and outer.start - _CLOCK_NS <= inner.start and inner.end <= outer.end + _CLOCK_NS


def _join_across(family: Family, calls: Sequence[Call]) -> None:
    """Equal response ids in different traces: one call if model and usage agree and they start within ten minutes."""
    by_key: dict[tuple[str, str, str], list[Call]] = {}
    for call in calls:
        if call.cache_hit:
            continue
        keys = {
            (call.project, *response_key(family.spans[m].provider, family.spans[m].response_id))
            for m in call.members
            if len(family.spans[m].response_id) >= 6
        }
        for key in sorted(keys):
            by_key.setdefault(key, []).append(call)
    for key in sorted(by_key):
        _join_window(_roots(by_key[key]))


def _join_window(calls: list[Call]) -> None:
    first: list[Call] = []
    for call in sorted(calls, key=lambda c: (c.start, c.members[0])):
        for head in first:
            one, two = head.root, call.root
            if one is two:
                break
            if two.start - one.start <= ACROSS_NS and models_related(one, two) and sums_agree(one, two):
                one.take(two)
                break
        else:
            first.append(call)
