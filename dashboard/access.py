"""Who asks and what they may see: bearer tokens of the policy, roles, teams (DESIGN §4 Roles).

Pages and API ask the same :class:`Caller`; the team scope itself is enforced by the warehouse's endpoint, with the credentials that
``dashboard/connections.py`` picks for the caller.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from spanledger.errors import AccessDenied
from spanledger.policy import Policy
from spanledger.policy.access import Token

Right = Literal["aggregates", "calls", "journal", "content", "quality", "feedback", "prices", "alerts", "operate", "budgets", "audit"]

#: What each role may do; the same as the warehouse's endpoint lets it read. A viewer sees sums, never single calls; finance sees
#: every call's cost, but neither spans nor text; text is for operators and auditors.
RIGHTS: dict[str, frozenset[Right]] = {
    "viewer": frozenset({"aggregates", "quality", "prices"}),
    "finance": frozenset({"aggregates", "calls", "prices", "budgets"}),
    "operator": frozenset({"aggregates", "calls", "journal", "content", "quality", "feedback", "prices", "alerts", "operate", "budgets"}),
    "auditor": frozenset({"aggregates", "calls", "journal", "content", "quality", "prices", "alerts", "audit"}),
    "admin": frozenset({"aggregates", "calls", "journal", "content", "quality", "feedback", "prices", "alerts", "operate", "budgets", "audit"}),
}


@dataclass(frozen=True)
class Caller:
    """A person or program that was let in.

    Attributes:
        name: for the audit log and the page's corner.
        role: one of the five.
        teams: whose rows they see; empty = all.
        anonymous: nobody logged in: loopback without any token configured.
    """

    name: str
    role: str
    teams: tuple[str, ...] = ()
    anonymous: bool = False

    def may(self, right: Right) -> bool:
        """Whether the role holds ``right``."""
        return right in RIGHTS[self.role]

    def must(self, right: Right) -> None:
        """Raises ``AccessDenied`` when the role does not hold ``right``."""
        if not self.may(right):
            raise AccessDenied(f"the role {self.role!r} may not do this; it needs {' or '.join(who_may(right))}")


def who_may(right: Right) -> list[str]:
    """Roles that hold ``right``."""
    return [role for role, rights in RIGHTS.items() if right in rights]


LOCAL_ADMIN = Caller("local user", "admin", anonymous=True)


def is_loopback(host: str) -> bool:
    """Whether a listening address is reached from this machine only."""
    if host in ("localhost", ""):
        return host == "localhost"
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def open_to_anyone(policy: Policy, web_host: str) -> bool:
    """Whether the one local user is admin without logging in: only on loopback and only while no token or login is configured."""
    return policy.open_access and is_loopback(web_host)


def caller_of(secret: str, tokens: Iterable[Token], now: datetime | None = None) -> Caller:
    """The caller behind a bearer token; compares hashes in constant time and looks at every token.

    Raises:
        AccessDenied: no such token, or it has expired.
    """
    digest = hashlib.sha256(secret.encode()).hexdigest()
    found: Token | None = None
    for token in tokens:
        if hmac.compare_digest(token.sha256.removeprefix("sha256:"), digest):
            found = token
    if found is None:
        raise AccessDenied("this token is not known here")
    if found.expires_at is not None and _utc(found.expires_at) <= (now or datetime.now(UTC)):
        raise AccessDenied(f"the token {found.name!r} has expired")
    return Caller(found.name, found.role, tuple(found.teams))


def person(email: str, groups: Iterable[str], policy: Policy, *, verified: bool = True) -> Caller:
    """The caller behind a single sign-on login: the first role grant that matches.

    ``verified``: the provider vouches for the address. Where it does not, anybody may have entered it there, and only groups count.

    Raises:
        AccessDenied: no grant matches.
    """
    held, address = set(groups), email.lower() if verified else ""
    for grant in policy.roles:
        if held & set(grant.groups) or any(address == e.lower() or (e.startswith("@") and address.endswith(e.lower())) for e in grant.emails):
            return Caller(email, grant.role, tuple(grant.teams))
    doubt = "" if verified else ", whose address the login provider has not verified,"
    raise AccessDenied(f"{email}{doubt} has no role here: ask an administrator for an entry under `roles:`")


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
