"""The alert engine on a real ledger, with a real receiver: what is due is told once, whatever happens in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.client import Client

from spanledger.errors import ConfigError
from spanledger.policy import PolicyFile
from warehouse import alerting, audit_log, lifecycle
from warehouse.alerting import Quiet

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Desk, Ledger, Start

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BASE = """
alerts:
  defaults: false
  group_wait: 0s
  group_interval: 1m
  receivers: [{name: ops, kind: webhook, url: $URL/hook, secret: s3cret}]
  routes: [{receivers: [ops]}]
"""
BUDGET = BASE + "budgets: [{name: growth, match: {team: growth}, limit_usd: 100, forecast: false}]\n"
ERRORS = BASE + "  rules: [{name: failing, metric: error_rate, above: 0.05, over: 30m, for: 1m}]\n"


def after(**more: float) -> datetime:
    return NOW + timedelta(**more)


def steps(desk: Desk) -> list[list[str]]:
    return [[a["labels"]["step"] for a in body["alerts"]] for body in desk.bodies]


def test_budget_steps_are_told_once_over_restarts_and_late_spend(start: Start, ledger: Ledger, desk: Desk) -> None:
    engine = start(BUDGET)
    ledger.add(599, NOW - timedelta(days=3))
    assert not engine.step(NOW).queued
    ledger.add(1, NOW - timedelta(days=20))  # late: another day of the same month
    engine.step(after(minutes=1))
    assert steps(desk) == [["60%"]]
    for minute in range(2, 6):  # killed and started again and again
        start().step(after(minutes=minute))
    assert steps(desk) == [["60%"]]
    ledger.add(450, NOW)
    start().step(after(minutes=7))
    assert steps(desk) == [["60%"], ["100%", "80%", "60%"]]
    assert desk.bodies[-1]["title"] == "Budget growth has spent $105.00 of $100.00 in 2026-11, past 100 % (and 2 more)"
    ledger.add(1000, NOW)
    for hour in (5, 30):
        start(now=after(hours=hour)).step(after(hours=hour))
    assert len(desk.got) == 2


def test_a_new_period_begins_anew(start: Start, ledger: Ledger, desk: Desk) -> None:
    ledger.add(700, NOW)
    start(BUDGET).step(NOW)
    december = datetime(2026, 12, 3, tzinfo=UTC)
    ledger.add(700, december)
    start(now=december).step(december)
    assert [body["alerts"][0]["labels"]["period"] for body in desk.bodies] == ["2026-11", "2026-12"]


def test_spend_of_others_does_not_count(start: Start, ledger: Ledger, desk: Desk) -> None:
    ledger.add(5_000, NOW, team="search")
    start(BUDGET).step(NOW)
    assert not desk.got


def test_a_threshold_fires_after_it_has_held_and_ends(start: Start, ledger: Ledger, desk: Desk) -> None:
    engine = start(ERRORS)
    ledger.add(90, NOW - timedelta(minutes=5))
    ledger.add(10, NOW - timedelta(minutes=5), outcome="error")
    assert [a.state for a in engine.step(NOW).changed] == ["pending"]
    assert not desk.got
    engine = start()  # how long it has held is remembered
    assert [a.state for a in engine.step(after(minutes=1)).changed] == ["firing"]
    assert desk.bodies[0]["alerts"][0]["summary"] == "shop: error rate 10.00 % of 100 requests in 30 min, above 5.00 %"
    ledger.add(900, after(minutes=1))
    engine.step(after(minutes=3))
    assert [body["status"] for body in desk.bodies] == ["firing", "resolved"]


def test_an_alert_that_comes_up_again_before_its_end_was_told_ends_all_the_same(start: Start, ledger: Ledger, desk: Desk) -> None:
    engine = start(ERRORS.replace("for: 1m", "for: 0s").replace("group_interval: 1m", "group_interval: 15m"))
    ledger.add(100, NOW - timedelta(minutes=1), outcome="error")
    (first,) = engine.step(NOW).changed
    ledger.add(10_000, after(minutes=1))
    engine.step(after(minutes=5))
    ledger.add(10_000, after(minutes=6), outcome="error")
    (second,) = start(now=after(minutes=10)).step(after(minutes=10)).changed
    start(now=after(minutes=16)).step(after(minutes=16))
    assert [{a["id"]: a["state"] for a in body["alerts"]} for body in desk.bodies] == [
        {first.id: "firing"}, {first.id: "resolved", second.id: "firing"},
    ]  # fmt: skip


def test_too_few_calls_are_no_verdict(start: Start, ledger: Ledger, desk: Desk) -> None:
    ledger.add(10, NOW - timedelta(minutes=1), outcome="error")
    assert not start(ERRORS).step(NOW).changed


def test_what_is_taken_on_is_not_told_again(start: Start, ledger: Ledger, desk: Desk, client: Client) -> None:
    engine = start(ERRORS.replace("for: 1m", "for: 0s") + "  repeat: 2h\n")
    ledger.add(100, NOW - timedelta(minutes=1), outcome="error")
    ledger.add(100, after(hours=3) - timedelta(minutes=1), outcome="error")
    ledger.add(100, after(hours=6) - timedelta(minutes=1), outcome="error")
    (fired,) = engine.step(NOW).changed
    engine.step(after(hours=3))
    assert [body["reason"] for body in desk.bodies] == ["firing", "repeat"]
    alerting.acknowledge(client, [fired], actor="ana", comment="looking")
    engine.step(after(hours=6))
    assert len(desk.got) == 2
    assert alerting.acknowledgements(client, [fired.id])[fired.id].actor == "ana"
    assert [(r.actor, r.action, r.subject) for r in audit_log.entries(client)] == [("ana", "acknowledgement", f"alert:{fired.id}")]


def test_a_receiver_that_is_away_gets_it_later_and_once(start: Start, ledger: Ledger, desk: Desk) -> None:
    ledger.add(700, NOW)
    engine, desk.answer = start(BUDGET), 503
    assert [n.state for n in engine.step(NOW).settled] == ["queued"]
    assert not engine.step(after(seconds=5)).settled  # not yet
    desk.answer = 200
    assert [n.state for n in start().step(after(seconds=30)).settled] == ["sent"]
    assert not start().step(after(minutes=5)).settled
    assert [headers["Idempotency-Key"] for _, headers, _ in desk.got] == [desk.bodies[0]["id"]] * 2


def test_a_pass_that_was_cut_off_before_sending_is_finished_by_the_next(start: Start, ledger: Ledger, desk: Desk) -> None:
    ledger.add(700, NOW)

    def killed(_receiver: object, _incident: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(BUDGET, send=killed).step(NOW)
    start().step(after(seconds=20))
    start().step(after(seconds=50))
    assert steps(desk) == [["60%"]]


def test_a_silence_somebody_has_set_is_kept(start: Start, ledger: Ledger, desk: Desk, client: Client) -> None:
    ledger.add(700, NOW)
    engine = start(BUDGET)
    alerting.write_silence(client, Quiet(NOW, after(hours=1), "ana", rules=("growth",)))
    engine.step(NOW)
    assert not desk.got
    engine.step(after(hours=1, minutes=1))
    assert steps(desk) == [["60%"]]


ACTION = """  rules:
    - name: failing
      metric: error_rate
      above: 0.05
      action: {webhook: $URL/runbook, secret: s3cret, name: switch_model, parameters: {to: small}, snapshot: true, snapshot_calls: 2}
"""


def test_a_rules_action_is_called_once_when_it_fires_and_when_it_ends(start: Start, ledger: Ledger, desk: Desk, client: Client) -> None:
    engine = start(BASE.replace("  routes: [{receivers: [ops]}]\n", "").replace("1m", "1h") + ACTION)
    ledger.add(100, NOW - timedelta(minutes=1), outcome="error")
    ledger.add(1, NOW - timedelta(minutes=1), app="other")
    client.command(
        "INSERT INTO spanledger.contents (ts, project, service, trace_id, span_id, prompt, response) "
        "SELECT ts, project, service, trace_id, span_id, 'where is [EMAIL]', 'there' FROM spanledger.calls WHERE app_id = 'shop'"
    )
    engine.step(NOW)
    start().step(after(minutes=3))
    ((path, headers, _),) = desk.got
    assert (path, "X-Spanledger-Signature" in headers) == ("/runbook", True)
    (sent,) = desk.bodies
    assert (sent["status"], sent["action"]) == ("firing", {"name": "switch_model", "parameters": {"to": "small"}})
    assert [call["app_id"] for call in sent["snapshot"]["calls"]] == ["shop", "shop"]
    assert [text["prompt"] for text in sent["snapshot"]["texts"]] == ["where is [EMAIL]"] * 2
    ledger.add(10_000, after(minutes=4))
    start(now=after(minutes=6)).step(after(minutes=6))
    start(now=after(hours=9)).step(after(hours=9))
    assert [(body["status"], "snapshot" in body) for body in desk.bodies] == [("firing", True), ("resolved", False)]


def test_a_silenced_alert_does_not_act(start: Start, ledger: Ledger, desk: Desk, client: Client) -> None:
    engine = start(BASE + ACTION)
    ledger.add(100, NOW - timedelta(minutes=1), outcome="error")
    alerting.write_silence(client, Quiet(NOW, after(hours=1), "ana", rules=("failing",)))
    assert engine.step(NOW).changed
    assert not desk.got


def test_what_is_erased_is_not_written_again(start: Start, ledger: Ledger, client: Client) -> None:
    engine = start(BASE + "  group_by: [alertname, tenant_hash]\n  rules: [{name: busy, metric: requests, by: [tenant_hash, user_hash], above: 5}]\n")
    ledger.add(10, NOW - timedelta(minutes=1), tenant_hash="hash-acme", user_hash="0123456789abcdef")
    ledger.add(10, NOW - timedelta(minutes=1), tenant_hash="hash-other")
    acme, other = sorted(engine.step(NOW).changed, key=lambda a: a.labels["tenant_hash"])
    alerting.acknowledge(client, [acme, other], actor="ana")
    assert lifecycle.erase(client, "e1", tenant_hash="hash-acme")["alerts"] == 1
    engine.step(after(minutes=2))
    for table in ("alerts", "alert_notices", "alert_acknowledgements"):
        left = str(client.query(f"SELECT * FROM spanledger.{table}").result_rows)
        assert acme.id not in left, table
        assert "hash-acme" not in left, table
        assert other.id in left, table
    assert lifecycle.erase(client, "e2", user_hash="0123456789abcdef")["alerts"] == 0


def test_an_objective_that_burns_is_told_by_both_its_windows(start: Start, ledger: Ledger, desk: Desk) -> None:
    rules = "  rules: [{name: slow, kind: burn_rate, latency_ms: 1000, objective: 99%, by: [app_id]}]\n"
    engine = start(BASE + rules)
    ledger.add(100_000, NOW - timedelta(days=2))
    ledger.add(1000, NOW - timedelta(minutes=50))
    ledger.add(300, NOW - timedelta(minutes=40), latency_ms=5000)
    engine.step(NOW)
    assert not desk.got  # it is over: nothing slow in the last five minutes
    ledger.add(100, after(minutes=1), latency_ms=5000)
    engine.step(after(minutes=2))
    assert "objective 99 % (slower than 1000 ms) burns at 28.6 times its budget over 1 h" in desk.bodies[0]["alerts"][0]["summary"]


@pytest.mark.parametrize(
    ("match", "fires"), [("{tenant: acme}", True), ("{tenant: other}", False), ("{app: 'sh*'}", True), ("{app: ['x*', 'y']}", False)]
)
def test_a_match_takes_names_wildcards_and_tenants(start: Start, ledger: Ledger, desk: Desk, match: str, fires: bool) -> None:
    ledger.add(700, NOW, tenant_hash="hash-acme")
    start(BUDGET.replace("{team: growth}", match)).step(NOW)
    assert bool(desk.got) is fires


def test_a_rule_that_cannot_be_asked_does_not_keep_the_others_waiting(start: Start, ledger: Ledger, desk: Desk) -> None:
    rules = "  rules: [{name: odd, metric: hallucination_score, above: 0.1, by: [provider]}, {name: calls, metric: requests, above: 5}]\n"
    ledger.add(10, NOW - timedelta(minutes=1))
    done = start(BASE + rules).step(NOW)
    assert list(done.errors) == ["odd"]
    assert [a.rule for a in done.changed] == ["calls"]


@pytest.mark.parametrize("metric", ["error_rate", "timeout_rate", "latency_p50_ms", "latency_p99_ms", "ttft_p90_ms", "cost_usd", "requests", "tokens",
    "cost_per_1k_requests", "cache_hit_rate", "fallback_rate", "retry_rate", "unpriced_share", "missing_usage_share", "hallucination_score",
    "schema_failure_rate", "contradiction_rate", "safety_violations", "feedback_negative_rate", "drops"])  # fmt: skip
def test_every_metric_can_be_asked(start: Start, ledger: Ledger, metric: str) -> None:
    ledger.add(100, NOW - timedelta(minutes=1))
    done = start(BASE + f"  rules: [{{name: any, metric: {metric}, above: -1, below: -2}}]\n", drops=3.0).step(NOW)
    assert not done.errors


def test_the_built_in_rules_can_be_asked(start: Start, ledger: Ledger, client: Client, desk: Desk) -> None:
    ledger.add(200, NOW - timedelta(hours=2), cost_source="unpriced", provider="acme")
    hour = {"hour": NOW - timedelta(hours=1), "app_id": "shop", "team": "growth", "model_tier": "standard", "cause": "retries"}
    alerting.write_anomalies(client, [{**hour, "cost_usd": 60.0, "usual_usd": 10.0}])
    done = start(BASE.replace("defaults: false", "defaults: true"), drops=2.0).step(NOW)
    assert {a.rule: a.summary for a in done.changed} == {
        "cost-anomaly": "shop, growth, standard: retries: $50.00 more than usual in 1 h",
        "unpriced-calls": "acme, m: share of calls without a complete price 100.00 % of 200 requests in 1 d, above 1.00 %",
        "data-dropped": "2 records or texts dropped by the collector in 30 min",
    }
    assert not done.errors
    assert {a.team for a in done.changed} == {"growth", ""}


def test_a_rule_that_can_never_be_asked_is_refused_when_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("alerts: {rules: [{name: x, kind: burn_rate, objective: 99%, metric: cost_usd}]}")
    with pytest.raises(ConfigError, match="needs `latency_ms`"):
        PolicyFile(file, None)
