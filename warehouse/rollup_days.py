"""Daily rows of the rollups: sums of hourly rows, so that a question about weeks reads days.

A day's rows say which (hour, generation) pairs they are the sum of. A reader takes them where exactly these hours are clean, so they
are as exact as the hours are, need no marks of their own, and are simply passed over once an hour of the day has changed.
"""

from __future__ import annotations

import time
from string import Template
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from warehouse.queries.ask import measures, query_errors, rollup_dimensions
from warehouse.queries.sources import merged
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

AT_ONCE = 10


def roll_up(client: Client, base: str, tables: Sequence[str], *, publish_within_s: float) -> int:
    """Sum up to ``AT_ONCE`` days whose hours have all been rolled up; returns how many."""
    with query_errors():
        todo = client.query_arrow(sql("days_todo"), {"base": base, "rows": AT_ONCE}).to_pylist()
    for day in todo:
        _day(client, base, tables, day, publish_within_s)
    return len(todo)


def _day(client: Client, base: str, tables: Sequence[str], day: dict[str, Any], publish_within_s: float) -> None:
    gen, began = str(uuid4()), time.monotonic()
    about = {"gen": gen, "day": day["day"], "n": len(day["hours"])}
    for table in tables:
        dims, known = rollup_dimensions(table), measures(table)
        parts = {
            "table": table,
            "columns": ", ".join([*dims, *known]),
            "expressions": ", ".join([*(f"e.{d}" for d in dims), *(f"{merged(x, m, 'e')}" for m, x in known.items())]),
            "dimensions": ", ".join(f"e.{d}" for d in dims),
        }
        with query_errors():
            client.command(Template(sql("day_insert")).substitute(parts), about | {"hours": day["hours"], "gens": day["gens"]})
    if time.monotonic() - began > publish_within_s:  # its rows may have been swept meanwhile
        return
    with query_errors():
        client.command(sql("day_publish"), about | {"base": base, "pairs": day["pairs"], "seq": time.time_ns() // 1_000})
