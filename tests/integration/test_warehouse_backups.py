"""Backups are restored before they are trusted; what verify, doctor and a full disk say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from spanledger.errors import ConfigError, NotFound, QueryFailed
from warehouse import backups, health, queries, verify
from warehouse.engine import Engine
from warehouse.migrate import migrate
from warehouse.queries import Scope
from warehouse.rollups import HourClock, RollupWorker

pytest.importorskip("chdb")

DAY = datetime(2026, 11, 1, tzinfo=UTC)
_INSERT = """
INSERT INTO spanledger.calls (project, service, ts, trace_id, span_id, entry_kind, app_id, user_hash, billed, cost_estimate_usd, tokens_in, ver)
SELECT 'p', 's', toDateTime64('2026-11-01 00:00:00', 6, 'UTC') + toIntervalSecond(number * 37), unhex(hex(sipHash128(number))),
    unhex(hex(sipHash64(number))), 'call', concat('a', toString(number % 3)), toString(number % 5), true, toDecimal64(number / 1e6, 9), number % 100,
    {ver:UInt64}
FROM numbers({n:UInt64})
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine.open(tmp_path / "data") as engine:
        migrate(engine.client())
        yield engine


@pytest.fixture
def client(engine: Engine) -> Client:
    return engine.client()


def filled(client: Client, n: int = 5_000, ver: int = 1) -> HourClock:
    clock = HourClock(client, "w", quiet_s=0)
    hours = {int(DAY.timestamp()) + i * 37 // 3_600 * 3_600 for i in range(n)}
    with clock.writing(hours, ver):
        client.command(_INSERT, parameters={"n": n, "ver": ver})
    worker = RollupWorker([clock])
    while worker.step(client):
        pass
    return clock


def totals(client: Client) -> tuple[int, object, int]:
    row = queries.spend(client, Scope.ever(), by=()).row(0, named=True)
    return row["calls"], row["cost_usd"], row["tokens_in"]


def test_a_full_and_an_incremental_backup_are_verified_and_restored_elsewhere(engine: Engine, client: Client, tmp_path: Path) -> None:
    filled(client)
    full = backups.backup(client, "full")
    filled(client, 6_000, ver=2)
    extra = backups.backup(client, "extra", base="full")
    assert full.ok
    assert extra.ok
    assert (full.days, extra.days, extra.changed) == (3, 3, 0)
    expected = totals(client)
    for name in ("full", "extra"):
        backups.copy_out(engine.backups_dir, name, tmp_path / "safe")
    engine.close()
    with Engine.open(tmp_path / "other") as other:
        there = other.client()
        migrate(there)
        assert backups.copy_in(tmp_path / "safe" / "extra", other.backups_dir) == "extra"
        assert backups.restore(there, "extra") == []
        assert queries.coverage(there, Scope.ever()).closed_hours == 0  # whatever a rollup's table held when the backup looked at it
        assert totals(there) == expected
        worker = RollupWorker()
        while worker.step(there):
            pass
        assert totals(there) == expected
        assert queries.coverage(there, Scope.ever()).closed_hours > 40
        assert verify.compare(there, DAY, DAY + timedelta(days=5)).ok
        filled(there, 10, ver=3)  # it goes on
        assert totals(there)[0] == expected[0]
        with pytest.raises(ConfigError, match="not empty"):
            backups.restore(there, "extra")


def test_a_backup_taken_between_expiry_and_freezing_keeps_the_sums_of_expired_hours(engine: Engine, client: Client) -> None:
    """The engine backs tables up one after another: of an hour whose base went meanwhile it may hold the publication as it was before."""
    filled(client)
    expected = queries.spend(client, Scope.ever(), by=("day",))
    oldest = expected["day"].min()
    client.command(f"ALTER TABLE spanledger.calls DROP PARTITION '{oldest:%Y%m%d}'")
    assert backups.backup(client, "between").ok
    client.command("DROP DATABASE spanledger SYNC")
    client.command("CREATE DATABASE spanledger ENGINE = Atomic")
    backups.restore(client, "between")
    worker = RollupWorker()
    while worker.step(client):
        pass
    assert queries.spend(client, Scope.ever(), by=("day",)).equals(expected)


def test_a_backup_that_does_not_hold_what_the_warehouse_holds_is_told(client: Client) -> None:
    filled(client)
    assert backups.backup(client, "one").ok
    client.command("ALTER TABLE spanledger.calls DELETE WHERE tokens_in = 7 AND ver = 1 SETTINGS mutations_sync = 1")
    later = backups.verify(client, "one")
    assert not later.ok
    assert {table for table, _ in later.differences} == {"calls"}


def test_names_and_missing_backups_are_refused_clearly(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        backups.backup(client, "../escape")
    with pytest.raises(QueryFailed):
        backups.restore(client, "absent")
    assert totals(client)[0] == 0  # still there after the failure
    with pytest.raises(NotFound):
        backups.copy_in(tmp_path, tmp_path)


def test_verification_finds_a_single_changed_digit_in_any_rollup(client: Client) -> None:
    filled(client)
    until = DAY + timedelta(days=5)
    found = verify.compare(client, DAY, until)
    assert found.ok
    assert found.rolled_up == queries.coverage(client, Scope(DAY, until)).closed_hours > 40
    client.command(
        "ALTER TABLE spanledger.spend_hour UPDATE cost_usd = cost_usd + toDecimal128('0.000000001', 9)"
        " WHERE hour = '2026-11-01 05:00:00' AND app_id = 'a1' SETTINGS mutations_sync = 1"
    )
    client.command("ALTER TABLE spanledger.prompt_hour DELETE WHERE hour = '2026-11-01 03:00:00' AND app_id = 'a1' SETTINGS mutations_sync = 1")
    client.command("ALTER TABLE spanledger.people_hour DELETE WHERE hour = '2026-11-01 07:00:00' AND app_id = 'a1' SETTINGS mutations_sync = 1")
    wrong = verify.compare(client, DAY, until)
    hourly = {(d["table"], d["hour"].hour) for d in wrong.differences if "(days)" not in d["table"]}
    assert hourly == {("spend_hour", 5), ("prompt_hour", 3), ("people_hour", 7)}
    assert {d["table"] for d in wrong.differences} >= {"spend_hour (days)", "prompt_hour (days)"}  # no longer the sum of their hours


def test_every_trace_of_a_window_is_listed_once(client: Client) -> None:
    filled(client, 1_000)
    listed = [t for page in verify.traces(client, DAY, DAY + timedelta(hours=5), page=100) for t in page]
    assert len(listed) == len(set(listed)) == 487


def test_the_doctor_speaks_of_schema_storage_posting_and_rollups(client: Client) -> None:
    filled(client)
    client.command("INSERT INTO spanledger.spans (project, service, ts, trace_id, span_id, batch, ver) VALUES ('p', 's', now(), '', '', 9, 1)")
    found = {subject: (state, text) for state, subject, text in health.report(client)}
    assert found["storage"][0] == "ok"
    assert found["posting"][1].startswith("9 journal batches wait")
    assert "0 dirty" in found["rollups"][1]
    client.command("TRUNCATE TABLE spanledger.migrations")
    assert [state for state, *_ in health.report(client)] == ["wrong"]
