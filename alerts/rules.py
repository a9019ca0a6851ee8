"""Rules of the policy, asked of the ledger: thresholds, coverage, burn rates of objectives, cost anomalies, drops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.findings import Finding
from alerts.measures import COUNTED, MEASURES, figures, written
from spanledger.policy import Policy, Rule
from warehouse import alerting
from warehouse.matching import Hash, filters, matches, sole
from warehouse.queries import Scope
from warehouse.queries.objectives import Bad, bad_of_all

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

#: Long window, short window, burn rate: what the period's budget is burnt at when it fires (Google's SRE workbook, ch. 5, for 30 days).
BURNS = (
    (timedelta(hours=1), timedelta(minutes=5), 14.4),
    (timedelta(hours=6), timedelta(minutes=30), 6.0),
    (timedelta(days=3), timedelta(hours=6), 1.0),
)
_MONTH = timedelta(days=30)
_SLOWEST_PASS, _PASSES = timedelta(minutes=5), 60  # a window is looked at this many times while it passes, at least that often
#: An anomaly goes on for so long after its last hour: one page a day while it lasts.
ANOMALY_LASTS = timedelta(hours=24)
_BAD: Mapping[str, Bad] = {
    "error_rate": "failed", "timeout_rate": "timeout", "hallucination_score": "flagged", "schema_failure_rate": "schema",
    "contradiction_rate": "contradiction",
}  # fmt: skip
_UNKNOWN_SHARE = 0.01  # of calls, from which a coverage rule without a bound fires
_CAUSES = {
    "volume": "more requests", "prompt_size": "larger requests", "price": "dearer tokens", "retries": "retries", "silence": "no requests"
}  # fmt: skip

#: Kept besides the policy's own unless ``alerts.defaults`` is off; a rule of the policy with the same name replaces one.
DEFAULTS = (
    Rule(name="cost-anomaly", kind="anomaly", by=["app_id", "team", "model_tier"], above=1.0),
    Rule(name="unpriced-calls", kind="coverage", metric="unpriced_share", by=["provider", "model"], above=0.01, over=timedelta(hours=24)),
    Rule(name="data-dropped", metric="drops", by=[], above=0.0, over=timedelta(minutes=30), min_calls=0),
)

Drops = Callable[[datetime, timedelta], float | None]


@dataclass(frozen=True, slots=True)
class Asking:
    """What a rule is asked with. ``drops``: records and texts that the collector dropped in a window, ``None`` where nobody tells."""

    client: Client
    policy: Policy
    tenant_hash: Hash
    drops: Drops


def in_force(policy: Policy) -> list[Rule]:
    """The policy's enabled rules and the built-in ones, which give way to what has their name."""
    own = {rule.name for rule in policy.alerts.rules} | {budget.name for budget in policy.budgets}
    built_in = [rule for rule in DEFAULTS if rule.name not in own] if policy.alerts.defaults else []
    return [rule for rule in (*policy.alerts.rules, *built_in) if rule.enabled]


def every(rule: Rule, shortest: timedelta) -> timedelta:
    """How often a rule is asked."""
    window = timedelta(hours=1) if rule.kind in ("burn_rate", "anomaly") else rule.over
    return max(shortest, min(window / _PASSES, _SLOWEST_PASS))


def patience(rule: Rule) -> timedelta:
    """How long an alert goes on for whose labels are not found any more."""
    return max(rule.keep_firing, rule.over)


def findings(asking: Asking, rule: Rule, now: datetime) -> list[Finding]:
    """What the rule says of every label set. Raises what the warehouse raises."""
    if rule.kind == "anomaly":
        found: Iterable[Finding] = _anomalies(asking, rule, now)
    elif rule.kind == "burn_rate":
        found = _burn_rates(asking, rule, now)
    elif rule.metric == "drops":
        found = _dropped(asking, rule, now)
    else:
        found = _thresholds(asking, rule, now)
    return [_annotated(rule, one) for one in found]


def _thresholds(asking: Asking, rule: Rule, now: datetime) -> Iterator[Finding]:
    measure, scope = MEASURES[rule.metric], _scope(asking, rule, now - rule.over, now)
    above = _UNKNOWN_SHARE if rule.above is None and rule.below is None else rule.above
    for labels, value, n in figures(asking.client, rule.metric, scope, rule.by, rule.detectors):
        value = value if n >= rule.min_calls or rule.metric in COUNTED else None
        under = rule.below is not None and (above is None or (value is not None and value < rule.below))
        bound = (rule.below if under else above) or 0.0
        holds = None if value is None else value < bound if under else value > bound
        said = f"{measure.words} {written(value or 0.0, measure.unit)} of {n:,} {measure.of} in {spell(rule.over)}"
        summary = f"{_named(labels)}{said}, {'below' if under else 'above'} {written(bound, measure.unit)}"
        yield _finding(asking, rule, labels, holds, value or 0.0, bound, summary)


def _burn_rates(asking: Asking, rule: Rule, now: datetime) -> Iterator[Finding]:
    assert rule.objective is not None
    allowed = float(1 - rule.objective)
    bad: Bad = "slow" if rule.latency_ms else _BAD[rule.metric]
    scale = rule.period / _MONTH
    by = [*rule.by, "detector"] if rule.detectors else rule.by
    counted: dict[timedelta, dict[tuple[str, ...], tuple[int, int]]] = {}
    for window in {w for long, short, _ in BURNS for w in (long, short)}:
        scope = _scope(asking, rule, now - window * scale, now)
        rows = bad_of_all(asking.client, scope, bad, by=rule.by, slower_ms=rule.latency_ms or 0.0, detectors=rule.detectors)
        counted[window] = {tuple(str(row[name]) for name in by): (row["bad"], row["total"]) for row in rows.iter_rows(named=True)}
    for key in sorted({key for rows in counted.values() for key in rows}):
        labels: dict[str, str] = dict(zip(by, key, strict=True))
        holds, worst, at = None, 0.0, BURNS[0]
        for burn in BURNS:
            (long_bad, n), (short_bad, short_n) = counted[burn[0]].get(key, (0, 0)), counted[burn[1]].get(key, (0, 0))
            if n < max(1, rule.min_calls):
                continue
            rates = long_bad / n / allowed if allowed else 0.0, (short_bad / short_n / allowed if short_n and allowed else 0.0)
            burning = min(rates) > burn[2]
            if burning and not holds:
                worst, at = rates[0], burn
            elif not holds:
                worst = max(worst, rates[0])
            holds = bool(holds or burning)
        what = f"slower than {rule.latency_ms:g} ms" if rule.latency_ms else rule.metric.replace("_", " ")
        summary = f"{_named(labels)}{spell(rule.period)} objective {float(rule.objective) * 100:g} % ({what}) burns at {worst:.1f} times its budget"
        yield _finding(asking, rule, labels, holds, worst, at[2], f"{summary} over {spell(at[0] * scale)}")


def _anomalies(asking: Asking, rule: Rule, now: datetime) -> Iterator[Finding]:
    rows = alerting.anomalies(asking.client, since=now - ANOMALY_LASTS - timedelta(hours=1), until=now)
    for (app, team, tier), hours in rows.group_by("app_id", "team", "model_tier", maintain_order=True):
        labels = {"app_id": str(app), "team": str(team), "model_tier": str(tier)}
        if not matches(rule.match.patterns(), labels, asking.tenant_hash):
            continue
        last = hours.row(-1, named=True)
        more = float((hours["cost_usd"] - hours["usual_usd"]).sum())
        silent = last["cause"] == "silence"
        change = "" if silent else f": {written(abs(more), 'usd')} {'less' if more < 0 else 'more'} than usual"
        summary = f"{_named(labels)}{_CAUSES.get(last['cause'], last['cause'])}{change}"
        yield _finding(asking, rule, labels, silent or more > (rule.above or 0.0), more, rule.above or 0.0, f"{summary} in {len(hours)} h")


def _dropped(asking: Asking, rule: Rule, now: datetime) -> Iterator[Finding]:
    n = asking.drops(now, rule.over)
    if n is None:
        return
    bound = rule.above or 0.0
    yield _finding(asking, rule, {}, n > bound, n, bound, f"{n:,.0f} records or texts dropped by the collector in {spell(rule.over)}")


def _scope(asking: Asking, rule: Rule, since: datetime, until: datetime) -> Scope:
    window = Scope(since, until)
    return Scope(since, until, filters(asking.client, rule.match, window, asking.tenant_hash))


def _finding(asking: Asking, rule: Rule, labels: Mapping[str, str], holds: bool | None, value: float, bound: float, summary: str) -> Finding:
    return Finding(
        rule=rule.name, kind=rule.kind, severity=rule.severity, labels={**labels, **rule.labels}, holds=holds, value=value, bound=bound,
        summary=summary, team=_team(asking.policy, rule, labels), receivers=tuple(rule.receivers), hold=rule.hold, keep=rule.keep_firing,
    )  # fmt: skip


def _team(policy: Policy, rule: Rule, labels: Mapping[str, str]) -> str:
    """Whose rows an alert is about: its label, the one team that the rule is about, or the owner of its app."""
    app = policy.apps.get(labels.get("app_id", ""))
    return labels.get("team") or sole(rule.match, "team") or (app.team if app is not None else "")


def _annotated(rule: Rule, finding: Finding) -> Finding:
    """The rule's own summary, with ``{value}``, ``{bound}`` and label names filled in; a name that is not known stays as it is."""
    told = rule.annotations.get("summary")
    if told is None:
        return finding
    for name, value in {"value": f"{finding.value:g}", "bound": f"{finding.bound:g}", **finding.labels}.items():
        told = told.replace(f"{{{name}}}", value)
    return replace(finding, summary=told)


def _named(labels: Mapping[str, str]) -> str:
    told = [value for value in labels.values() if value]
    return f"{', '.join(told)}: " if told else ""


def spell(window: timedelta) -> str:
    """``30 min``, ``6 h``, ``3 d``."""
    seconds = int(window.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
