"""The state of alerts: pending → firing → resolved, as findings come in. Pure: what is known, what is found and ``now`` in, what changed out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from alerts.findings import Finding
from warehouse.alerting import Alert

#: A firing alert whose condition cannot be told any more (no traffic, say) ends after this long.
SILENT = timedelta(hours=1)


def step(known: Iterable[Alert], findings: Iterable[Finding], rules: Mapping[str, timedelta], now: datetime) -> list[Alert]:
    """What changes: new alerts and known ones in their new state.

    Args:
        known: latest alert of each fingerprint.
        rules: rules and budgets in force, and how long an alert of theirs goes on when nothing is found for its labels.
    """
    latest = {alert.fingerprint: alert for alert in known}
    changed: list[Alert] = []
    found: set[str] = set()
    for finding in findings:
        found.add(finding.fingerprint)
        after = _found(latest.get(finding.fingerprint), finding, now)
        if after is not None:
            changed.append(after)
    missing = (alert for alert in latest.values() if alert.active and alert.fingerprint not in found)
    return changed + [after for alert in missing if (after := _not_found(alert, rules.get(alert.rule), now)) is not None]


def _found(alert: Alert | None, finding: Finding, now: datetime) -> Alert | None:
    if alert is None or not alert.active:
        return _begun(alert, finding, now) if finding.holds else None
    if finding.holds:
        fires = alert.state == "pending" and now - alert.pending_at >= finding.hold
        told = replace(
            alert, value=finding.value, bound=finding.bound, summary=finding.summary, severity=finding.severity, team=finding.team,
            receivers=finding.receivers, held_at=now,
        )  # fmt: skip
        return replace(told, state="firing", firing_at=now) if fires else told
    if finding.stays and alert.until is not None and now < alert.until:
        return None
    if alert.state == "pending":
        return replace(alert, state="lapsed") if finding.holds is False else None
    patience = max(finding.keep, timedelta(0) if finding.holds is False else SILENT)
    return _ended(alert, now) if now - alert.held_at >= patience else None


def _begun(before: Alert | None, finding: Finding, now: datetime) -> Alert | None:
    if finding.until is not None and (now >= finding.until or (before is not None and before.state != "lapsed" and before.until == finding.until)):
        return None  # it has come up in this period
    fires = not finding.hold
    return Alert(
        id=blake2b(f"{finding.fingerprint}\0{now.isoformat()}".encode(), digest_size=8).hexdigest(), fingerprint=finding.fingerprint,
        rule=finding.rule, kind=finding.kind, severity=finding.severity, labels=finding.labels, team=finding.team,
        state="firing" if fires else "pending", value=finding.value, bound=finding.bound, summary=finding.summary, receivers=finding.receivers,
        pending_at=now, held_at=now, firing_at=now if fires else None, until=finding.until,
    )  # fmt: skip


def _not_found(alert: Alert, patience: timedelta | None, now: datetime) -> Alert | None:
    """``patience`` None: its rule is gone."""
    if alert.state == "pending":
        return replace(alert, state="lapsed")
    over = patience is None or now - alert.held_at >= patience or (alert.until is not None and now >= alert.until)
    return _ended(alert, now) if over else None


def _ended(alert: Alert, now: datetime) -> Alert:
    return replace(alert, state="resolved", resolved_at=now)
