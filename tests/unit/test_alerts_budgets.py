"""Budgets: periods, steps that come up once however spend arrives, forecasts that stop where a step is reached."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.budgets import ACTUAL, FORECAST, dollars, findings
from alerts.state import SILENT, step
from spanledger.policy import Budget
from spanledger.policy.periods import period_of
from warehouse.alerting import Alert
from warehouse.budgeting import Standing, crossed, periods

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
usd = st.decimals(0, 10_000, places=4, allow_nan=False)


def budget(**more: object) -> Budget:
    return Budget.model_validate({"name": "growth", "match": {"team": "growth"}, "limit_usd": "100", **more})


@pytest.mark.parametrize(
    ("kind", "on", "name", "begins", "ends"),
    [
        ("day", "2026-12-31", "2026-12-31", "2026-12-31", "2027-01-01"),
        ("week", "2027-01-01", "2026-W53", "2026-12-28", "2027-01-04"),
        ("month", "2026-12-05", "2026-12", "2026-12-01", "2027-01-01"),
        ("month", "2028-02-29", "2028-02", "2028-02-01", "2028-03-01"),
        ("quarter", "2026-11-23", "2026-Q4", "2026-10-01", "2027-01-01"),
        ("quarter", "2026-03-31", "2026-Q1", "2026-01-01", "2026-04-01"),
        ("year", "2026-02-01", "2026", "2026-01-01", "2027-01-01"),
    ],
)
def test_periods_are_whole_utc_days(kind: str, on: str, name: str, begins: str, ends: str) -> None:
    found = period_of(kind, date.fromisoformat(on))
    assert (found.name, found.begins, found.ends) == (name, date.fromisoformat(begins), date.fromisoformat(ends))


@given(st.sampled_from(["day", "week", "month", "quarter", "year"]), st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_every_day_lies_in_one_period_and_periods_follow_each_other(kind: str, on: date) -> None:
    found = period_of(kind, on)
    assert found.begins <= on < found.ends
    assert period_of(kind, found.ends).begins == found.ends


def test_late_spend_still_counts_for_the_period_in_which_it_was_made() -> None:
    assert [p.name for p in periods("month", datetime(2026, 12, 1, 11, tzinfo=UTC))] == ["2026-11", "2026-12"]
    assert [p.name for p in periods("month", datetime(2026, 12, 2, 1, tzinfo=UTC))] == ["2026-12"]


@given(st.lists(usd, max_size=8), usd.filter(lambda x: x > 0))
def test_a_step_comes_up_once_however_spend_arrives(amounts: list[Decimal], limit: Decimal) -> None:
    """Sums that grow (and fall, when something is priced again) fire every step that they ever reached, once."""
    known: dict[str, Alert] = {}
    fired: list[str] = []
    highest, now = Decimal(0), NOW
    for spent in amounts:
        highest, now = max(highest, spent), now + timedelta(seconds=30)
        standing = Standing(budget(limit_usd=limit), period_of("month", NOW.date()), spent)
        for alert in step(known.values(), findings(standing), {"growth": SILENT}, now):
            known[alert.fingerprint] = alert
            fired += [alert.labels["step"]] if alert.firing_at == now and alert.pending_at == now else []
    reached = crossed(highest, limit, budget().steps)
    assert sorted(fired) == sorted(f"{(s * 100).normalize():f}%" for s in reached)
    assert all(a.state == "firing" for a in known.values())


def test_what_is_forecast_is_told_until_it_is_spent() -> None:
    def holding(spent: str, forecast: str) -> set[tuple[str, str]]:
        found = findings(Standing(budget(), period_of("month", NOW.date()), Decimal(spent), Decimal(forecast)))
        return {(f.labels["basis"], f.labels["step"]) for f in found if f.holds}

    assert holding("10", "59.99") == set()
    assert holding("10", "85") == {(FORECAST, "60%"), (FORECAST, "80%")}
    assert holding("70", "85") == {(ACTUAL, "60%"), (FORECAST, "80%")}
    assert holding("100", "130") == {(ACTUAL, "60%"), (ACTUAL, "80%"), (ACTUAL, "100%")}


def test_a_budget_of_nothing_is_passed_by_the_first_spend() -> None:
    standing = Standing(budget(limit_usd="0"), period_of("month", NOW.date()), Decimal(0))
    assert not any(f.holds for f in findings(standing))
    spent = Standing(standing.budget, standing.period, Decimal("0.000000001"))
    assert all(f.holds for f in findings(spent))
    assert standing.used is None


@pytest.mark.parametrize(("match", "team"), [({"team": "growth"}, "growth"), ({"team": "g*"}, ""), ({"team": ["a", "b"]}, ""), ({"app": "shop"}, "")])
def test_a_budget_is_one_teams_where_its_match_names_one(match: dict[str, object], team: str) -> None:
    found = next(findings(Standing(budget(match=match), period_of("month", NOW.date()), Decimal(1))))
    assert (found.team, found.labels.get("team", "")) == (team, team)


def test_steps_are_told_with_severity_and_in_words() -> None:
    found = {f.labels["step"]: f for f in findings(Standing(budget(forecast=False), period_of("month", NOW.date()), Decimal("100")))}
    assert [found[s].severity for s in ("60%", "80%", "100%")] == ["warning", "warning", "critical"]
    assert found["80%"].summary == "Budget growth has spent $100.00 of $100.00 in 2026-11, past 80 %"
    assert found["80%"].labels["team"] == "growth"
    assert dollars(Decimal("0.000120")) == "$0.00012"
