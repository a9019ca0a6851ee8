"""The policy as a whole: what one ``spanledger.yaml`` may say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from spanledger.policy.access import Oidc, RoleGrant, Token
from spanledger.policy.alerting import Alerts
from spanledger.policy.apps import App, Gateway, Identity, ModelAlias, Project, Tiers
from spanledger.policy.base import Part
from spanledger.policy.money import Budget, Decisions, Prices, Quota
from spanledger.policy.privacy import ContentPolicy, Redaction, Retention
from spanledger.policy.quality import Detectors

Where = tuple[int | str, ...]


class Policy(Part):
    """Everything that an organisation decides. Every key is optional; an empty file is a valid policy."""

    apps: dict[str, App] = Field(default={}, description="App id → who owns it")
    identity: Identity = Identity()
    tiers: Tiers = Tiers()
    prices: Prices = Prices()
    aliases: dict[str, ModelAlias] = Field(default={}, description="Deployment or alias name → what it really is")
    gateways: list[Gateway] = []
    budgets: list[Budget] = []
    quotas: list[Quota] = []
    decisions: Decisions = Decisions()
    alerts: Alerts = Alerts()
    content: ContentPolicy = ContentPolicy()
    redaction: Redaction = Redaction()
    retention: Retention = Retention()
    roles: list[RoleGrant] = []
    tokens: list[Token] = []
    projects: dict[str, Project] = Field(default={}, description="Project → credentials of its senders")
    oidc: Oidc | None = None
    detectors: Detectors = Detectors()

    @property
    def open_access(self) -> bool:
        """True while no API token and no OIDC exists: on loopback one local user is admin."""
        return not self.tokens and self.oidc is None

    def inconsistencies(self, folder: Path | None = None) -> Iterator[tuple[Where, str]]:
        """What single values cannot show: (where, reason) of every name that clashes or points nowhere. ``folder``: base of relative files."""
        yield from self._repeated_names()
        yield from self._unknown_receivers()
        yield from self._clashing_aliases()
        for i, silence in enumerate(self.alerts.silences):
            if silence.ends_at <= silence.starts_at:
                yield ("alerts", "silences", i, "ends_at"), "must be after `starts_at`"
        for i, entry in enumerate(self.detectors.schemas):
            if entry.file is not None and (reason := _schema_problem((folder or Path()) / entry.file)):
                yield ("detectors", "schemas", i, "file"), reason

    def _repeated_names(self) -> Iterator[tuple[Where, str]]:
        lists: list[tuple[Where, list[str]]] = [
            (("budgets",), [b.name for b in self.budgets]),
            (("quotas",), [q.name for q in self.quotas]),
            (("tokens",), [t.name for t in self.tokens]),
            (("alerts", "rules"), [r.name for r in self.alerts.rules]),
            (("alerts", "receivers"), [r.name for r in self.alerts.receivers]),
        ]
        for where, names in lists:
            repeated = {name for name, n in Counter(names).items() if n > 1}
            for i, name in enumerate(names):
                if name in repeated and name in names[:i]:
                    yield (*where, i, "name"), f"`{name}` is already taken"
        budgets = {b.name for b in self.budgets}
        for i, rule in enumerate(self.alerts.rules):  # silences know both by name
            if rule.name in budgets:
                yield ("alerts", "rules", i, "name"), f"`{rule.name}` is a budget's name"

    def _unknown_receivers(self) -> Iterator[tuple[Where, str]]:
        known = {r.name for r in self.alerts.receivers}
        named: list[tuple[Where, list[str]]] = [(("alerts", "rules", i, "receivers"), r.receivers) for i, r in enumerate(self.alerts.rules)]
        named += [(("alerts", "routes", i, "receivers"), r.receivers) for i, r in enumerate(self.alerts.routes)]
        named += [(("budgets", i, "receivers"), b.receivers) for i, b in enumerate(self.budgets)]
        for where, names in named:
            for name in names:
                if name not in known:
                    yield where, f"there is no receiver `{name}` under alerts.receivers"

    def _clashing_aliases(self) -> Iterator[tuple[Where, str]]:
        owner: dict[str, str] = {}
        for app, entry in self.apps.items():
            for i, alias in enumerate(entry.aliases):
                other = alias if alias in self.apps and alias != app else owner.setdefault(alias, app)
                if other != app:
                    yield ("apps", app, "aliases", i), f"`{alias}` already stands for app `{other}`"


def _schema_problem(path: Path) -> str:
    """Why a registered JSON schema file cannot be used; "" when it can."""
    try:
        schema = json.loads(path.read_text(encoding="utf8"))
    except OSError as exc:
        return f"cannot read {path}: {exc.strerror}"
    except ValueError as exc:
        return f"{path} is not JSON: {exc}"
    return "" if isinstance(schema, dict | bool) else f"{path} is not a JSON schema"
