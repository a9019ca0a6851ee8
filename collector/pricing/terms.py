"""What an organisation pays instead of list prices: overrides, contracts, its own GPUs; and how models are sorted into tiers.

Plain values: ``collector/posting/rules.py`` makes them from the policy file. Days are UTC and half-open, ``[since, until)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fnmatch import translate
from functools import lru_cache

from collector.pricing.names import LOCAL, price_list_id, stripped


@lru_cache(4096)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob.lower()))


def matches(glob: str, *values: str) -> bool:
    """Does a wildcard pattern (``*``, ``?``; case ignored) match one of the values? An empty pattern matches all."""
    return not glob or glob == "*" or any(_pattern(glob).match(v.lower()) for v in values)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Whom and when a term is for."""

    id: str = ""
    provider: str = ""
    model: str = "*"
    tenant: str = ""
    app: str = ""
    region: str = ""
    since: date | None = None
    until: date | None = None

    def apply(self, ask: Ask, day: date) -> bool:
        """Is this term in force for what is asked on this UTC day?"""
        if (self.since and day < self.since) or (self.until and day >= self.until):
            return False
        known = price_list_id(self.provider) if self.provider and "*" not in self.provider else ""
        provider = matches(self.provider, ask.provider) or (known not in ("", "?", "local") and known == price_list_id(ask.provider))
        names = (ask.model, ask.model_requested, stripped(ask.model), stripped(ask.model_requested))
        model = matches(self.model, *(n for n in names if n))
        return provider and model and matches(self.tenant, ask.tenant) and matches(self.app, ask.app) and matches(self.region, ask.region)

    @property
    def name(self) -> str:
        """Stable name for ``price_id``."""
        return self.id or ":".join(x for x in (self.provider, self.model, self.tenant, self.app, str(self.since or "")) if x)


@dataclass(frozen=True, kw_only=True)
class PriceOverride(Terms):
    """Rates (class of ``rates.CLASSES`` → USD per million tokens, or per second, image, request) in place of the list's; others stay."""

    rates: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Contract(Terms):
    """A share taken off every part of the list price."""

    discount: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class GpuPrice(Terms):
    """A model on own GPUs, amortised: GPUs x USD an hour / tokens an hour at the stated utilisation."""

    gpu_hour_usd: Decimal
    gpus: int = 1
    input_tokens_per_s: Decimal
    output_tokens_per_s: Decimal
    utilisation: Decimal = Decimal(1)

    def rates(self) -> dict[str, Decimal]:
        """USD per million tokens, twelve places."""
        per_s = self.gpu_hour_usd * self.gpus / 3600 / (self.utilisation or Decimal(1))
        both = {"input": self.input_tokens_per_s, "output": self.output_tokens_per_s}
        return {name: (per_s / speed * 1_000_000).quantize(Decimal("1e-12")) for name, speed in both.items() if speed > 0}


@dataclass(frozen=True)
class ModelAlias:
    """What a deployment or alias name really is."""

    model: str
    provider: str = ""


@dataclass(frozen=True)
class TierRule:
    """Calls whose fields match (field → alternatives, wildcards) get this tier."""

    tier: str
    match: Mapping[str, tuple[str, ...]]

    def fits(self, fields: Mapping[str, str]) -> bool:
        """Does this rule speak of a call with these fields?"""
        return all(any(matches(glob, fields.get(name, "")) for glob in globs) for name, globs in self.match.items())


@dataclass(frozen=True)
class TierRules:
    """Model tiers: rules first, then local providers, then the price of a million output (else input) tokens."""

    rules: tuple[TierRule, ...] = ()
    local: frozenset[str] = LOCAL
    premium_from_usd_per_mtok: Decimal = Decimal(8)

    @property
    def personal(self) -> bool:
        """True when a rule looks at more than provider and model, so that tiers differ between callers."""
        return any(rule.match.keys() - {"provider", "model"} for rule in self.rules)

    def of(self, fields: Mapping[str, str], local: bool, rates: Mapping[str, Decimal]) -> str:
        """Tier of a call with these fields under these rates (USD per million tokens)."""
        for rule in self.rules:
            if rule.fits(fields):
                return rule.tier
        if local or fields.get("provider", "").lower().replace("_", "-") in self.local:
            return "free/local"
        price = rates.get("output", rates.get("input", Decimal(0)))
        return "premium" if price >= self.premium_from_usd_per_mtok else "standard"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a price is asked for: the part of a call that rates depend on, besides time and usage."""

    provider: str
    model: str
    model_requested: str = ""
    service_tier: str = ""
    region: str = ""
    server: str = ""
    tenant: str = ""
    app: str = ""
