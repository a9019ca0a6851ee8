"""How answers are judged: schema registry, sampling, thresholds."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from spanledger.policy.base import Duration, Part, Ratio


class SchemaEntry(Part):
    """The JSON schema that answers of an app, route or prompt version must obey; wildcards allowed, the most specific entry wins."""

    app: str = "*"
    route: str = "*"
    prompt_id: str = "*"
    prompt_version: str = "*"
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    file: Path | None = Field(default=None, description="File that holds the schema, beside the policy file")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.json_schema is None) == (self.file is None):
            raise ValueError("give either `schema` or `file`")
        return self


class Sampling(Part):
    """Which answers of an app are judged."""

    mode: Literal["all", "rate", "risk_first", "none"] = "all"
    ratio: Ratio = Decimal(1)
    per_hour: int | None = Field(default=None, gt=0, description="Most answers judged an hour; risk_first takes the riskiest looking")


class Detectors(Part):
    """Detectors' settings that are policy, not installation."""

    schemas: list[SchemaEntry] = []
    sampling: Sampling = Sampling()
    apps: dict[str, Sampling] = Field(default={}, description="Sampling per app")
    thresholds: dict[str, float] = Field(default={}, description="Detector → score from which an answer is flagged, instead of the shipped one")
    disable: list[str] = []
    contradiction_window: Duration = Field(default=timedelta(hours=24), description="Answers to the same prompt are compared within this time")
