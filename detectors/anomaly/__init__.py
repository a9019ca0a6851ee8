"""Cost anomalies ("factor watch"): hourly series of requests, tokens and cost in, hours to tell of with their cause out.

Cost is requests times tokens a request times price a token: each factor is watched by itself, since a launch or a month's end moves
volume and leaves the ratios where they are. Every hour is judged with data up to that hour only. Start with ``watch.py``; design and
figures: decision 0013.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from detectors.anomaly.series import Grid, of_rows
from detectors.anomaly.watch import Found, watch

TOGETHER = 256  # series watched at a time: half a megabyte each, for four months


def evaluate(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """``spanledger eval anomaly``: per series ``{"id", "alerts": [hour, …], "causes": {hour: cause}}``, hours as they were told.

    Raises:
        ValueError: a series without its fields, with lists of unequal length, or with hours that are none.
    """
    left = iter(rows)
    while some := list(islice(left, TOGETHER)):
        grid, places = of_rows(some)
        found = watch(grid)
        for i, row in enumerate(some):
            alerts = [(hour, found.cause_of(i, at)) for hour, at in zip(row["ts"], places[i], strict=True) if found.alerts[i, at]]
            yield {"id": row.get("id"), "alerts": [hour for hour, _ in alerts], "causes": dict(alerts)}


__all__ = ["TOGETHER", "Found", "Grid", "evaluate", "of_rows", "watch"]
