"""Who a reader of the SQL endpoint is: the instance's own processes, holders of API tokens, or the one local user."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

from spanledger.policy import Policy
from warehouse.endpoint import Authenticator, Principal, tickets

INSTANCE = "instance"


def authenticator(policy: Callable[[], Policy], instance_token: str, *, loopback: bool) -> Authenticator:
    """Authentication of one endpoint.

    ``instance`` with the instance's token reads and writes; a ticket signed with that token has the role and teams written in it; a policy
    token (as password or bearer, any user name) has its own;
    without any token configured everybody on loopback is the one local admin, who reads.
    """

    def authenticate(user: str | None, secret: str | None) -> Principal | None:
        if user == INSTANCE:
            known = bool(instance_token) and hmac.compare_digest((secret or "").encode(), instance_token.encode())
            return Principal(INSTANCE, INSTANCE, None) if known else None
        now = policy()
        if secret:
            if (holder := tickets.redeem(instance_token, secret)) is not None:
                return holder
            digest = sha256(secret.encode()).hexdigest()
            for token in now.tokens:
                if hmac.compare_digest(token.sha256.lower(), digest):
                    if token.expires_at is not None and token.expires_at <= datetime.now(UTC):
                        return None
                    return Principal(token.name, token.role, tuple(token.teams) or None)
        if now.open_access and loopback:
            return Principal("local", "admin", None)
        return None

    return authenticate
