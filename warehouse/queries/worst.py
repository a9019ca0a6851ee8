"""The riskiest answers of a window.

A long window is not sorted whole: its last day gives a floor, and of the time before only what is riskier is read, a handful of rows. Which
those are is asked without ``FINAL``, since every row that counts is one of the rows that are there; whether they count is asked of them alone.
"""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from warehouse.queries.ask import Scope, aware, fill, frame, require
from warehouse.queries.sources import around
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_NEWEST = timedelta(days=1)
_WORTH = 3 * _NEWEST  # a shorter window is read at once
_SLACK = 4  # times as many candidates as rows: some may be superseded


def worst_answers(client: Client, scope: Scope, *, detector: str = "composite", limit: int = 50) -> pl.DataFrame:
    """The riskiest answers: ids in hexadecimal, score, label, ``evidence`` (JSON with offsets, no text)."""
    require(scope, "scores")
    since, until = aware(scope.since), aware(scope.until)
    edge = (until - _NEWEST).replace(minute=0, second=0, microsecond=0)  # a row's versions lie in one hour
    if until - since >= _WORTH:
        newest = _worst(client, replace(scope, since=edge, until=until), detector, limit)
        found = _before(client, replace(scope, since=since, until=edge), detector, newest) if newest.height == limit else None
        if found is not None:
            return found
    return _worst(client, scope, detector, limit)


def _worst(client: Client, scope: Scope, detector: str, limit: int, among: str = "", **named: Any) -> pl.DataFrame:
    return of_detector(client, "worst_answers", scope, among=among, detector=detector, rows=limit, **named)


def _before(client: Client, scope: Scope, detector: str, newest: pl.DataFrame) -> pl.DataFrame | None:
    """The worst of a window and of the time after it, whose own worst are known; None: that cannot be told from few rows."""
    limit = newest.height
    risk, score = _orders(newest)[-1][:2]
    floor: dict[str, Any] = {"floor_risk": _bits(-risk), "floor_score": _bits(-score)}
    raw = of_detector(client, "worst_candidates", scope, detector=detector, rows=_SLACK * limit, **floor)
    if raw.is_empty():
        return newest
    hours = sorted({at // 3_600_000_000 * 3_600 for at in raw["at"].to_list()})
    asked = {"among_traces": raw["trace_id"].unique().to_list(), "among_hours": hours}
    found = pl.concat([newest, _worst(client, scope, detector, limit, sql("_among_traces").rstrip(), **asked)])
    orders = _orders(found)
    if any(math.isnan(risk) or math.isnan(score) for risk, score, *_ in orders):
        return None
    places = sorted(range(found.height), key=orders.__getitem__)[:limit]
    if raw.height == _SLACK * limit:  # there are more: they come after the last of these
        last = raw.row(-1, named=True)
        if orders[places[-1]] > (-last["risk"], -last["score"], -last["at"], last["trace_id"], last["span_id"]):
            return None
    return found[places]


def _orders(rows: pl.DataFrame) -> list[tuple[float, float, int, str, str]]:
    """By what the statement sorts, first come first."""
    columns = (rows[name].to_list() for name in ("hallucination_score", "score", "trace_id", "span_id"))
    moments = rows["ts"].cast(pl.Int64).to_list()
    return [(-(s if h is None else h), -s, -at, trace, span) for (h, s, trace, span), at in zip(zip(*columns, strict=True), moments, strict=True)]


def _bits(value: float) -> int:
    """A Float32 as the engine stores it: its text might be read as a neighbour."""
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def of_detector(client: Client, name: str, scope: Scope, *, among: str = "", **named: Any) -> pl.DataFrame:
    """A question about one detector's rows of a window."""
    hours = around(aware(scope.since), aware(scope.until))
    return frame(client, fill(name, {"where": scope.where, "among": among}), scope.params | hours | named)
