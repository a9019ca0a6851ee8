"""What detector results add up to: how scores are spread and have moved, safety and comparisons of releases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import polars as pl

from warehouse.queries.ask import Scope, fill, frame, group_clause, grouping, listed, order_of, stamp
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


SHIFTS = "detectors:shifts"  # the job whose mark tells how routes' scores have moved


class Safety(NamedTuple):
    """What is known of a release's safety; ``types``: kinds of violations."""

    calls: int
    violations: int
    calls_with_violations: int
    filtered: int
    refusals: int
    types: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Zero tolerance: there were calls, and none with a violation. Refusals and filtered answers are counted beside, they are no violation."""
        return self.calls > 0 and not self.calls_with_violations


def safety_counts(client: Client, scope: Scope, *, by: Sequence[str] = ("app", "prompt_version", "model")) -> pl.DataFrame:
    """Safety per group: ``calls, violations, calls_with_violations, filtered, refusals, judged, types``."""
    items, _ = grouping(by)
    parts = {
        "names": listed([item.replace("$time", "e.ts") for item in items]),
        "where": scope.where,
        "group": group_clause(by),
        "order": order_of(by, "violations DESC"),
    }
    return frame(client, fill("safety_counts", parts), scope.params)


def safety_of(client: Client, scope: Scope) -> Safety:
    """Safety of everything in the scope: an app's release, say. For gates."""
    row = safety_counts(client, scope, by=()).row(0, named=True)
    counts = {name: int(row[name]) for name in ("calls", "violations", "calls_with_violations", "filtered", "refusals")}
    return Safety(**counts, types=tuple(row["types"]))


def distributions(client: Client, since: datetime, middle: datetime, until: datetime, *, detector: str = "grounding") -> pl.DataFrame:
    """Scores per app and route in 50 bins, before ``middle`` and from it on: ``team, app_id, route, bin, before, now``."""
    bound = {"since": stamp(since), "middle": stamp(middle), "until": stamp(until), "detector": detector}
    return frame(client, fill("score_distributions", {}), bound)


def shifts(client: Client, teams: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """How far each route's scores have moved from its own past, as the jobs last saw it; empty before they did. ``teams``: None for all."""
    rows = frame(client, sql("scoring_mark"), {"job": SHIFTS})
    told: list[dict[str, Any]] = orjson.loads(str(rows["detail"][0])) if rows.height else []
    return [row for row in told if teams is None or row["team"] in teams]


def comparison_job(app: str, by: str, baseline: str, candidate: str) -> str:
    """Under which name the latest comparison of two releases is kept."""
    return f"detectors:releases:{orjson.dumps([app, by, baseline, candidate]).decode()}"


def comparison(client: Client, app: str, baseline: str, candidate: str, *, by: str = "prompt_version") -> dict[str, Any] | None:
    """How often answers of two releases contradict each other, as `spanledger compare` last found it, with ``at``; None: never compared."""
    rows = frame(client, sql("scoring_mark"), {"job": comparison_job(app, by, baseline, candidate)})
    return {"at": str(rows["mark"][0]), **orjson.loads(str(rows["detail"][0]))} if rows.height else None
