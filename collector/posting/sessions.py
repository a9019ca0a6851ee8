"""Agents that tell a call by a log event and by a span: the event rules, the span lends its place in the trace (posting 4).

Within one agent session (``Span.link``): as soon as an event tells a call, spans of that session tell none of their own. Each is joined to
the event of its call, by request id where both have one, else one to one by usage and time; what is left over is set aside, except a failed
attempt in a session whose events tell no failures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from collector.posting.calls import Call, Neighbours, distance, failed, sums_agree
from collector.posting.family import Family
from collector.posting.matching import pairs

_WINDOW_NS = 10_000_000_000  # an event is written within seconds of its call's end


def settle_sessions(family: Family, calls: Sequence[Call]) -> tuple[list[Call], set[int]]:
    """Join events and spans of agent sessions. Returns all calls and the ``id`` of those that tell nothing of their own."""
    sessions: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        for link in sorted({family.links[m] for m in call.members} - {""}):
            sessions.setdefault((call.project, link), []).append(call)
    dropped: set[int] = set()
    for found in sessions.values():
        events = [c for c in found if c.logs]
        spans = [c for c in found if not c.logs]
        if events and spans:
            dropped |= _settle(family, events, spans)
    alive = {id(c.root): c.root for c in calls}
    return sorted(alive.values(), key=lambda c: c.members[0]), {key for key in dropped if key in alive}


def _settle(family: Family, events: list[Call], spans: list[Call]) -> set[int]:
    _join_by_id(events, spans)
    for rule in (_same_totals, _same_end):
        free_events = [c for c in events if c.into is None and not _has_span(family, c)]
        free_spans = [c for c in spans if c.into is None and not c.logs]
        _join_pairs(free_events, free_spans, rule)
    left = [c for c in spans if c.into is None and not c.logs]
    failures_told = any(failed(family.spans[m]) for c in events for m in c.root.members if family.spans[m].signal == "log")
    return {id(c) for c in left if all(family.links[m] for m in c.members) and (c.answered or failures_told)}


def _has_span(family: Family, call: Call) -> bool:
    return any(family.spans[m].signal == "span" for m in call.members)


def _join_by_id(events: list[Call], spans: list[Call]) -> None:
    by_id: dict[str, Call] = {}
    for call in events:
        for name in sorted(call.request_ids | call.ids):
            by_id.setdefault(name, call)
    for call in spans:
        for name in sorted(call.request_ids | call.ids):
            event = by_id.get(name)
            if event is not None and event.root is not call.root:
                event.root.take(call.root)
                break


def _near(event: Call, span: Call) -> bool:
    return event.answered == span.answered and event.start <= span.end + _WINDOW_NS and span.start <= event.end + _WINDOW_NS


def _same_totals(event: Call, span: Call) -> bool:
    return bool(event.sums and span.sums) and sums_agree(event, span) and _near(event, span)


def _same_end(event: Call, span: Call) -> bool:
    return abs(event.end - span.end) <= _WINDOW_NS and _near(event, span)


def _join_pairs(events: list[Call], spans: list[Call], rule: Callable[[Call, Call], bool]) -> None:
    around, wishes = Neighbours(spans), dict[int, list[int]]()
    for n, event in enumerate(events):
        fits = [k for k in around.of(event, _WINDOW_NS) if rule(event, spans[k])]
        if fits:
            wishes[n] = sorted(fits, key=lambda k: (abs(event.end - spans[k].end), distance(event, spans[k]), spans[k].members[0]))
    for n, k in pairs(sorted(wishes), wishes).items():
        events[n].root.take(spans[k].root)
