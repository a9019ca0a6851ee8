"""From the spans that tell one call to its ledger entry: identity, timing and text from all, figures from the best (posting 2, 5, 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from collector.posting.calls import failed
from collector.posting.figures import estimate
from collector.posting.gateways import set_aside
from collector.posting.rules import AppEntry, PostingRules
from collector.pricing import ZERO, Priced, priced, stripped
from collector.pricing.names import providers_for
from spanledger.model import CostSource, Entry, Outcome, Span, Usage, UsageSource

NO_PARENT = b"\0" * 8
DISAGREES, COSTS_DIFFER = 2, 5
_FREE = Priced(source="computed")
_COST_GAP = Decimal("0.01")
_ANSWERED = frozenset({"stop", "length", "tool_calls"})


def outcome_of(span: Span) -> Outcome:
    """How a span says its call ended; from status and error class where the dialect did not derive it."""
    if span.outcome:
        return span.outcome
    if span.status != "error":
        return "filtered" if span.finish_reason == "content_filter" else "success"
    if span.http_status == 429:
        return "rate_limited"
    text = span.error_type.lower()
    if span.http_status in (408, 504) or "timeout" in text or "deadline" in text:
        return "timeout"
    if "ratelimit" in text or "rate_limit" in text or "throttl" in text:
        return "rate_limited"
    return "cancelled" if "cancel" in text or "generatorexit" in text else "error"


def ended(members: Sequence[Span], reported: bool) -> Outcome:
    """How a call ended for its caller: the outermost member's word, unless another one saw what it could not.

    Args:
        members: in content order, the outermost first.
        reported: usage is known, so the provider did answer.
    """
    first = outcome_of(members[0])
    if first != "success" or len(members) == 1:
        return first
    others: list[Outcome] = [outcome_of(s) for s in members[1:]]
    if "filtered" in others:
        return "filtered"
    if "cancelled" in others:
        return "cancelled"
    bad = [k for k, o in enumerate(others) if o != "success"]
    silent = all(s.status == "unset" and not s.outcome for s in members if outcome_of(s) == "success")
    if bad and not reported and (silent or len(bad) == len(others)):
        return others[bad[0]]
    return "success"


def billed(members: Sequence[Span], outcome: Outcome, reported: bool, cache_hit: bool) -> bool:
    """Did the provider answer, so that it is paid? What the sender says outright counts first."""
    if cache_hit or any(s.billed is False for s in members):
        return False
    if reported or any(s.billed for s in members):
        return True
    if outcome == "success" or any(not failed(s) for s in members if s.role == "call" and s.status == "ok"):
        return True
    if outcome == "cancelled":  # a stream that was left: the provider had begun to answer
        return any(s.stream or s.ttft_ms is not None or s.response_id for s in members)
    if outcome == "filtered":  # an answer withheld is paid, a prompt refused is not
        return any(s.status != "error" for s in members)
    zero = any(s.usage is not None and s.usage.input == 0 == s.usage.output for s in members)  # told, and told to be nothing
    return outcome == "error" and not zero and any(s.finish_reason in _ANSWERED for s in members)


def models_of(order: Sequence[Span]) -> list[str]:
    """The model as answered, in the most exact spelling that a member has for it.

    Where members name different models (a gateway's fallback, an alias for a deployment), the provider's own word comes first, then
    that of the span closest to the wire: the one that started last. The others follow.
    """
    told = [s for s in order if s.model]
    if not told:
        return [next((s.model_requested for s in order if s.model_requested), "")]
    if len(told) == 1:
        return [told[0].model]
    names = [s.model for s in told]
    bare = dict.fromkeys(stripped(m) for m in names)
    if len(bare) > 1:
        inner = sorted(told, key=lambda s: (s.authority == 3, s.usage is not None and not s.usage.empty, s.start_ns), reverse=True)
        bare = dict.fromkeys(stripped(s.model) for s in inner)
    return [_most_exact([m for m in names if stripped(m) == name]) for name in bare]


def _most_exact(same: Sequence[str]) -> str:
    return max(same, key=lambda m: (any(c.isdigit() for c in m[-6:]), len(m.rsplit("/", 1)[-1]), m)) if len(set(same)) > 1 else same[0]


def first(values: Sequence[str]) -> str:
    return next((v for v in values if v), "")


def latency_ms(members: Sequence[Span]) -> float:
    """From the first start to the last end of what hangs together in time; a duration told outright (log events) counts as such."""
    end = members[0].start_ns
    for s in members:
        if s.start_ns <= end + 500_000_000 or s.companion_of:
            end = max(end, s.end_ns, s.start_ns + int((s.latency_ms or 0.0) * 1e6))
    return max(0, end - members[0].start_ns) / 1e6


def cost(
    rules: PostingRules, order: Sequence[Span], models: Sequence[str], requested: str, ts_us: int, usage: Usage, tenant: str, app: str
) -> tuple[str, str, Priced]:
    """Provider, model and price of a call; among members that name different ones the first pair that has a price."""
    tier = first([s.service_tier for s in order])
    server = first([s.server for s in order])
    names = list(dict.fromkeys(s.provider for s in order if s.provider)) or [""]
    rates = None
    for model in models:
        for name in names:
            found = rules.prices.rates(name, model, requested if model == models[-1] else "", tier, "", server, ts_us, tenant, app)
            if rates is None or (rates[2].source == "unpriced" and found.source != "unpriced"):
                rates = name, model, found
    assert rates is not None
    provider = rates[0] or next((p for p in providers_for("", rates[1] or requested, server) if p != "local"), "")
    return provider, rates[1], priced(rates[2], usage, ts_us)


def supplied(order: Sequence[Span]) -> tuple[Decimal | None, bool]:
    """Cost sent along and whether it is the provider's own figure; the provider's counts before a client's."""
    told = [(s.cost_usd, s.cost_is_provider) for s in order if s.cost_usd is not None]
    return next((t for t in told if t[1]), told[0]) if told else (None, False)


def charge(entry: Entry, price: Priced, sent: Decimal | None, is_provider: bool, prefer_supplied: bool) -> None:
    """Write cost, parts and source; a figure sent along replaces the computed one only where the rules say so."""
    entry.cost_source, entry.price_id = price.source, price.price_id
    entry.cost_estimate_usd, entry.cost_in_usd, entry.cost_cache_read_usd = price.total, price.input, price.cache_read
    entry.cost_cache_write_usd, entry.cost_out_usd, entry.cost_other_usd = price.cache_write, price.output, price.other
    if sent is None:
        return
    if not sent.is_finite() or abs(sent) > 1_000_000:
        return
    sent = sent.quantize(ZERO)
    entry.cost_supplied_usd = sent
    if is_provider or price.source == "unpriced" or prefer_supplied:
        _replace(entry, price, sent, "provider" if is_provider else "supplied")
    elif price.source == "computed" and abs(sent - price.total) > _COST_GAP * max(abs(price.total), ZERO):
        entry.conflict = entry.conflict or COSTS_DIFFER


def _replace(entry: Entry, price: Priced, sent: Decimal, source: CostSource) -> None:
    """Take another total; the parts keep their shares, what remains of rounding goes to `other`."""
    share = sent / price.total if price.total else Decimal(0)
    entry.cost_in_usd, entry.cost_cache_read_usd = (price.input * share).quantize(ZERO), (price.cache_read * share).quantize(ZERO)
    entry.cost_cache_write_usd, entry.cost_out_usd = (price.cache_write * share).quantize(ZERO), (price.output * share).quantize(ZERO)
    parts = entry.cost_in_usd + entry.cost_cache_read_usd + entry.cost_cache_write_usd + entry.cost_out_usd
    entry.cost_estimate_usd, entry.cost_other_usd, entry.cost_source = sent, sent - parts, source


def build(
    members: Sequence[Span],
    order: Sequence[Span],
    usage: Usage | None,
    source: UsageSource,
    who: Mapping[str, str],
    app: AppEntry | None,
    rules: PostingRules,
    *,
    kind: Literal["call", "aggregate", "unattributed"] = "call",
    disagree: bool = False,
    cache_hit: bool = False,
) -> Entry:
    """One entry.

    Args:
        members: spans that tell it, in content order; it stands under the first.
        order: the same, best figures first.
        usage, source, disagree: as :func:`~collector.posting.figures.usage_of` says.
        who, app: identity and the app's registry entry.
        cache_hit: a response cache answered: kept as a row, at no cost.
    """
    head = members[0]
    ts_us = head.start_ns // 1000
    reported = usage is not None
    outcome = ended(members, reported)
    paid = kind != "unattributed" and billed(members, outcome, reported, cache_hit)
    if usage is None and paid and rules.estimate_missing:
        usage = estimate(max(s.prompt_chars for s in members), max(s.response_chars for s in members))
        source = "estimated" if usage is not None else "missing"
    if usage is None and not paid:
        source = "reported"  # a failed attempt used nothing: nothing is missing
    requested = first([s.model_requested for s in order])
    counts = usage if usage is not None and (paid or kind == "unattributed") else Usage()
    tenant, app_id = who.get("tenant", ""), who.get("app", "")
    provider, model, price = cost(rules, order, models_of(order), requested, ts_us, counts, tenant, app_id)
    tier = price.tier if not rules.tier_rules.personal else _tier(rules, price, provider, model, who, head)
    if kind == "call" and not paid:
        price = _FREE
    elif usage is None and price.source != "unpriced":
        price = Priced(price_id=price.price_id, source="partial", tier=price.tier)
    entry = Entry(
        project=head.project, service=head.service, ts_us=ts_us, trace_id=head.trace_id, span_id=head.span_id,
        parent_span_id=head.parent_id or NO_PARENT, entry_kind=kind, dialect=order[0].dialect, scope=order[0].scope,
        app_id=app_id, team=who.get("team", ""), tenant_hash=tenant, env=who.get("env", ""), region=who.get("region", ""),
        device_class=who.get("device_class", ""), route=who.get("route", ""), user_hash=who.get("user", ""), session_hash=who.get("session", ""),
        prompt_id=who.get("prompt_id", ""), prompt_version=who.get("prompt_version", ""),
        endpoint=first([s.endpoint for s in order]), operation=first([s.operation for s in order]), provider=provider, model=model,
        model_requested=requested, model_tier=tier, response_id=first([s.response_id for s in order]),
        request_id=first([s.request_id for s in order]), prompt_hash=first([s.prompt_hash for s in order]),
        response_hash=first([s.response_hash for s in order]), context_hash=first([s.context_hash for s in order]),
        billed=paid, outcome=outcome, error_type=first([s.error_type for s in members]) if outcome != "success" else "",
        finish_reason=first([s.finish_reason for s in order]), service_tier=first([s.service_tier for s in order]),
        stream=any(s.stream for s in members), cache_hit=cache_hit, fallback=any(s.fallback for s in members),
        retry=max(s.retry for s in members), circuit_state=first([s.circuit_state for s in order]),
        tokens_in=counts.input or 0, tokens_cache_read=counts.cache_read or 0, tokens_cache_write=counts.cache_write or 0,
        tokens_cache_write_1h=counts.cache_write_1h or 0, tokens_out=counts.output or 0, tokens_reasoning=counts.reasoning or 0,
        tokens_audio_in=counts.audio_in or 0, tokens_audio_out=counts.audio_out or 0, images=counts.images or 0,
        audio_seconds=counts.audio_seconds or 0.0, characters=counts.characters or 0, usage_source=source,
        latency_ms=latency_ms(members), ttft_ms=next((s.ttft_ms for s in order if s.ttft_ms is not None), None),
        biz_metric=_merged([s.biz for s in members]), attrs=_merged([s.attrs for s in members]),
        sampling_ratio=min(s.sampling_ratio for s in members), conflict=DISAGREES if disagree else 0,
        safety=max(s.safety for s in members), safety_types=tuple(sorted({t for s in members for t in s.safety_types})),
        members=tuple(dict.fromkeys(s.span_id for s in members)),
    )  # fmt: skip
    sent, is_provider = supplied(order) if kind == "call" and paid else (None, False)
    charge(entry, price, sent, is_provider, rules.prefer_supplied)
    if cache_hit and usage is not None:
        entry.attrs = entry.attrs | {"cache_hit_tokens": str((usage.input or 0) + (usage.output or 0))}
    if app is not None and (app.owner or app.cost_centre):
        told = {"owner": app.owner, "cost_centre": app.cost_centre}
        entry.attrs = entry.attrs | {k: v for k, v in told.items() if v}
    set_aside(entry, members, rules.gateways)
    return entry


def _merged(sources: Sequence[dict]) -> dict:  # type: ignore[type-arg]
    if len(sources) == 1:
        return sources[0]
    found: dict = {}  # type: ignore[type-arg]
    for source in sources:
        for name, value in source.items():
            found.setdefault(name, value)
    return found


def _tier(rules: PostingRules, price: Priced, provider: str, model: str, who: Mapping[str, str], head: Span) -> str:
    fields = {"provider": provider, "model": model, "service": head.service, "app": who.get("app", ""), "team": who.get("team", "")}
    fields |= {name: who.get(name, "") for name in ("tenant", "env", "route", "prompt_version")}
    found = next((rule.tier for rule in rules.tier_rules.rules if rule.fits(fields)), None)
    return found or price.tier


__all__ = ["billed", "build", "charge", "cost", "ended", "latency_ms", "models_of", "outcome_of", "supplied"]
