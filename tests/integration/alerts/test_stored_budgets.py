"""Budgets that people have set: checked, kept and acted on as those of the policy file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.client import Client

from spanledger.policy import Budget, parse_policy
from warehouse import audit_log, stored_budgets
from warehouse.stored_budgets import Stored, refusal, with_stored

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Desk, Ledger, Start

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BASE = """
alerts:
  defaults: false
  group_wait: 0s
  group_interval: 1m
  receivers: [{name: ops, kind: webhook, url: $URL/hook}]
  routes: [{receivers: [ops]}]
"""


def budget(**more: object) -> Budget:
    return Budget.model_validate({"name": "growth", "match": {"team": "growth"}, "limit_usd": "100", "forecast": False, **more})


def hashed(tenant: str) -> str:
    return f"h:{tenant[:1]}"


def after(**more: float) -> datetime:
    return NOW + timedelta(**more)


def steps(desk: Desk) -> list[list[str]]:
    return [[a["labels"]["step"] for a in body["alerts"]] for body in desk.bodies if body["status"] == "firing"]


def test_each_step_of_a_budget_that_was_set_is_told_once_over_restarts_and_changes(start: Start, ledger: Ledger, desk: Desk, client: Client) -> None:
    engine = start(BASE)
    ledger.add(650, NOW - timedelta(days=1))
    assert not engine.step(NOW).queued
    stored_budgets.write(client, budget(), actor="cfo", tenant_hash=hashed)
    engine.step(after(minutes=1))
    start().step(after(minutes=2))
    assert steps(desk) == [["60%"]]
    stored_budgets.write(client, budget(limit_usd="80"), actor="cfo", tenant_hash=hashed, before=budget())
    start().step(after(minutes=4))
    start().step(after(minutes=6))
    assert steps(desk) == [["60%"], ["80%", "60%"]]  # one incident: what is new, beside what goes on


def test_a_budget_that_is_removed_takes_its_alerts_with_it_and_does_not_begin_anew_in_its_period(
    start: Start, ledger: Ledger, desk: Desk, client: Client
) -> None:
    ledger.add(650, NOW)
    engine = start(BASE)
    stored_budgets.write(client, budget(), actor="cfo", tenant_hash=hashed)
    (fired,) = engine.step(NOW).changed
    stored_budgets.remove(client, budget(), actor="cfo", tenant_hash=hashed)
    assert [(a.id, a.state) for a in engine.step(after(minutes=2)).changed] == [(fired.id, "resolved")]
    stored_budgets.write(client, budget(), actor="cfo", tenant_hash=hashed)
    assert not start().step(after(minutes=4)).changed
    assert [(e.action, e.subject) for e in audit_log.entries(client)] == [
        ("budget_set", "budget:growth"), ("budget_removed", "budget:growth"), ("budget_set", "budget:growth"),
    ]  # fmt: skip


def test_what_was_set_is_read_back_as_it_was(client: Client) -> None:
    wanted = budget(steps=["50%", "0.9"], receivers=["ops"], on_exceeded="deny", advised_tier="standard", limit_usd="0.000000000001", period="week")
    stored_budgets.write(client, wanted, actor="cfo", tenant_hash=hashed)
    assert [(one.budget, one.actor) for one in stored_budgets.stored(client)] == [(wanted, "cfo")]


def test_erasing_a_tenant_takes_the_budgets_that_name_it_and_leaves_others_theirs(client: Client) -> None:
    for name, tenants in (("acme alone", "acme"), ("both", ["acme", "globex"]), ("other", "acmeville"), ("was", "acme")):
        stored_budgets.write(client, budget(name=name, match={"tenant": tenants}), actor="cfo", tenant_hash=hashed)
    stored_budgets.remove(client, budget(name="was", match={"tenant": "acme"}), actor="cfo", tenant_hash=hashed)
    assert stored_budgets.erase(client, "acme") == 3
    left = {one.budget.name: one.budget.match.patterns()["tenant"] for one in stored_budgets.stored(client)}
    assert left == {"both": ["globex"], "other": ["acmeville"]}
    rows = client.query("SELECT document FROM spanledger.budgets").result_rows
    assert not any('"acme"' in row[0] for row in rows)
    assert all('"acme"' not in json.dumps(entry.detail) and "globex" not in json.dumps(entry.detail) for entry in audit_log.entries(client))
    assert stored_budgets.erase(client, "acme") == 0


def test_a_budget_that_is_not_understood_keeps_the_others_in_force(client: Client) -> None:
    stored_budgets.write(client, budget(), actor="cfo", tenant_hash=hashed)
    client.insert("spanledger.budgets", [["later", '{"name": "later", "of": "a newer version"}']], column_names=["name", "document"])
    assert [one.budget.name for one in stored_budgets.stored(client)] == ["growth"]


FILE = parse_policy(
    "budgets: [{name: growth, limit_usd: 1}]\n"
    "alerts: {rules: [{name: busy, metric: requests, above: 1}], receivers: [{name: ops, kind: slack, url: 'https://example.com'}]}"
)


def test_the_policy_file_wins_over_what_was_set() -> None:
    those = [Stored(budget(name=name), "cfo", NOW) for name in ("growth", "busy", "data-dropped", "search")]
    merged = with_stored(FILE, those)
    assert [(one.name, int(one.limit_usd)) for one in merged.budgets] == [("growth", 1), ("search", 100)]
    assert merged.alerts == FILE.alerts


@pytest.mark.parametrize(
    ("told", "field", "why"),
    [
        ({}, "name", "stands in the policy file"),
        ({"name": "busy"}, "name", "a rule's name"),
        ({"name": "cost-anomaly"}, "name", "a rule's name"),
        ({"name": "new", "receivers": ["nobody"]}, "receivers", "there is no receiver `nobody`"),
    ],
)
def test_what_the_file_would_refuse_is_refused(told: dict[str, object], field: str, why: str) -> None:
    found = refusal(FILE, budget(**told))
    assert found is not None
    assert (found[0], why in found[1]) == (field, True)
    assert refusal(FILE, budget(name="new", receivers=["ops"])) is None


def test_the_names_of_built_in_rules_are_known_to_the_policy() -> None:
    from alerts.rules import DEFAULTS
    from spanledger.policy.alerting import BUILT_IN

    assert tuple(rule.name for rule in DEFAULTS) == BUILT_IN
