"""What the engine has added up, finished in Polars: an expression costs the engine 0.1 to 1 ms to plan for each layer it stands in, and us less."""

from __future__ import annotations

import polars as pl

_BUCKET = 1.02  # a latency bucket b is (1.02^(b-1), 1.02^b] ms


def share(count: pl.Expr, of: pl.Expr) -> pl.Expr:
    """``count / of``; null where there is nothing to divide by."""
    return pl.when(of != 0).then(count / of)


def quantile_ms(of: str, i: int) -> pl.Expr:
    """The 50, 90 or 99 % quantile (``i`` 0, 1, 2) of a ``…_quantiles`` column: ([bucket at each], values); Float64, null without values."""
    bucket = pl.col(of).struct.field("1").list.get(i, null_on_oob=True).cast(pl.Float64)
    return pl.when(pl.col(of).struct.field("2") > 0).then(pl.lit(_BUCKET).pow(bucket - 0.5))
