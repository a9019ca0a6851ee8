"""Laws of posting, over random traces of realistic shapes whose truth is known by construction.

A shape is a tree of agents, chains, steps, tools and guardrails with provider calls in it. Each call is told by one to three
instrumentations (nested frameworks and clients, sibling twins, stream companions, gateways in another service, repeated response ids across
traces), with or without ids and usage, and aggregates repeat what lies below. The ledger must say what the providers metered, whatever
the order, repetition or batching of the spans.
"""

import random
from collections import Counter
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.posting import PostingRules, family_keys, key, pick, post, post_singles, same_call
from collector.posting.calls import Call
from collector.posting.family import Family, tells_call
from collector.posting.post import post_family
from spanledger.model import Entry, Span, Usage

RULES = PostingRules()
COMMON = PostingRules(prefer_supplied=True)  # the same for spans without a cost of their own, but never by the short way
S = 1_000_000_000
T0 = 1_795_000_000 * S
MODELS = [
    ("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18"), ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("openai", "o4-mini", "o4-mini-2025-04-16"), ("google", "gemini-2.5-flash", "gemini-2.5-flash"),
    ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
]  # fmt: skip


@dataclass
class Truth:
    """What the providers metered."""

    tokens_in: int = 0
    tokens_out: int = 0
    cache_read: int = 0
    billed: int = 0


@dataclass
class Shape:
    """Makes one trace. ``rnd`` decides everything, so that a seed names a shape."""

    rnd: random.Random
    spans: list[Span] = field(default_factory=list)
    truth: Truth = field(default_factory=Truth)
    now: int = T0
    ids: int = 0

    def new(self, n: int) -> bytes:
        self.ids += 1
        return self.ids.to_bytes(4, "big") + self.rnd.randbytes(n - 4)

    def span(self, **told) -> Span:
        base = {"project": "p", "service": "shop", "span_id": self.new(8), "status": "ok"}
        span = Span(**{**base, **told})
        self.spans.append(span)
        return span

    def usage(self) -> Usage:
        n_in, n_out = self.rnd.randint(1, 4000), self.rnd.randint(1, 900)
        return Usage(input=n_in, output=n_out, cache_read=self.rnd.choice([None, 0, n_in // 2]), reasoning=self.rnd.choice([None, n_out // 3]))

    def node(self, trace: bytes, parent: bytes, depth: int) -> Usage:
        """One level of the tree: groups and calls one after the other, or concurrent. Returns the usage below."""
        below = [Usage(input=0, output=0)]
        for _ in range(self.rnd.randint(1, 3)):
            if depth and self.rnd.random() < 0.45:
                below.append(self.group(trace, parent, depth - 1))
            elif self.rnd.random() < 0.2:
                below += self.concurrent(trace, parent)
            else:
                below.append(self.call(trace, parent, self.now))
        return total(below)

    def group(self, trace: bytes, parent: bytes, depth: int) -> Usage:
        kind = self.rnd.choice(["agent", "chain", "workflow", "step", "tool", "guardrail", "carrier"])
        start, span_id = self.now, self.new(8)
        self.now += S // 100
        below = self.node(trace, span_id, depth)
        self.now += S // 100
        told, rule, usage = "none", "unknown", None
        if kind in ("agent", "chain", "workflow", "step") and self.rnd.random() < 0.6:
            told, rule = "aggregate", self.rnd.choice(["sum", "unknown", "last", "cumulative"])
            usage = below if rule != "last" else Usage(input=1, output=1)
        self.span(
            trace_id=trace, span_id=span_id, parent_id=parent, start_ns=start, end_ns=self.now, kind=kind, role=told, usage=usage,
            aggregate_rule=rule, scope="framework", name=kind, tool_name="search" if kind == "tool" else "",
        )  # fmt: skip
        return below

    def concurrent(self, trace: bytes, parent: bytes) -> list[Usage]:
        """Identical calls at the same time, told by the same instrumentations: they must stay as many as they are."""
        seed, start, found = self.rnd.random(), self.now, []
        for _ in range(self.rnd.randint(2, 4)):
            kept, self.rnd = self.rnd, random.Random(seed)
            found.append(self.call(trace, parent, start))
            self.rnd = kept
        return found

    def call(self, trace: bytes, parent: bytes, start: int) -> Usage:
        """One provider call (sometimes after failed attempts), told by some instrumentations."""
        provider, asked, answered = self.rnd.choice(MODELS)
        if self.rnd.random() < 0.12:
            self.failed(trace, parent, start, provider, asked)
            start += S
        usage, end = self.usage(), start + self.rnd.randint(1, 20) * S // 10
        self.ids += 1
        response = f"chatcmpl-{self.ids:08d}" if self.rnd.random() < 0.6 else ""
        common = {"trace_id": trace, "kind": "llm", "role": "call", "provider": provider, "model_requested": asked, "operation": "chat"}
        shape = self.rnd.choice(["client", "framework", "framework+client", "twins", "native", "triple", "companions", "gateway", "across"])
        framework = {"scope": "fw.llm", "authority": 1, "model": asked, "response_id": "", **common}
        client = {"scope": "client.sdk", "authority": 2, "model": answered, "response_id": response, **common}
        native = {"scope": "provider.native", "authority": 3, "model": answered, "response_id": response, **common}
        bare = Usage(input=usage.input, output=usage.output)
        inside = {"start_ns": start + S // 50, "end_ns": end - S // 50}
        if shape in ("client", "framework", "native"):
            teller = {"client": client, "framework": framework, "native": native}[shape]
            self.span(parent_id=parent, start_ns=start, end_ns=end, usage=usage, **teller)
        elif shape == "framework+client":
            outer = self.span(parent_id=parent, start_ns=start, end_ns=end, usage=self.rnd.choice([None, bare]), **framework)
            self.span(parent_id=outer.span_id, usage=usage, **inside, **client)
        elif shape == "twins":
            self.span(parent_id=parent, start_ns=start, end_ns=end, usage=bare, **framework)
            self.span(parent_id=parent, usage=usage, **inside, **client)
        elif shape == "triple":
            outer = self.span(parent_id=parent, start_ns=start, end_ns=end, usage=bare, **framework)
            self.span(parent_id=outer.span_id, usage=bare, **inside, **client)
            self.span(parent_id=outer.span_id, usage=usage, **inside, **native)
        elif shape == "companions":
            pair = {**client, "companion_of": f"stream-{self.ids}"}
            outer = self.span(parent_id=parent, start_ns=start, end_ns=start + S // 10, usage=None, **pair)
            self.span(parent_id=outer.span_id, start_ns=end, end_ns=end, usage=usage, **{**pair, "role": "companion"})
        elif shape == "gateway":
            response = response or f"gw-{self.ids:08d}"
            outer = self.span(parent_id=parent, start_ns=start, end_ns=end, usage=bare, **{**client, "response_id": response})
            door = self.span(trace_id=trace, parent_id=outer.span_id, kind="carrier", service="gateway", scope="http", **inside)
            told = {**client, "scope": "gateway", "authority": 0, "service": "gateway", "response_id": response}
            self.span(parent_id=door.span_id, usage=usage, **inside, **told)
        else:
            response = response or f"far-{self.ids:08d}"
            self.span(parent_id=parent, start_ns=start, end_ns=end, usage=usage, **{**client, "response_id": response})
            told = {**client, "trace_id": self.new(16), "service": "gateway", "scope": "gateway", "authority": 0, "response_id": response}
            self.span(usage=bare, **inside, **told)
        self.truth.tokens_in += usage.input
        self.truth.tokens_out += usage.output
        self.truth.cache_read += usage.cache_read or 0
        self.truth.billed += 1
        self.now = max(self.now, end + S)
        return usage

    def failed(self, trace: bytes, parent: bytes, start: int, provider: str, asked: str) -> None:
        told = {
            "trace_id": trace,
            "kind": "llm",
            "role": "call",
            "provider": provider,
            "model_requested": asked,
            "status": "error",
            "http_status": 429,
        }
        outer = self.span(parent_id=parent, start_ns=start, end_ns=start + S // 5, scope="fw.llm", authority=1, **told)
        if self.rnd.random() < 0.5:
            self.span(parent_id=outer.span_id, start_ns=start, end_ns=start + S // 6, scope="client.sdk", authority=2, **told)
        self.now = max(self.now, start + S)


def total(usages: list[Usage]) -> Usage:
    names = ("input", "output", "cache_read", "reasoning")
    return Usage(**{n: sum(getattr(u, n) or 0 for u in usages) for n in names})


def shape(seed: int) -> Shape:
    made = Shape(random.Random(seed))
    trace, root = made.new(16), made.new(8)
    made.node(trace, root, depth=4)
    made.span(trace_id=trace, span_id=root, start_ns=T0, end_ns=made.now, kind="carrier", own={"app": "bot", "prompt_version": "7"})
    return made


def figures(entries: list[Entry]) -> Truth:
    return Truth(
        sum(e.tokens_in for e in entries),
        sum(e.tokens_out for e in entries),
        sum(e.tokens_cache_read for e in entries),
        sum(e.billed for e in entries),
    )


seeds = st.integers(0, 10**9)


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_the_ledger_says_what_the_providers_metered_for_any_nesting_of_tellers(seed):
    made = shape(seed)
    entries = post(made.spans, RULES)
    assert figures(entries) == made.truth
    assert post(made.spans, COMMON) == entries
    assert not [e for e in entries if e.entry_kind != "call"]
    assert sum(e.cost_estimate_usd for e in entries if not e.billed) == 0


@settings(max_examples=80, deadline=None)
@given(seeds, st.randoms(use_true_random=False))
def test_a_sum_over_lost_calls_keeps_the_total(seed, rnd):
    made = shape(seed)
    first = made.spans[-1]
    assert first.parent_id == b""
    lost = {m for e in post(made.spans, RULES) if rnd.random() < 0.4 for m in e.members}
    left = [s for s in made.spans[:-1] if s.span_id not in lost]
    all_of_it = Usage(input=made.truth.tokens_in, output=made.truth.tokens_out)
    told = msgspec.structs.replace(first, kind="agent", role="aggregate", aggregate_rule="sum", usage=all_of_it)
    entries = post([*left, told], RULES)
    got = figures(entries)
    assert (got.tokens_in, got.tokens_out) == (made.truth.tokens_in, made.truth.tokens_out)


@settings(max_examples=80, deadline=None)
@given(seeds, st.randoms(use_true_random=False))
def test_order_and_repetition_of_spans_make_no_difference(seed, rnd):
    made = shape(seed)
    once = post(made.spans, RULES)
    again = [*made.spans, *rnd.choices(made.spans, k=len(made.spans) // 2)]
    rnd.shuffle(again)
    assert post([msgspec.structs.replace(s) for s in again], RULES) == once


@settings(max_examples=60, deadline=None)
@given(seeds, st.randoms(use_true_random=False))
def test_any_batching_leaves_the_same_ledger(seed, rnd):
    made = shape(seed)
    left = made.spans[:]
    rnd.shuffle(left)
    seen: list[Span] = []
    ledger: dict = {}
    while left:
        n = rnd.randint(1, max(1, len(left) // 2))
        seen, left = seen + left[:n], left[n:]
        now = {key(e): e for e in post(seen, RULES)}
        for gone in ledger.keys() - now.keys():
            del ledger[gone]
        ledger |= now
    assert sorted(ledger.values(), key=key) == post(made.spans, RULES)


@settings(max_examples=60, deadline=None)
@given(seeds, st.randoms(use_true_random=False))
def test_an_older_version_of_a_span_changes_nothing(seed, rnd):
    made = shape(seed)
    once = post(made.spans, RULES)
    newest = rnd.choice(made.spans)
    older = msgspec.structs.replace(newest, end_ns=newest.end_ns - 1, usage=Usage(input=9, output=9), model="other")
    both = [*made.spans, older]
    rnd.shuffle(both)
    assert post(both, RULES) == once
    assert pick([older, newest]) is pick([newest, older]) is newest


@settings(max_examples=80, deadline=None)
@given(seeds)
def test_a_lone_span_posts_alike_by_the_short_way(seed):
    spans = shape(seed).spans
    for span in spans:
        assert post_singles([span], RULES) == post_family(Family([span]), COMMON) == post([span, span], RULES)
    assert post_singles(spans, RULES) == [e for s in spans for e in post([s], RULES)]


@settings(max_examples=80, deadline=None)
@given(seeds)
def test_every_span_tells_at_most_one_call_and_keys_are_unique(seed):
    made = shape(seed)
    entries = post(made.spans, RULES)
    assert len({key(e) for e in entries}) == len(entries)
    assert max(Counter(m for e in entries for m in e.members).values()) == 1
    parts = [(e.cost_in_usd, e.cost_cache_read_usd, e.cost_cache_write_usd, e.cost_out_usd, e.cost_other_usd) for e in entries]
    assert all(sum(p) == e.cost_estimate_usd for p, e in zip(parts, entries, strict=True))


@settings(max_examples=60, deadline=None)
@given(seeds, seeds)
def test_families_that_share_nothing_do_not_touch_each_other(one, two):
    a, b = shape(one), shape(two)
    for s in b.spans:
        s.trace_id = s.trace_id[:-1] + bytes([s.trace_id[-1] ^ 0xFF])
        s.response_id = s.response_id and s.response_id + "-b"
        s.companion_of = s.companion_of and s.companion_of + "-b"
    assert post([*a.spans, *b.spans], RULES) == sorted([*post(a.spans, RULES), *post(b.spans, RULES)], key=key)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_spans_of_one_family_are_linked_by_their_keys(seed):
    made = shape(seed)
    traces = {s.trace_id: s.trace_id for s in made.spans}

    def find(t: bytes) -> bytes:
        while traces[t] != t:
            t = traces[t]
        return t

    owner: dict[bytes, bytes] = {}
    for s in made.spans:
        for k in family_keys(s):
            traces[find(s.trace_id)] = find(owner.setdefault(k, s.trace_id))
    assert len({find(t) for t in traces}) == 1


odd_text = st.sampled_from(["", "x", "resp_1234567", "\x00", "gpt-4o", "a/b/c", "é\ud800"])
odd_spans = st.builds(
    Span,
    project=st.sampled_from(["p", "q"]),
    service=st.sampled_from(["", "s"]),
    trace_id=st.sampled_from([b"\0" * 16, b"a" * 16, b"b" * 16]),
    span_id=st.sampled_from([b"1" * 8, b"2" * 8, b"3" * 8, b"4" * 8]),
    parent_id=st.sampled_from([b"", b"1" * 8, b"2" * 8, b"3" * 8, b"9" * 8]),
    start_ns=st.integers(-(10**18), 3 * 10**18),
    end_ns=st.integers(-(10**18), 3 * 10**18),
    signal=st.sampled_from(["span", "log", "metric"]),
    scope=st.sampled_from(["", "a", "b"]),
    kind=st.sampled_from(["llm", "embedding", "agent", "tool", "guardrail", "carrier"]),
    role=st.sampled_from(["call", "aggregate", "companion", "none"]),
    aggregate_rule=st.sampled_from(["sum", "cumulative", "last", "unknown"]),
    companion_of=st.sampled_from(["", "", "k"]),
    usage=st.none()
    | st.builds(
        Usage, input=st.none() | st.integers(0, 10**9), output=st.none() | st.integers(0, 10**9), cache_read=st.none() | st.integers(0, 10**10)
    ),
    provider=odd_text,
    model=odd_text,
    model_requested=odd_text,
    response_id=odd_text,
    request_id=odd_text,
    status=st.sampled_from(["ok", "error", "unset"]),
    cache_hit=st.booleans(),
    link=st.sampled_from(["", "", "session"]),
    safety=st.integers(0, 3),
    billed=st.sampled_from([None, None, True, False]),
    gateway_agent=st.sampled_from(["", "claude-cli/2"]),
)


@pytest.mark.parametrize("n", [1, 2, 6])
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_odd_data_gives_entries_never_an_exception(n, data):
    spans = data.draw(st.lists(odd_spans, min_size=n, max_size=n * 3))
    entries = post(spans, RULES)
    assert all(post_singles([s], RULES) == post_family(Family([s]), COMMON) for s in spans)
    assert post(spans, COMMON) == entries
    mixed = spans[::-1] + spans[: n // 2]
    assert post(mixed, RULES) == entries
    assert all(e.cost_estimate_usd.is_finite() and e.tokens_in >= 0 for e in entries)


def joined(spans: list[Span]) -> tuple[bool, bool]:
    """Of a family: has it calls that are taken as they are, and do the joining steps leave these as they are?"""
    family = Family(spans)
    calls = {i: Call.of(family, i) for i, s in enumerate(family.spans) if tells_call(s)}
    if not same_call._apart(family, calls):
        return False, True
    return True, [c.members for c in same_call._joined(family, calls).calls] == [[i] for i in calls]


@settings(max_examples=150, deadline=None)
@given(seeds, st.lists(odd_spans, max_size=4), st.sampled_from(["", "shop"]))
def test_calls_that_nothing_joins_are_taken_as_they_are(seed, odd, service):
    spans = shape(seed).spans
    for n, span in enumerate(spans):  # one instrumentation, as agents have it
        span.scope, span.service, span.response_id = "one", service, span.response_id and f"resp_{n // 2 if seed % 3 == 0 else n}"
        span.companion_of, span.link, span.signal = "", "", "span"
    assert joined(spans)[1]
    assert joined([*spans, *odd])[1]
    assert joined(odd)[1]


def test_most_agent_traces_are_such() -> None:
    found = []
    for seed in range(200):
        spans = shape(seed).spans
        for n, span in enumerate(spans):
            span.scope, span.service, span.response_id, span.companion_of, span.link = "one", "shop", span.response_id and f"resp_{n}", "", ""
        found.append(joined(spans)[0])
    assert sum(found) > 20
