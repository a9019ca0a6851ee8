"""The price book: list prices of the bundled ``genai-prices`` snapshot by event time, then the organisation's own terms.

Rates are resolved once per (provider, model, context, UTC day) and kept; a call's cost is then integer arithmetic. Nothing is priced by
a silent guess: what the book does not know is ``unpriced``, what it knows in part is ``partial``, and ``price_id`` names the list entry,
its tier and every term applied. Sources of the traps handled here: research/peers.md §3.5, ``docs/prices.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import Literal

import msgspec
from genai_prices.types import ModelInfo, ModelPrice, PriceVariant, Provider, StartDateConstraint, TimeOfDateConstraint

from collector.pricing.editions import Edition, in_force
from collector.pricing.names import PRICE_LISTS, model_names, providers_for
from collector.pricing.rates import ZERO, Band, Nanos, bands_of, usd
from collector.pricing.terms import Ask, Contract, GpuPrice, ModelAlias, PriceOverride, TierRules
from spanledger.model import CostSource, Usage

BOOK_VERSION = version("genai-prices")
#: The list that the package brings: in force until a later edition is.
BUNDLED = Edition(date.min, BOOK_VERSION, "packaged", PRICE_LISTS)
_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)
_STANDARD = frozenset({"", "standard", "default", "auto", "on_demand", "on-demand", "ondemand", "standard_only"})
#: Context keys of the book's price variants for a service tier.
_CONTEXTS: dict[str, tuple[Mapping[str, str], ...]] = {
    "batch": ({"processing": "batch"}, {"service_tier": "batch"}),
    "fast": ({"service_tier": "fast"}, {"speed": "fast"}),
}
_WHISPER = ("whisper-large-v3", "whisper-large-v3-turbo")
_NO_USAGE = Usage()


class Priced(msgspec.Struct, frozen=True):
    """Cost of one call in USD with nine places; the parts sum to the total."""

    total: Decimal = ZERO
    input: Decimal = ZERO  # uncached
    cache_read: Decimal = ZERO
    cache_write: Decimal = ZERO
    output: Decimal = ZERO
    other: Decimal = ZERO  # audio, images, requests
    price_id: str = ""
    source: CostSource = "unpriced"
    tier: str = "standard"


@dataclass(slots=True)
class Rates:
    """Rates in force for one :class:`Ask` on one UTC day; ``slots``: by time of day, else one slot for the whole day."""

    slots: tuple[tuple[int, tuple[Band, ...]], ...]  # (from this microsecond of the day, bands longest first), latest first
    price_id: str
    source: Literal["computed", "partial", "unpriced"]
    tier: str
    min_audio_s: float = 0.0

    def band(self, us_of_day: int, n_in: int) -> Band:
        """The rates at a time of day for a call with so many input tokens."""
        bands = self.slots[0][1] if len(self.slots) == 1 else next(b for start, b in self.slots if us_of_day >= start)
        return bands[0] if len(bands) == 1 else next(b for b in bands if n_in > b.start)

    def cost(self, usage: Usage, us_of_day: int) -> Nanos:
        """Nano-USD of a call at a time of day."""
        return self.band(us_of_day, usage.input or 0).cost(usage, min_audio_s=self.min_audio_s)


class PriceBook:
    """List prices and the organisation's terms. Immutable but for its cache; :meth:`load` makes one."""

    def __init__(
        self,
        overrides: Sequence[PriceOverride] = (),
        contracts: Sequence[Contract] = (),
        gpu: Sequence[GpuPrice] = (),
        aliases: Mapping[str, ModelAlias] | None = None,
        tiers: TierRules | None = None,
        editions: Sequence[Edition] = (),
    ) -> None:
        self.editions = tuple(sorted(editions, key=lambda e: e.since))
        self.overrides, self.contracts, self.gpu = tuple(overrides), tuple(contracts), tuple(gpu)
        self.aliases = {k.lower(): v for k, v in (aliases or {}).items()}
        self.tiers = tiers or TierRules()
        #: True when terms look at tenant or app: only then are these part of what rates are kept by.
        self.personal = any(t.tenant or t.app for t in (*self.overrides, *self.contracts, *self.gpu))
        self._kept: dict[tuple[str, ...] | tuple[int | str, ...], Rates] = {}

    @classmethod
    def load(
        cls,
        overrides: Sequence[PriceOverride] = (),
        contracts: Sequence[Contract] = (),
        gpu: Sequence[GpuPrice] = (),
        aliases: Mapping[str, ModelAlias] | None = None,
        tiers: TierRules | None = None,
        editions: Sequence[Edition] = (),
    ) -> PriceBook:
        """The bundled snapshot (no network), later editions of it from their day on, and these terms; later terms win over earlier ones."""
        return cls(overrides, contracts, gpu, aliases, tiers, editions)

    def price(
        self,
        *,
        provider: str,
        model: str,
        model_requested: str = "",
        at: datetime,
        usage: Usage,
        service_tier: str = "",
        region: str = "",
        server: str = "",
        tenant: str = "",
        app: str = "",
    ) -> Priced:
        """Cost of one call at its own time (naive times are UTC)."""
        aware = at if at.tzinfo else at.replace(tzinfo=UTC)
        ts_us = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        rates = self.rates(provider, model, model_requested, service_tier, region, server, ts_us, tenant, app)
        return priced(rates, usage, ts_us)

    def tier(self, provider: str, model: str, at: datetime) -> str:
        """``free/local``, ``standard`` or ``premium`` (or what a tier rule says)."""
        return self.price(provider=provider, model=model, at=at, usage=_NO_USAGE).tier

    def rates(
        self,
        provider: str,
        model: str,
        model_requested: str,
        service_tier: str,
        region: str,
        server: str,
        ts_us: int,
        tenant: str = "",
        app: str = "",
    ) -> Rates:
        """Rates in force at ``ts_us`` (microseconds since the epoch), from the cache when asked before for the same day."""
        day = ts_us // _DAY_US
        key = (provider, model, model_requested, service_tier, region, server, day)
        if self.personal:
            key = (*key, tenant, app)
        rates = self._kept.get(key)
        if rates is None:
            if len(self._kept) > 100_000:
                self._kept.clear()
            ask = Ask(provider, model, model_requested, service_tier, region, server, tenant, app)
            rates = self._kept[key] = self._resolve(ask, _EPOCH + timedelta(days=max(-700_000, min(day, 2_900_000))))
        return rates

    def _resolve(self, ask: Ask, day: date) -> Rates:
        alias = self.aliases.get(ask.model.lower()) or self.aliases.get(ask.model_requested.lower())
        if alias is not None:
            ask = Ask(alias.provider or ask.provider, alias.model, ask.model_requested, ask.service_tier, ask.region, ask.server, ask.tenant, ask.app)
        listed = self._listed(ask, day)
        return self._with_terms(listed, ask, day)

    def _listed(self, ask: Ask, day: date) -> Rates:
        """List price, before the organisation's terms."""
        edition = in_force(self.editions, day) or BUNDLED
        lists = providers_for(ask.provider, ask.model or ask.model_requested, ask.server)
        if not lists and ask.provider.lower() in edition.lists:
            lists = (ask.provider.lower(),)  # a provider that only the later edition knows
        fields = {"provider": ask.provider, "model": ask.model or ask.model_requested}
        if lists and lists[0] == "local":
            return self._free(f"free:{ask.provider.lower()}", fields)
        for asked, name in ((ask.model, "answered"), (ask.model_requested, "requested")):
            for key in lists:
                found = find_model(key, asked, edition.lists) if key in edition.lists else None
                if found is not None:
                    if key == "openrouter" and found.id.endswith(":free"):
                        return self._free(f"free:openrouter:{found.id}", fields)
                    return self._of_book(edition, key, found, ask, day, fallback=name == "requested" and bool(ask.model))
        return Rates(((0, (Band({}),)),), "", "unpriced", self.tiers.of(fields, False, {}))

    def _free(self, price_id: str, fields: Mapping[str, str]) -> Rates:
        nothing: dict[str, Decimal] = {"input": Decimal(0), "output": Decimal(0)}
        return Rates(((0, (Band(nothing),)),), price_id, "computed", self.tiers.of(fields, True, nothing))

    def _of_book(self, edition: Edition, key: str, model: ModelInfo, ask: Ask, day: date, *, fallback: bool) -> Rates:
        at_noon = datetime.combine(day, time(12), UTC)
        context, known_tier = price_context(key, model, ask.service_tier, at_noon, edition.lists)
        slots = tuple((us, bands_of(model.get_prices(when, context))) for us, when in _times_of_day(model, day))
        fields = {"provider": ask.provider or key, "model": ask.model or ask.model_requested}
        rates = slots[0][1][-1].told
        if not any(b.told for _, bands in slots for b in bands):
            return Rates(((0, (Band({}),)),), "", "unpriced", self.tiers.of(fields, False, {}))
        marks = [key, model.id, _valid_from(model, at_noon)]
        if context:
            marks.append(next(iter(context.values())))
        source = "computed" if known_tier and not fallback else "partial"
        min_audio_s = 10.0 if key == "groq" and model.id in _WHISPER else 0.0
        price_id = f"genai-prices/{edition.version}/" + "/".join(marks)
        return Rates(slots, price_id, source, self.tiers.of(fields, False, rates), min_audio_s)

    def _with_terms(self, listed: Rates, ask: Ask, day: date) -> Rates:
        """Overrides win over own GPUs, these over contracts on list prices; of several the later."""
        override = next((t for t in reversed(self.overrides) if t.apply(ask, day)), None)
        gpu = next((t for t in reversed(self.gpu) if t.apply(ask, day)), None)
        contract = next((t for t in reversed(self.contracts) if t.apply(ask, day)), None)
        fields = {"provider": ask.provider, "model": ask.model or ask.model_requested}
        rates = listed
        if gpu is not None:
            own = gpu.rates()
            rates = Rates(((0, (Band(own),)),), f"gpu:{gpu.name}", "computed", self.tiers.of(fields, True, own))
        elif contract is not None and listed.source != "unpriced":
            share = 1 - contract.discount
            slots = tuple((us, tuple(Band({n: r * share for n, r in b.told.items()}, b.start) for b in bands)) for us, bands in listed.slots)
            rates = Rates(slots, f"{listed.price_id}+contract:{contract.name}", listed.source, listed.tier, listed.min_audio_s)
        if override is not None:
            slots = tuple((us, tuple(Band({**b.told, **override.rates}, b.start) for b in bands)) for us, bands in rates.slots)
            kept = f"{rates.price_id}+" if rates.price_id else ""
            source = "computed" if rates.source == "unpriced" else rates.source
            tier = self.tiers.of(fields, rates.tier == "free/local", slots[0][1][-1].told)
            rates = Rates(slots, f"{kept}override:{override.name}", source, tier, rates.min_audio_s)
        return rates


def priced(rates: Rates, usage: Usage, ts_us: int) -> Priced:
    """What a call with this usage cost under these rates."""
    if rates.source == "unpriced":
        return Priced(source="unpriced", tier=rates.tier)
    total, c_in, c_read, c_write, c_out, c_other, partial = rates.cost(usage, ts_us % _DAY_US)
    source = "partial" if partial else rates.source
    if partial and not total and not usage.empty:  # nothing of it could be priced
        return Priced(source="unpriced", tier=rates.tier)
    return Priced(usd(total), usd(c_in), usd(c_read), usd(c_write), usd(c_out), usd(c_other), rates.price_id, source, rates.tier)


def find_model(key: str, model: str, lists: Mapping[str, Provider] = PRICE_LISTS) -> ModelInfo | None:
    """The book's entry for a model name in one price list, by the book's own matching, then by shorter spellings."""
    if not model:
        return None
    everything = list(lists.values())
    for name in model_names(model):
        found = lists[key].find_model(name, all_providers=everything)
        if found is not None:
            return found
    return None


def price_context(
    key: str, model: ModelInfo, service_tier: str, at: datetime, lists: Mapping[str, Provider] = PRICE_LISTS
) -> tuple[Mapping[str, str], bool]:
    """The book's context for a service tier, and whether the book prices this model under it (else its standard price is a guess)."""
    tier = service_tier.strip().lower()
    if tier in _STANDARD:
        return {}, True
    if any(m is model for m in lists[key].models):
        for context in _CONTEXTS.get(tier, ({"service_tier": tier}, {"processing": tier}, {"speed": tier})):
            if any(_fits(v, context, at) for v in model.price_variants or ()):
                return context, True
    return {}, False


def _fits(variant: PriceVariant, context: Mapping[str, str], at: datetime) -> bool:
    in_force = variant.constraint is None or isinstance(variant.constraint, TimeOfDateConstraint) or variant.constraint.active(at)
    return in_force and all(context.get(k) == v for k, v in variant.when.items())


def _times_of_day(model: ModelInfo, day: date) -> list[tuple[int, datetime]]:
    """(microsecond of the day, moment) from which other prices may be in force that day, latest first; one when they do not change."""
    if isinstance(model.prices, ModelPrice):
        edges: set[time] = set()
    else:
        timed = [c.constraint for c in model.prices if isinstance(c.constraint, TimeOfDateConstraint)]
        edges = {t for c in timed for t in (c.start_time, c.end_time)}
    edges |= {
        t
        for v in model.price_variants or ()
        if isinstance(v.constraint, TimeOfDateConstraint)
        for t in (v.constraint.start_time, v.constraint.end_time)
    }
    midnight = datetime.combine(day, time(0), UTC)
    moments = {midnight} | {datetime.combine(day, t.replace(tzinfo=None), t.tzinfo or UTC).astimezone(UTC) for t in edges}
    offsets = {(m - midnight) // timedelta(microseconds=1) % _DAY_US for m in moments}
    return [(us, midnight + timedelta(microseconds=us)) for us in sorted(offsets, reverse=True)]


def _valid_from(model: ModelInfo, at: datetime) -> str:
    """Day since which the price in force holds; ``list`` when the book tells none."""
    if isinstance(model.prices, ModelPrice):
        return "list"
    for c in reversed(model.prices):
        if c.constraint is None or c.constraint.active(at):
            return str(c.constraint.start_date) if isinstance(c.constraint, StartDateConstraint) else "list"
    return "list"


__all__ = ["BOOK_VERSION", "PriceBook", "Priced", "Rates", "find_model", "price_context", "priced"]
