"""Calls under construction: sets of spans that tell one provider call, and when two of them may be the same."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from collector.posting.family import Family
from spanledger.model import Span, Usage

NEAR_NS = 500_000_000  # twins overlap within half a second
#: Anthropic streams begin with a count of a few output tokens, which some instrumentations add to the final one.
_START_TOKENS = 8
Totals = tuple[int, int] | None

#: LiteLLM answers Responses requests with an id of its own: ``resp_`` and "litellm:…;response_id:…" in base64.
_LITELLM = "resp_bGl0ZWxsbT"

_FAILED = frozenset({"error", "timeout", "rate_limited", "cancelled"})


def failed(span: Span) -> bool:
    """Did the attempt that this span tells end without an answer, as far as it says?"""
    if span.outcome:
        return span.outcome in _FAILED
    return span.status == "error"


def counted_here(span: Span) -> bool:
    """May the usage be the instrumentation's own count? Then it speaks neither for nor against another telling, and counts least."""
    return span.usage_estimated or "usage_possibly_estimated" in span.attrs


def told(usage: Usage | None) -> bool:
    """True when a usage object tells something above zero."""
    return usage is not None and not usage.empty


def totals(usage: Usage | None) -> Totals:
    """Input and output of a usage that tells something; None when unknown."""
    return None if usage is None or usage.empty else (usage.input or 0, usage.output or 0)


def _readings(usage: Usage, own: tuple[int, int]) -> set[tuple[int, int]]:
    """What the totals would be in a telling that leaves cached tokens out of input, or reasoning out of output, where this one does not."""
    cached, thought = (usage.cache_read or 0) + (usage.cache_write or 0), usage.reasoning or 0
    if not cached and not thought:
        return set()
    ins, outs = (own[0], own[0] + cached, own[0] - cached), (own[1], own[1] + thought, own[1] - thought)
    return {(i, o) for i in ins for o in outs if i >= 0 <= o} - {own}


@dataclass(slots=True, eq=False)
class Call:
    """Spans that tell one call (``members``: indices, ascending) and what they agree on."""

    members: list[int]
    project: str
    kinds: set[str]
    ids: set[str]
    request_ids: set[str]
    scopes: set[tuple[str, str]]  # (service, scope): an instrumentation that speaks
    traces: set[bytes]
    models: set[str]
    start: int
    end: int
    sums: set[tuple[int, int]]  # distinct (input, output) that members report; estimates speak neither for nor against
    also: set[tuple[int, int]]  # the same, with or without cached tokens and reasoning
    cache_hit: bool
    answered: bool  # a member says that an answer came
    logs: bool  # a log event tells it
    into: Call | None = field(default=None)

    @classmethod
    def of(cls, family: Family, i: int) -> Call:
        """A call told by one span."""
        s = family.spans[i]
        own = totals(s.usage)
        metered = own if own and not counted_here(s) else None
        return cls(
            members=[i],
            project=s.project,
            kinds={s.kind},
            ids={s.response_id} if s.response_id else set(),
            request_ids={s.request_id} if s.request_id else set(),
            scopes={(s.service, s.scope or s.dialect)},
            traces={s.trace_id},
            models=set(family.models[i]),
            start=s.start_ns,
            end=max(s.end_ns, s.start_ns),
            sums={metered} if metered else set(),
            also=_readings(s.usage, metered) if metered and s.usage is not None else set(),
            cache_hit=s.cache_hit,
            answered=not failed(s) or bool(own),
            logs=s.signal == "log",
        )

    @property
    def root(self) -> Call:
        """The call that this one has been merged into; itself while it lives."""
        call = self
        while call.into is not None:
            call = call.into
        return call

    def take(self, other: Call) -> Call:
        """Merge; the one with the earlier first member lives on."""
        a, b = (self, other) if self.members[0] < other.members[0] else (other, self)
        b.into = a
        a.members = sorted({*a.members, *b.members})
        a.kinds |= b.kinds
        a.ids |= b.ids
        a.request_ids |= b.request_ids
        a.scopes |= b.scopes
        a.traces |= b.traces
        a.models |= b.models
        a.start, a.end = min(a.start, b.start), max(a.end, b.end)
        a.sums |= b.sums
        a.also |= b.also
        a.cache_hit = a.cache_hit or b.cache_hit
        a.answered = a.answered or b.answered
        a.logs = a.logs or b.logs
        return a


def ids_differ(a: Call, b: Call) -> bool:
    """Both name response ids of one make and none in common. Ids of different makes say nothing: gateways and frameworks make their own."""
    return bool(a.ids and b.ids and not a.ids & b.ids and {_make(i) for i in a.ids} & {_make(i) for i in b.ids})


def _make(response_id: str) -> str:
    """The prefix that tells who made an id: ``chatcmpl``, ``resp``, ``msg``, ``gen`` …; '' for plain ones."""
    if response_id.startswith(_LITELLM):
        return "litellm"
    head = response_id[:12].replace("_", "-").partition("-")
    return head[0] if head[1] and head[0].isalpha() else ""


def models_related(a: Call, b: Call) -> bool:
    """Do two calls name the same model, as far as both name one?"""
    return not a.models or not b.models or bool(a.models & b.models)


def kinds_related(a: Call, b: Call) -> bool:
    """One kind of call; a wrapper may call an embedding a generation, but then it names the same model."""
    return bool(a.kinds & b.kinds) or bool(a.models & b.models)


def sums_agree(a: Call, b: Call) -> bool:
    """Equal totals, or unknown on a side.

    A count that one side lacks (output of embeddings, input of some streams) does not speak against, nor does a difference that one
    side's own cached tokens or reasoning explain, nor the few output tokens with which a stream of Anthropic's begins.
    """
    if not a.sums or not b.sums or a.sums & b.sums:
        return True
    if a.also & b.sums or b.also & a.sums:
        return True
    if any(0 in (*x, *y) and _equal_or_untold(x, y) for x in a.sums for y in b.sums):
        return True
    claude = any("claude" in m for m in a.models)
    return claude and any(x[0] == y[0] and abs(x[1] - y[1]) <= _START_TOKENS for x in a.sums | a.also for y in b.sums | b.also)


def _equal_or_untold(x: tuple[int, int], y: tuple[int, int]) -> bool:
    """Is at least one count told by both, and none told differently?"""
    same = [m == n for m, n in zip(x, y, strict=True) if m and n]
    return bool(same) and all(same)


def nested_same(outer: Call, inner: Call) -> bool:
    """May a call span and one nested in it tell one call (DESIGN §4, posting 1a)?"""
    if ids_differ(outer, inner) or not kinds_related(outer, inner):
        return False
    if outer.ids & inner.ids:
        return True
    return models_related(outer, inner) or sums_agree(outer, inner)


def twins(a: Call, b: Call) -> bool:
    """May two spans of different instrumentations in one trace tell one call (posting 1c)?"""
    if a.scopes & b.scopes or ids_differ(a, b) or not kinds_related(a, b) or not models_related(a, b) or not sums_agree(a, b):
        return False
    if not (a.sums and b.sums) and a.answered != b.answered:
        return False
    return a.start <= b.end + NEAR_NS and b.start <= a.end + NEAR_NS


def distance(a: Call, b: Call) -> int:
    """How far apart in time (ns): difference of starts plus difference of ends."""
    return abs(a.start - b.start) + abs(a.end - b.end)


class Neighbours:
    """Finds calls that may overlap another one, without looking at all of them."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._order = sorted(range(len(calls)), key=lambda k: (calls[k].start, calls[k].members[0]))
        self._starts = [calls[k].start for k in self._order]
        self._longest = max((c.end - c.start for c in calls), default=0)

    def of(self, call: Call, slack_ns: int) -> list[int]:
        """Positions of calls that start no later than ``call`` ends and may end no earlier than it starts, give or take the slack."""
        since = bisect_left(self._starts, call.start - slack_ns - self._longest)
        return self._order[since : bisect_right(self._starts, call.end + slack_ns)]

    def around(self, call: Call, n: int) -> list[int]:
        """Positions of the ``n`` calls that start next before ``call`` and the ``n`` that start next after it."""
        at = bisect_left(self._starts, call.start)
        return self._order[max(0, at - n) : at + n]
