"""The alerts page: what must be looked at is marked, nothing is told to those who may not see it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dashboard.pages.alerts import _standing, kpis
from spanledger.policy import Budget
from spanledger.policy.periods import period_of
from warehouse.alerting import Alert, Taken
from warehouse.budgeting import Standing

T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)


def standing(spent: str, forecast: str | None = None) -> Standing:
    budget = Budget.model_validate({"name": "b", "limit_usd": "100"})
    return Standing(budget, period_of("month", T0.date()), Decimal(spent), Decimal(forecast) if forecast else None)


def alert(name: str, **more: Any) -> Alert:
    told: dict[str, Any] = {
        "id": name, "fingerprint": name, "rule": name, "kind": "threshold", "severity": "warning", "labels": {}, "team": "", "state": "firing",
        "value": 1.0, "bound": 0.5, "summary": name, "receivers": (), "pending_at": T0, "held_at": T0, "firing_at": T0,
    }  # fmt: skip
    return Alert(**{**told, **more})


def test_budgets_say_where_they_stand() -> None:
    words = [str(_standing(one)) for one in (standing("10"), standing("85"), standing("10", "101"), standing("100", "130"))]
    assert [word in told for word, told in zip(("within", "past 80 %", "expected to pass", "passed"), words, strict=True)] == [True] * 4


def test_cards_count_what_somebody_must_do() -> None:
    found = [alert("a", severity="critical"), alert("b"), alert("c", state="resolved", resolved_at=T0)]
    row = kpis(found, {"a": Taken("a", "ana", "", T0)}, [standing("120"), standing("85"), standing("10", "200")], sees=True)
    assert [(card.label, card.value) for card in row] == [("Firing", "2"), ("Nobody on it", "1"), ("Budgets passed", "1"), ("Expected to pass", "1")]
    assert [card.label for card in kpis([], {}, [], sees=False)] == ["Budgets passed", "Expected to pass"]
