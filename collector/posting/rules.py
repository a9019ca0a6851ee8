"""What posting needs to know besides the spans: prices, the app registry, tiers, what to do with gateways.

:func:`rules_from` makes it of the policy file; everything else here is plain values, so that posting stays a pure function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Literal

from collector.pricing import Contract, GpuPrice, ModelAlias, PriceBook, PriceOverride, TierRule, TierRules
from collector.pricing.editions import Edition
from collector.pricing.terms import matches
from spanledger.policy import Policy
from spanledger.policy.base import Match


@dataclass(frozen=True)
class AppEntry:
    """One registered app. ``tenant`` is the sealed (hashed) tenant, as entries carry it."""

    team: str = ""
    owner: str = ""
    cost_centre: str = ""
    tenant: str = ""
    env: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class GatewayRule:
    """Which side tells a call that a gateway and its caller report without a common id.

    ``prefer_client`` sets the gateway's entry aside, ``prefer_gateway`` the coding agent's; ``match`` is about the entry set aside.
    """

    policy: Literal["prefer_client", "prefer_gateway", "keep_both"]
    match: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fits(self, fields: Mapping[str, str]) -> bool:
        """Does this rule speak of an entry with these fields?"""
        return all(any(matches(glob, fields.get(name, "")) for glob in globs) for name, globs in self.match.items())


@dataclass(frozen=True)
class PostingRules:
    """Everything that posting looks at besides a family's spans. Build one and keep it: the price book remembers resolved rates."""

    prices: PriceBook = field(default_factory=PriceBook.load)
    apps: Mapping[str, AppEntry] = field(default_factory=dict)
    tiers: TierRules | None = None  # those of the price book when None
    gateways: tuple[GatewayRule, ...] = ()
    estimate_missing: bool = False  # estimate tokens of billed calls that report none
    prefer_supplied: bool = False  # take a client's own cost figure also where a price is known
    _known: dict[str, tuple[str, AppEntry | None]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def tier_rules(self) -> TierRules:
        """The tier rules in force."""
        return self.tiers or self.prices.tiers

    def app(self, name: str) -> tuple[str, AppEntry | None]:
        """App id and registry entry for a name in telemetry: the id itself, else an alias, else as told and unregistered."""
        found = self._known.get(name)
        if found is None:
            if len(self._known) > 10_000:
                self._known.clear()
            found = self._known[name] = self._find(name)
        return found

    def _find(self, name: str) -> tuple[str, AppEntry | None]:
        if name in self.apps:
            return name, self.apps[name]
        for app, entry in self.apps.items():
            if any(fnmatchcase(name, alias) for alias in entry.aliases):
                return app, entry
        return name, None


_RATES = {
    "input": "input_usd_per_mtok", "output": "output_usd_per_mtok", "cache_read": "cache_read_usd_per_mtok",
    "cache_write": "cache_write_usd_per_mtok", "cache_write_1h": "cache_write_1h_usd_per_mtok", "audio_in": "audio_in_usd_per_mtok",
    "audio_out": "audio_out_usd_per_mtok", "image": "image_usd", "audio_second": "audio_second_usd", "request": "request_usd",
}  # fmt: skip


def rules_from(policy: Policy, seal_tenant: Callable[[str], str] = lambda tenant: tenant, editions: Sequence[Edition] = ()) -> PostingRules:
    """Posting rules of a policy.

    Args:
        policy: the validated policy file.
        seal_tenant: how the collector hashes tenant names before storage, so that registry tenants equal those on spans.
        editions: later editions of the price list (``collector.pricing.editions``).
    """
    prices, tiers = policy.prices, policy.tiers
    overrides = [
        PriceOverride(
            id=o.id, provider=o.provider, model=o.model, since=o.since, until=o.until,
            rates={name: getattr(o, key) for name, key in _RATES.items() if getattr(o, key) is not None},
        )
        for o in prices.overrides
    ]  # fmt: skip
    contracts = [Contract(id=c.id, provider=c.provider, model=c.model, since=c.since, until=c.until, discount=c.discount) for c in prices.contracts]
    gpu = [
        GpuPrice(
            id=g.id, provider=g.provider, model=g.model, since=g.since, until=g.until, gpu_hour_usd=g.gpu_hour_usd, gpus=g.gpus,
            input_tokens_per_s=Decimal(str(g.input_tokens_per_s)), output_tokens_per_s=Decimal(str(g.output_tokens_per_s)),
            utilisation=g.utilisation,
        )
        for g in prices.self_hosted
    ]  # fmt: skip
    tier_rules = TierRules(
        rules=tuple(TierRule(r.tier, _globs(r.match)) for r in tiers.rules),
        local=TierRules().local | {p.lower().replace("_", "-") for p in tiers.local_providers},
        premium_from_usd_per_mtok=Decimal(str(tiers.premium_from_usd_per_mtok)),
    )
    aliases = {name: ModelAlias(a.model, a.provider) for name, a in policy.aliases.items()}
    return PostingRules(
        prices=PriceBook.load(overrides, contracts, gpu, aliases, tier_rules, editions),
        apps={
            app: AppEntry(a.team, a.owner, a.cost_centre, seal_tenant(a.tenant) if a.tenant else "", a.env, tuple(a.aliases))
            for app, a in policy.apps.items()
        },
        gateways=tuple(GatewayRule(g.policy, _globs(g.match)) for g in policy.gateways),
        estimate_missing=prices.estimate_missing_usage,
        prefer_supplied=prices.prefer_supplied,
    )


def _globs(match: Match) -> dict[str, tuple[str, ...]]:
    return {name: tuple(globs) for name, globs in match.patterns().items()}
