"""What is asked of the warehouse: one typed function per question, Polars out; the SQL is in ``warehouse/sql/queries/``.

Every function takes a clickhouse-connect client (embedded, endpoint or server alike) and, where it asks about a time, a
:class:`Scope`: half-open UTC window, :class:`Filters`, and the teams that the asker may see (``None``: all). ``by`` names
dimensions (``DIMENSIONS``: app, team, tier, model, …; columns come back under the name asked for) and grains of time (``GRAINS``:
hour, day, week, month). Money is Decimal USD. All raise ``WarehouseUnavailable``, ``WarehouseBusy``, ``QueryFailed``, and
``QueryRefused`` for a name that is not a dimension.

Money and tokens (``spending``)
    | ``spend(client, scope, *, by=("app", "team", "model_tier"), scaled=False) -> DataFrame``: also with a grain, or ``by=()``
    | ``spend_report(client, scope, *, by, scaled=False) -> Spend(rows, total, coverage)``: all of one reading
    | ``spend_over_time(client, scope, *, grain="day", by=()) -> DataFrame``
    | ``tokens(client, scope, *, by=("app", "model"))`` · ``cost_per_1000(client, scope, *, by=("model_tier",))``
    | ``coverage(client, scope) -> Coverage`` · ``unpriced(client, scope, *, by)`` · ``missing_usage(client, scope, *, by)``
    | ``dimensions(client, scope, *, names) -> DataFrame[dimension, value, calls]`` · ``ping(client) -> None``
Service (``performance``)
    | ``latency(client, scope, *, by=("model", "endpoint"))`` · ``rates(client, scope, *, by=("app",))`` · ``people(client, scope, *, by)``
Single calls (``calls``)
    | ``calls(client, scope, *, limit=50, cursor="") -> Page(rows, cursor)``
    | ``call(client, trace_id, span_id, *, teams=None) -> dict`` · ``trace(client, trace_id, *, teams=None) -> Trace(spans, entries)``
"""

from warehouse.queries.ask import DIMENSIONS, GRAINS, NO_FILTERS, Filters, Scope
from warehouse.queries.calls import Page, Trace, call, calls, trace
from warehouse.queries.performance import latency, people, rates
from warehouse.queries.spending import (
    Coverage,
    Spend,
    cost_per_1000,
    coverage,
    dimensions,
    missing_usage,
    ping,
    spend,
    spend_over_time,
    spend_report,
    tokens,
    unpriced,
)

__all__ = [
    "DIMENSIONS",
    "GRAINS",
    "NO_FILTERS",
    "Coverage",
    "Filters",
    "Page",
    "Scope",
    "Spend",
    "Trace",
    "call",
    "calls",
    "cost_per_1000",
    "coverage",
    "dimensions",
    "latency",
    "missing_usage",
    "people",
    "ping",
    "rates",
    "spend",
    "spend_over_time",
    "spend_report",
    "tokens",
    "trace",
    "unpriced",
]
