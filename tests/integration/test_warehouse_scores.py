"""Scores of long windows come from the coarsest rollup that knows the answer; all three say the same, also after an upgrade."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from warehouse import queries, verify
from warehouse.engine import Engine
from warehouse.migrate import migrate, statements
from warehouse.queries import Filters, Scope
from warehouse.rollups import HourClock, RollupWorker, freeze, touch

pytest.importorskip("chdb")

DAY = datetime(2026, 11, 1, tzinfo=UTC)
SCOPE = Scope(DAY, DAY + timedelta(days=3))
COARSER = ("score_route_hour", "score_prompt_hour")
GROUPS = [(), ("app",), ("route",), ("model", "env"), ("prompt_version",), ("app", "prompt", "prompt_version"), ("route", "prompt"), ("day", "team")]
OWN = [s for s in statements() if s.version == 27]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """3,000 results of two detectors over three days, rolled up by hour and day; a tenth of them unjudged."""
    with Engine.open(tmp_path) as engine:
        client = engine.client()
        migrate(client)
        client.command(
            "INSERT INTO spanledger.scores (project, service, ts, trace_id, span_id, detector, detector_version, app_id, team, env, route, model,"
            " model_tier, prompt_id, prompt_version, user_hash, score, hallucination_score, flagged, label, ver)"
            f" SELECT 'p', 's', toDateTime64({DAY.timestamp():.0f}, 6, 'UTC') + toIntervalSecond(number * 86 % 259200),"
            " unhex(hex(sipHash128(number))), unhex(hex(sipHash64(number))), ['composite', 'schema'][1 + number % 2],"
            " toString(number % 97 % 2), concat('app', toString(number % 5)), concat('t', toString(number % 3)),"
            " ['a', 'b'][1 + number % 11 % 2], concat('/r', toString(number % 13)), concat('m', toString(number % 4)), 'standard',"
            " concat('p', toString(number % 7)), toString(number % 3), toString(number % 50),"
            " if(number % 10 = 0, NULL, number % 1000 / 1000) AS s, if(number % 2 = 0, s, NULL), number % 17 = 0, ['', 'x'][1 + number % 2], 1"
            " FROM numbers(3000)"
        )
        roll_up(client)
        yield client


def roll_up(client: Client) -> None:
    clock = HourClock(client, "w", base="scores", quiet_s=0)
    touch(client, "scores", [DAY + timedelta(hours=h) for h in range(72)], reason="test")
    worker = RollupWorker([clock])
    while worker.step(client):
        pass


def rows(client: Client, table: str) -> list[Any]:
    told = client.query(f"SELECT * EXCEPT (made_at) FROM spanledger.{table} ORDER BY ALL")
    return [told.column_names, *told.result_rows]


def coarser(client: Client) -> dict[str, list[Any]]:
    return {table: rows(client, table) for table in COARSER}


def before_27(client: Client) -> None:
    for table in COARSER:
        client.command(f"DROP TABLE IF EXISTS spanledger.{table} SYNC")
        client.command(f"DROP TABLE IF EXISTS spanledger.{table}_27 SYNC")
    client.command("ALTER TABLE spanledger.migrations DELETE WHERE version = 27 SETTINGS mutations_sync = 1")


def test_scores_are_answered_from_rollups_that_agree_with_the_base_and_with_their_days(client: Client) -> None:
    found = verify.compare(client, SCOPE.since, SCOPE.until)
    assert found.ok, found.differences
    assert found.days == 3
    client.command("TRUNCATE TABLE spanledger.scores")  # proof that nothing else is read
    for by in GROUPS:
        assert queries.quality(client, SCOPE, by=by)["answers"].sum() == 1_500, by


def test_what_rollups_say_of_scores_is_what_the_base_says(client: Client) -> None:
    some = [Filters(), Filters(app=("app1", "app3")), Filters(route=("/r2",)), Filters(prompt=("p1",), env=("a",))]
    windows = [(SCOPE.since, SCOPE.until), (DAY + timedelta(hours=5), DAY + timedelta(hours=50, minutes=7))]
    scopes = [Scope(*window, filters) for filters in some for window in windows]
    asked = [(scope, by) for scope in scopes for by in GROUPS]
    told = [queries.quality(client, scope, by=by) for scope, by in asked]
    client.command("TRUNCATE TABLE spanledger.rollup_pub")
    for (scope, by), one in zip(asked, told, strict=True):
        assert one.equals(queries.quality(client, scope, by=by)), (scope, by)


def test_wrong_rows_of_coarser_rollups_are_found(client: Client) -> None:
    for table in COARSER:
        client.command(f"ALTER TABLE spanledger.{table} UPDATE judged = judged + 1 WHERE of_hours = 1 AND judged = 1 SETTINGS mutations_sync = 1")
    found = {d["table"] for d in verify.compare(client, SCOPE.since, SCOPE.until).differences}
    assert found == {name for table in COARSER for name in (table, f"{table} (days)")}


def test_an_upgrade_makes_coarser_scores_of_those_that_are_there(client: Client) -> None:
    """Row by row what the worker would have made, also of hours whose base is gone, and days."""
    made = coarser(client)
    before_27(client)
    freeze(client, "scores", DAY + timedelta(days=1), note="test")
    client.command("ALTER TABLE spanledger.scores DROP PARTITION '20261101'")
    assert migrate(client) == ["0027_coarser_scores"]
    assert coarser(client) == made
    assert queries.quality(client, Scope(DAY, DAY + timedelta(days=1)), by=())["answers"][0] == 503


@pytest.mark.parametrize("cut", range(len(OWN) // 2))  # of the first table; the other's are the same
def test_an_upgrade_that_is_killed_ends_with_every_row_once(client: Client, cut: int) -> None:
    """At each statement: run, not recorded, and, where it fills a table, half-way."""
    made = coarser(client)
    before_27(client)
    for statement in OWN[: cut + 1]:
        client.command(statement.sql)
        if statement is OWN[cut] and statement.sql.startswith("INSERT"):
            client.command(f"ALTER TABLE {statement.sql.split()[2]} DELETE WHERE toHour(hour) = 1 SETTINGS mutations_sync = 1")
        elif statement is not OWN[cut]:
            done = [[statement.version, statement.number, statement.name, statement.digest]]
            client.insert("spanledger.migrations", done, column_names=["version", "statement", "name", "digest"])
    assert migrate(client) == ["0027_coarser_scores"]
    assert coarser(client) == made
