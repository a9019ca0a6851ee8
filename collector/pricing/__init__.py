"""Pricing: what a provider call cost, by its own time, exactly, and from which price.

In: who answered (provider, model, service tier, server), when, and the usage. Out: :class:`Priced`, USD with nine places and parts that
sum to it, with the price's id and whether it is ``computed``, ``partial`` or ``unpriced``. Open ``book.py`` first; ``names.py`` knows what
senders call things, ``rates.py`` the arithmetic, ``terms.py`` what the organisation agreed, ``columns.py`` the same for whole columns.
"""

from collector.pricing.book import BOOK_VERSION, PriceBook, Priced, Rates, priced
from collector.pricing.columns import price_columns
from collector.pricing.names import price_list_id, stripped
from collector.pricing.rates import ZERO, usd
from collector.pricing.terms import Contract, GpuPrice, ModelAlias, PriceOverride, TierRule, TierRules

__all__ = [
    "BOOK_VERSION", "ZERO", "Contract", "GpuPrice", "ModelAlias", "PriceBook", "PriceOverride", "Priced", "Rates", "TierRule", "TierRules",
    "price_columns", "price_list_id", "priced", "stripped", "usd",
]  # fmt: skip
