"""How far each route's scores have moved from its own past: looked at from time to time, stored as one row, told in log and metrics.

A shift says that something changed (traffic, documents, model, prompt), not that answers got worse.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from detectors import metrics
from detectors.calibration import BINS, Distribution, shift
from warehouse import scores, scoring

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = structlog.get_logger()

BEFORE, NOW = timedelta(days=7), timedelta(days=1)
MIN_SCORES = 50  # on either side
LARGE = 0.25  # population stability index
EVERY_S = 1_800.0
AGAIN_S = 120.0  # after a look that found too few scores


def route_shifts(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per (team, app, route) with at least `MIN_SCORES` scores before and now, largest shift first."""
    before: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0] * BINS)
    now: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0] * BINS)
    for row in rows:
        key = (row["team"], row["app_id"], row["route"])
        before[key][row["bin"]] += row["before"]
        now[key][row["bin"]] += row["now"]
    out = []
    for key in before:
        moved = shift(Distribution(before[key]), Distribution(now[key]))
        if moved is not None and min(moved.n_before, moved.n_now) >= MIN_SCORES:
            told = {name: round(value, 4) for name, value in moved._asdict().items()}
            out.append({"team": key[0], "app_id": key[1], "route": key[2], **told, "large": moved.stability_index > LARGE})
    return sorted(out, key=lambda r: -r["stability_index"])


class Watch:
    """When to look: from time to time, sooner while there are too few scores, and when what was behind has been judged."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked_at = float("-inf")
        self._found = self._behind = False

    def look(self, client: Client, now_us: int, *, behind: bool, calm: bool = True) -> None:
        """After a pass; ``behind``: answers are still to be worked off."""
        self._behind = self._behind or behind
        if behind or not calm:
            return
        if self._behind or self._clock() - self._looked_at > (EVERY_S if self._found else AGAIN_S):
            self._found = bool(tell(client, now_us))
            self._looked_at = self._clock()
        self._behind = False


def tell(client: Client, now_us: int) -> list[dict[str, Any]]:
    """Look, store, and warn of large shifts."""
    until = datetime.fromtimestamp(now_us / 1e6, UTC)
    rows = route_shifts(scores.distributions(client, until - NOW - BEFORE, until - NOW, until).iter_rows(named=True))
    scoring.set_mark(client, scores.SHIFTS, until.isoformat(timespec="seconds"), orjson.dumps(rows).decode())
    metrics.shifted.clear()
    for row in rows:
        metrics.shifted.labels(row["app_id"], row["route"]).set(row["stability_index"])
        if row["large"]:
            log.warning("scores_shifted", **row)
    return rows
