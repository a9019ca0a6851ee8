"""Who may see what: API tokens (hashed), roles, single sign-on."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from spanledger.policy.base import Part, Role, Secret, Sha256


class Token(Part):
    """An API token; only its SHA-256 is written down."""

    name: str
    sha256: Sha256
    role: Role = "viewer"
    teams: list[str] = Field(default=[], description="Teams that a viewer or operator sees; empty: all")
    expires_at: datetime | None = None


class RoleGrant(Part):
    """Role for people who log in: by e-mail address, domain (`@example.com`) or group claim; the first match wins."""

    role: Role
    emails: list[str] = []
    groups: list[str] = []
    teams: list[str] = []


class Oidc(Part):
    """OpenID Connect login of the dashboard."""

    issuer: str = Field(description="Issuer URL; `/.well-known/openid-configuration` is appended")
    client_id: str
    client_secret: Secret
    redirect_uri: str = ""
    groups_claim: str = "groups"
    cookie_secret: Secret | None = None
