"""What each kind of receiver is sent. Pure: an incident in, requests (or a mail) out; formats as their makers document them.

Alertmanager API v2 ``POST /api/v2/alerts``; PagerDuty Events API v2 ``/v2/enqueue``; Slack incoming webhooks (Block Kit); our own signed webhook.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import orjson

from alerts.findings import ALERTNAME
from spanledger.policy import Receiver
from warehouse.alerting import Alert

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
SIGNATURE = "X-Spanledger-Signature"
_PD_SEVERITY = {"info": "info", "warning": "warning", "critical": "critical"}
_MARKS = {"critical": ":rotating_light:", "warning": ":warning:", "info": ":information_source:"}
_SLACK_TEXT = 2_900  # characters of a section block (its limit is 3,000)


@dataclass(frozen=True, slots=True)
class Incident:
    """What one message is about. ``id``: the same however often it is sent; ``web``: where the dashboard is, "" where that is not told;
    ``more``: what a webhook is sent besides.
    """

    id: str
    key: str
    reason: str
    alerts: tuple[Alert, ...]
    at: datetime
    web: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def firing(self) -> list[Alert]:
        """Alerts that go on."""
        return [a for a in self.alerts if a.state == "firing"]

    @property
    def title(self) -> str:
        """One line."""
        first = next(iter(self.firing), None)
        if first is None:
            return f"Resolved: {self.alerts[0].summary}"
        more = f" (and {len(self.firing) - 1} more)" if len(self.firing) > 1 else ""
        again = "Still: " if self.reason == "repeat" else ""
        return f"{again}{first.summary}{more}"

    def link(self, alert: Alert) -> str:
        """Where an alert is seen."""
        return f"{self.web.rstrip('/')}/alerts?alert={alert.id}" if self.web else ""


def most_pressing(alert: Alert) -> tuple[object, ...]:
    """Order of alerts in a message: what goes on, the gravest, the furthest step of a budget."""
    return alert.state != "firing", ("critical", "warning", "info").index(alert.severity), -alert.bound, alert.pending_at, alert.id


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP POST."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def requests_of(receiver: Receiver, incident: Incident) -> list[Request]:
    """What is posted to a receiver that takes HTTP; several for one that takes one alert at a time."""
    makers = {"webhook": _webhook, "slack": _slack, "pagerduty": _pagerduty, "alertmanager": _alertmanager}
    extra = {name: value.get_secret_value() for name, value in receiver.headers.items()}
    made = makers[receiver.kind](receiver, incident)
    return [Request(r.url, r.body, {"Content-Type": "application/json", **r.headers, **extra}) for r in made]


def signature(secret: str, at: datetime, body: bytes) -> str:
    """``t=SECONDS,v1=HEX``: HMAC-SHA256 over ``SECONDS.BODY``, so that a message cannot be changed, nor sent again much later."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={hmac.new(secret.encode(), seconds.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


def _webhook(receiver: Receiver, incident: Incident) -> list[Request]:
    body = orjson.dumps(
        {
            "version": 1,
            "id": incident.id,
            "incident": incident.key,
            "reason": incident.reason,
            "status": "firing" if incident.firing else "resolved",
            "title": incident.title,
            "at": _iso(incident.at),
            "alerts": [{**alert.told(), **_when(alert), "url": incident.link(alert)} for alert in incident.alerts],
            **incident.more,
        },
        default=str,
        option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z,
    )
    headers = {"Idempotency-Key": incident.id}
    if receiver.secret is not None:
        headers[SIGNATURE] = signature(receiver.secret.get_secret_value(), incident.at, body)
    return [Request(_url(receiver), body, headers)]


def _when(alert: Alert) -> dict[str, str | None]:
    return {"starts_at": _iso(alert.firing_at or alert.pending_at), "ends_at": _iso(alert.resolved_at) if alert.resolved_at else None}


def _slack(receiver: Receiver, incident: Incident) -> list[Request]:
    lines = []
    for alert in incident.alerts:
        mark = _MARKS.get(alert.severity, "") if alert.state == "firing" else ":white_check_mark:"
        told = _escaped(alert.summary)
        lines.append(f"{mark} <{incident.link(alert)}|{told}>" if incident.web else f"{mark} {told}")
    text = "\n".join(lines)
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": incident.title[:150]}},
        {"type": "section", "text": {"type": "mrkdwn", "text": text if len(text) <= _SLACK_TEXT else text[:_SLACK_TEXT] + "…"}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": f"{_escaped(incident.key)} · {incident.reason} · {_iso(incident.at)}"}]},
    ]
    return [Request(_url(receiver), orjson.dumps({"text": incident.title, "blocks": blocks}))]


def _pagerduty(receiver: Receiver, incident: Incident) -> list[Request]:
    """One event an alert; ``dedup_key`` makes repeats and resolutions the same PagerDuty incident."""
    assert receiver.secret is not None
    made = []
    for alert in incident.alerts:
        event: dict[str, Any] = {
            "routing_key": receiver.secret.get_secret_value(),
            "event_action": "trigger" if alert.state == "firing" else "resolve",
            "dedup_key": f"spanledger-{alert.id}",
        }
        if alert.state == "firing":
            event["payload"] = {
                "summary": alert.summary[:1024],
                "source": alert.labels.get("app_id") or "spanledger",
                "severity": _PD_SEVERITY.get(alert.severity, "warning"),
                "timestamp": _iso(alert.firing_at or alert.pending_at),
                "component": alert.rule,
                "group": incident.key,
                "class": alert.kind,
                "custom_details": {**alert.labels, "value": alert.value, "bound": alert.bound},
            }
            event["client"] = "Spanledger"
            if incident.web:
                event["client_url"] = incident.link(alert)
        made.append(Request(receiver.url.get_secret_value() if receiver.url else PAGERDUTY, orjson.dumps(event)))
    return made


def _alertmanager(receiver: Receiver, incident: Incident) -> list[Request]:
    """``endsAt`` of a firing alert lies beyond the next repeat: Alertmanager resolves what it does not hear of."""
    sent = [
        {
            "labels": {ALERTNAME: alert.rule, "severity": alert.severity, **{k: v for k, v in alert.labels.items() if v}},
            "annotations": {"summary": alert.summary, "value": f"{alert.value:g}"},
            "startsAt": _iso(alert.firing_at or alert.pending_at),
            "endsAt": _iso(alert.resolved_at or incident.at + timedelta(days=2)),
            "generatorURL": incident.link(alert),
        }
        for alert in incident.alerts
    ]
    url = _url(receiver).rstrip("/")
    return [Request(url if url.endswith("/api/v2/alerts") else f"{url}/api/v2/alerts", orjson.dumps(sent))]


def mail_of(receiver: Receiver, incident: Incident) -> EmailMessage:
    """The e-mail of an incident: plain text."""
    mail = EmailMessage()
    mail["Subject"] = _one_line(f"[Spanledger] {incident.title}")
    mail["From"] = receiver.sender or receiver.user or "spanledger@localhost"
    mail["To"] = ", ".join(receiver.to)
    mail["Message-ID"] = f"<{incident.id}@spanledger>"
    mail["Date"] = incident.at
    mail.set_content(plain(incident))
    return mail


def plain(incident: Incident) -> str:
    """The incident as plain text."""
    lines = []
    for alert in incident.alerts:
        begun = alert.firing_at or alert.pending_at
        until = f" until {alert.resolved_at:%H:%M}" if alert.resolved_at else ""
        lines += [f"{alert.severity.upper()} {alert.state}: {alert.summary}", f"  since {begun:%Y-%m-%d %H:%M} UTC{until}"]
        lines += [f"  {incident.link(alert)}"] if incident.web else []
    return "\n".join([*lines, "", incident.key])


def _url(receiver: Receiver) -> str:
    assert receiver.url is not None
    return receiver.url.get_secret_value()


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _escaped(text: str) -> str:
    """As Slack's text wants it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
