"""Who a call was for: the span's own word, the nearest ancestor's, the resource's, the app registry's (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from collector.posting.family import Family, session
from collector.posting.rules import AppEntry, PostingRules
from spanledger.model import IDENTITY, Span

_FIELDS = frozenset(IDENTITY)


def identity(family: Family, members: Sequence[int]) -> dict[str, str]:
    """Identity fields of a call told by these spans, the earliest member's word first at equal distance.

    The caller's side speaks before another service that tells the same call (a gateway knows its key's team, not the app); the name
    of an agent's own program is the weakest claim to be the app.
    """
    spans = [family.spans[m] for m in members]
    home = [s for s in spans if s.service == spans[0].service]
    away = [s for s in spans if s.service != spans[0].service]
    known = set(members)
    ancestors = [family.spans[a] for a in _by_distance(family, members) if a not in known]
    above = family.root_above(members[0]), family.request_of(members[0])
    ancestors += [family.spans[a] for a in above if a >= 0]
    return merged(
        chain(
            (s.own for s in home), (a.own for a in ancestors), (_resource(s) for s in home), (s.own for s in away),
            (_resource(s) for s in away), (_resource(a) for a in ancestors), (s.inherited for s in spans),
        )
    )  # fmt: skip


def _resource(span: Span) -> dict[str, str]:
    """Identity of a span's resource, without the name of an agent's program."""
    if session(span) and span.inherited.get("app") == span.service:
        return {k: v for k, v in span.inherited.items() if k != "app"}
    return span.inherited


def merged(sources: Iterable[dict[str, str]]) -> dict[str, str]:
    """The first non-empty value of each identity field."""
    found: dict[str, str] = {}
    for source in sources:
        for name, value in source.items():
            if value and name in _FIELDS and name not in found:
                found[name] = value
    return found


def _by_distance(family: Family, members: Sequence[int]) -> list[int]:
    """Ancestors of all members, the nearest first; at equal distance those of earlier members first."""
    ways = [list(family.ancestors(m)) for m in members]
    found: dict[int, None] = {}
    for step in range(max(map(len, ways), default=0)):
        for way in ways:
            if step < len(way):
                found.setdefault(way[step])
    return list(found)


def registered(who: dict[str, str], rules: PostingRules) -> tuple[dict[str, str], AppEntry | None]:
    """Identity with the registry's app id, and its word where telemetry says nothing."""
    name = who.get("app", "")
    if not name or not rules.apps:
        return who, None
    app, entry = rules.app(name)
    if entry is None:
        return who, None
    filled = {"team": entry.team, "tenant": entry.tenant, "env": entry.env} | {k: v for k, v in who.items() if v}
    return filled | {"app": app}, entry


def alone(span: Span) -> dict[str, str]:
    """Identity of a span without ancestors."""
    who = {k: v for k, v in span.own.items() if v}
    for name, value in span.inherited.items():
        if value and name not in who:
            who[name] = value
    return who
