"""Posting a family: spans in, entries out. A pure function of the set of spans and the rules."""

from __future__ import annotations

from collections.abc import Sequence

from collector.posting.aggregates import Rest, rests, sums_of_one
from collector.posting.attempts import Nearby, attempts, safety_around, tool_counts
from collector.posting.calls import Call
from collector.posting.entry import build
from collector.posting.family import Family, tells_call
from collector.posting.figures import ranked, usage_of
from collector.posting.identity import identity, registered
from collector.posting.rules import PostingRules
from collector.posting.same_call import same_calls
from collector.posting.singles import may_be_plain, plain, post_singles
from spanledger.model import Entry, Span, Usage, UsageSource


def post(family: Sequence[Span], rules: PostingRules) -> list[Entry]:
    """Ledger entries of a family of spans, sorted by key.

    The order of the spans, repeated ones and older versions of one make no difference. Odd data (cycles, lost parents, negative times,
    spans of foreign projects) gives entries, never an exception.
    """
    if len(family) == 1:
        return post_singles(family, rules)
    told = Family(family)
    return post_singles(told.spans, rules) if len(told.spans) == 1 else post_family(told, rules)


def post_family(told: Family, rules: PostingRules) -> list[Entry]:
    """The common way, for families of any size."""
    found = same_calls(told)
    sums = sums_of_one(told, found.calls)
    figures = {c.members[0]: _figures(told, c, sums.get(c.members[0], ())) for c in found.calls}
    entries = {c.members[0]: _entry(told, c, figures[c.members[0]], rules) for c in found.calls}
    _relations(told, found.calls, entries)
    usages = {first: usage for first, (_, usage, _, _) in figures.items()}
    extra = [_rest(told, rest, rules) for rest in rests(told, found.calls, usages, found.covering)]
    return sorted([*entries.values(), *extra], key=key)


def key(entry: Entry) -> tuple[str, str, int, bytes, bytes]:
    """What an entry stands under in the ledger."""
    return entry.project, entry.service, entry.ts_us, entry.trace_id, entry.span_id


def _figures(family: Family, call: Call, sums: Sequence[Usage]) -> tuple[list[Span], Usage | None, UsageSource, bool]:
    order = ranked([family.spans[m] for m in call.members], session=call.logs)
    return (order, *usage_of(order, sums))


def _entry(family: Family, call: Call, figures: tuple[list[Span], Usage | None, UsageSource, bool], rules: PostingRules) -> Entry:
    order, usage, source, disagree = figures
    told_by = sorted(call.members, key=lambda m: (family.spans[m].signal != "span", m))  # a span has a place in a trace, an event often none
    who, app = registered(identity(family, told_by), rules)
    members = [family.spans[m] for m in told_by]
    own = len(members) == 1 and usage is members[0].usage  # nothing that a sum around it adds
    if own and app is None and may_be_plain(rules) and (quick := plain(members[0], rules, who)) is not None:
        return quick
    return build(members, order, usage, source, who, app, rules, disagree=disagree, cache_hit=call.cache_hit)


def _rest(family: Family, rest: Rest, rules: PostingRules) -> Entry:
    span = family.spans[rest.span]
    who, app = registered(identity(family, [rest.span]), rules)
    if not span.model and not span.model_requested:
        span = _with_model(family, rest.span)
    return build((span,), (span,), rest.usage, "aggregate", who, app, rules, kind=rest.kind)


def _with_model(family: Family, i: int) -> Span:
    """An aggregate that names no model is priced like the calls below it, if these name one."""
    span = family.spans[i]
    below = [s for k, s in enumerate(family.spans) if (s.model or s.model_requested) and tells_call(s) and i in family.ancestors(k)]
    if len({s.model or s.model_requested for s in below}) != 1:
        return span
    copy = type(span)(**{name: getattr(span, name) for name in span.__struct_fields__})
    copy.model, copy.provider, copy.server = below[0].model or below[0].model_requested, span.provider or below[0].provider, below[0].server
    return copy


def _relations(family: Family, calls: Sequence[Call], entries: dict[int, Entry]) -> None:
    """What calls tell of each other and what spans around them add: retries, fallbacks, tools, safety, business metrics."""
    for first, (retries, fallback) in attempts(family, calls).items():
        entries[first].retry = max(entries[first].retry, retries)
        entries[first].fallback = entries[first].fallback or fallback
    if not any(s.kind == "tool" or s.safety for s in family.spans):
        return _business(family, calls, entries)
    near = Nearby(family, calls)
    for first, n in tool_counts(family, near).items():
        entries[first].tool_calls = n
    for first, (n, types) in safety_around(family, near).items():
        entries[first].safety += n
        entries[first].safety_types = tuple(sorted({*entries[first].safety_types, *types}))
    return _business(family, calls, entries)


def _business(family: Family, calls: Sequence[Call], entries: dict[int, Entry]) -> None:
    """Business metrics of spans around calls go once to the earliest call below, so that sums stay true."""
    if not any(s.biz for s in family.spans):
        return
    given: set[int] = set()
    for call in calls:
        entry = entries[call.members[0]]
        for up in dict.fromkeys(a for m in call.members for a in family.ancestors(m)):
            if up not in given and up not in call.members and family.spans[up].biz:
                given.add(up)
                entry.biz_metric = {**family.spans[up].biz, **entry.biz_metric}
