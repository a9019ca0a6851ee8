"""Charges as rows of the FinOps Open Cost and Usage Specification (FOCUS) 1.2, dataset *Cost and Usage*.

https://focus.finops.org/focus-specification/v1-2/. Money stays Decimal. What the mapping means is in ``docs/focus.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

VERSION = "1.2"
MONEY = pl.Decimal(38, 9)
QUANTITY = pl.Decimal(38, 0)
MOMENT = pl.Datetime("us", "UTC")


class Meter(NamedTuple):
    """A part of a call's usage that is charged for: its name, unit, and how a row of charges tells cost and quantity."""

    name: str
    unit: str
    cost: pl.Expr
    quantity: pl.Expr


def _tokens(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int64)


_PARTS = ("cost_in_usd", "cost_cache_read_usd", "cost_cache_write_usd", "cost_out_usd")
#: What is left of the total is charged per request: audio, images, requests, and costs that came as one figure. So the parts always sum to it.
METERS = (
    Meter(
        "Input Tokens", "Tokens", pl.col("cost_in_usd"),
        pl.max_horizontal(_tokens("tokens_in") - _tokens("tokens_cache_read") - _tokens("tokens_cache_write"), 0),
    ),
    Meter("Cached Input Tokens", "Tokens", pl.col("cost_cache_read_usd"), _tokens("tokens_cache_read")),
    Meter("Cache Write Tokens", "Tokens", pl.col("cost_cache_write_usd"), _tokens("tokens_cache_write")),
    Meter("Output Tokens", "Tokens", pl.col("cost_out_usd"), _tokens("tokens_out")),
    Meter("Requests", "Requests", pl.col("cost_usd") - pl.sum_horizontal(*_PARTS), pl.col("billed_calls").cast(pl.Int64)),
)  # fmt: skip

#: FOCUS column → type, in the order of the file; then our own, with the prefix that the specification asks for.
COLUMNS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "BilledCost": MONEY, "BillingAccountId": pl.String, "BillingAccountName": pl.String, "BillingCurrency": pl.String, "BillingPeriodEnd": MOMENT,
    "BillingPeriodStart": MOMENT, "ChargeCategory": pl.String, "ChargeClass": pl.String, "ChargeDescription": pl.String,
    "ChargeFrequency": pl.String, "ChargePeriodEnd": MOMENT, "ChargePeriodStart": MOMENT, "ConsumedQuantity": QUANTITY, "ConsumedUnit": pl.String,
    "ContractedCost": MONEY, "EffectiveCost": MONEY, "InvoiceIssuerName": pl.String, "ListCost": MONEY, "PricingCategory": pl.String,
    "PricingQuantity": QUANTITY, "PricingUnit": pl.String, "ProviderName": pl.String, "PublisherName": pl.String, "ServiceCategory": pl.String,
    "ServiceName": pl.String, "ServiceSubcategory": pl.String, "SkuId": pl.String, "SkuMeter": pl.String, "SkuPriceId": pl.String,
    "SubAccountId": pl.String, "SubAccountName": pl.String, "Tags": pl.String,
    "x_App": pl.String, "x_BilledCalls": pl.UInt64, "x_CostSource": pl.String, "x_Model": pl.String, "x_ModelTier": pl.String,
    "x_TenantHash": pl.String,
}  # fmt: skip


class Month(NamedTuple):
    """A billing period: half-open, UTC."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, text: str) -> Month:
        """``2026-11``; ValueError: no month."""
        start = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        return cls(start, start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1))


def rows(charges: pl.DataFrame, month: Month, cost_centres: Mapping[str, str]) -> pl.DataFrame:
    """The columns :data:`COLUMNS`, a row for each charge and meter; their ``BilledCost`` sums to the charges' ``cost_usd``.

    Args:
        charges: as :func:`warehouse.queries.charges` gives them.
        month: the billing period.
        cost_centres: of apps that have one.
    """
    tags = ["app", "team", "model_tier", "tenant", "env"]
    who = charges.select(tags).unique()
    told = [_tags(row, cost_centres) for row in who.iter_rows(named=True)]
    wide = charges.join(who.with_columns(Tags=pl.Series(told, dtype=pl.String)), on=tags, how="left", nulls_equal=True)
    metered = pl.concat([_metered(wide, meter) for meter in METERS])
    provider, model = _named("provider", "unknown"), _named("model", "unknown")
    cost = pl.col("cost").cast(MONEY)
    begins = pl.col("day").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    quantity = pl.col("quantity").cast(QUANTITY)
    sku = pl.concat_str(provider, model, pl.col("meter").str.to_lowercase().str.replace_all(" ", "-"), separator="/")
    found = metered.select(
        BilledCost=cost,
        BillingAccountId=_named("project", "default"),
        BillingAccountName=_named("project", "default"),
        BillingCurrency=pl.lit("USD"),
        BillingPeriodEnd=pl.lit(month.end),
        BillingPeriodStart=pl.lit(month.start),
        ChargeCategory=pl.lit("Usage"),
        ChargeClass=pl.lit(None, pl.String),
        ChargeDescription=pl.concat_str(model, pl.lit(" at "), provider, pl.lit(": "), pl.col("meter").str.to_lowercase()),
        ChargeFrequency=pl.lit("Usage-Based"),
        ChargePeriodEnd=begins + pl.duration(days=1),
        ChargePeriodStart=begins,
        ConsumedQuantity=quantity,
        ConsumedUnit=pl.col("unit"),
        ContractedCost=cost,
        EffectiveCost=cost,
        InvoiceIssuerName=provider,
        ListCost=cost,
        PricingCategory=pl.lit("Standard"),
        PricingQuantity=quantity,
        PricingUnit=pl.col("unit"),
        ProviderName=provider,
        PublisherName=provider,
        ServiceCategory=pl.lit("AI and Machine Learning"),
        ServiceName=pl.concat_str(provider, pl.lit(" models")),
        ServiceSubcategory=pl.lit("Generative AI"),
        SkuId=sku,
        SkuMeter=pl.col("meter"),
        SkuPriceId=sku,
        SubAccountId=_or_null("team"),
        SubAccountName=_or_null("team"),
        Tags=pl.col("Tags"),
        x_App=_or_null("app"),
        x_BilledCalls=pl.col("billed_calls"),
        x_CostSource=pl.col("cost_source"),
        x_Model=_or_null("model"),
        x_ModelTier=_or_null("model_tier"),
        x_TenantHash=_or_null("tenant"),
    )
    return found.cast(dict(COLUMNS)).sort("ChargePeriodStart", "SkuId", "SubAccountId", "x_App")  # type: ignore[arg-type]


def _metered(charges: pl.DataFrame, meter: Meter) -> pl.DataFrame:
    """Charges with this meter's cost and quantity; only where it says something. Requests that were not charged as such stand for
    billed calls of which nothing else is known."""
    found = charges.with_columns(cost=meter.cost.cast(MONEY), quantity=meter.quantity, meter=pl.lit(meter.name), unit=pl.lit(meter.unit))
    if meter.unit == "Tokens":
        return found.filter((pl.col("cost") != 0) | (pl.col("quantity") > 0))
    silent = (pl.col("billed_calls") > 0) & (pl.col("tokens_in") + pl.col("tokens_out") == 0)
    return found.filter((pl.col("cost") != 0) | silent)


def _tags(row: Mapping[str, str], cost_centres: Mapping[str, str]) -> str:
    told = {
        "app": row["app"], "cost_centre": cost_centres.get(row["app"], ""), "env": row["env"], "team": row["team"],
        "spanledger/model_tier": row["model_tier"], "spanledger/tenant_hash": row["tenant"],
    }  # fmt: skip
    return json.dumps({name: value for name, value in told.items() if value}, ensure_ascii=False)


def _named(column: str, otherwise: str) -> pl.Expr:
    return pl.when(pl.col(column) != "").then(pl.col(column)).otherwise(pl.lit(otherwise))


def _or_null(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != "").then(pl.col(column))
