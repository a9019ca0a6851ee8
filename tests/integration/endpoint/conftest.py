"""One embedded warehouse with two teams' rows behind one endpoint, for every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import urllib3

from warehouse.endpoint import EndpointServer, Limits, Principal, QueryEvent, serve
from warehouse.engine import Engine, connect
from warehouse.migrate import migrate

START = datetime(2026, 11, 1, tzinfo=UTC)
SECRET = "do-not-show-7c1f"
PEOPLE = {
    "instance": Principal("instance", "instance"),
    "admin": Principal("admin", "admin"),
    "finance": Principal("finance", "finance"),
    "operator": Principal("operator", "operator"),
    "auditor": Principal("auditor", "auditor"),
    "viewer": Principal("viewer", "viewer"),
    "viewer-a": Principal("viewer-a", "viewer", ("team-a",)),
    "viewer-b": Principal("viewer-b", "viewer", ("team-b", "it's \\ odd")),
    "viewer-none": Principal("viewer-none", "viewer", ()),
    "operator-a": Principal("operator-a", "operator", ("team-a",)),
}
READERS = [name for name in PEOPLE if name != "instance"]


@dataclass
class House:
    """The endpoint and ways to talk to it."""

    engine: Engine
    server: EndpointServer
    events: list[QueryEvent] = field(default_factory=list)
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(num_pools=4, maxsize=4, retries=False))

    @property
    def url(self) -> str:
        return f"http://{self.server.address}"

    def client(self, who: str = "instance", **settings: Any):
        """A clickhouse-connect HTTP client."""
        return connect(f"clickhouse://{self.server.address}/spanledger", user=who, password="pw", settings=settings)

    def ask(self, who: str | None, sql: str, method: str = "POST", headers: dict[str, str] | None = None, **args: str) -> tuple[int, str]:
        """One raw request, as curl would send it: status and body."""
        sent = {"X-ClickHouse-User": who, "X-ClickHouse-Key": "pw"} if who else {}
        if method == "GET":
            answer = self.http.request("GET", self.url, fields={"query": sql, **args}, headers={**sent, **(headers or {})})
        else:
            from urllib.parse import urlencode

            target = f"{self.url}/?{urlencode(args)}"
            answer = self.http.request(method, target, body=sql.encode(), headers={**sent, **(headers or {})})
        return answer.status, answer.data.decode(errors="replace")


def authenticate(user: str | None, secret: str | None) -> Principal | None:
    if user is None and secret in PEOPLE:
        return PEOPLE[secret]  # a bearer token
    return PEOPLE.get(user or "") if secret == "pw" else None


def fill(client) -> None:
    """Calls, scores and texts of two teams; one call of team b changed hands: its older version says team a."""
    rows = []
    for i in range(40):
        team = ("team-a", "team-b")[i % 2]
        rows.append(_call(i, team, ver=1))
    rows.append(_call(999, "team-a", ver=1))
    client.insert("calls", [list(row.values()) for row in rows], column_names=list(rows[0]))
    moved = _call(999, "team-b", ver=2)
    client.insert("calls", [list(moved.values())], column_names=list(moved))
    for row in rows[:10]:
        client.command(
            "INSERT INTO contents (project, service, ts, trace_id, span_id, prompt) "
            "VALUES ('p', 's', {ts:DateTime64(6)}, {t:String}, 'x', {p:String})",
            parameters={"ts": row["ts"], "t": row["trace_id"].decode(), "p": f"{SECRET} of {row['team']}"},
        )
    client.command(
        "INSERT INTO audit_log (seq, at, actor, action, subject, detail, prev_hash, hash) VALUES (1, now(), 'x', 'y', 'z', {d:String}, '', '')",
        parameters={"d": SECRET},
    )


def _call(i: int, team: str, ver: int) -> dict[str, Any]:
    return {
        "project": "p",
        "service": "s",
        "ts": START + timedelta(minutes=i),
        "trace_id": f"trace-{i:010d}".encode(),
        "span_id": f"span-{i:03d}".encode()[:8],
        "app_id": f"app-{team}",
        "team": team,
        "model": f"model-{i % 3}",
        "user_hash": f"user-{i}-{team}",
        "billed": True,
        "outcome": "success",
        "tokens_in": 100 + i,
        "tokens_out": i,
        "cost_estimate_usd": Decimal("0.000000001") * (1_000_000 if team == "team-a" else 3_000_000),
        "ver": ver,
    }


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    with Engine.open(tmp_path_factory.mktemp("endpoint"), memory_bytes=2_000_000_000) as engine:
        with closing(engine.client()) as client:
            migrate(client)
            client.command("SYSTEM STOP MERGES")  # the call that changed hands keeps both versions
            fill(client)
        events: list[QueryEvent] = []
        limits = Limits(query_s=2, memory_bytes=200_000_000, query_rows=200_000, readers=3, readers_each=2, queue_s=5)
        server = serve(engine, "127.0.0.1", 0, authenticate, limits=limits, on_query=events.append)
        try:
            yield House(engine, server, events)
        finally:
            server.close(2)
