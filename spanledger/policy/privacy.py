"""What may be kept of what people wrote: content modes, redaction rules, retention."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from spanledger.policy.base import Duration, Part

ContentMode = Literal["redacted", "none", "audit"]


class ContentPolicy(Part):
    """Content mode per tenant. Keys are tenant names as telemetry tells them."""

    default: ContentMode = "redacted"
    tenants: dict[str, ContentMode] = {}

    def mode(self, tenant: str) -> ContentMode:
        """Mode of one tenant (its plain name)."""
        return self.tenants.get(tenant, self.default)


class RedactionRule(Part):
    """An organisation's own pattern; linear-time syntax only (no look-around, no back-references)."""

    name: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$", description="Class shown in place of the value: `[EMPLOYEE_ID]`")
    pattern: str = Field(min_length=1, max_length=2000)
    triggers: list[str] = Field(default=[], description="Literals of which one must be near; makes rare rules free")
    ignore_case: bool = False
    positives: list[str] = Field(min_length=1, description="Texts in which the rule must find something; checked at load")
    negatives: list[str] = Field(default=[], description="Texts in which it must find nothing; checked at load")


class NameTier(Part):
    """The optional tier for names: texts wait encrypted until a local model has read them."""

    model: Path = Field(description="Directory of a Hugging Face token-classification model (`config.json`, weights, fast tokenizer)")
    labels: dict[str, Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,31}$")]] = Field(
        default={"PER": "PERSON", "PERSON": "PERSON"},
        min_length=1,
        description="The model's labels, without `B-` and `I-`, and the class shown in their place",
    )
    threshold: float = Field(default=0.8, gt=0, le=1, description="How sure the model must be of a token")
    tenants: list[str] = Field(default=[], description="Tenants that have the tier; empty: all. Text whose tenant is not known waits too")


def _tier(value: object) -> object:
    if value is True:
        raise ValueError("needs a model: `ner: {model: /path/to/model}`")
    return value or None


class Redaction(Part):
    """Redaction on top of the built-in rules."""

    rules: list[RedactionRule] = []
    disable: list[str] = Field(default=[], description="Built-in classes to leave alone, e.g. IP_ADDRESS")
    allow: list[str] = Field(default=[], description="Values that are never redacted (a public support address, say)")
    hashes: bool = Field(default=False, description="Write `[CLASS:keyed-hash]`, so that equal values stay recognisable")
    ner: Annotated[NameTier | None, BeforeValidator(_tier)] = Field(
        default=None, description="Names and addresses by a token-classification model of your own, out of line"
    )


class RetentionClasses(Part):
    """How long each class of rows is kept; ``None`` keeps what is set above."""

    contents: Duration | None = None
    spans: Duration | None = None
    calls: Duration | None = None
    scores: Duration | None = None
    audit: Duration | None = Field(default=None, description="Encrypted transcripts of the audit store")
    decisions: Duration | None = Field(default=None, description="Prompt hash, model version, scores and reviewer note")


class Retention(RetentionClasses):
    """Defaults, and exceptions per tenant. Rollups are kept for ever."""

    contents: Duration | None = timedelta(days=30)
    spans: Duration | None = timedelta(days=30)
    calls: Duration | None = timedelta(days=400)
    scores: Duration | None = timedelta(days=400)
    audit: Duration | None = Field(default=timedelta(days=400), description="Encrypted transcripts of the audit store")
    decisions: Duration | None = Field(default=timedelta(days=1825), description="Prompt hash, model version, scores and reviewer note")
    tenants: dict[str, RetentionClasses] = {}
