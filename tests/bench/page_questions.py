"""Every question that a page of the dashboard asks, and those that only the API asks: of a client, about a scope, by a grain of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from clickhouse_connect.driver.client import Client

from warehouse import queries
from warehouse.queries import Filters, Scope

Questions = Mapping[str, Callable[[Client, Scope, Any], Any]]


def of_an_app(scope: Scope) -> Scope:
    """The same of one app."""
    return replace(scope, filters=Filters(app=("app-3",)))


PAGES: Questions = {
    "filters: values": lambda c, s, _: queries.dimensions(c, s),
    "spend: table": lambda c, s, _: queries.spend(c, s),
    "spend: over time by team": lambda c, s, step: queries.spend_over_time(c, s, grain=step, by=("team",)),
    "spend: over time by app": lambda c, s, step: queries.spend_over_time(c, s, grain=step, by=("app",)),
    "spend: over time by model": lambda c, s, step: queries.spend_over_time(c, s, grain=step, by=("model",)),
    "spend: days before": lambda c, s, _: queries.spend_over_time(c, s),
    "reliability: rates": lambda c, s, _: queries.rates(c, s, by=()),
    "reliability: rates over time": lambda c, s, step: queries.rates(c, s, by=(step,)),
    "reliability: rates by app": lambda c, s, _: queries.rates(c, s),
    "reliability: latency": lambda c, s, _: queries.latency(c, s, by=()),
    "reliability: latency over time": lambda c, s, step: queries.latency(c, s, by=(step,)),
    "reliability: latency by app": lambda c, s, _: queries.latency(c, s, by=("app",)),
    "reliability: latency by endpoint": lambda c, s, _: queries.latency(c, s, by=("endpoint",)),
    "reliability: errors": lambda c, s, _: queries.errors_by_type(c, s),
    "quality: total": lambda c, s, _: queries.quality(c, s, by=()),
    "quality: over time": lambda c, s, step: queries.quality(c, s, by=(step,), safety=False),
    "quality: by app": lambda c, s, _: queries.quality(c, s),
    "quality: worst answers": lambda c, s, _: queries.worst_answers(c, s, limit=15),
    "releases: side by side": lambda c, s, _: queries.releases(c, of_an_app(s), by=("prompt", "prompt_version", "model"), drawn=True),
    "releases: over time": lambda c, s, step: queries.spend_over_time(c, of_an_app(s), grain=step, by=("prompt_version",)),
    "releases: unit economics": lambda c, s, _: queries.unit_economics(c, of_an_app(s), by=("prompt", "prompt_version")),
    "data health: coverage by app": lambda c, s, _: queries.coverage_report(c, s),
    "data health: unpriced": lambda c, s, _: queries.unpriced(c, s),
    "data health: missing usage": lambda c, s, _: queries.missing_usage(c, s, drawn=True),
    "data health: doubts": lambda c, s, _: queries.conflicts(c, s),
    "calls: latest": lambda c, s, _: queries.calls(c, s),
    "calls: latest of an app": lambda c, s, _: queries.calls(c, of_an_app(s)),
    "calls: latest failures": lambda c, s, _: queries.calls(c, replace(s, filters=Filters(outcome=("timeout",)))),
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
