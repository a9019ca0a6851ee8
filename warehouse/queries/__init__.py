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
    | ``coverage(client, scope) -> Coverage`` · ``coverage_report(client, scope, *, by=("app",)) -> Spend``
    | ``unpriced(client, scope, *, by)`` · ``missing_usage(client, scope, *, by)``
    | ``charges(client, scope) -> DataFrame``: by day, project, provider, model, app, team, tier, tenant, env and cost source, for exports
    | ``dimensions(client, scope, *, names) -> DataFrame[dimension, value, calls]`` · ``ping(client) -> None``
Service (``performance``)
    | ``latency(client, scope, *, by=("model", "endpoint"))`` · ``rates(client, scope, *, by=("app",))`` · ``people(client, scope, *, by)``
Single calls (``single``)
    | ``calls(client, scope, *, limit=50, cursor="") -> Page(rows, cursor)``
    | ``call(client, trace_id, span_id, *, teams=None) -> dict`` · ``trace(client, trace_id, *, teams=None, spans=True) -> Trace(spans, entries)``
    | ``entry_counts(client, trace_ids) -> dict``
Comparisons and lists (``comparing``)
    | ``releases(client, scope, *, by, drawn=False)`` · ``release_calls(client, scope, *, limit)`` · ``unit_economics(client, scope, *, by, metric)``
    | ``top(client, scope, *, of=("prompt", "prompt_version"), limit=20)`` · ``sessions(client, scope, *, limit=50)``
    | ``errors_by_type(client, scope)`` · ``conflicts(client, scope)`` · ``prices_used(client, scope)``
Answers (``answers``)
    | ``quality(client, scope, *, by=("app",))`` · ``quality_objective(client, scope, *, detector="composite") -> Objective``
    | ``worst_answers(client, scope, *, detector, limit)`` · ``verdicts(client, trace_id, span_id, *, teams=None)``
    | ``feedback_rates(client, scope, *, by=("app",))`` · ``feedback(client, trace_id, *, teams=None)``
Redacted texts (``texts``; callers check the role)
    | ``search(client, scope, text, *, limit=50) -> Page`` · ``trace_contents(client, trace_id, *, teams=None)``
    | ``tool_audit(client, scope, *, limit=500, with_text=False)``
"""

from warehouse.queries.answers import Objective, feedback, feedback_rates, quality, quality_objective, verdicts, worst_answers
from warehouse.queries.ask import DIMENSIONS, GRAINS, NO_FILTERS, Filters, Scope
from warehouse.queries.charges import charges
from warehouse.queries.comparing import conflicts, errors_by_type, prices_used, release_calls, releases, sessions, top, unit_economics
from warehouse.queries.performance import latency, people, rates
from warehouse.queries.single import Page, Trace, call, calls, entry_counts, trace
from warehouse.queries.spending import (
    Coverage,
    Spend,
    cost_per_1000,
    coverage,
    coverage_report,
    dimensions,
    missing_usage,
    ping,
    spend,
    spend_over_time,
    spend_report,
    tokens,
    unpriced,
)
from warehouse.queries.texts import search, tool_audit, trace_contents

__all__ = [
    "DIMENSIONS",
    "GRAINS",
    "NO_FILTERS",
    "Coverage",
    "Filters",
    "Objective",
    "Page",
    "Scope",
    "Spend",
    "Trace",
    "call",
    "calls",
    "charges",
    "conflicts",
    "cost_per_1000",
    "coverage",
    "coverage_report",
    "dimensions",
    "entry_counts",
    "errors_by_type",
    "feedback",
    "feedback_rates",
    "latency",
    "missing_usage",
    "people",
    "ping",
    "prices_used",
    "quality",
    "quality_objective",
    "rates",
    "release_calls",
    "releases",
    "search",
    "sessions",
    "spend",
    "spend_over_time",
    "spend_report",
    "tokens",
    "tool_audit",
    "top",
    "trace",
    "trace_contents",
    "unit_economics",
    "unpriced",
    "verdicts",
    "worst_answers",
]
