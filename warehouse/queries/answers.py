"""Questions about answers: scores over time and by release, the worst ones, what an objective speaks of, what people said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from spanledger.errors import QueryRefused
from warehouse.queries.ask import DIMENSIONS, Scope, aware, fill, frame, listed, ordered, require
from warehouse.queries.finishing import share
from warehouse.queries.plans import Plan, plans
from warehouse.queries.sources import around, composed

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_SCORES = ["judged", "unjudged", "flagged", "score_sum", "risk_judged", "risk_sum"]


def _of(detector: str, measure: str) -> pl.Expr:
    return pl.col(measure).filter(pl.col("detector") == detector).sum()


_SUMS = {
    "scored": _of("composite", "risk_judged"),
    "answers": _of("composite", "judged") + _of("composite", "unjudged"),
    "score_avg": _of("composite", "risk_sum").cast(pl.Float64),
    "flagged": _of("composite", "flagged"),
    "schema_checked": _of("schema", "judged"),
    "schema_failures": _of("schema", "flagged"),
    "grounding_scored": _of("grounding", "judged"),
    "grounding_avg": _of("grounding", "score_sum").cast(pl.Float64),
    "grounding_flagged": _of("grounding", "flagged"),
    "contradiction_scored": _of("contradiction", "judged"),
    "contradictions": _of("contradiction", "flagged"),
}
_SHARES = {
    "score_avg": share(pl.col("score_avg"), pl.col("scored")),
    "flagged_share": share(pl.col("flagged"), pl.col("scored")),
    "coverage": share(pl.col("scored"), pl.col("answers")),
    "schema_failure_rate": share(pl.col("schema_failures"), pl.col("schema_checked")),
    "grounding_avg": share(pl.col("grounding_avg"), pl.col("grounding_scored")),
    "contradiction_rate": share(pl.col("contradictions"), pl.col("contradiction_scored")),
}
_TOLD = (
    "scored", "answers", "score_avg", "flagged", "flagged_share", "coverage", "schema_checked", "schema_failures", "schema_failure_rate",
    "grounding_scored", "grounding_avg", "grounding_flagged", "contradiction_scored", "contradictions", "contradiction_rate",
)  # fmt: skip
_FEW, _LONG = 100, timedelta(days=3)  # answers, window: from when on it pays to find out first which hours to read whole
_FEEDBACK = {"project", "app_id", "team", "tenant_hash", "user_hash"}


@dataclass(frozen=True)
class Objective:
    """An average with what stands behind it; ``None`` where nothing was scored. ``answers`` counts those that could not be judged too."""

    score_avg: float | None
    scored: int
    judged: int
    answers: int
    flagged: int

    @property
    def coverage(self) -> float | None:
        """Share of answers that were scored."""
        return self.scored / self.answers if self.answers else None


def quality(
    client: Client, scope: Scope, *, by: Sequence[str] = ("app",), safety: bool = True, held: Mapping[str, Plan] | None = None
) -> pl.DataFrame:
    """Detector results per group: ``scored`` of ``answers``, ``score_avg`` (composite), flagged share, schema, grounding, contradiction.

    ``by`` and filters: what ``scores`` holds (app, team, tenant, env, route, model, tier, prompt, prompt_version, user) and grains.
    ``safety``: violations told by the calls of the group (all calls, scored or not); ``safety=False`` spares asking.
    ``held``: plans looked up already.
    """
    held = held or plans(client, ("scores", "calls") if safety else ("scores",), scope, daily="hour" not in by)
    rows = ordered(by_detector(client, scope, by, held), by, "answers")
    if not safety:
        return rows
    some = " AND e.safety > 0"
    told = frame(client, *composed(client, by, scope, ["safety"], held=held, only=(some, some)))
    if not by:
        return rows.with_columns(safety=told["safety"])
    return rows.join(told, on=list(by), how="left", maintain_order="left").with_columns(pl.col("safety").fill_null(0))


def by_detector(client: Client, scope: Scope, by: Sequence[str], held: Mapping[str, Plan]) -> pl.DataFrame:
    """What detectors say per group, in no order: the columns of :func:`quality` without ``safety``."""
    source = composed(client, [*by, *(() if "detector" in by else ("detector",))], scope, _SCORES, base="scores", held=held)
    rows = frame(client, *source).lazy()  # run at once, by collect
    return (rows.group_by(by).agg(**_SUMS) if by else rows.select(**_SUMS)).with_columns(**_SHARES).select(*by, *_TOLD).collect()


def quality_objective(client: Client, scope: Scope, *, detector: str = "composite") -> Objective:
    """The average score of a window (SLO "hallucination_score < 0.02 over 30 minutes"), from the exact rows."""
    require(scope, "scores")
    row = _of_detector(client, "quality_objective", scope, detector=detector).row(0, named=True)
    average = float(row["score_avg"]) if row["scored"] else None
    return Objective(average, int(row["scored"]), int(row["judged"]), int(row["answers"]), int(row["flagged"]))


def worst_answers(client: Client, scope: Scope, *, detector: str = "composite", limit: int = 50) -> pl.DataFrame:
    """The riskiest answers: ids in hexadecimal, score, label, ``evidence`` (JSON with offsets, no text)."""
    require(scope, "scores")
    if limit <= _FEW and aware(scope.until) - aware(scope.since) > _LONG:
        found = _worst_by_hours(client, scope, detector, limit)
        if found is not None:
            return found
    return _of_detector(client, "worst_answers", scope, detector=detector, rows=limit)


def _worst_by_hours(client: Client, scope: Scope, detector: str, limit: int) -> pl.DataFrame | None:
    """The riskiest answers, looked for among all versions of all answers, then read exactly where they were found.

    Every answer that counts is among its versions: where the exact ones are as risky, one by one, as what was found, nothing beside them can
    be riskier. ``None``: they are not (something was judged again), or the last has its equals.
    """
    seen = _of_detector(client, "worst_moments", scope, detector=detector, rows=limit + 1)
    order = seen.select("risk", "score", "ts")
    if seen.height > limit and order.row(limit) == order.row(limit - 1):
        return None
    hours = [f"{hour:%Y-%m-%d %H:%M:%S}" for hour in seen["ts"].head(limit).dt.truncate("1h").unique()]
    among = (" AND toStartOfHour(e.ts) IN {hours:Array(DateTime('UTC'))}", " AND e.service IN {services:Array(String)}")
    named = {"hours": hours, "services": seen["service"].head(limit).unique().to_list()}
    found = _of_detector(client, "worst_answers", scope, *among, detector=detector, rows=limit, **named)
    risk = pl.coalesce("hallucination_score", "score").alias("risk")
    return found if found.select(risk, "score", "ts").equals(order.head(limit)) else None


def _of_detector(client: Client, name: str, scope: Scope, among: str = "", also: str = "", **named: Any) -> pl.DataFrame:
    hours = around(aware(scope.since), aware(scope.until))
    return frame(client, fill(name, {"where": scope.where + also, "among": among}), scope.params | hours | named)


def verdicts(client: Client, trace_id: str, span_id: str, *, teams: Sequence[str] | None = None) -> pl.DataFrame:
    """Every detector's result for one call."""
    scope = Scope.ever(teams)
    return frame(client, fill("verdicts_of_call", {"where": scope.where}), scope.params | {"trace": trace_id, "span": span_id})


def feedback_rates(client: Client, scope: Scope, *, by: Sequence[str] = ("app",)) -> pl.DataFrame:
    """Feedback per group, ``kind`` and ``name``: ``n``, sum of ``value``, how many ``positive`` and ``negative``, of how many ``traces``."""
    wanted = {DIMENSIONS.get(name, name) for name in by} | scope.columns
    if not wanted <= _FEEDBACK:
        raise QueryRefused(f"feedback knows {', '.join(sorted(_FEEDBACK))}, not {', '.join(sorted(wanted - _FEEDBACK))}")
    parts = {
        "names": listed([f"e.{DIMENSIONS[n]} AS `{n}`" for n in by]),
        "keys": listed([f"`{n}`" for n in by]),
        "where": scope.where,
    }
    return frame(client, fill("feedback_rates", parts), scope.params)


def feedback(client: Client, trace_id: str, *, teams: Sequence[str] | None = None) -> pl.DataFrame:
    """What was said about one trace and its calls."""
    scope = Scope.ever(teams)
    return frame(client, fill("feedback_of_trace", {"where": scope.where}), scope.params | {"trace": trace_id})
