"""Prices of whole columns: rates once per (provider, model, context, day), then integer arithmetic on arrays.

Equal to :meth:`PriceBook.price` row by row, to the last digit (property test): rows whose usage needs more than plain text-token
arithmetic take that way.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa

from collector.pricing.book import PriceBook, Rates, priced
from collector.pricing.rates import Band
from spanledger.model import Usage

_DAY_US = 86_400_000_000
_CONTEXT = ("provider", "model", "model_requested", "service_tier", "region", "server", "tenant", "app")
_PLAIN = ("tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write", "tokens_cache_write_1h")
_RARE = {
    "tokens_reasoning": "reasoning", "tokens_audio_in": "audio_in", "tokens_audio_out": "audio_out", "images": "images",
    "audio_seconds": "audio_seconds", "characters": "characters",
}  # fmt: skip
_USAGE = dict(zip(_PLAIN, ("input", "output", "cache_read", "cache_write", "cache_write_1h"), strict=True)) | _RARE
_COSTS = ("cost_estimate_usd", "cost_in_usd", "cost_cache_read_usd", "cost_cache_write_usd", "cost_out_usd", "cost_other_usd")


def price_columns(book: PriceBook, calls: pl.DataFrame) -> pl.DataFrame:
    """Costs of many calls.

    Args:
        calls: columns of table ``calls`` (``ts_us`` Int64, ``provider``, ``model``, token counts, …); columns that are missing count as
            empty or zero. ``tenant`` and ``app`` matter to terms that name them.

    Returns:
        One row per call in order: the six cost columns (Decimal(18, 9)), ``cost_source``, ``price_id``, ``model_tier``.
    """
    n = calls.height
    nanos = np.zeros((6, n), np.int64)
    source, price_id, tier = np.full(n, "", object), np.full(n, "", object), np.full(n, "", object)
    told = calls.with_columns(
        [pl.lit("").alias(c) for c in _CONTEXT if c not in calls.columns] + [pl.lit(0).alias(c) for c in _USAGE if c not in calls.columns],
    ).with_columns(pl.col("ts_us").floordiv(_DAY_US).alias("day"), pl.int_range(n).alias("row"))
    counts = {c: told[c].fill_null(0).to_numpy() for c in _USAGE}
    at = told["ts_us"].to_numpy()
    names = [*_CONTEXT[:6], "day"] + (["tenant", "app"] if book.personal else [])
    for group in told.group_by(names).agg(pl.col("row")).iter_rows(named=True):
        rows = np.asarray(group["row"])
        asked = {c: group[c] for c in names if c != "day"}
        rates = book.rates(ts_us=int(at[rows[0]]), **asked)
        tier[rows] = rates.tier
        left = rows if rates.source == "unpriced" else rows[~price_rows(rates, rows, counts, at, nanos)]
        done = rows if left.size == 0 else np.setdiff1d(rows, left, assume_unique=True)
        source[done], price_id[done] = rates.source, rates.price_id
        for row in left.tolist():
            one = priced(rates, _usage(counts, row), int(at[row]))
            nanos[:, row] = [int(v.scaleb(9)) for v in (one.total, one.input, one.cache_read, one.cache_write, one.output, one.other)]
            source[row], price_id[row] = one.source, one.price_id
    costs = {name: _usd(nanos[i]) for i, name in enumerate(_COSTS)}
    return pl.DataFrame({**costs, "cost_source": source.tolist(), "price_id": price_id.tolist(), "model_tier": tier.tolist()})


def price_rows(rates: Rates, rows: np.ndarray, counts: Mapping[str, np.ndarray], at: np.ndarray, nanos: np.ndarray) -> np.ndarray:
    """Price those rows that are plain text-token calls at these rates; True where done.

    Args:
        rows: which rows; counts: token columns by name, other units where there are any; at: start, microseconds since the epoch.
        nanos: (6, n) integers of 1e-9 USD in the order of the cost columns; filled at the rows that are done.
    """
    done = np.zeros(rows.size, bool)
    plain = np.ones(rows.size, bool)
    for name in _RARE:
        if name != "tokens_reasoning" and name in counts:
            plain &= counts[name][rows] == 0
    later = np.full(rows.size, _DAY_US, np.int64)
    for start, bands in rates.slots:
        of_day = at[rows] % _DAY_US
        in_slot = (of_day >= start) & (of_day < later)
        later = np.full(rows.size, start, np.int64)
        above = np.zeros(rows.size, bool)
        for band in bands:
            here = in_slot & (counts["tokens_in"][rows].astype(np.int64) > band.start) & ~above
            above |= here
            mine = here & plain
            if band.nano is not None and mine.any():
                done[mine] = _price(band, rows[mine], counts, nanos)
    return done


def _price(band: Band, rows: np.ndarray, counts: Mapping[str, np.ndarray], nanos: np.ndarray) -> np.ndarray:
    """``Band._quick`` on arrays; False where it does not apply."""
    r_in, r_out, r_read, r_write, r_write_1h = band.nano  # type: ignore[misc]
    n_in, n_out, read, write, write_1h = (counts[c][rows].astype(np.int64) for c in _PLAIN)
    rest, c_read, c_write = n_in.copy(), np.zeros_like(n_in), np.zeros_like(n_in)
    ok = np.ones(rows.size, bool) if r_out >= 0 else n_out == 0
    if r_read is not None:
        rest -= read
        c_read = read * r_read
    if r_write is not None:
        rest -= write
        c_write = write * r_write
    ok &= (rest >= 0) & (write_1h <= write)
    if r_write is not None and r_write_1h is not None:
        c_write += write_1h * (r_write_1h - r_write)
    c_in, c_out = rest * r_in, n_out * max(r_out, 0)
    at = rows[ok]
    for i, part in enumerate((c_in + c_read + c_write + c_out, c_in, c_read, c_write, c_out)):
        nanos[i, at] = part[ok]
    return ok


def _usage(counts: dict[str, np.ndarray], row: int) -> Usage:
    return Usage(**{name: counts[column][row].item() or None for column, name in _USAGE.items()})


def _usd(nanos: np.ndarray) -> pl.Series:
    """Integers of 1e-9 USD as Decimal(18, 9), exact: the same 128-bit words with another scale."""
    words = np.empty((nanos.size, 2), np.int64)
    words[:, 0], words[:, 1] = nanos, nanos >> 63
    series = pl.from_arrow(pa.Array.from_buffers(pa.decimal128(18, 9), nanos.size, [None, pa.py_buffer(words.tobytes())]))
    assert isinstance(series, pl.Series)
    return series
