"""What an organisation decides, as one validated file ``spanledger.yaml``: apps, prices, budgets, alerts, privacy, access.

:class:`Policy` is the whole (``model.py``); :func:`load_policy` reads it with file, line and reason for every problem;
:class:`PolicyFile` follows a file and keeps the last valid policy. ``docs/configuration.md`` explains every key.
"""

from spanledger.policy.access import Oidc, RoleGrant, Token
from spanledger.policy.alerting import Action, Alerts, AnnouncedEvent, Inhibition, Receiver, Route, Rule, Silence
from spanledger.policy.apps import App, Gateway, Identity, IngestToken, ModelAlias, Project, TierRule, Tiers
from spanledger.policy.base import Match, Role
from spanledger.policy.load import PolicyFile, load_policy, parse_policy, policy_schema
from spanledger.policy.model import Policy
from spanledger.policy.money import Budget, Contract, Decisions, PriceOverride, Prices, Quota, SelfHosted
from spanledger.policy.privacy import ContentMode, ContentPolicy, Redaction, RedactionRule, Retention, RetentionClasses
from spanledger.policy.quality import Detectors, Sampling, SchemaEntry

__all__ = [
    "Action", "Alerts", "AnnouncedEvent", "App", "Budget", "ContentMode", "ContentPolicy", "Contract", "Decisions", "Detectors", "Gateway",
    "Identity", "IngestToken", "Inhibition", "Match", "ModelAlias", "Oidc", "Policy", "PolicyFile", "PriceOverride", "Prices", "Project", "Quota",
    "Receiver", "Redaction", "RedactionRule", "Retention", "RetentionClasses", "Role", "RoleGrant", "Route", "Rule", "Sampling", "SchemaEntry",
    "SelfHosted", "Silence", "TierRule", "Tiers", "Token", "load_policy", "parse_policy", "policy_schema",
]  # fmt: skip
