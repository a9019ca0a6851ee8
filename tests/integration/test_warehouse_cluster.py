"""The cluster rendering: parsed by the engine, and run on the one-shard layout that an embedded engine can be.

What cannot run here: replication, ON CLUSTER, more than one shard (docs/warehouse.md says so).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from clickhouse_connect.driver.client import Client

from warehouse import cluster, health, queries, verify
from warehouse.engine import Engine
from warehouse.migrate import statements
from warehouse.queries import Scope
from warehouse.rollups import HourClock, RollupWorker

pytest.importorskip("chdb")

#: Nothing listens on the port: it only makes 127.0.0.1:9000 the engine's own address, so that the one shard is local.
_LAYOUT = """
<tcp_port>9000</tcp_port>
<macros><shard>01</shard><replica>r1</replica><cluster>spanledger</cluster></macros>
<remote_servers><spanledger><shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard></spanledger></remote_servers>
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Engine.open(tmp_path_factory.mktemp("cluster") / "data", extra_config=_LAYOUT) as engine:
        client = engine.client(distributed_foreground_insert=1)
        for statement in statements():
            for sql in cluster.render(statement.sql):
                client.command(_alone(sql))
        yield client


def _alone(sql: str) -> str:
    """A statement of the cluster rendering without replication and ON CLUSTER, which need a keeper."""
    sql = sql.replace(" ON CLUSTER '{cluster}'", "").replace("Distributed('{cluster}'", "Distributed('spanledger'")
    return re.sub(r"Replicated(\w+)\('[^']*', '\{replica\}'(?:, )?", r"\1(", sql).replace("MergeTree()", "MergeTree")


def test_the_engine_parses_every_statement_of_the_cluster_rendering(client: Client) -> None:
    for statement in statements():
        for sql in cluster.render(statement.sql):
            client.query("SELECT formatQuery({q:String})", {"q": sql})
            client.query(f"EXPLAIN AST {sql}")


def test_other_statements_of_the_house_are_rendered_too() -> None:
    assert cluster.render("CREATE DATABASE IF NOT EXISTS spanledger ENGINE = Atomic") == [
        "CREATE DATABASE IF NOT EXISTS spanledger ON CLUSTER '{cluster}' ENGINE = Atomic"
    ]
    column = cluster.render("ALTER TABLE spanledger.calls ADD COLUMN IF NOT EXISTS x UInt8")
    assert [sql.split(" ADD")[0] for sql in column] == [
        "ALTER TABLE spanledger.calls_local ON CLUSTER '{cluster}'",
        "ALTER TABLE spanledger.calls ON CLUSTER '{cluster}'",
    ]
    index = cluster.render("ALTER TABLE spanledger.calls ADD INDEX IF NOT EXISTS i x TYPE minmax")
    assert len(index) == 1


def test_distributed_tables_take_retries_and_give_every_row_once(client: Client) -> None:
    insert = (
        "INSERT INTO spanledger.calls (project, service, ts, trace_id, span_id, billed, cost_estimate_usd, ver) SELECT 'p', 's',"
        " toDateTime64('2026-11-01 10:00:00', 6, 'UTC'), unhex(hex(sipHash128(number))), unhex(hex(sipHash64(number))), true, 1, {v:UInt64}"
        " FROM numbers({n:UInt64})"
    )
    client.command(insert, parameters={"n": 1_000, "v": 1})
    client.command(insert, parameters={"n": 300, "v": 2})
    assert client.query("SELECT count() FROM spanledger.calls").result_rows == [(1_300,)]
    assert client.query("SELECT count(), sum(ver) FROM spanledger.ledger").result_rows == [(1_000, 1_300)]


def test_rollups_and_questions_work_over_distributed_tables(client: Client) -> None:
    scope = Scope(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    clock = HourClock(client, "w", quiet_s=0)
    with clock.writing([datetime(2026, 11, 1, 11, tzinfo=UTC)]):
        client.command(
            "INSERT INTO spanledger.calls (project, service, ts, trace_id, span_id, billed, cost_estimate_usd, ver) SELECT 'p', 's',"
            " toDateTime64('2026-11-01 11:00:00', 6, 'UTC'), unhex(hex(sipHash128(number))), unhex(hex(sipHash64(number))), true, 2, 1"
            " FROM numbers(500)"
        )
    before = queries.spend(client, scope, by=("hour",))
    assert RollupWorker([clock]).step(client) >= 1
    time.sleep(0.01)
    assert queries.coverage(client, scope).closed_hours >= 1
    assert queries.spend(client, scope, by=("hour",)).equals(before)
    assert verify.compare(client, scope.since, scope.until).ok
    for question in (queries.latency, queries.rates, queries.people, queries.quality, queries.releases, queries.sessions, queries.calls):
        question(client, scope)
    queries.search(client, scope, "word")
    queries.tool_audit(client, scope)
    assert health.health(client).unposted_batches == 0
