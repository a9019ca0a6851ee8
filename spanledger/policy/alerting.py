"""When and whom to tell: alert rules, receivers, routes, silences, inhibition."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from spanledger.policy.base import Dimension, Duration, Match, Part, Ratio, Secret

#: Detectors that give a score.
Detector = Literal["grounding", "contradiction", "schema", "composite"]
Severity = Literal["info", "warning", "critical"]
Metric = Literal[
    "hallucination_score", "schema_failure_rate", "contradiction_rate", "safety_violations", "error_rate", "timeout_rate", "latency_p50_ms",
    "latency_p90_ms", "latency_p99_ms", "ttft_p90_ms", "cost_usd", "cost_per_1k_requests", "requests", "tokens", "cache_hit_rate", "fallback_rate",
    "retry_rate", "unpriced_share", "missing_usage_share", "drops", "feedback_negative_rate",
]  # fmt: skip


#: Metrics of which a share is bad.
BURNING = ("error_rate", "timeout_rate", "hallucination_score", "schema_failure_rate", "contradiction_rate")
COVERING = ("unpriced_share", "missing_usage_share")
#: Names of the rules that are kept besides the file's own.
BUILT_IN = ("cost-anomaly", "unpriced-calls", "data-dropped")
#: What cost anomalies are told of: a match of theirs can narrow nothing else.
WATCHED = ("app", "team", "model_tier")


def _only_watched(match: Match) -> None:
    if odd := sorted(set(match.patterns()) - set(WATCHED)):
        raise ValueError(f"cost is watched by {', '.join(WATCHED)}: `{odd[0]}` cannot be told apart")


class Action(Part):
    """What a firing rule does besides telling: a signed runbook webhook, a diagnostics snapshot."""

    webhook: Secret | None = Field(default=None, description="URL that receives the signed action")
    secret: Secret | None = Field(default=None, description="Key of the HMAC-SHA256 signature")
    name: str = Field(default="", description="What the runbook is asked to do, e.g. `switch_model`")
    parameters: dict[str, str] = {}
    snapshot: bool = Field(default=False, description="Attach the last redacted transcripts, models, prompt versions and configuration")
    snapshot_calls: int = Field(default=50, gt=0, le=1000)


class Rule(Part):
    """One condition on the ledger; ``by`` makes one alert per label set."""

    name: str
    kind: Literal["threshold", "burn_rate", "anomaly", "coverage"] = "threshold"
    metric: Metric = "cost_usd"
    match: Match = Match()
    by: list[Dimension] = ["app_id"]
    over: Duration = Field(default=timedelta(minutes=30), description="Window of the condition")
    above: float | None = None
    below: float | None = None
    objective: Ratio | None = Field(default=None, description="Burn rate: share of good calls promised, e.g. 99.5%")
    period: Duration = Field(default=timedelta(days=30), description="Burn rate: period of the objective")
    latency_ms: float | None = Field(default=None, gt=0, description="Burn rate on latency: a call slower than this is bad")
    hold: Duration = Field(default=timedelta(seconds=0), alias="for", description="How long the condition must hold before it fires")
    keep_firing: Duration = Field(default=timedelta(seconds=0), description="How long it must be gone before it resolves")
    min_calls: int = Field(default=50, ge=0, description="No verdict on fewer calls")
    detectors: list[Detector] = Field(default=[], description="Detectors that `hallucination_score` is about, each on its own; empty: the composite")
    severity: Severity = "warning"
    receivers: list[str] = []
    labels: dict[str, str] = {}
    annotations: dict[str, str] = Field(default={}, description="`summary`, `runbook_url`, …; `{value}` and label names in braces are filled in")
    action: Action | None = None
    enabled: bool = True

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        if self.kind == "threshold" and self.above is None and self.below is None:
            raise ValueError("a threshold rule needs `above` or `below`")
        if self.kind == "burn_rate" and self.objective is None:
            raise ValueError("a burn_rate rule needs `objective`")
        if self.kind == "burn_rate" and self.latency_ms is None and self.metric not in BURNING:
            raise ValueError(f"a burn_rate rule needs `latency_ms`, or a `metric` that counts bad calls: {', '.join(BURNING)}")
        if self.kind == "coverage" and self.metric not in COVERING:
            raise ValueError(f"a coverage rule's `metric` is {' or '.join(COVERING)}")
        if self.kind == "anomaly":
            _only_watched(self.match)
        if self.detectors and (self.metric != "hallucination_score" or self.latency_ms is not None or self.kind not in ("threshold", "burn_rate")):
            raise ValueError("`detectors` narrow `metric: hallucination_score`; other metrics have a detector of their own or none")
        return self


class Receiver(Part):
    """Where alerts go. ``url`` and ``secret`` may be given as ``{env: NAME}`` or ``{file: PATH}``."""

    name: str
    kind: Literal["alertmanager", "pagerduty", "slack", "webhook", "email", "apprise"]
    url: Secret | None = Field(default=None, description="Alertmanager, Slack, webhook or apprise URL; PagerDuty: other than the public one")
    secret: Secret | None = Field(default=None, description="Signing key (webhook), routing key (PagerDuty), password (email)")
    to: list[str] = Field(default=[], description="E-mail recipients")
    sender: str = Field(default="", description="E-mail sender")
    smtp: str = Field(default="", description="host:port of the mail server")
    user: str = Field(default="", description="Login at the mail server or Alertmanager")
    starttls: bool = True
    send_resolved: bool = True
    headers: dict[str, Secret] = {}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind in ("alertmanager", "slack", "webhook", "apprise") and self.url is None:
            raise ValueError(f"a {self.kind} receiver needs `url`")
        if self.kind == "pagerduty" and self.secret is None:
            raise ValueError("a pagerduty receiver needs `secret` (the routing key)")
        if self.kind == "email" and not (self.to and self.smtp):
            raise ValueError("an email receiver needs `to` and `smtp`")
        return self


class Route(Part):
    """Which alerts go where when a rule names no receiver; the first match wins."""

    match: Match = Match()
    severity: list[Severity] = []
    receivers: list[str]


class Silence(Part):
    """A planned quiet time: alerts that match are recorded, not sent."""

    match: Match = Match()
    rules: list[str] = []
    starts_at: datetime
    ends_at: datetime
    comment: str = ""


class Inhibition(Part):
    """While ``source`` fires, ``target`` is not sent for equal labels."""

    source: list[str]
    target: list[str]
    equal: list[Dimension] = ["app_id"]


class AnnouncedEvent(Part):
    """A launch, migration or price change that is expected to move cost: anomaly detection keeps quiet about it."""

    match: Match = Match()
    starts_at: datetime
    ends_at: datetime
    comment: str = ""

    @model_validator(mode="after")
    def _is_watched(self) -> Self:
        _only_watched(self.match)
        return self


class Alerts(Part):
    """Rules and everything around them."""

    rules: list[Rule] = []
    receivers: list[Receiver] = []
    routes: list[Route] = []
    silences: list[Silence] = []
    inhibit: list[Inhibition] = []
    announced: list[AnnouncedEvent] = []
    group_by: list[str] = ["alertname", "app_id"]
    group_wait: Duration = timedelta(seconds=30)
    group_interval: Duration = timedelta(minutes=5)
    repeat: Duration = Field(default=timedelta(hours=4), description="Re-notify while an alert goes on firing")
    defaults: bool = Field(default=True, description="Keep the built-in rules (anomaly, coverage, drops) besides the ones told here")
