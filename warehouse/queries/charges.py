"""Charges of a window as a cost and usage report needs them: by day, what was called, who pays, and how sure the price is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from warehouse.queries.ask import Scope, frame
from warehouse.queries.sources import composed

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CHARGED_BY = ("day", "project", "provider", "model", "app", "team", "model_tier", "tenant", "env", "cost_source")
_MEASURES = (
    "calls", "billed_calls", "tokens_in", "tokens_cache_read", "tokens_cache_write", "tokens_out", "cost_usd", "cost_in_usd", "cost_cache_read_usd",
    "cost_cache_write_usd", "cost_out_usd", "priced_calls", "partial_calls", "unpriced_calls", "usage_missing",
)  # fmt: skip


def charges(client: Client, scope: Scope) -> pl.DataFrame:
    """One row per group of :data:`CHARGED_BY`, in their order: counts UInt64, ``cost_usd`` and its parts Decimal(38, 9).

    The sum of ``cost_usd`` is that of :func:`~warehouse.queries.spend` of the same window: both are sums of all entries.
    """
    return frame(client, *composed(client, CHARGED_BY, scope, _MEASURES)).sort(CHARGED_BY)
