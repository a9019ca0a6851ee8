"""Who is told of what, and when: routes, silences, inhibition, grouping. Pure; source of the timing rules: Prometheus Alertmanager.

An incident is what one receiver gets in one message: alerts with equal ``group_by`` labels. It is told of once its first alert has waited
``group_wait``, again when it changes (not sooner than ``group_interval``), and every ``repeat`` while somebody still has to take it on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

from alerts import actions, budgets
from alerts.findings import ALERTNAME
from spanledger.policy import Alerts, Silence
from warehouse.alerting import Alert, Notice, Quiet
from warehouse.matching import Hash, matches

#: An ended alert is told of for so long, if its firing was.
RESOLVED_FOR = timedelta(days=1)


def due(
    policy: Alerts, alerts: Iterable[Alert], told: Iterable[Notice], quiet: Sequence[Quiet], taken: Iterable[str], now: datetime, tenant_hash: Hash
) -> list[Notice]:
    """Notices to queue now.

    Args:
        alerts: firing ones and those that ended lately.
        told: latest notice of each receiver and incident, and those that are queued.
        quiet: silences set by people.
        taken: ids of acknowledged alerts.
        tenant_hash: what labels have for a tenant's name.
    """
    alerts, taken = list(alerts), set(taken)
    firing = [a for a in alerts if a.state == "firing"]
    hushed = {a.id for a in firing if silenced(a, policy.silences, quiet, now, tenant_hash) or inhibited(a, firing, policy)}
    latest: dict[tuple[str, str], Notice] = {}
    waiting: set[tuple[str, str]] = set()
    for notice in sorted(told, key=lambda n: n.at):
        key = notice.receiver, notice.incident
        latest[key] = notice
        if notice.state == "queued":
            waiting.add(key)
    queued: list[Notice | None] = []
    for (receiver, incident), members in _incidents(policy, alerts, tenant_hash).items():
        if (receiver, incident) in waiting:
            continue
        notice = _notice(policy, receiver, incident, members, latest.get((receiver, incident)), hushed, taken, now)
        queued.append(notice)
    soon = actions.at_once(policy)
    for (receiver, incident), alert in actions.incidents(policy, alerts).items():
        if (receiver, incident) not in waiting:
            queued.append(_notice(soon, receiver, incident, [alert], latest.get((receiver, incident)), hushed, {alert.id}, now))
    return [notice for notice in queued if notice is not None]


def _notice(
    policy: Alerts, receiver: str, incident: str, members: Sequence[Alert], last: Notice | None, hushed: set[str], taken: set[str], now: datetime
) -> Notice | None:
    before = dict(last.told) if last is not None and last.state != "failed" else {}  # a notice that failed told nobody
    firing = [a for a in members if a.state == "firing" and (a.id not in hushed or before.get(a.id) == "firing")]
    ended = [a for a in members if a.state == "resolved" and before.get(a.id) == "firing" and tells_end(a)]
    telling = {a.id: a.state for a in (*firing, *ended)}
    fresh = [a for a in firing if before.get(a.id) != "firing"]
    if last is None or not before:
        first = min((a.firing_at or now for a in fresh), default=None)
        reason = "firing" if first is not None and now - first >= policy.group_wait else ""
    elif (fresh or ended) and now - last.at >= policy.group_interval:
        reason = "firing" if fresh else "resolved" if not firing else "changed"
    else:
        open_ones = [a for a in firing if a.id not in taken and a.id not in hushed and a.kind != budgets.KIND]
        reason = "repeat" if open_ones and now - last.at >= policy.repeat else ""
    return Notice(_id(receiver, incident, now), receiver, incident, reason, telling, now, next_at=now) if reason and telling else None


def tells_end(alert: Alert) -> bool:
    """A budget's period that is over is no news."""
    return alert.kind != budgets.KIND


def _incidents(policy: Alerts, alerts: Iterable[Alert], tenant_hash: Hash) -> dict[tuple[str, str], list[Alert]]:
    """(receiver, incident) → its alerts, in order of their beginning."""
    found: dict[tuple[str, str], list[Alert]] = defaultdict(list)
    for alert in sorted(alerts, key=lambda a: (a.pending_at, a.id)):
        key = incident_of(policy.group_by, alert)
        for receiver in receivers_of(policy, alert, tenant_hash):
            found[receiver, key].append(alert)
    return found


def incident_of(group_by: Sequence[str], alert: Alert) -> str:
    """``alertname=…, app_id=…``: what alerts of one message have in common."""
    labels = {ALERTNAME: alert.rule, **alert.labels}
    return ", ".join(f"{name}={labels[name]}" for name in group_by if labels.get(name))


def receivers_of(policy: Alerts, alert: Alert, tenant_hash: Hash) -> tuple[str, ...]:
    """The rule's own receivers, else those of the first route that fits; a receiver that is gone from the policy is left out."""
    known = {r.name for r in policy.receivers}
    named: Sequence[str] = alert.receivers
    if not named:
        grave = (r for r in policy.routes if not r.severity or alert.severity in r.severity)
        route = next((r for r in grave if matches(r.match.patterns(), alert.labels, tenant_hash)), None)
        named = route.receivers if route is not None else ()
    return tuple(dict.fromkeys(name for name in named if name in known))


def silenced(alert: Alert, planned: Iterable[Silence], quiet: Iterable[Quiet], now: datetime, tenant_hash: Hash) -> bool:
    """Whether a quiet time of the policy or of a person is about this alert."""
    told: list[tuple[datetime, datetime, Sequence[str], Mapping[str, Sequence[str]]]] = [
        (s.starts_at, s.ends_at, s.rules, s.match.patterns()) for s in planned
    ]
    told += [(q.starts_at, q.ends_at, q.rules, q.matchers) for q in quiet]
    labels = {ALERTNAME: alert.rule, **alert.labels}
    about = [match for since, until, rules, match in told if since <= now < until and (not rules or alert.rule in rules)]
    return any(matches(match, labels, tenant_hash) for match in about)


def inhibited(alert: Alert, firing: Iterable[Alert], policy: Alerts) -> bool:
    """Whether another alert that fires says it all already."""
    for one in policy.inhibit:
        if alert.rule not in one.target:
            continue
        same = (a for a in firing if a.rule in one.source and a.id != alert.id)
        if any(all(a.labels.get(name, "") == alert.labels.get(name, "") for name in one.equal) for a in same):
            return True
    return False


def _id(receiver: str, incident: str, now: datetime) -> str:
    """The same message has the same id however often it is sent."""
    return blake2b(f"{receiver}\0{incident}\0{now.isoformat()}".encode(), digest_size=12).hexdigest()
