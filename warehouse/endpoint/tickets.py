"""Tickets: short-lived credentials that carry a role and teams, signed with the instance's token.

The dashboard trades a person's login for one, so that the person's scope is enforced here and not in pages. A ticket is a password (any
user name) or a bearer token; it ends by itself and nothing stores it.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import get_args

from warehouse.endpoint.principal import Principal, Role

_MARK = "slt1."


def issue(secret: str, principal: Principal, life_s: float = 600, clock: Callable[[], float] = time.time) -> str:
    """A ticket for ``principal``, good for ``life_s`` seconds. ``secret``: the instance's token.

    Raises:
        ValueError: for the role ``instance``, or without a secret.
    """
    if principal.role == "instance" or not secret:
        raise ValueError("tickets are for readers, and signed with the instance's token")
    teams = None if principal.teams is None else list(principal.teams)
    said = json.dumps([principal.name, principal.role, teams, int(clock() + life_s)], separators=(",", ":")).encode()
    body = base64.urlsafe_b64encode(said).rstrip(b"=").decode()
    return f"{_MARK}{body}.{_signature(secret, body)}"


def redeem(secret: str, ticket: str | None, clock: Callable[[], float] = time.time) -> Principal | None:
    """Who a ticket stands for; ``None`` if it is none of ours, altered or over."""
    if not secret or not ticket or not ticket.startswith(_MARK):
        return None
    body, _, signature = ticket.removeprefix(_MARK).partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(secret, body).encode()):
        return None
    name, role, teams, ends = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if clock() >= ends or role not in get_args(Role) or role == "instance":
        return None
    return Principal(name, role, None if teams is None else tuple(teams))


def _signature(secret: str, body: str) -> str:
    made = hmac.new(secret.encode(), b"spanledger ticket\n" + body.encode(), sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
