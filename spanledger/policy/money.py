"""What calls cost and may cost: price overrides, contracts, self-hosted GPUs, budgets, quotas."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from spanledger.policy.base import Duration, Match, Part, Ratio, Usd

#: What ``POST decision`` answers, the gravest last; and what it may answer to callers who have used up a limit.
Answer = Literal["allow", "warn", "throttle", "deny"]
OnExceeded = Literal["warn", "throttle", "deny"]


class Validity(Part):
    """A half-open range of UTC days ``[from, until)``; open ends allowed."""

    since: date | None = Field(default=None, alias="from")
    until: date | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.since and self.until and self.until <= self.since:
            raise ValueError("`until` must be after `from`")
        return self


class PriceOverride(Validity):
    """Prices in USD per million tokens (or per image, second, request) that replace the list price; what is not told keeps the list price."""

    id: str = Field(default="", description="Shown as `price_id`; made from provider and model when empty")
    provider: str = ""
    model: str = Field(description="Model name; wildcards allowed")
    input_usd_per_mtok: Usd | None = None
    output_usd_per_mtok: Usd | None = None
    cache_read_usd_per_mtok: Usd | None = None
    cache_write_usd_per_mtok: Usd | None = None
    cache_write_1h_usd_per_mtok: Usd | None = None
    audio_in_usd_per_mtok: Usd | None = None
    audio_out_usd_per_mtok: Usd | None = None
    image_usd: Usd | None = None
    audio_second_usd: Usd | None = None
    request_usd: Usd | None = None


class Contract(Validity):
    """A discount on list prices."""

    id: str = ""
    provider: str = ""
    model: str = "*"
    discount: Ratio = Field(description="5% or 0.05, taken off every part of the list price")


class SelfHosted(Validity):
    """A model on own GPUs: amortised price = GPUs × USD per hour ÷ tokens per hour at the stated utilisation."""

    id: str = ""
    provider: str = ""
    model: str = Field(description="Model name as telemetry tells it; wildcards allowed")
    gpu_hour_usd: Usd
    gpus: int = Field(default=1, gt=0)
    input_tokens_per_s: float = Field(gt=0, description="Prompt tokens a second at full load, all GPUs together")
    output_tokens_per_s: float = Field(gt=0, description="Generated tokens a second at full load, all GPUs together")
    utilisation: Ratio = Field(default=Decimal(1), description="Share of paid hours that serves calls: 40% makes each token 2.5 times dearer")


class Prices(Part):
    """Everything that differs from list prices. Overrides win over self-hosted, these over contracts; later entries over earlier ones."""

    overrides: list[PriceOverride] = []
    contracts: list[Contract] = []
    self_hosted: list[SelfHosted] = []
    estimate_missing_usage: bool = Field(default=False, description="Estimate tokens of calls that report none, marked `usage_source = estimated`")
    prefer_supplied: bool = Field(default=False, description="Take a client's own cost figure also where a price is known")


class Budget(Part):
    """A limit on spend per period; each step alerts once per period."""

    name: str
    match: Match = Match()
    limit_usd: Usd
    period: Literal["day", "week", "month", "quarter", "year"] = "month"
    steps: list[Ratio] = [Decimal("0.6"), Decimal("0.8"), Decimal("1")]
    forecast: bool = Field(default=True, description="Also alert when the forecast for the period passes a step")
    on_exceeded: OnExceeded = Field(default="warn", description="What `POST /api/v1/decision` answers when the limit is spent")
    advised_tier: str = Field(default="", description="Tier advised to callers from the second step on")
    receivers: list[str] = []
    owner: str = ""


class Quota(Part):
    """A limit on use per app, team, tenant or user, decided through `POST /api/v1/decision`: in a sliding window, or in each UTC period."""

    name: str
    match: Match = Match()
    per: Literal["app", "team", "tenant", "user", "all"] = "app"
    window: Duration = Field(default=timedelta(hours=1), description="Sliding: use of the last so much time counts")
    period: Literal["minute", "hour", "day", "week", "month"] | None = Field(
        default=None, description="Instead of `window`: use since the period (UTC) began counts, and begins anew with the next"
    )
    requests: int | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)
    cost_usd: Usd | None = None
    action: OnExceeded = Field(default="throttle", description="What `POST /api/v1/decision` answers when a limit is used up")
    warn_at: Ratio = Field(default=Decimal("0.8"), description="Share of a limit from which it answers `warn`")
    advised_tier: str = Field(default="", description="Tier advised to callers from `warn_at` on")

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.requests is None and self.tokens is None and self.cost_usd is None:
            raise ValueError("a quota needs `requests`, `tokens` or `cost_usd`")
        if self.period is not None and "window" in self.model_fields_set:
            raise ValueError("a quota has either `window` (sliding) or `period` (from its beginning on)")
        if not timedelta(seconds=1) <= self.window <= timedelta(days=366):
            raise ValueError("`window` must lie between 1s and 366d")
        return self


class Decisions(Part):
    """How `POST /api/v1/decision` answers where it does not know how much is used."""

    when_unknown: Answer = Field(default="allow", description="The answer of a limit whose use is not known: `allow` fails open, `deny` fails closed")
    stale_after: Duration = Field(default=timedelta(minutes=2), description="Use that was read longer ago is not known")
    refresh: Duration = Field(default=timedelta(seconds=2), description="Shortest pause between two readings of the ledger")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.refresh < timedelta(seconds=1):
            raise ValueError("`refresh` must be at least 1s")
        if self.stale_after < max(timedelta(seconds=30), 2 * self.refresh):
            raise ValueError("`stale_after` must be at least 30s, and twice `refresh`")
        return self
