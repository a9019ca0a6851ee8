"""Rows of ``eval anomaly`` → one grid of hours for many series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from detectors.anomaly.robust import Array

Mask = np.ndarray[Any, np.dtype[np.bool_]]

DAY = 24
GRACE = 24  # hours after something announced in which nothing is told: what it brought settles
_COLUMNS = ("requests", "tokens_in", "tokens_out", "cost_usd")
_HOUR = 3600
_MOST_HOURS = 24 * 366 * 10


@dataclass(frozen=True, slots=True)
class Grid:
    """Hours of series, from midnight UTC of the first day on; arrays are (series, hours), hours a multiple of 24.

    ``known``: the series is there, from its first request to its last row. ``quiet``: announced, nothing is to be told.
    """

    start: datetime
    requests: Array
    tokens_in: Array
    tokens_out: Array
    cost_usd: Array
    known: Mask
    quiet: Mask


def of_rows(rows: Sequence[dict[str, Any]]) -> tuple[Grid, list[list[int]]]:
    """The grid, and per row the places of its hours. Hours between rows count as hours without requests.

    Raises:
        ValueError: fields are missing, of unequal length, no numbers, no hours, or an hour told twice.
    """
    hours = [_hours(row) for row in rows]
    told = [h for some in hours for h in some]
    first = min(told, default=0) // DAY * DAY
    size = -(-(max(told, default=0) + 1 - first) // DAY) * DAY
    if size > _MOST_HOURS:
        raise ValueError("series of more than ten years cannot be watched together")
    figures = np.zeros((len(_COLUMNS), len(rows), size))
    known, quiet = np.zeros((2, len(rows), size), np.bool_)
    places = [[h - first for h in some] for some in hours]
    for i, (row, at) in enumerate(zip(rows, places, strict=True)):
        for k, column in enumerate(_COLUMNS):
            figures[k, i, at] = _figures(row, column, len(at))
        begun = np.flatnonzero(figures[0, i] > 0)
        if len(begun):
            known[i, begun[0] : max(at) + 1] = True
        for start, end in _announced(row):
            quiet[i, max(0, start - first) : max(0, -(-(end + 1 + GRACE - first) // DAY) * DAY)] = True  # to the end of a day
    return Grid(datetime.fromtimestamp(first * _HOUR, UTC), *figures, known=known, quiet=quiet), places


def _hours(row: dict[str, Any]) -> list[int]:
    if not isinstance(row.get("ts"), list):
        raise ValueError(f"series {row.get('id')!r} has no list `ts`")
    hours = [_hour(ts, row) for ts in row["ts"]]
    if len(set(hours)) < len(hours):
        raise ValueError(f"series {row.get('id')!r} tells an hour twice: `ts` are hours")
    return hours


def _announced(row: dict[str, Any]) -> list[tuple[int, int]]:
    """First and last hour of each."""
    try:
        return [(_hour(event["start"], row), _hour(event["end"], row)) for event in row.get("announced") or ()]
    except (KeyError, TypeError) as exc:
        raise ValueError(f"series {row.get('id')!r}: `announced` must be a list of objects with `start` and `end`") from exc


def _hour(told: Any, row: dict[str, Any]) -> int:
    """Hours since the epoch."""
    try:
        at = datetime.fromisoformat(str(told))
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() // _HOUR)
    except (ValueError, OverflowError) as exc:
        raise ValueError(f"series {row.get('id')!r}: {told!r} is no time") from exc


def _figures(row: dict[str, Any], column: str, n: int) -> Array:
    values = row.get(column)
    if not isinstance(values, list) or len(values) != n:
        raise ValueError(f"series {row.get('id')!r}: `{column}` must be a list as long as `ts` ({n})")
    try:
        found = np.array(values, np.float64)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"series {row.get('id')!r}: `{column}` must hold numbers") from exc
    if not np.isfinite(found).all() or (found < 0).any():
        raise ValueError(f"series {row.get('id')!r}: `{column}` must hold numbers from zero on")
    return found
