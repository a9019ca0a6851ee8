"""What a rule does besides telling: its runbook webhook is called when an alert begins to fire, and again when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from spanledger.policy import Alerts, Receiver, Rule
from warehouse.alerting import Alert


def acting(policy: Alerts) -> dict[str, Rule]:
    """Name of the receiver that an action is → its rule."""
    return {f"action of {rule.name}": rule for rule in policy.rules if rule.enabled and rule.action is not None and rule.action.webhook is not None}


def receiver(name: str, rule: Rule) -> Receiver:
    """The receiver: a signed webhook."""
    assert rule.action is not None
    return Receiver(name=name, kind="webhook", url=rule.action.webhook, secret=rule.action.secret)


def incidents(policy: Alerts, alerts: Iterable[Alert]) -> dict[tuple[str, str], Alert]:
    """(receiver, incident) → its alert: each acts for itself."""
    names = {rule.name: name for name, rule in acting(policy).items()}
    return {(names[alert.rule], alert.id): alert for alert in alerts if alert.rule in names}


def at_once(policy: Alerts) -> Alerts:
    """The policy's timing for actions: nothing waits for company."""
    return policy.model_copy(update={"group_wait": timedelta(0), "group_interval": timedelta(0)})


def told(rule: Rule) -> Mapping[str, Any]:
    """What the webhook is asked to do."""
    assert rule.action is not None
    return {"name": rule.action.name, "parameters": dict(rule.action.parameters)}
