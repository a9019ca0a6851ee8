"""Who is told of what, and when: grouped, once, again when it changes, never while it is silenced or taken on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.telling import due, incident_of, receivers_of
from spanledger.policy import Alerts
from warehouse.alerting import Alert, Notice, Quiet

T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)
POLICY: dict[str, Any] = {
    "receivers": [{"name": "ops", "kind": "webhook", "url": "http://127.0.0.1:1"}, {"name": "money", "kind": "webhook", "url": "http://127.0.0.1:2"}],
    "routes": [{"match": {"team": "growth"}, "severity": ["critical"], "receivers": ["ops", "money"]}, {"receivers": ["ops"]}],
    "group_wait": "30s",
    "group_interval": "5m",
    "repeat": "4h",
}


def policy(**more: Any) -> Alerts:
    return Alerts.model_validate({**POLICY, **more})


def alert(name: str = "slow", app: str = "a", at: datetime = T0, **more: Any) -> Alert:
    told: dict[str, Any] = {
        "id": f"{name}-{app}-{at:%H%M}", "fingerprint": f"{name}-{app}", "rule": name, "kind": "threshold", "severity": "warning",
        "labels": {"app_id": app}, "team": "", "state": "firing", "value": 1.0, "bound": 0.5, "summary": "slow", "receivers": (),
        "pending_at": at, "held_at": at, "firing_at": at,
    }  # fmt: skip
    return Alert(**{**told, **more})


def hashed(tenant: str) -> str:
    return f"hash-{tenant}"


class Desk:
    """Sends whatever is due, at once."""

    def __init__(self, policy: Alerts) -> None:
        self.policy, self.sent = policy, list[Notice]()

    def at(self, now: datetime, alerts: Iterable[Alert], quiet: Iterable[Quiet] = (), taken: Iterable[str] = ()) -> list[str]:
        new = due(self.policy, alerts, self.sent, list(quiet), taken, now, hashed)
        self.sent += [replace(n, state="sent") for n in new]
        return [f"{n.receiver} {n.reason} {len(n.told)}" for n in new]


def after(**more: float) -> datetime:
    return T0 + timedelta(**more)


def test_alerts_of_one_incident_are_told_together_after_a_short_wait() -> None:
    desk, both = Desk(policy()), [alert(), alert(labels={"app_id": "a", "route": "x"}, id="2")]
    assert desk.at(T0, both) == []
    assert desk.at(after(seconds=30), both) == ["ops firing 2"]
    assert desk.at(after(minutes=20), both) == []


def test_incidents_of_different_labels_are_told_apart() -> None:
    desk = Desk(policy())
    assert desk.at(after(minutes=1), [alert(app="a"), alert(app="b")]) == ["ops firing 1", "ops firing 1"]
    assert incident_of(["alertname", "app_id"], alert()) == "alertname=slow, app_id=a"


def test_what_is_added_is_told_after_the_interval_and_what_ends_too() -> None:
    first, second = alert(), alert(at=after(minutes=2), id="2", fingerprint="2", labels={"app_id": "a", "route": "x"})
    desk = Desk(policy())
    assert desk.at(after(minutes=1), [first]) == ["ops firing 1"]
    assert desk.at(after(minutes=3), [first, second]) == []
    assert desk.at(after(minutes=6), [first, second]) == ["ops firing 2"]
    ended = [replace(a, state="resolved", resolved_at=after(minutes=7)) for a in (first, second)]
    assert desk.at(after(minutes=8), [ended[0], second]) == []
    assert desk.at(after(minutes=11), [ended[0], second]) == ["ops changed 2"]
    assert desk.at(after(minutes=20), ended) == ["ops resolved 1"]
    assert desk.at(after(hours=9), ended) == []


def test_it_is_told_again_until_somebody_takes_it_on() -> None:
    desk, one = Desk(policy()), alert()
    assert desk.at(after(minutes=1), [one]) == ["ops firing 1"]
    assert desk.at(after(hours=4, minutes=1), [one]) == ["ops repeat 1"]
    assert desk.at(after(hours=9), [one], taken=[one.id]) == []
    assert desk.at(after(hours=9, minutes=1), [one]) == ["ops repeat 1"]


def test_a_budget_step_is_told_once_and_its_end_not_at_all() -> None:
    desk, one = Desk(policy()), alert(kind="budget")
    assert desk.at(after(minutes=1), [one]) == ["ops firing 1"]
    assert desk.at(after(hours=40), [one]) == []
    assert desk.at(after(hours=50), [replace(one, state="resolved", resolved_at=after(hours=50))]) == []


def test_a_silence_is_kept_and_what_still_fires_after_it_is_told() -> None:
    desk, one = Desk(policy()), alert()
    quiet = [Quiet(T0, after(hours=1), "me", matchers={"app": ["a*"]})]
    assert desk.at(after(minutes=10), [one], quiet) == []
    assert desk.at(after(minutes=10), [alert(app="b")], quiet) == ["ops firing 1"]
    assert desk.at(after(hours=1), [one], quiet) == ["ops firing 1"]


def test_a_silence_of_the_policy_may_name_rules() -> None:
    planned = [{"rules": ["slow"], "starts_at": T0.isoformat(), "ends_at": after(hours=1).isoformat()}]
    desk = Desk(policy(silences=planned))
    assert desk.at(after(minutes=10), [alert(), alert("dear")]) == ["ops firing 1"]
    assert desk.sent[0].incident.startswith("alertname=dear")


def test_routes_and_silences_may_name_tenants() -> None:
    about = alert(labels={"tenant_hash": "hash-acme"})
    routes = [{"match": {"tenant": "acme"}, "receivers": ["money"]}, {"receivers": ["ops"]}]
    assert receivers_of(policy(routes=routes), about, hashed) == ("money",)
    assert receivers_of(policy(routes=routes), alert(labels={"tenant_hash": "acme"}), hashed) == ("ops",)
    desk = Desk(policy())
    assert desk.at(after(minutes=1), [about], [Quiet(T0, after(hours=1), "me", matchers={"tenant": ["acme"]})]) == []
    assert desk.at(after(minutes=1), [about], [Quiet(T0, after(hours=1), "me", matchers={"tenant": ["other"]})]) == ["ops firing 1"]


def test_an_alert_is_inhibited_while_another_says_it_all() -> None:
    desk = Desk(policy(inhibit=[{"source": ["down"], "target": ["slow"], "equal": ["app_id"]}]))
    assert desk.at(after(minutes=1), [alert(), alert("down", app="b")]) == ["ops firing 1", "ops firing 1"]
    desk = Desk(desk.policy)
    assert desk.at(after(minutes=1), [alert(), alert("down")]) == ["ops firing 1"]
    assert desk.sent[0].incident == "alertname=down, app_id=a"


def test_the_first_route_that_fits_says_where_and_a_rule_may_say_it_itself() -> None:
    both = alert(severity="critical", labels={"team": "growth"})
    assert receivers_of(policy(), both, hashed) == ("ops", "money")
    assert receivers_of(policy(), alert(), hashed) == ("ops",)
    assert receivers_of(policy(), alert(receivers=("money", "gone")), hashed) == ("money",)
    assert receivers_of(policy(routes=[]), alert(), hashed) == ()


def test_a_notice_that_reached_nobody_is_told_once_its_receiver_is_back() -> None:
    desk, one = Desk(policy()), alert()
    (lost,) = due(desk.policy, [one], [], [], (), after(minutes=1), hashed)
    desk.sent = [replace(lost, state="failed", error="the receiver is gone")]
    assert desk.at(after(minutes=2), [one]) == ["ops firing 1"]
    assert desk.at(after(minutes=3), [one]) == []


def test_nothing_is_queued_twice_while_a_receiver_does_not_answer() -> None:
    one = alert()
    waiting = due(policy(), [one], [], [], (), after(minutes=1), hashed)
    assert due(policy(), [one, alert(id="2", at=after(minutes=2))], waiting, [], (), after(hours=1), hashed) == []


def test_an_alert_that_came_and_went_before_it_was_told_is_not_told() -> None:
    gone = replace(alert(), state="resolved", resolved_at=after(seconds=20))
    assert Desk(policy()).at(after(minutes=1), [gone]) == []
