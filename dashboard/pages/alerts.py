"""Alerts and budgets: what is wrong now, who has taken it on, and how much of each budget is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboard import cards, incidents, money
from dashboard.cards import Card, Column, Html
from dashboard.context import Context, current
from dashboard.view import View
from warehouse import alerting
from warehouse.alerting import Alert, Taken
from warehouse.budgeting import Standing

_MOODS = {"critical": "bad", "warning": "warn", "info": ""}
_NEAR = Decimal("0.8")  # share of a limit from which a budget needs a look


def show(view: View) -> None:
    """The page."""
    st.html(
        cards.head("Alerts & budgets", view.window.words, "What goes on now, and what ended in the window. Budgets are of their current periods.")
    )
    shared, who, now = current(), view.caller, datetime.now(UTC)
    budgets = incidents.budgets_seen(shared, who, now)
    sees = who.may("alerts")
    found = shared.connections.ask(who, lambda c: alerting.alerts(c, since=view.window.since, teams=who.teams or None)) if sees else []
    taken = shared.connections.checked(lambda c: alerting.acknowledgements(c, [one.id for one in found])) if found else {}
    st.html(cards.cards(kpis(found, taken, budgets, sees=sees)))
    if sees:
        _alerts(found, taken)
        if who.may("operate"):
            _taking(shared, view, [one for one in found if one.state == "firing" and one.id not in taken])
    _budgets(budgets)


def kpis(alerts: Sequence[Alert], taken: Mapping[str, Taken], budgets: Sequence[Standing], *, sees: bool) -> list[Card]:
    """The row of cards: must somebody do something?"""
    firing = [one for one in alerts if one.state == "firing"]
    waiting = [one for one in firing if one.id not in taken]
    grave = sum(one.severity == "critical" for one in firing)
    over = [one for one in budgets if one.used is not None and one.used >= 1]
    near = [one for one in budgets if one.used is not None and _NEAR <= one.used < 1]
    row = [
        Card("Budgets passed", money.count(len(over)), under=f"{len(near)} more past 80 %", tone="warn" if over else ""),
        Card(
            "Expected to pass",
            money.count(sum(one.forecast_usd is not None and one.forecast_usd > one.budget.limit_usd and one not in over for one in budgets)),
            under=f"of {len(budgets)} budgets",
        ),
    ]
    if not sees:
        return row
    return [
        Card("Firing", money.count(len(firing)), under=f"{grave} critical", tone="warn" if grave else "first"),
        Card("Nobody on it", money.count(len(waiting)), tone="warn" if waiting else "", hint="Firing, and not acknowledged"),
        *row,
    ]


def _alerts(found: Sequence[Alert], taken: Mapping[str, Taken]) -> None:
    st.html(cards.section("Alerts", "the gravest first"))
    if not found:
        st.html('<div class="sl-note">Nothing is wrong, and nothing was in this window.</div>')
        return
    rank = {"firing": 0, "pending": 1, "resolved": 2}
    ordered = sorted(found, key=lambda a: (rank[a.state], list(_MOODS).index(a.severity), -(a.firing_at or a.pending_at).timestamp()))
    rows = [
        {
            "severity": one.severity,
            "state": one.state,
            "summary": one.summary,
            "rule": one.rule,
            "since": one.firing_at or one.pending_at,
            "ended": one.resolved_at,
            "by": taken[one.id].actor if one.id in taken else None,
        }
        for one in ordered[:200]
    ]
    columns = [
        Column("severity", "Severity", lambda s: cards.pill(s, _MOODS.get(s, ""))),  # type: ignore[arg-type]
        Column("state", "State"),
        Column("summary", "What"),
        Column("rule", "Rule"),
        Column("since", "Since (UTC)", lambda at: f"{at:%d %b %H:%M}"),
        Column("ended", "Ended", lambda at: f"{at:%d %b %H:%M}"),
        Column("by", "Taken on by"),
    ]
    st.html(cards.table(rows, columns, key="alerts"))


def _taking(shared: Context, view: View, waiting: Sequence[Alert]) -> None:
    """Take one on; drawn only where somebody may and something waits."""
    if not waiting:
        return
    names = {one.id: one.summary for one in waiting}
    with st.form("take-on", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Alert", list(names), format_func=lambda one: str(names.get(str(one), one)))
        comment = st.text_input("Comment", max_chars=1000, placeholder="what is being done")
        if st.form_submit_button("Take on") and chosen:
            incidents.take_on(shared, view.caller, [one for one in waiting if one.id == chosen], comment)
            st.rerun()


def _budgets(standings: Sequence[Standing]) -> None:
    st.html(cards.section("Budgets", "spent and expected in the current period, UTC"))
    if not standings:
        told = "budgets:\n  - {name: growth-month, match: {team: growth}, limit_usd: 500}"
        st.html(cards.empty("No budget yet", "Tell one in spanledger.yaml; it is read again on every change.", told))
        return
    rows: list[dict[str, Any]] = [
        {
            "name": one.budget.name,
            "period": one.period.name,
            "spent": one.spent_usd,
            "limit": one.budget.limit_usd,
            "used": one.used,
            "forecast": one.forecast_usd,
            "standing": _standing(one),
        }
        for one in sorted(standings, key=lambda one: -(one.used or 0))
    ]
    columns = [
        Column("name", "Budget"),
        Column("period", "Period"),
        Column("spent", "Spent", money.usd, number=True),
        Column("limit", "Limit", money.usd, number=True),
        Column("used", "Used", lambda share: money.share(float(share)), number=True, bar=True),
        Column("forecast", "Expected", money.usd, number=True, hint="At the period's end; known after a week of calls"),
        Column("standing", "", lambda pill: pill),
    ]
    st.html(cards.table(rows, columns, key="budgets"))


def _standing(one: Standing) -> Html:
    if one.used is not None and one.used >= 1:
        return cards.pill("passed", "bad")
    if one.forecast_usd is not None and one.forecast_usd > one.budget.limit_usd:
        return cards.pill("expected to pass", "warn")
    if one.used is not None and one.used >= _NEAR:
        return cards.pill("past 80 %", "warn")
    return cards.pill("within", "good")
