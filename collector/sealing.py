"""Sealing: what stands between decoded records and anything durable.

In one pass over a batch: content mode per tenant, keyed fingerprints, the schema verdict, redaction of every text that will be
stored, and keyed hashes in place of user, session and tenant. It fails closed: an exception here refuses the exports.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Protocol

import msgspec

from collector import metrics
from collector.fingerprints import asked_chars, prompt_hashes, template_hash
from collector.identity import IdentityKeys
from collector.ids import plain_id
from collector.rows import FEW, tenant_of
from collector.stamped import Stamped, StampSealer
from collector.stencils import Stamp, Stencil, record
from collector.window_feed import WindowFeed
from spanledger.errors import SpanledgerError
from spanledger.model import Content, Message, Span
from spanledger.policy import Policy
from warehouse.vault.keyring import Keyring, KeyUnavailable
from warehouse.vault.transcripts import seal_transcript

Record = tuple[Span, Content | None]


class RedactionEngine(Protocol):
    """What sealing needs of ``collector.redaction.Redactor``."""

    def redact_batch(self, texts: Sequence[str], groups: Sequence[int] | None = None) -> list[str]:
        """Redacted texts in order; equal group numbers are adjacent parts of one span."""
        ...

    def take_counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """(values found by class, texts dropped by reason) since the last call."""
        ...


#: Verdict on an answer's schema as JSON, "" where there is none to make; injected, since the detectors are another room.
SchemaCheck = Callable[[Span, Content, Policy], str]

#: Text fields of a span that repeat from span to span: scanned once per value.
_WORDS = (
    "service", "scope", "name", "dialect", "provider", "model", "model_requested", "operation", "endpoint", "server", "error_type",
    "finish_reason", "circuit_state", "service_tier", "tool_name", "gateway_agent",
)  # fmt: skip
#: Identifiers, new in every span. One that redaction would change is stored as its keyed hash instead, so that equal ids stay equal.
_IDS = ("response_id", "request_id", "tool_call_id", "companion_of")
#: What a schema check is asked about a stencil: is there a schema at all?
_ANSWER = Content(response="x")
#: Identity that is only ever stored hashed.
_HASHED = ("user", "session", "tenant")
_STAMPED = ("redacted", "none")  # content modes whose rows are made of stamps
_KNOWN_WORDS = 100_000
_KNOWN_TRACES = 50_000


class Sealer:
    """One per thread: it holds a redaction engine and what that has already judged."""

    def __init__(
        self,
        engine: RedactionEngine,
        keys: IdentityKeys,
        policy: Callable[[], Policy],
        schema_check: SchemaCheck | None = None,
        ring: Keyring | None = None,
        feed: WindowFeed | None = None,
        *,
        heard: deque[dict[bytes, str]] | None = None,
        on_learned: Callable[[dict[bytes, str]], None] | None = None,
        renew: Callable[[Policy], RedactionEngine | None] = lambda _policy: None,
    ) -> None:
        self._engine, self._keys, self._policy, self._check, self._ring, self._feed = engine, keys, policy, schema_check, ring, feed
        self._transcripts: list[tuple[int, str, int, bytes]] = []
        self._trace_tenants: dict[bytes, str] = {}
        self._heard, self._on_learned, self._renew = heard, on_learned, renew
        self._registered_by: Policy | None = None
        self._app_tenants: dict[str, str] = {}
        self._stamps = StampSealer(keys, self._seal_models, lambda texts, groups: self._engine.redact_batch(texts, groups))
        self._clean: set[str] = set()  # words that redaction leaves as they are
        self._changed: dict[str, str] = {}

    def seal(self, records: list[Record]) -> list[Record]:
        """The same records, fit to be stored; they are changed in place, and content is ``None`` where it may not be kept."""
        policy = self._current()
        tenants = self._tenants_of([_teller(span) for span, _ in records], policy)
        modes = [policy.content.mode(tenant) for tenant in tenants]
        self._transcripts = []
        for i, (span, content) in enumerate(records):
            if content is not None:
                self._fingerprint(span, content, policy)
                if modes[i] == "audit" and not content.empty:
                    self._keep_transcript(i, tenants[i], span, content)
        for span, _ in records:
            self._hash_identity(span)
        self._redact_ids([span for span, _ in records])
        self._redact_words([span for span, _ in records])
        unstored: list[tuple[Span, Content]] = []
        wanted = [(i, content) for i, (_, content) in enumerate(records) if content is not None and (modes[i] != "none" or self._feed is not None)]
        for i, content in self._redact_contents(wanted):
            records[i] = (records[i][0], content)
            if modes[i] == "none" and not content.empty:
                unstored.append((records[i][0], content))
        for i, mode in enumerate(modes):
            if mode == "none":
                records[i] = (records[i][0], None)
        if unstored and self._feed is not None:
            self._feed.offer(unstored)
        self._count()
        return records

    def divided(self, records: list[Record], stamps: Sequence[Stamp]) -> tuple[list[Record], list[Stamp], list[Stamp]]:
        """What :meth:`seal` takes, and what :meth:`seal_stamps` takes, of whose text redactions or nothing at all is stored.

        Few stamps, and those of which more is asked, are records.
        """
        if len(stamps) < FEW:
            return records + list(map(record, stamps)), [], []
        policy = self._current()
        asked = set[Stencil]()
        if self._check is not None:
            asked = {stencil for stencil in {stamp[0] for stamp in stamps} if self._check(stencil.span, _ANSWER, policy)}
        default = policy.content.default
        if not asked and not policy.content.tenants and default in _STAMPED:
            return (records, list(stamps), []) if default == "redacted" else (records, [], list(stamps))
        if policy.content.tenants:
            told = [_teller(span) for span, _ in records] + [(stamp[1], stamp[0].tenant, stamp[0].app) for stamp in stamps]
            modes = [policy.content.mode(tenant) for tenant in self._tenants_of(told, policy)[len(records) :]]
        else:
            modes = [default] * len(stamps)
        if asked:
            modes = ["asked" if stamp[0] in asked else mode for stamp, mode in zip(stamps, modes, strict=True)]
        stored, unstored = ([stamp for stamp, mode in zip(stamps, modes, strict=True) if mode == wanted] for wanted in _STAMPED)
        others = [record(stamp) for stamp, mode in zip(stamps, modes, strict=True) if mode not in _STAMPED]
        return records + others, stored, unstored

    def seal_stamps(self, stamps: Sequence[Stamp], *, stored: bool = True) -> Stamped:
        """Rows of these stamps; texts that are not ``stored`` are shown to the window, if there is one."""
        sealed = self._stamps.seal(stamps, texts=stored or self._feed is not None)
        self._count()
        if stored:
            return sealed
        if self._feed is not None and sealed.contents is not None:
            self._feed.offer_rows(sealed.contents)
        return Stamped(sealed.spans, None)

    def transcripts(self) -> list[tuple[int, str, int, bytes]]:
        """Full transcripts of the last batch, sealed: (index of the record, tenant hash, key version, object)."""
        return self._transcripts

    def _keep_transcript(self, index: int, tenant: str, span: Span, content: Content) -> None:
        """Seal the text as it came. Without keys it is dropped and counted; the redacted text is kept all the same."""
        hashed = self._keys.name("", "tenant", tenant) or "default"
        try:
            if self._ring is None:
                raise KeyUnavailable("no keyring")
            self._ring.init(hashed)
            version, sealed = seal_transcript(self._ring, hashed, span.trace_id, span.span_id, msgspec.to_builtins(content))
        except SpanledgerError:
            metrics.content_dropped.labels("audit_key_unavailable").inc()
            return
        self._transcripts.append((index, hashed, version, sealed))

    def _current(self) -> Policy:
        """The policy of this batch; engine and keys as of now."""
        policy = self._policy()
        self._keys.refresh()
        if (engine := self._renew(policy)) is not None:
            self._engine = engine
            self._forget_words()
        return policy

    def _forget_words(self) -> None:
        self._clean.clear()
        self._changed.clear()
        self._stamps.forget()

    def _seal_models(self, spans: list[Span]) -> None:
        for span in spans:
            self._hash_identity(span)
        self._redact_words(spans)

    def _tenants_of(self, told: Sequence[tuple[bytes, str, str]], policy: Policy) -> list[str]:
        """Whose text each span holds: the tenant it names, else the one that another span of its trace has named so far, else its app's.

        ``told``: trace id, tenant and app that each span names, "" for none.
        Only for what may be kept of the text: hashes use what the span itself says, so that they do not depend on arrival.
        """
        known = self._trace_tenants
        while self._heard:
            known.update(self._heard.popleft())
        named = {trace_id: tenant for trace_id, tenant, _ in told if tenant}
        if self._on_learned is not None and policy.content.tenants and named.items() - known.items():
            self._on_learned(dict(named.items() - known.items()))
        known.update(named)
        found = [tenant or known.get(trace_id, "") for trace_id, tenant, _ in told]
        while len(known) > _KNOWN_TRACES:
            del known[next(iter(known))]
        if policy.apps:
            found = [tenant or self._tenant_of_app(app, policy) for tenant, (_, _, app) in zip(found, told, strict=True)]
        return found

    def _tenant_of_app(self, app: str, policy: Policy) -> str:
        """The tenant that the registry gives an app, by id or alias."""
        if policy is not self._registered_by:
            self._registered_by, self._app_tenants = policy, {}
        tenant = self._app_tenants.get(app)
        if tenant is None:
            entry = policy.apps.get(app) or next((e for e in policy.apps.values() if any(fnmatchcase(app, alias) for alias in e.aliases)), None)
            if len(self._app_tenants) > _KNOWN_WORDS:
                self._app_tenants.clear()
            tenant = self._app_tenants[app] = entry.tenant if entry else ""
        return tenant

    def _fingerprint(self, span: Span, content: Content, policy: Policy) -> None:
        """Keyed hashes of prompt, answer and context, and the schema verdict, from the text as it came."""
        tenant = tenant_of(span)
        span.prompt_chars = asked_chars(content.messages)
        span.prompt_hash, span.prompt_exact = prompt_hashes(self._keys, tenant, content.messages, content.context, content.system)
        if content.response:
            span.response_chars = len(content.response)
            span.response_hash = self._keys.exact(tenant, "doc", content.response)
        if content.context:
            span.context_hash = self._keys.exact(tenant, "doc", "\0".join(content.context))
        if self._check is not None and span.role == "call":
            span.schema_verdict = self._check(span, content, policy)

    def _hash_identity(self, span: Span) -> None:
        own, inherited, name, tenant = span.own, span.inherited, self._keys.name, tenant_of(span)
        if span.link:
            span.link = name("", "link", span.link)
        prompt, version = (own.get(f) or inherited.get(f, "") for f in ("prompt_id", "prompt_version"))
        span.prompt_template = template_hash(self._keys, tenant, prompt, version, span.prompt_template)
        for values in (own, inherited) if inherited else (own,):
            if "user" in values:
                values["user"] = name(tenant, "user", values["user"], span.start_ns)
            if "session" in values:
                values["session"] = name(tenant, "session", values["session"], span.start_ns)
            if "tenant" in values:
                values["tenant"] = name("", "tenant", values["tenant"])

    def _redact_ids(self, spans: list[Span]) -> None:
        found = [
            (span, name, value)
            for span, values in zip(spans, map(_id_fields, spans), strict=True)
            if any(values)
            for name, value in zip(_IDS, values, strict=True)
            if value and not plain_id(value)
        ]
        for (span, name, value), redacted in zip(found, self._engine.redact_batch([v for _, _, v in found]) if found else (), strict=True):
            if redacted != value:
                setattr(span, name, self._keys.hidden_id(value))

    def _redact_words(self, spans: list[Span]) -> None:
        clean, changed = self._clean, self._changed
        words = _words(spans)
        new = words - clean - changed.keys()
        if new:
            if len(clean) + len(new) > _KNOWN_WORDS:
                clean.clear()
                changed.clear()
                new = words
            asked = sorted(new)
            for word, redacted in zip(asked, self._engine.redact_batch(asked), strict=True):
                if redacted == word:
                    clean.add(word)
                else:
                    changed[word] = redacted
        if changed and not changed.keys().isdisjoint(words):
            for span in spans:
                _replace_words(span, changed)

    def _redact_contents(self, kept: list[tuple[int, Content]]) -> Iterator[tuple[int, Content]]:
        """Redact all texts of a batch in one scan; the messages of one span form a group (a value may be split across them)."""
        texts: list[str] = []
        groups: list[int] = []
        counts: list[int] = []
        for content in (content for _, content in kept):
            first = len(texts)
            texts += _texts(content)
            counts.append(len(texts) - first)
            turns = len(content.messages)
            groups += [first] * turns
            groups += range(first + turns, len(texts))
        redacted = self._engine.redact_batch(texts, groups) if texts else []
        at = 0
        for (i, content), n in zip(kept, counts, strict=True):
            if redacted[at : at + n] != texts[at : at + n]:
                content = _with_texts(content, iter(redacted[at : at + n]))
            at += n
            yield i, content

    def _count(self) -> None:
        found, dropped = self._engine.take_counts()
        for kind, n in found.items():
            metrics.redactions.labels(kind).inc(n)
        for reason, n in dropped.items():
            metrics.redaction_dropped.labels(reason).inc(n)


_id_fields = attrgetter(*_IDS)
_word_fields = attrgetter(*_WORDS)


def _teller(span: Span) -> tuple[bytes, str, str]:
    """Trace, tenant and app that a span names."""
    return span.trace_id, tenant_of(span), span.own.get("app") or span.inherited.get("app") or ""


def _words(spans: list[Span]) -> set[str]:
    """Every repeating text of these spans, once."""
    words: set[str] = set()
    add, update = words.add, words.update
    for span in spans:
        update(_word_fields(span))
        for values in (span.own, span.inherited):
            for name, value in values.items():
                if name not in _HASHED:
                    add(value)
        if span.attrs:
            update(span.attrs)
            update(span.attrs.values())
        if span.safety_types:
            update(span.safety_types)
        if span.biz:
            update(span.biz)
    words.discard("")
    return words


def _replace_words(span: Span, changed: dict[str, str]) -> None:
    get = changed.get
    for name in _WORDS:
        value = getattr(span, name)
        if value in changed:
            setattr(span, name, changed[value])
    for values in (span.own, span.inherited):
        for name, value in values.items():
            if value in changed and name not in _HASHED:
                values[name] = changed[value]
    if any(k in changed or v in changed for k, v in span.attrs.items()):
        span.attrs = {get(k, k): get(v, v) for k, v in span.attrs.items()}
    span.safety_types = tuple(get(t, t) for t in span.safety_types)
    if span.biz:
        span.biz = {get(k, k): v for k, v in span.biz.items()}


_SINGLES = ("system", "response", "tool_input", "tool_output", "tool_definitions", "schema")
_singles = attrgetter(*_SINGLES)


def _texts(content: Content) -> list[str]:
    """Every text of a content that is not empty, in the order in which :func:`_with_texts` takes them back; names are texts too."""
    parts = [m.text for m in content.messages]
    parts += [m.role for m in content.messages if m.role not in _ROLES]
    parts += filter(None, _singles(content))
    parts += content.context
    for name, text in content.extra.items():
        parts += (name, text)
    return parts


def _with_texts(content: Content, take: Iterator[str]) -> Content:
    texts = [next(take) for _ in content.messages]
    roles = [m.role if m.role in _ROLES else next(take) for m in content.messages]
    content.messages = list(map(Message, roles, texts))
    for name, told in zip(_SINGLES, _singles(content), strict=True):
        if told:
            setattr(content, name, next(take))
    if content.context:
        content.context = [next(take) for _ in content.context]
    if content.extra:
        content.extra = {next(take): next(take) for _ in content.extra}
    return content


_ROLES = frozenset({"system", "user", "assistant", "tool", "developer", "function", "model"})
