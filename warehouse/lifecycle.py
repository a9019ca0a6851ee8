"""How long rows live: retention by class and tenant, what is kept for years, erasure. Rollups are never deleted here.

Whole partitions (days) are dropped once the longest retention of their class has passed; only where a tenant keeps its rows shorter
than others are rows deleted one by one, a day at a time. The tables' own TTL says the same, in case nobody runs this.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from string import Template
from typing import TYPE_CHECKING, Any

from spanledger.policy import Retention
from warehouse.queries.ask import query_errors, stamp
from warehouse.rollups import close, local, touch
from warehouse.sqlfiles import sql
from warehouse.vault.erasures import note_traces

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

#: Table of each class of rows in the policy.
CLASSES: Mapping[str, str] = {
    "spans": "spans",
    "contents": "contents",
    "calls": "calls",
    "scores": "scores",
    "audit": "audit_objects",
    "decisions": "decisions",
}
_ROLLED_UP = {"calls", "scores"}
_NO_TRACE = b"\0" * 16
_TTL = re.compile(r"TTL toDateTime\(ts\) \+ toIntervalDay\((\d+)\)|TTL toDateTime\(ts\) \+ INTERVAL (\d+) DAY")


@dataclass(frozen=True)
class Terms:
    """Retention of one class: days by default, and by tenant hash where it differs; ``None``: for ever."""

    default: int | None
    tenants: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def longest(self) -> int | None:
        """The age at which nobody needs a row any more."""
        terms = [self.default, *self.tenants.values()]
        return None if None in terms else max(t for t in terms if t is not None)

    def shorter(self) -> list[tuple[int, list[str], bool]]:
        """(days, tenants, others): rows of ``tenants`` (``others``: of all but these) go after ``days``, before the longest."""
        longest = self.longest
        groups: dict[int, list[str]] = {}
        for tenant, days in self.tenants.items():
            if days is not None and days != longest:
                groups.setdefault(days, []).append(tenant)
        found = [(days, tenants, False) for days, tenants in groups.items()]
        if self.default is not None and self.default != longest:
            found.append((self.default, list(self.tenants), True))
        return found


@dataclass
class Expired:
    """What one pass removed: rows per table."""

    dropped: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)


def terms(retention: Retention, tenant_hash: Callable[[str], str]) -> dict[str, Terms]:
    """The policy's retention per class, tenants by hash."""
    found: dict[str, Terms] = {}
    for name in CLASSES:
        tenants = {tenant_hash(t): getattr(part, name) for t, part in retention.tenants.items() if getattr(part, name) is not None}
        found[name] = Terms(_days(getattr(retention, name)), {t: _days(d) for t, d in tenants.items()})
    return found


def apply_ttl(client: Client, wanted: Mapping[str, Terms]) -> list[str]:
    """Make each table's own TTL that of its class (the longest term); returns the tables that changed."""
    changed: list[str] = []
    for name, term in wanted.items():
        table = CLASSES[name]
        target = local(client, table)
        definition = client.query(sql("table_definition"), {"table": target.split(" ")[0]}).result_rows[0][0]
        match = _TTL.search(definition)
        now = int(match[1] or match[2]) if match else None
        if now == term.longest:
            continue
        # a number of days from the policy, an integer by type: DDL takes no parameters
        action = "REMOVE TTL" if term.longest is None else f"MODIFY TTL toDateTime(ts) + INTERVAL {int(term.longest)} DAY"
        with query_errors():
            client.command(f"ALTER TABLE spanledger.{target} {action}", settings={"materialize_ttl_after_modify": 0})
        changed.append(table)
    return changed


def expire(client: Client, wanted: Mapping[str, Terms], *, now: datetime | None = None) -> Expired:
    """Remove what is past its term. Hours whose base goes are frozen first, so that their sums stay."""
    today = (now or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
    done = Expired()
    for name, term in wanted.items():
        table = CLASSES[name]
        if term.longest is not None:
            edge = today - timedelta(days=term.longest)
            if name in _ROLLED_UP:
                close(client, name, edge, note="retention")
            done.dropped[table] = _drop(client, table, edge)
        for days, tenants, others in term.shorter():
            edge = today - timedelta(days=days)
            done.deleted[table] = done.deleted.get(table, 0) + _delete(client, name, table, edge, tenants, others)
    return done


def keep_decisions(client: Client, since: datetime, until: datetime) -> None:
    """Copy judged answers of ``[since, until)`` into ``decisions`` (fingerprints, versions, scores, reviewer's note); may be repeated."""
    _run(client, "keep_decisions", {"since": stamp(since), "until": stamp(until), "ver": time.time_ns() // 1_000})


def keep_house(client: Client, retention: Retention, tenant_hash: Callable[[str], str], *, now: datetime | None = None) -> Expired | None:
    """Once a UTC day: the tables' TTL, yesterday's decisions, what is past its term. ``None``: done for today already.

    May be called as often as one likes, by one worker at a time (a lease); a day that was killed half-way is done again.
    """
    moment = now or datetime.now(UTC)
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    with query_errors():
        last = client.query(sql("job_mark"), {"job": "keep_house"}).result_rows[0][0]
    if last == f"{today:%Y-%m-%d}":
        return None
    wanted = terms(retention, tenant_hash)
    apply_ttl(client, wanted)
    since = datetime.strptime(last, "%Y-%m-%d").replace(tzinfo=UTC) if last else today
    keep_decisions(client, since - timedelta(days=2), today)  # scores may come a day late
    done = expire(client, wanted, now=moment)
    with query_errors():
        client.insert("spanledger.job_marks", [["keep_house", f"{today:%Y-%m-%d}", str(done)]], column_names=["job", "mark", "detail"])
    return done


def erase(client: Client, erasure: str, *, tenant_hash: str = "", user_hash: str = "") -> dict[str, int]:
    """Delete the journal, texts, scores, feedback and transcripts of a tenant or user; entries keep their money and lose the person.

    Whole traces go, whichever of their spans names the person; they are noted under ``erasure`` (an id), so that a killed erasure can be
    run again and ``verify`` knows why nothing tells these entries any more. Returns rows per table. The caller destroys keys, empties
    the spool and writes the audit entry.
    """
    if not (tenant_hash or user_hash):
        raise ValueError("erase needs a tenant or a user")
    params = {"erasure": erasure, "tenant": tenant_hash, "user": user_hash}
    _run(client, "erase_traces", params)
    counts = {"decisions": int(_count(client, "erase_decisions_count", params, "decisions")["rows"])}
    if counts["decisions"]:
        _run(client, "erase_decisions", params, table=local(client, "decisions"))
    for table in ("spans", "contents", "scores", "feedback", "audit_objects", "calls"):
        found = _count(client, "erase_count", params, table)
        counts[table] = int(found["rows"])
        if not counts[table]:
            continue
        if table in _ROLLED_UP:  # before and after: no hour may count as clean in between
            touch(client, table, found["hours"], reason="erasure")
        _run(client, "erase_identity" if table == "calls" else "erase_rows", params, table=local(client, table))
        if table in _ROLLED_UP:
            touch(client, table, found["hours"], reason="erasure")
    counts["alerts"] = _erase_alerts(client, erasure, params)
    return counts


def _erase_alerts(client: Client, erasure: str, params: dict[str, Any]) -> int:
    """Alerts by tenant or person go, with what was told of them; whoever remembers alerts hears of it by the latest erasure."""
    alerts = int(_count(client, "erase_alerts_count", params, "alerts")["rows"])
    if alerts:
        note_traces(client, erasure, [_NO_TRACE])  # an erasure is heard of by its traces, and there may be none left
        for table in ("alert_acknowledgements", "alert_notices", "alerts"):
            _run(client, f"erase_{table}", params, table=local(client, table))
    return alerts


def _days(age: timedelta | None) -> int | None:
    return None if age is None else max(1, -(-age // timedelta(days=1)))


def _drop(client: Client, table: str, edge: datetime) -> int:
    target = local(client, table)
    with query_errors():
        rows = client.query(sql("expired_partitions"), {"table": target.split(" ")[0], "before": f"{edge:%Y%m%d}"}).result_rows
        for partition_id, *_ in rows:
            client.command(f"ALTER TABLE spanledger.{target} DROP PARTITION ID '{partition_id}'")
    return sum(int(row[1]) for row in rows)


def _delete(client: Client, name: str, table: str, edge: datetime, tenants: list[str], others: bool) -> int:
    params = {"before": stamp(edge), "tenants": tenants, "others": int(others)}
    found = _count(client, "expired_rows", params, table)
    if not found["rows"]:
        return 0
    if name in _ROLLED_UP:
        close(client, name, edge, note="retention of some tenants")
    _run(client, "delete_expired", params, table=local(client, table))
    return int(found["rows"])


def _count(client: Client, name: str, params: dict[str, Any], table: str) -> dict[str, Any]:
    with query_errors():
        return client.query_arrow(Template(sql(name)).substitute(table=table), params).to_pylist()[0]


def _run(client: Client, name: str, params: dict[str, Any], **parts: str) -> None:
    with query_errors():
        client.command(Template(sql(name)).substitute(parts), parameters=params)
