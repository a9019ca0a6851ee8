"""The alert engine's loop: ask, decide, remember, tell. One engine at a time (a lease); what it knows is in the warehouse, so that any other goes on.

A pass writes alerts before notices and notices before they are sent. Killed in between, the next pass finds the same things due: nothing is lost,
and only a message whose sending was cut off may be sent twice, with the same id.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import orjson
import structlog

from alerts import actions, budgets, rules, telling
from alerts.delivery import GIVEN_UP, NotDelivered, pause, send
from alerts.drops import Drops
from alerts.findings import Finding
from alerts.messages import Incident, most_pressing
from alerts.rules import Asking
from alerts.state import SILENT, step
from spanledger import instance
from spanledger.errors import SpanledgerError
from spanledger.policy import Budget, Policy, PolicyFile, Receiver, Rule
from spanledger.settings import Settings
from warehouse import alerting, evidence, scoring, stored_budgets
from warehouse.alerting import Alert, Notice
from warehouse.budgeting import Expected, expected, standings
from warehouse.engine import connect
from warehouse.journal import latest_erasure
from warehouse.leases import Lease
from warehouse.matching import Hash

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = structlog.get_logger()

JOB = "alerts"
LEASE_S = 60.0
BUDGETS_EVERY = timedelta(seconds=30)
NOTED_EVERY = timedelta(minutes=1)  # how often it is written down that an alert goes on
REMEMBERED = timedelta(days=2)
TOLD_BEFORE = timedelta(days=400)
SENDERS = 4

Send = Callable[[Receiver, Incident], None]


class Pass(NamedTuple):
    """What one pass did."""

    changed: list[Alert]
    queued: list[Notice]
    settled: list[Notice]
    errors: dict[str, str]


def run(settings: Settings, stop: threading.Event, tenant_hash: Hash) -> None:
    """Alert until ``stop`` is set; raises what the warehouse raises, and the caller starts it again."""
    policy = PolicyFile(settings.policy_path, settings.tokens_file)
    access = instance.sql_access(settings, wait_s=30)
    drops = Drops(lambda: (instance.reported(settings.data_dir, "collector") or {}).get("otlp_http", "") if settings.embedded else "")
    with closing(connect(access.url, user=access.user, password=access.password)) as client, httpx.Client() as http:
        lease = Lease(client, JOB, f"{JOB}-{socket.gethostname()}-{os.getpid()}", ttl_s=LEASE_S)
        engine = Engine(client, policy, tenant_hash, drops.within, lambda r, i: send(r, i, http), settings.public_url, settings.alerts_interval_s)
        try:
            _loop(engine, lease, settings.alerts_interval_s, stop)
        finally:
            with contextlib.suppress(SpanledgerError):
                lease.release()


def _loop(engine: Engine, lease: Lease, interval_s: float, stop: threading.Event) -> None:
    held_until = 0.0
    while not stop.is_set():
        if time.monotonic() >= held_until:
            had = held_until > 0
            held_until = time.monotonic() + LEASE_S / 3 if lease.hold() else 0.0
            if held_until and not had:
                engine.take_up(datetime.now(UTC))
        if held_until:
            engine.step(datetime.now(UTC))
        stop.wait(interval_s)


class Engine:
    """What is known and what is done about it.

    Args:
        client: the warehouse.
        policy: rules, budgets, receivers; followed as the file changes.
        tenant_hash, drops: see :class:`alerts.rules.Asking`.
        send: delivers or raises ``NotDelivered``.
        web: where people reach the dashboard, for links.
        interval_s: the shortest pause between two looks at one rule.
    """

    def __init__(
        self, client: Client, policy: PolicyFile, tenant_hash: Hash, drops: rules.Drops, send: Send, web: str = "", interval_s: float = 15.0
    ) -> None:
        self._client, self._policy, self._hash, self._drops, self._send = client, policy, tenant_hash, drops, send
        self._web, self._interval = web, timedelta(seconds=interval_s)
        self._known: dict[str, Alert] = {}
        self._stored: dict[str, Alert] = {}
        self._notices: list[Notice] = []
        self._asked: dict[str, datetime] = {}
        self._errors: dict[str, str] = {}
        self._erased = 0

    def take_up(self, now: datetime) -> None:
        """Go on from what the warehouse remembers."""
        self._erased = latest_erasure(self._client)
        found = alerting.remembered(self._client, since=now - REMEMBERED)
        self._known = {alert.fingerprint: alert for alert in found}  # in order of their beginning: the latest of each counts
        self._stored = {alert.id: alert for alert in found}
        self._notices = alerting.notices(self._client, since=now - TOLD_BEFORE)
        self._asked.clear()

    def step(self, now: datetime) -> Pass:
        """One pass. A rule that cannot be asked is told of in the log and the job's mark, and does not keep the others waiting."""
        if latest_erasure(self._client) != self._erased:  # what it took must not be written again
            self.take_up(now)
        self._policy.reload()
        policy, errors = stored_budgets.in_force(self._client, self._policy.current), dict(self._errors)
        changed = self._looked(policy, now)
        queued = self._queued(policy, now)
        settled = self._sent(policy, now)
        if changed or queued or settled or self._errors != errors:
            told = {"changed": len(changed), "queued": len(queued), "sent": sum(n.state == "sent" for n in settled), "errors": self._errors}
            scoring.set_mark(self._client, JOB, now.isoformat(timespec="seconds"), orjson.dumps(told).decode())
        return Pass(changed, queued, settled, dict(self._errors))

    # -- what holds now --------------------------------------------------------------------------------------------------------------

    def _looked(self, policy: Policy, now: datetime) -> list[Alert]:
        asking = Asking(self._client, policy, self._hash, self._drops)
        named = {rule.name: rules.patience(rule) for rule in rules.in_force(policy)} | {budget.name: SILENT for budget in policy.budgets}
        found: list[Finding] = []
        looked: set[str] = set()
        for rule in rules.in_force(policy):
            if self._is_due(rule.name, rules.every(rule, self._interval), now):
                found += self._asked_of(rule.name, lambda rule=rule: rules.findings(asking, rule, now), looked)
        due = [one for one in policy.budgets if self._is_due(one.name, max(self._interval, BUDGETS_EVERY), now)]
        forecasts = expected(self._client, now) if due else {}
        for budget in due:
            found += self._asked_of(budget.name, lambda budget=budget: self._of_budget(budget, now, forecasts), looked)
        self._errors = {name: error for name, error in self._errors.items() if name in named}
        known = [a for a in self._known.values() if a.rule in looked or (a.active and a.rule not in named)]
        changed = step(known, found, named, now)
        self._known.update({alert.fingerprint: alert for alert in changed})
        self._forget(now)
        moved = [a for a in changed if self._worth_noting(a)]
        alerting.write_alerts(self._client, moved)
        for alert in moved:
            if (before := self._stored.get(alert.id)) is None or before.state != alert.state:
                log.info(f"alert_{alert.state}", rule=alert.rule, severity=alert.severity, summary=alert.summary)
        self._stored.update({alert.id: alert for alert in moved})
        return moved

    def _is_due(self, name: str, every: timedelta, now: datetime) -> bool:
        if now - self._asked.get(name, alerting.EPOCH) < every:
            return False
        self._asked[name] = now
        return True

    def _asked_of(self, name: str, ask: Callable[[], Sequence[Finding]], looked: set[str]) -> Sequence[Finding]:
        try:
            found = ask()
        except SpanledgerError as exc:
            if exc.retryable:  # the warehouse's trouble, not this rule's
                raise
            if self._errors.get(name) != str(exc):
                log.warning("rule_failed", rule=name, reason=str(exc)[:300])
            self._errors[name] = str(exc)[:300]
            return []
        self._errors.pop(name, None)
        looked.add(name)
        return found

    def _of_budget(self, budget: Budget, now: datetime, forecasts: Expected) -> list[Finding]:
        return [finding for standing in standings(self._client, budget, self._hash, now, forecasts) for finding in budgets.findings(standing)]

    def _worth_noting(self, alert: Alert) -> bool:
        before = self._stored.get(alert.id)
        return before is None or before.state != alert.state or alert.held_at - before.held_at >= NOTED_EVERY

    def _forget(self, now: datetime) -> None:
        """Leave out what ended long ago, and what has come up again since."""

        def over(alert: Alert) -> bool:
            return not alert.active and (alert.resolved_at is None or now - alert.resolved_at > REMEMBERED)

        self._known = {key: a for key, a in self._known.items() if not over(a) or (a.until is not None and a.until >= now)}
        kept = {a.id for a in self._known.values()}
        self._stored = {key: a for key, a in self._stored.items() if key in kept or not over(a)}

    def _by_id(self) -> dict[str, Alert]:
        """Every alert that is remembered, as it is now: also one whose end is still to be told when its labels have come up again."""
        return self._stored | {a.id: a for a in self._known.values()}

    # -- who is told -----------------------------------------------------------------------------------------------------------------

    def _queued(self, policy: Policy, now: datetime) -> list[Notice]:
        recent = [a for a in self._by_id().values() if a.state == "firing" or (a.resolved_at and now - a.resolved_at < telling.RESOLVED_FOR)]
        if not recent or not (policy.alerts.receivers or actions.acting(policy.alerts)):
            return []
        taken = alerting.acknowledgements(self._client, [a.id for a in recent])
        quiet = alerting.silences(self._client, since=now)
        queued = telling.due(policy.alerts, recent, self._notices, quiet, taken, now, self._hash)
        alerting.write_notices(self._client, queued)
        self._replace(queued)
        return queued

    def _sent(self, policy: Policy, now: datetime) -> list[Notice]:
        waiting = [n for n in self._notices if n.state == "queued" and n.next_at <= now]
        if not waiting:
            return []
        acting = actions.acting(policy.alerts)
        receivers = {r.name: r for r in policy.alerts.receivers} | {name: actions.receiver(name, rule) for name, rule in acting.items()}
        more = {n.id: self._besides(policy, acting[n.receiver], n, now) for n in waiting if n.receiver in acting}
        with ThreadPoolExecutor(SENDERS, thread_name_prefix="sender") as pool:
            settled = list(pool.map(lambda n: self._delivered(receivers.get(n.receiver), n, more.get(n.id, {}), now), waiting))
        alerting.write_notices(self._client, settled)
        self._replace(settled)
        return settled

    def _besides(self, policy: Policy, rule: Rule, notice: Notice, now: datetime) -> dict[str, Any]:
        """What an action is sent besides its alert: what it is asked to do, and the latest calls if that is wanted."""
        alert = self._by_id().get(notice.incident)
        besides: dict[str, Any] = {"action": actions.told(rule)}
        if rule.action is None or not rule.action.snapshot or alert is None or alert.state != "firing":
            return besides
        try:
            found = evidence.calls(self._client, alert, evidence.about(policy, alert, now), self._hash, limit=rule.action.snapshot_calls)
            texts = evidence.texts(self._client, found["trace_id"].unique().to_list(), calls=found.height)
            return besides | {"snapshot": {"calls": found.to_dicts(), "texts": texts.to_dicts()}}
        except SpanledgerError as exc:  # the action matters more
            log.warning("snapshot_failed", rule=rule.name, reason=str(exc)[:300])
            return besides | {"snapshot": None}

    def _delivered(self, receiver: Receiver | None, notice: Notice, more: Mapping[str, Any], now: datetime) -> Notice:
        """The notice as it stands after one attempt: what is told is the state of now."""
        by_id = self._by_id()
        about = sorted((by_id[i] for i in notice.told if i in by_id), key=most_pressing)
        if receiver is None or not about:
            return replace(notice, state="failed", error="the receiver is gone" if receiver is None else "its alerts are gone")
        if not receiver.send_resolved and not any(a.state == "firing" for a in about):
            return replace(notice, state="sent", told={a.id: a.state for a in about}, at=now, error="ended; not wanted")
        try:
            self._send(receiver, Incident(notice.id, notice.incident, notice.reason, tuple(about), now, self._web, more))
        except NotDelivered as exc:
            attempts = notice.attempts + 1
            over = now - notice.at >= GIVEN_UP and not any(a.state == "firing" for a in about)
            log.warning("notice_not_delivered", receiver=receiver.name, incident=notice.incident, reason=str(exc), attempts=attempts)
            state = "failed" if over else "queued"
            return replace(notice, attempts=attempts, error=str(exc), next_at=now + pause(attempts), state=state)
        log.info("notice_sent", receiver=receiver.name, incident=notice.incident, reason=notice.reason, alerts=len(about))
        return replace(notice, state="sent", told={a.id: a.state for a in about}, at=now, attempts=notice.attempts + 1, error="")

    def _replace(self, changed: Sequence[Notice]) -> None:
        """Keep the latest of each receiver and incident."""
        ids = {n.id for n in changed}
        latest = {(n.receiver, n.incident): n for n in sorted([*(n for n in self._notices if n.id not in ids), *changed], key=lambda n: n.at)}
        self._notices = list(latest.values())


__all__ = ["Engine", "run"]
