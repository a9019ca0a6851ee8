"""Who may send: ingest tokens of the policy's projects. The project comes from the credential, never from the payload."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from dataclasses import dataclass
from hashlib import sha256

from spanledger.errors import AccessDenied, ConfigError
from spanledger.policy import Policy

DEFAULT_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class Sender:
    """A recognised sender: its project, and the tenant that its data belongs to unless it says otherwise."""

    project: str
    tenant: str = ""


class IngestAuth:
    """Checks ``Authorization`` values (Bearer, or Basic as Langfuse's SDKs send it) against the policy's hashed tokens."""

    def __init__(self, policy: Policy) -> None:
        self._senders = {token.sha256.lower(): Sender(name, project.tenant) for name, project in policy.projects.items() for token in project.tokens}
        self._anonymous = Sender(DEFAULT_PROJECT, policy.projects[DEFAULT_PROJECT].tenant if DEFAULT_PROJECT in policy.projects else "")

    @property
    def open(self) -> bool:
        """No token is configured: everybody on loopback may send."""
        return not self._senders

    def sender(self, authorization: str) -> Sender:
        """Raises ``AccessDenied`` where tokens are configured and this is none of them."""
        if self.open:
            return self._anonymous
        for secret in _secrets(authorization):
            digest = sha256(secret.encode()).hexdigest()
            for known, sender in self._senders.items():
                if hmac.compare_digest(known, digest):
                    return sender
        raise AccessDenied("an ingest token is needed: Authorization: Bearer <token>")


def _secrets(authorization: str) -> list[str]:
    """What may be the token: the bearer value; of Basic the password, and user:password as a whole."""
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return [value.strip()]
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return []
        return [pair.partition(":")[2], pair]
    return []


def require_tokens_off_loopback(host: str, auth: IngestAuth) -> None:
    """Raises ``ConfigError`` where a listener leaves loopback while anybody may send."""
    if auth.open and not is_loopback(host):
        raise ConfigError(f"the OTLP listener on {host} is reachable from outside: configure projects.<name>.tokens first, or listen on 127.0.0.1")


def is_loopback(host: str) -> bool:
    """Whether an address (or ``localhost``) is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
