"""Who calls: the app registry, identity precedence, model tiers, model aliases, gateways, ingest projects."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spanledger.policy.base import Match, Part, Sha256

Tier = str  # free/local, standard, premium; others may be named in rules


class App(Part):
    """One registered app; what is told here fills what telemetry does not say."""

    team: str = ""
    owner: str = Field(default="", description="Person or list to ask")
    cost_centre: str = ""
    tenant: str = ""
    env: str = ""
    aliases: list[str] = Field(default=[], description="Other names under which telemetry arrives (service names, app ids); wildcards allowed")
    description: str = ""


class Identity(Part):
    """Attribute names that tell each identity field, most trusted first; empty keeps the built-in list."""

    app: list[str] = []
    team: list[str] = []
    tenant: list[str] = []
    user: list[str] = []
    session: list[str] = []
    prompt_id: list[str] = []
    prompt_version: list[str] = []
    route: list[str] = []
    env: list[str] = []
    region: list[str] = []
    device_class: list[str] = []


class TierRule(Part):
    """Calls that match get this tier; the first rule wins."""

    tier: Tier
    match: Match


class Tiers(Part):
    """Model tiers: rules first, then local providers, then the price of a million output tokens."""

    rules: list[TierRule] = []
    local_providers: list[str] = ["ollama", "vllm", "llamacpp", "lmstudio", "tgi", "local", "self_hosted"]
    premium_from_usd_per_mtok: float = Field(default=8.0, ge=0, description="Output price from which an unlisted model counts as premium")


class ModelAlias(Part):
    """What a deployment or alias name really is."""

    model: str
    provider: str = ""


class Gateway(Part):
    """What to do with the spans of a gateway whose callers are instrumented too (twins without a common id)."""

    match: Match
    policy: Literal["prefer_client", "prefer_gateway", "keep_both"] = "keep_both"


class IngestToken(Part):
    """A credential that may send telemetry; only its hash is kept."""

    name: str
    sha256: Sha256


class Project(Part):
    """A tenant of the ingest door: the project comes from the credential, never from the payload."""

    tokens: list[IngestToken] = []
    tenant: str = Field(default="", description="Tenant of everything this project sends, unless the payload says otherwise")
    sample_ratio: float = Field(
        default=1.0, gt=0, le=1, description="Sampling that senders of this project are known to apply; stored, never scaled silently"
    )
