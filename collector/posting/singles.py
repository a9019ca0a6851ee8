"""The short way for spans that are a family of their own, which most are: the same entries as ``post``, at a fraction of the time.

:func:`plain` copies a successful, priced, unsurprising call straight into its entry; anything else takes the common way. A property test
holds both ways together.
"""

from __future__ import annotations

from collections.abc import Sequence

from collector.posting.entry import NO_PARENT, build
from collector.posting.family import tells_call
from collector.posting.identity import alone, registered
from collector.posting.rules import PostingRules
from collector.pricing import usd
from spanledger.model import Entry, Span, UsageSource

_DAY_US = 86_400_000_000


def post_singles(spans: Sequence[Span], rules: PostingRules) -> list[Entry]:
    """Entries of spans of which each is a family of its own; equal to ``post([span])`` one by one, in the spans' order."""
    quick = may_be_plain(rules) and not rules.apps
    entries: list[Entry] = []
    for s in spans:
        entry = plain(s, rules, None) if quick else None
        if entry is None:
            entry = common(s, rules)
        if entry is not None:
            entries.append(entry)
    return entries


def may_be_plain(rules: PostingRules) -> bool:
    """False when the rules ask for more than :func:`plain` looks at."""
    return not (rules.prefer_supplied or rules.tier_rules.personal)


def common(s: Span, rules: PostingRules) -> Entry | None:
    """The entry of a lone span by the common way; None when it tells no call."""
    usage = s.usage
    if usage is not None and usage.empty:
        usage = None
    if tells_call(s):
        source: UsageSource = "missing" if usage is None else "estimated" if s.usage_estimated else "reported"
        who, app = registered(alone(s), rules)
        return build((s,), (s,), usage, source, who, app, rules, cache_hit=s.cache_hit)
    if s.role == "aggregate" and usage is not None:
        who, app = registered(alone(s), rules)
        kind = "unattributed" if s.signal == "metric" else "aggregate"  # metrics count tokens, never calls
        return build((s,), (s,), usage, "aggregate", who, app, rules, kind=kind)
    return None


def plain(s: Span, rules: PostingRules, who: dict[str, str] | None) -> Entry | None:
    """The entry of a call told by one span, answered, with text tokens and a list price; None when anything is out of the ordinary.

    Args:
        who: identity, when the span is not alone in its trace.
    """
    u = s.usage
    if u is None or s.role != "call" or s.status == "error" or s.cache_hit or s.billed is not None or s.cost_usd is not None:
        return None
    if (s.outcome and s.outcome != "success") or s.gateway_agent or s.link or not s.provider or not s.model or s.finish_reason == "content_filter":
        return None
    if u.audio_in is not None or u.audio_out is not None or u.images is not None or u.audio_seconds is not None or u.characters is not None:
        return None
    tokens_in, tokens_out = u.input or 0, u.output or 0
    if not (tokens_in or tokens_out):
        return None
    if who is None:
        own = s.own
        who = {**s.inherited, **own} if all(own.values()) else alone(s)
    tenant, app = who.get("tenant", ""), who.get("app", "")
    ts_us = s.start_ns // 1000
    rates = rules.prices.rates(s.provider, s.model, s.model_requested, s.service_tier, "", s.server, ts_us, tenant, app)
    if rates.source != "computed":
        return None
    total, c_in, c_read, c_write, c_out, c_other, partial = rates.cost(u, ts_us % _DAY_US)
    if partial:
        return None
    entry = Entry(
        project=s.project, service=s.service, ts_us=ts_us, trace_id=s.trace_id, span_id=s.span_id, parent_span_id=s.parent_id or NO_PARENT,
        dialect=s.dialect, scope=s.scope, app_id=app, team=who.get("team", ""), tenant_hash=tenant, env=who.get("env", ""),
        endpoint=s.endpoint, operation=s.operation, provider=s.provider, model=s.model, model_requested=s.model_requested, model_tier=rates.tier,
        response_id=s.response_id, request_id=s.request_id, prompt_hash=s.prompt_hash, response_hash=s.response_hash, context_hash=s.context_hash,
        finish_reason=s.finish_reason, service_tier=s.service_tier, stream=s.stream, fallback=s.fallback, retry=s.retry,
        circuit_state=s.circuit_state, tokens_in=tokens_in, tokens_cache_read=u.cache_read or 0, tokens_cache_write=u.cache_write or 0,
        tokens_out=tokens_out, tokens_reasoning=u.reasoning or 0, latency_ms=_latency_ms(s), ttft_ms=s.ttft_ms, cost_estimate_usd=usd(total),
        cost_in_usd=usd(c_in), cost_cache_read_usd=usd(c_read), cost_cache_write_usd=usd(c_write), cost_out_usd=usd(c_out),
        cost_other_usd=usd(c_other), cost_source="computed", price_id=rates.price_id, biz_metric=s.biz, attrs=s.attrs,
        sampling_ratio=s.sampling_ratio, safety=s.safety, members=(s.span_id,),
    )  # fmt: skip
    if len(who) > (("app" in who) + ("team" in who) + ("tenant" in who) + ("env" in who)):
        _rare_identity(entry, who)
    if s.usage_estimated:
        entry.usage_source = "estimated"
    if u.cache_write_1h:
        entry.tokens_cache_write_1h = u.cache_write_1h
    if s.safety_types:
        entry.safety_types = tuple(sorted(set(s.safety_types)))
    return entry


def _rare_identity(entry: Entry, who: dict[str, str]) -> None:
    get = who.get
    entry.region, entry.device_class, entry.route = get("region", ""), get("device_class", ""), get("route", "")
    entry.user_hash, entry.session_hash = get("user", ""), get("session", "")
    entry.prompt_id, entry.prompt_version = get("prompt_id", ""), get("prompt_version", "")


def _latency_ms(s: Span) -> float:
    end = s.end_ns
    if s.latency_ms:
        end = max(end, s.start_ns + int(s.latency_ms * 1e6))
    return max(0, end - s.start_ns) / 1e6
