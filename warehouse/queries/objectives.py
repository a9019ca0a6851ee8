"""What an objective counts: bad and all calls (or answers) per group of a window, from the same rollups as everything else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import polars as pl

from warehouse.queries.answers import quality
from warehouse.queries.ask import Scope, frame
from warehouse.queries.sources import composed

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Bad = Literal["failed", "timeout", "slow", "flagged", "schema", "contradiction"]

_OUTCOMES = {"failed": ("errors", "timeouts", "rate_limited"), "timeout": ("timeouts",)}
_ANSWERS = {
    "flagged": ("flagged", "scored"),
    "schema": ("schema_failures", "schema_checked"),
    "contradiction": ("contradictions", "contradiction_scored"),
}


def bad_of_all(
    client: Client, scope: Scope, bad: Bad, *, by: Sequence[str] = ("app",), slower_ms: float = 0.0, detectors: Sequence[str] = ()
) -> pl.DataFrame:
    """``bad`` and ``total`` (UInt64) per group.

    ``failed``: error, timeout or rate limit; ``slow``: took longer than ``slower_ms`` (within the histogram's 2 %); the others are of answers that
    a detector could judge. ``detectors``: ``flagged`` by each of these in place of the composite, with a column ``detector``.
    """
    if bad == "flagged" and detectors:
        return judged(client, scope, detectors, by=by).select(*by, "detector", bad="flagged", total="scored")
    if bad in _ANSWERS:
        count, of = _ANSWERS[bad]
        return quality(client, scope, by=by, safety=False).select(*by, bad=pl.col(count), total=pl.col(of))
    if bad == "slow":
        rows = frame(client, *composed(client, by, scope, ["calls", "latency"]))
        edge = math.ceil(math.log(max(slower_ms, 1.0)) / math.log(1.02))
        counts = [sum(n for bucket, n in told.items() if bucket > edge) for told in rows["latency"].to_list()]
        return rows.select(*by, total=pl.col("calls")).with_columns(bad=pl.Series(counts, dtype=pl.UInt64))
    columns = _OUTCOMES[bad]
    rows = frame(client, *composed(client, by, scope, ["calls", *columns]))
    return rows.select(*by, bad=pl.sum_horizontal(columns), total=pl.col("calls"))


def judged(client: Client, scope: Scope, detectors: Sequence[str], *, by: Sequence[str] = ("app",)) -> pl.DataFrame:
    """What each of these detectors found, per group and ``detector``: ``scored``, ``score_avg`` (floored, as the composite's), ``flagged``."""
    source = composed(client, [*by, "detector"], scope, ["risk_judged", "risk_sum", "flagged"], base="scores")
    rows = frame(client, *source).filter(pl.col("detector").is_in(list(detectors)) & (pl.col("risk_judged") > 0))
    average = pl.col("risk_sum").cast(pl.Float64) / pl.col("risk_judged")
    return rows.select(*by, "detector", scored="risk_judged", score_avg=average, flagged="flagged").sort(*by, "detector")


__all__ = ["Bad", "bad_of_all", "judged"]
