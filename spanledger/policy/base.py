"""What every part of the policy is made of: strict models, durations, ratios, secrets that may live outside the file."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SecretStr, WithJsonSchema

UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_DURATION = re.compile(r"(\d+)\s*([smhdwy])")

#: The five roles (DESIGN §4), weakest first.
Role = Literal["viewer", "finance", "operator", "auditor", "admin"]

#: Dimensions by which budgets, rules and rates may be narrowed: columns of ``calls``.
Dimension = Literal[
    "project", "service", "app_id", "team", "tenant_hash", "env", "region", "device_class", "route", "endpoint", "operation", "provider",
    "model", "model_requested", "model_tier", "prompt_id", "prompt_version", "user_hash",
]  # fmt: skip


class Part(BaseModel):
    """A piece of the policy: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def duration(value: Any) -> timedelta:
    """``30d``, ``1h30m``, ``90`` (seconds) as a timedelta.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return timedelta(seconds=value)
    text = str(value).strip().lower()
    if not text or _DURATION.sub("", text).strip():
        raise ValueError("expected a duration such as 30m, 12h, 30d or 5y")
    return timedelta(seconds=sum(int(n) * UNIT_S[unit] for n, unit in _DURATION.findall(text)))


def ratio(value: Any) -> Decimal:
    """``5%`` or ``0.05`` as ``Decimal("0.05")``.

    Raises:
        ValueError: anything else.
    """
    text = str(value).strip()
    try:
        return Decimal(text[:-1].strip()) / 100 if text.endswith("%") else Decimal(text)
    except ArithmeticError as exc:
        raise ValueError("expected a ratio such as 5% or 0.05") from exc


def secret(value: Any) -> SecretStr:
    """A secret given in place, or ``{env: NAME}``, or ``{file: PATH}``.

    Raises:
        ValueError: the variable or file is not there.
    """
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, dict):
        return SecretStr(str(value))
    source = {str(k): str(v) for k, v in value.items()}
    if set(source) == {"env"}:
        if source["env"] not in os.environ:
            raise ValueError(f"environment variable {source['env']} is not set")
        return SecretStr(os.environ[source["env"]])
    if set(source) == {"file"}:
        try:
            return SecretStr(Path(source["file"]).read_text(encoding="utf8").strip())
        except OSError as exc:
            raise ValueError(f"cannot read {source['file']}: {exc.strerror}") from exc
    raise ValueError("expected text, {env: NAME} or {file: PATH}")


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(lambda d: f"{int(d.total_seconds())}s", return_type=str),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["30m", "12h", "30d", "5y"]}),
]
Ratio = Annotated[Decimal, BeforeValidator(ratio), WithJsonSchema({"type": ["string", "number"], "examples": ["5%", 0.05]})]
Secret = Annotated[
    SecretStr,
    BeforeValidator(secret),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "properties": {"env": {"type": "string"}}, "required": ["env"], "additionalProperties": False},
                {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"], "additionalProperties": False},
            ]
        }
    ),
]
Usd = Annotated[Decimal, Field(ge=0, max_digits=38, decimal_places=12)]
Sha256 = Annotated[str, Field(pattern=r"^(sha256:)?[0-9a-f]{64}$", description="`spanledger config hash-token` prints it")]


class Match(Part):
    """Which calls something applies to: every field told must match; ``*`` and ``?`` are wildcards, lists are alternatives."""

    app: str | list[str] = []
    team: str | list[str] = []
    tenant: str | list[str] = []
    env: str | list[str] = []
    route: str | list[str] = []
    provider: str | list[str] = []
    model: str | list[str] = []
    model_tier: str | list[str] = []
    prompt_version: str | list[str] = []
    service: str | list[str] = []

    def patterns(self) -> dict[str, list[str]]:
        """Field → alternatives, only for fields that were told."""
        told: dict[str, str | list[str]] = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: [v] if isinstance(v, str) else v for name, v in told.items() if v}
