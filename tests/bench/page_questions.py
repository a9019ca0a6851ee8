"""Every question that a page of the dashboard asks, with each of the choices that the page offers, and those that only the API asks.

A question is asked of a client about a scope, by a grain of time. ``windows`` are those of the dashboard's time picker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from dashboard import windows as picker
from dashboard.pages import quality, releases, reliability, spend
from warehouse import queries
from warehouse.queries import Filters, Scope

Questions = Mapping[str, Callable[[Client, Scope, Any], Any]]
Windows = Mapping[str, tuple[str, Scope]]  # name → grain, scope


def windows(now: datetime) -> Windows:
    """What the time picker offers as of ``now``, and three whole days, the longest window that is drawn by the hour."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    offered = {name: picker.preset(name, now) for name in picker.PRESETS}
    offered["3 days"] = picker.Window(midnight - timedelta(days=3), midnight)
    return {name: (window.step, Scope(window.since, window.until)) for name, window in offered.items()}


def of_an_app(scope: Scope) -> Scope:
    """The same of one app."""
    return replace(scope, filters=Filters(app=("app-3",)))


def _days(client: Client, scope: Scope, _: Any) -> Any:
    return queries.spend_over_time(client, scope, grain="day", by=())


PAGES: Questions = {
    "filters: values": lambda c, s, _: queries.dimensions(c, s),
    "spend: table": lambda c, s, _: queries.spend(c, s, by=spend.TABLE_BY),
    **{f"spend: over time by {by}": lambda c, s, step, by=by: queries.spend_over_time(c, s, grain=step, by=(by,)) for by in spend.GROUPS.values()},
    "every page: days before": _days,
    "reliability: rates": lambda c, s, _: queries.rates(c, s, by=()),
    "reliability: rates over time": lambda c, s, step: queries.rates(c, s, by=(step,)),
    **{f"reliability: rates by {by}": lambda c, s, _, by=by: queries.rates(c, s, by=(by,)) for by in reliability.GROUPS.values()},
    "reliability: latency": lambda c, s, _: queries.latency(c, s, by=()),
    "reliability: latency over time": lambda c, s, step: queries.latency(c, s, by=(step,)),
    **{f"reliability: latency by {by}": lambda c, s, _, by=by: queries.latency(c, s, by=(by,)) for by in reliability.GROUPS.values()},
    "reliability: errors": lambda c, s, _: queries.errors_by_type(c, s),
    "quality: total": lambda c, s, _: queries.quality(c, s, by=()),
    "quality: over time": lambda c, s, step: queries.quality(c, s, by=(step,), safety=False),
    **{f"quality: by {by}": lambda c, s, _, by=by: queries.quality(c, s, by=(by,)) for by in quality.GROUPS.values()},
    "quality: worst answers": lambda c, s, _: queries.worst_answers(c, s, limit=15),
    "quality: worst answers of an app": lambda c, s, _: queries.worst_answers(c, of_an_app(s), limit=15),
    **{
        f"releases: side by side by {' and '.join(by)}": lambda c, s, _, by=by: queries.releases(c, of_an_app(s), by=by, drawn=True)
        for by in releases.SPLIT.values()
    },
    **{
        f"releases: over time by {by[-1]}": lambda c, s, step, by=by: queries.spend_over_time(c, of_an_app(s), grain=step, by=(by[-1],))
        for by in releases.SPLIT.values()
    },
    **{
        f"releases: unit economics by {' and '.join(by)}": lambda c, s, _, by=by: queries.unit_economics(c, of_an_app(s), by=by)
        for by in releases.SPLIT.values()
    },
    "data health: coverage by app": lambda c, s, _: queries.coverage_report(c, s, by=("app",)),
    "data health: unpriced": lambda c, s, _: queries.unpriced(c, s, by=("provider", "model")),
    "data health: missing usage": lambda c, s, _: queries.missing_usage(c, s, by=("app", "provider", "model"), drawn=True),
    "data health: doubts": lambda c, s, _: queries.conflicts(c, s),
    "calls: latest 100": lambda c, s, _: queries.calls(c, s, limit=100),
    "calls: latest 2,000": lambda c, s, _: queries.calls(c, s, limit=2_000),
    "calls: latest 100 of an app": lambda c, s, _: queries.calls(c, of_an_app(s), limit=100),
    "calls: latest 100 failures": lambda c, s, _: queries.calls(c, replace(s, filters=Filters(outcome=("timeout",))), limit=100),
}

API: Questions = {
    "coverage": lambda c, s, _: queries.coverage(c, s),
    "missing usage with hours": lambda c, s, _: queries.missing_usage(c, s),
    "all of spend: total": lambda c, s, _: queries.spend(c, s, by=()),
    "tokens": lambda c, s, _: queries.tokens(c, s),
    "cost per 1000": lambda c, s, _: queries.cost_per_1000(c, s),
    "latency by model and endpoint": lambda c, s, _: queries.latency(c, s),
    "people": lambda c, s, _: queries.people(c, s),
    "top prompts": lambda c, s, _: queries.top(c, s),
    "unit economics": lambda c, s, _: queries.unit_economics(c, s),
    "all of spend by hour and app": lambda c, s, _: queries.spend(c, s, by=("hour", "app")),
    "all of spend by hour, one app": lambda c, s, _: queries.spend(c, of_an_app(s), by=("hour",)),
    "prices used": lambda c, s, _: queries.prices_used(c, s),
    "top users": lambda c, s, _: queries.top(c, s, of=("user",)),
    "sessions": lambda c, s, _: queries.sessions(c, s),
}
