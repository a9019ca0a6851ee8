"""What the alert engine remembers: alerts, who took them on, notices to receivers, silences, anomalies and forecasts of budgets.

Rows are replaced by ``ver``; one writer at a time (a lease) writes alerts and notices, people write acknowledgements and silences.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import orjson
import polars as pl

from warehouse import audit_log
from warehouse.journal import warehouse_errors
from warehouse.queries.ask import frame, stamp
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

#: ``lapsed``: the condition went away before it had held for long enough; nobody was told.
State = Literal["pending", "firing", "resolved", "lapsed"]
NoticeState = Literal["queued", "sent", "failed"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule's state for one label set, once. ``fingerprint`` stays the same when it comes up again, ``id`` does not.

    ``held_at``: when the condition was last seen to hold. ``until``: the end of the period in which it may come up once; ``None``: any time.
    """

    id: str
    fingerprint: str
    rule: str
    kind: str
    severity: str
    labels: Mapping[str, str]
    team: str
    state: State
    value: float
    bound: float
    summary: str
    receivers: tuple[str, ...]
    pending_at: datetime
    held_at: datetime
    firing_at: datetime | None = None
    resolved_at: datetime | None = None
    until: datetime | None = None

    @property
    def active(self) -> bool:
        """Pending or firing."""
        return self.state in ("pending", "firing")

    def told(self) -> dict[str, Any]:
        """What everybody is told of it, without times."""
        names = ("id", "fingerprint", "rule", "kind", "severity", "state", "summary", "value", "bound")
        return {**{name: getattr(self, name) for name in names}, "labels": dict(self.labels)}


@dataclass(frozen=True, slots=True)
class Notice:
    """One message about an incident to one receiver. ``told``: alert id → the state that is told."""

    id: str
    receiver: str
    incident: str
    reason: str
    told: Mapping[str, str]
    at: datetime
    state: NoticeState = "queued"
    attempts: int = 0
    error: str = ""
    next_at: datetime = EPOCH


@dataclass(frozen=True, slots=True)
class Quiet:
    """A silence that somebody has set. ``matchers``: field of a match (``app``, ``team``, …) → patterns."""

    starts_at: datetime
    ends_at: datetime
    actor: str
    rules: tuple[str, ...] = ()
    matchers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    comment: str = ""
    id: str = field(default_factory=lambda: uuid4().hex[:16])
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody has taken an alert on."""

    id: str
    actor: str
    comment: str
    at: datetime


_ALERTS = [
    "id", "fingerprint", "rule", "kind", "severity", "labels", "team", "state", "value", "bound", "summary", "receivers",
    "pending_at", "firing_at", "resolved_at", "held_at", "until", "ver",
]  # fmt: skip
_NOTICES = ["id", "receiver", "incident", "reason", "told", "state", "attempts", "error", "at", "next_at", "ver"]
_SILENCES = ["id", "rules", "matchers", "starts_at", "ends_at", "comment", "actor", "at", "ver"]


def write_alerts(client: Client, alerts: Sequence[Alert]) -> None:
    """Store the state of these alerts, durably."""
    ver = time.time_ns()
    _insert(client, "alerts", _ALERTS, [[_cell(a, name, ver) for name in _ALERTS] for a in alerts])


def write_notices(client: Client, notices: Sequence[Notice]) -> None:
    """Store notices, durably."""
    ver = time.time_ns()
    _insert(client, "alert_notices", _NOTICES, [[_cell(n, name, ver) for name in _NOTICES] for n in notices])


def alerts(client: Client, *, since: datetime, teams: Sequence[str] | None = None) -> list[Alert]:
    """Alerts that are active or ended after ``since``, newest first; those that lapsed are left out. ``teams``: only about these teams' rows."""
    rows = frame(client, sql("alerts"), {"since": stamp(since)}).iter_rows(named=True)
    return [found for found in map(_alert, rows) if teams is None or found.team in teams]


def remembered(client: Client, *, since: datetime) -> list[Alert]:
    """What the engine goes on from after a start: active alerts, those that ended after ``since``, and those whose period is not over."""
    return [_alert(row) for row in frame(client, sql("alerts_remembered"), {"since": stamp(since)}).iter_rows(named=True)]


def notices(client: Client, *, since: datetime) -> list[Notice]:
    """Notices that are queued, and the latest of every receiver and incident that was told of something after ``since``."""
    rows = frame(client, sql("alert_notices"), {"since": stamp(since)}).iter_rows(named=True)
    return [_notice(row) for row in rows]


def acknowledge(client: Client, alerts: Sequence[Alert], *, actor: str, comment: str = "") -> None:
    """Somebody takes these alerts on, durably and on the record: they are not told of again while they go on. ``comment``: redacted."""
    for one in alerts:
        detail = {"rule": one.rule, "labels": dict(one.labels), "summary": one.summary, "comment": comment}
        audit_log.append(client, actor=actor, action="acknowledgement", subject=f"alert:{one.id}", detail=detail)
    _insert(client, "alert_acknowledgements", ["id", "actor", "comment"], [[one.id, actor, comment] for one in alerts])


def acknowledgements(client: Client, ids: Sequence[str]) -> dict[str, Taken]:
    """Alert id → who took it on first."""
    if not ids:
        return {}
    rows = frame(client, sql("alert_acknowledgements"), {"ids": list(ids)}).iter_rows(named=True)
    return {row["id"]: Taken(row["id"], row["actor"], row["comment"], _utc(row["at"])) for row in rows}


def write_silence(client: Client, quiet: Quiet) -> None:
    """Set a silence, or change the one with its id, durably."""
    row = [quiet.id, list(quiet.rules), orjson.dumps({k: list(v) for k, v in quiet.matchers.items()}).decode()]
    row += [quiet.starts_at, quiet.ends_at, quiet.comment, quiet.actor, quiet.at, time.time_ns()]
    _insert(client, "silences", _SILENCES, [row])


def silences(client: Client, *, since: datetime) -> list[Quiet]:
    """Silences that end after ``since``, by their beginning."""
    found = frame(client, sql("silences"), {"since": stamp(since)}).iter_rows(named=True)
    return [
        Quiet(
            starts_at=_utc(row["starts_at"]), ends_at=_utc(row["ends_at"]), actor=row["actor"], rules=tuple(row["rules"]),
            matchers=orjson.loads(row["matchers"]), comment=row["comment"], id=row["id"], at=_utc(row["at"]),
        )
        for row in found
    ]  # fmt: skip


def write_anomalies(client: Client, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store anomalous hours: ``hour, app_id, team, model_tier, cause, cost_usd, usual_usd``."""
    columns = ["hour", "app_id", "team", "model_tier", "cause", "cost_usd", "usual_usd"]
    _insert(client, "anomalies", [*columns, "ver"], [[*(row[c] for c in columns), time.time_ns()] for row in rows])


def anomalies(client: Client, *, since: datetime, until: datetime) -> pl.DataFrame:
    """Anomalous hours of a window: ``hour, app_id, team, model_tier, cause, cost_usd, usual_usd``, in order of time."""
    return frame(client, sql("anomalies"), {"since": stamp(since), "until": stamp(until)})


def write_forecasts(client: Client, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store what periods of budgets are expected to end at: ``name, begins, ends, team, total_usd, low_usd, high_usd``."""
    columns = ["name", "begins", "ends", "team", "total_usd", "low_usd", "high_usd"]
    _insert(client, "budget_forecasts", [*columns, "ver"], [[*(row[c] for c in columns), time.time_ns()] for row in rows])


def forecasts(client: Client, on: date) -> dict[str, dict[str, Any]]:
    """Name of a budget → the newest forecast of the period that ``on`` lies in: ``begins, ends, total_usd, low_usd, high_usd``."""
    rows = frame(client, sql("budget_forecasts"), {"on": on}).iter_rows(named=True)
    return {row.pop("name"): row for row in rows}


def _insert(client: Client, table: str, columns: list[str], rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        with warehouse_errors():
            client.insert(f"spanledger.{table}", rows, column_names=columns)


def _cell(of: Alert | Notice, name: str, ver: int) -> Any:
    value = ver if name == "ver" else getattr(of, name)
    if value is None:
        return EPOCH
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value


def _alert(row: Mapping[str, Any]) -> Alert:
    told: dict[str, Any] = {name: row[name] for name in _ALERTS if name != "ver"}
    for name in ("pending_at", "held_at"):
        told[name] = _utc(row[name])
    for name in ("firing_at", "resolved_at", "until"):
        told[name] = None if _utc(row[name]) == EPOCH else _utc(row[name])
    told["labels"], told["receivers"] = _pairs(row["labels"]), tuple(row["receivers"])
    return Alert(**told)


def _notice(row: Mapping[str, Any]) -> Notice:
    told: dict[str, Any] = dict(row)
    told["told"], told["at"], told["next_at"] = _pairs(row["told"]), _utc(row["at"]), _utc(row["next_at"])
    return Notice(**told)


def _pairs(told: Any) -> dict[str, str]:
    """A map, as Polars tells it: a list of structs."""
    return dict(told) if isinstance(told, Mapping) else {one["key"]: one["value"] for one in told}


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


__all__ = [
    "EPOCH", "Alert", "Notice", "Quiet", "State", "Taken", "acknowledge", "acknowledgements", "alerts", "anomalies", "forecasts", "notices",
    "remembered", "silences", "write_alerts", "write_anomalies", "write_forecasts", "write_notices", "write_silence",
]  # fmt: skip
