"""Sending: one incident to one receiver. Fails aloud; who calls tries again (``pause``)."""

from __future__ import annotations

import importlib
import importlib.util
import smtplib
import ssl
from datetime import timedelta
from typing import Any

import httpx

from alerts.messages import Incident, mail_of, plain, requests_of
from spanledger.errors import SpanledgerError
from spanledger.policy import Receiver

TIMEOUT_S = 10.0
#: After this long a notice that nobody takes is given up, and said to be.
GIVEN_UP = timedelta(days=1)
_FIRST, _LONGEST = timedelta(seconds=10), timedelta(minutes=10)


class NotDelivered(SpanledgerError):
    """A receiver did not take a message; never holds an address, which may be a secret."""

    retryable = True


def pause(attempts: int) -> timedelta:
    """How long to wait after this many attempts: 10 s, 20 s … 10 minutes."""
    return min(_LONGEST, _FIRST * 2 ** min(attempts - 1, 10))


def send(receiver: Receiver, incident: Incident, client: httpx.Client) -> None:
    """Deliver, or raise :class:`NotDelivered`."""
    if receiver.kind == "email":
        _mail(receiver, incident)
    elif receiver.kind == "apprise":
        _apprise(receiver, incident)
    else:
        auth = _basic(receiver) if receiver.kind == "alertmanager" and receiver.user else None
        for one in requests_of(receiver, incident):
            _post(client, one.url, one.body, dict(one.headers), auth)


def _basic(receiver: Receiver) -> httpx.BasicAuth:
    return httpx.BasicAuth(receiver.user, receiver.secret.get_secret_value() if receiver.secret else "")


def _post(client: httpx.Client, url: str, body: bytes, headers: dict[str, str], auth: httpx.Auth | None) -> None:
    try:
        answer = client.post(url, content=body, headers=headers, auth=auth or httpx.Auth(), timeout=TIMEOUT_S, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
        raise NotDelivered(f"cannot be reached ({type(exc).__name__})") from None  # the cause may name the address
    if answer.status_code // 100 != 2:
        raise NotDelivered(f"answered {answer.status_code}")


def _mail(receiver: Receiver, incident: Incident) -> None:
    host, _, port = receiver.smtp.rpartition(":")
    try:
        with smtplib.SMTP(host or port, int(port) if host else 25, timeout=TIMEOUT_S) as server:
            if receiver.starttls:
                server.starttls(context=ssl.create_default_context())
            if receiver.user:
                server.login(receiver.user, receiver.secret.get_secret_value() if receiver.secret else "")
            server.send_message(mail_of(receiver, incident))
    except (OSError, smtplib.SMTPException, ValueError) as exc:
        raise NotDelivered(f"the mail server did not take it ({type(exc).__name__})") from None


def _apprise(receiver: Receiver, incident: Incident) -> None:
    if importlib.util.find_spec("apprise") is None:
        raise NotDelivered("apprise is not installed: pip install 'spanledger[receivers]'")
    apprise: Any = importlib.import_module("apprise")
    assert receiver.url is not None
    try:
        sender = apprise.Apprise()
        known = sender.add(receiver.url.get_secret_value())
        taken = known and sender.notify(title=incident.title, body=plain(incident))
    except Exception as exc:  # whatever a plugin of its hundred raises; the cause may name the address
        raise NotDelivered(f"apprise failed ({type(exc).__name__})") from None
    if not taken:
        raise NotDelivered("apprise could not deliver it" if known else "apprise does not know this kind of address")
