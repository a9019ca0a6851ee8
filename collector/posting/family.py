"""A family of spans as posting sees it: one version of each span, in an order of content, with the tree that they form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import xxhash

from collector.pricing import price_list_id, stripped
from collector.rows import facts_of, version_of
from spanledger.model import CALL_KINDS, Span

#: Kinds below which a call is another call than the one around them (a tool that asks a model, a guardrail, a judge).
BOUNDARIES = frozenset({"tool", "guardrail", "evaluator", "retriever"})
_SHORT_ID = 6  # shorter response ids are counters of local servers: no evidence across traces
_UNIQUE_ID = 20  # nobody gives one this long twice, whatever provider a client and its gateway name


def family_keys(span: Span) -> list[bytes]:
    """16-byte keys by which spans may belong to one family: its trace id always first, then response id and agent session where told.

    Sharing a key is necessary, not sufficient: :func:`~collector.posting.post` checks model, usage and time across traces.
    """
    keys = [span.trace_id]
    if not span.cache_hit:
        keys += response_keys(span.project, span.provider, span.response_id)
    if span.link:
        keys.append(_digest("link", span.project, span.link))
    return keys


def response_keys(project: str, provider: str, response_id: str) -> list[bytes]:
    """The key by which a call's tellings in other traces are found, if its response id is evidence."""
    return [_digest("response", project, *response_key(provider, response_id))] if len(response_id) >= _SHORT_ID else []


def response_key(provider: str, response_id: str) -> tuple[str, str]:
    """What tells an answer in any trace: its id, and who gave it where the id alone may be somebody else's."""
    return provider_key(provider) if len(response_id) < _UNIQUE_ID else "", response_id


def response_keys_of(projects: Sequence[str], providers: Sequence[str], response_ids: Sequence[bytes]) -> list[bytes]:
    """The same in columns, ids as bytes of UTF-8; b"" where there is none."""
    told = {project: _joined("response", project, "", "") for project in set(projects)}
    digest = xxhash.xxh3_128_digest
    return [
        digest(told[project] + response_id)
        if len(response_id) >= _UNIQUE_ID and response_id.isascii()
        else (*response_keys(project, provider, response_id.decode()), b"")[0]
        for project, provider, response_id in zip(projects, providers, response_ids, strict=True)
    ]


def session(span: Span) -> str:
    """The agent session that a span belongs to; empty for all but agents."""
    return span.link if span.link_kind == "session" else ""


def provider_key(provider: str) -> str:
    """The provider as far as it tells calls apart."""
    known = price_list_id(provider)
    return known if known not in ("", "?") else provider.lower()


def _digest(*parts: str) -> bytes:
    return xxhash.xxh3_128_digest(_joined(*parts))


def _joined(*parts: str) -> bytes:
    return "\0".join(parts).encode("utf8", "surrogatepass")


def version(span: Span) -> int:
    """Rank of one version of a span: later end, then more attributes, then the greater payload hash (as the journal has it)."""
    try:
        return version_of(span, facts_of(span))
    except UnicodeEncodeError:  # a lone surrogate: no journal row can hold it, but posting does not stumble over it
        return version_of(span, repr(span).encode("utf8", "backslashreplace"))


def pick(versions: Sequence[Span]) -> Span:
    """The version of one span that counts, whatever the order they came in."""
    return versions[0] if len(versions) == 1 else max(versions, key=lambda s: (version(s), s.parent_id))


def order(span: Span) -> tuple[int, bytes, bytes, str, str, str]:
    """Content order of spans: entries stand under their first member."""
    return span.start_ns // 1000, span.trace_id, span.span_id, span.project, span.service, span.signal


class Family:
    """Spans in content order, their parents, and what a call span is about. Indices stand for spans throughout posting."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = _distinct(spans)
        by_id: dict[tuple[str, bytes, bytes], int] = {}
        for i, s in enumerate(self.spans):
            key = (s.project, s.trace_id, s.span_id)
            if s.signal == "span" or key not in by_id:
                by_id.setdefault(key, i)
        self.parent = [self._parent(i, s, by_id) for i, s in enumerate(self.spans)]
        self.models = [frozenset(m for m in (stripped(s.model), stripped(s.model_requested)) if m) for s in self.spans]
        self.links = self._links()
        self._roots: dict[tuple[str, bytes], list[int]] = {}
        for i, s in enumerate(self.spans):
            if not s.parent_id and s.signal == "span":
                self._roots.setdefault((s.project, s.trace_id), []).append(i)

    def _parent(self, i: int, span: Span, by_id: dict[tuple[str, bytes, bytes], int]) -> int:
        if span.signal == "log":  # an event stands inside the span it was written in
            at = by_id.get((span.project, span.trace_id, span.span_id), i)
            if at != i:
                return at
        up = by_id.get((span.project, span.trace_id, span.parent_id), -1) if span.parent_id else -1
        return -1 if up == i else up

    def ancestors(self, i: int) -> Iterator[int]:
        """Nearest first; ends at the root, at a parent that is not here, or where a chain bites its tail."""
        seen, up = {i}, self.parent[i]
        while up >= 0 and up not in seen:
            yield up
            seen.add(up)
            up = self.parent[up]

    def root_above(self, i: int) -> int:
        """The root of a trace whose spans between it and ``i`` are not here (they told nothing and were let go); -1 when unsure."""
        top = next(reversed(list(self.ancestors(i))), i)
        if not self.spans[top].parent_id:
            return -1
        roots = self._roots.get((self.spans[i].project, self.spans[i].trace_id), ())
        return roots[0] if len(roots) == 1 else -1

    def depth(self, i: int) -> int:
        """How many ancestors a span has here."""
        return sum(1 for _ in self.ancestors(i))

    def enclosing_call(self, i: int) -> int:
        """The nearest call span around a call span with no tool, guardrail or judge between; -1 when there is none."""
        for up in self.ancestors(i):
            span = self.spans[up]
            if span.role in ("call", "companion") and span.signal == "span":
                return up
            if span.kind in BOUNDARIES:
                return -1
        return -1

    def request_of(self, i: int) -> int:
        """The request that an orphaned call belonged to; -1 when none or several may be it.

        Some libraries report from a callback that has lost its context: the call stands alone in a trace of its own. Its request is the only
        root span of the same service, user and moment (``link``) that was open when the call started.
        """
        top = next(reversed(list(self.ancestors(i))), i)
        s = self.spans[top]
        if s.link_kind != "moment" or s.parent_id or s.role == "none":
            return -1
        fits = [
            k
            for k, c in enumerate(self.spans)
            if c.link == s.link and c.link_kind == "moment" and c.role == "none" and c.trace_id != s.trace_id
            and (c.project, c.service) == (s.project, s.service) and not c.parent_id and c.start_ns <= s.start_ns <= c.end_ns
        ]  # fmt: skip
        return fits[0] if len(fits) == 1 else -1

    def _links(self) -> list[str]:
        """Agent session of each span: its own, the nearest ancestor's of the same dialect, or the only one its dialect has in the trace."""
        told: dict[tuple[str, bytes, str], set[str]] = {}
        for s in self.spans:
            if session(s):
                told.setdefault((s.project, s.trace_id, s.dialect), set()).add(s.link)
        if not told:
            return [""] * len(self.spans)
        links: list[str] = []
        for i, s in enumerate(self.spans):
            near = (self.spans[a] for a in self.ancestors(i))
            link = session(s) or next((a.link for a in near if session(a) and a.dialect == s.dialect), "")
            only = told.get((s.project, s.trace_id, s.dialect), set())
            links.append(link or (next(iter(only)) if len(only) == 1 else ""))
        return links


def _distinct(spans: Sequence[Span]) -> list[Span]:
    """One version of each span, in content order."""
    versions: dict[tuple[str, str, bytes, bytes, str], list[Span]] = {}
    for span in spans:
        versions.setdefault((span.project, span.service, span.trace_id, span.span_id, span.signal), []).append(span)
    return sorted((pick(v) for v in versions.values()), key=order)


def tells_call(span: Span) -> bool:
    """May this span be the only teller of a provider call?"""
    return span.role == "call" or (span.role == "companion" and span.kind in CALL_KINDS)
