"""Retention, erasure, decisions, leases, feedback and score writing on a real engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from spanledger.errors import WarehouseBusy
from spanledger.policy import Retention
from warehouse import lifecycle, queries, scoring, tables
from warehouse.engine import Engine
from warehouse.feedback import Feedback, add_feedback
from warehouse.leases import Lease
from warehouse.lifecycle import Terms
from warehouse.migrate import migrate
from warehouse.queries import Scope
from warehouse.queries.ask import query_errors
from warehouse.rollups import HourClock, RollupWorker

pytest.importorskip("chdb")

#: A day far ahead, so that the engine's own TTL, which goes by the clock, leaves the rows to the code under test.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1_200)

_CALL = """
INSERT INTO spanledger.calls (project, service, ts, trace_id, span_id, entry_kind, app_id, tenant_hash, user_hash, session_hash,
    prompt_hash, billed, cost_estimate_usd, tokens_in, ver)
VALUES ('p', 's', {ts:DateTime64(6, 'UTC')}, unhex({id:String}), unhex(substring({id:String}, 1, 16)), 'call', 'a', {tenant:String},
    {user:String}, 'sess', 'ph', true, 1.5, 7, 1)
"""
_TEXT = """
INSERT INTO spanledger.contents (project, service, ts, trace_id, span_id, tenant_hash, user_hash, prompt, ver)
VALUES ('p', 's', {ts:DateTime64(6, 'UTC')}, unhex({id:String}), unhex(substring({id:String}, 1, 16)), {tenant:String}, {user:String}, 'hi', 1)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine.open(tmp_path) as engine:
        migrate(engine.client())
        yield engine


@pytest.fixture
def client(engine: Engine) -> Client:
    return engine.client()


def call(client: Client, age_days: float, tenant: str, user: str = "u") -> None:
    at = TODAY - timedelta(days=age_days)
    key = sha256(f"{age_days}{tenant}{user}".encode()).hexdigest()[:32]
    params = {"ts": at.strftime("%Y-%m-%d %H:%M:%S"), "id": key, "tenant": tenant, "user": user}
    for sql in (_CALL, _TEXT):
        client.command(sql, parameters=params)


def count(client: Client, table: str) -> int:
    return client.query(f"SELECT count() FROM spanledger.{table}").result_rows[0][0]


def test_days_past_the_longest_term_are_dropped_and_their_sums_stay(client: Client) -> None:
    for age in (1, 29, 31, 399, 402):
        call(client, age, "t")
    worker = RollupWorker([HourClock(client, "w", quiet_s=0)])
    worker.step(client)
    before = queries.spend(client, Scope.ever(), by=())["cost_usd"][0]
    done = lifecycle.expire(client, lifecycle.terms(Retention(), str), now=TODAY)
    assert done.dropped["contents"] == 3
    assert done.dropped["calls"] == 1
    assert (count(client, "contents"), count(client, "calls")) == (2, 4)
    assert queries.spend(client, Scope.ever(), by=())["cost_usd"][0] == before
    worker.step(client)
    assert queries.spend(client, Scope.ever(), by=())["cost_usd"][0] == before


def test_a_tenant_may_keep_its_rows_shorter_or_longer_than_others(client: Client) -> None:
    for tenant in ("short", "plain", "long"):
        for age in (1, 10, 40):
            call(client, age, tenant)
    wanted = {"contents": Terms(30, {"short": 7, "long": 90}), "calls": Terms(400, {"short": 7})}
    done = lifecycle.expire(client, wanted, now=TODAY)
    assert done.deleted == {"contents": 3, "calls": 2}
    rows = client.query("SELECT tenant_hash, count() FROM spanledger.contents GROUP BY 1 ORDER BY 1").result_rows
    assert rows == [("long", 3), ("plain", 2), ("short", 1)]
    assert queries.spend(client, Scope.ever(), by=("tenant",))["calls"].to_list() == [3, 3, 3]  # sums are kept for ever


def test_terms_of_the_policy_become_the_tables_own(client: Client) -> None:
    wanted = lifecycle.terms(Retention(contents=timedelta(days=3), calls=None), str)
    assert set(lifecycle.apply_ttl(client, wanted)) == {"contents", "calls", "spans"}
    assert lifecycle.apply_ttl(client, wanted) == []
    assert lifecycle.apply_ttl(client, lifecycle.terms(Retention(), str)) == ["contents", "calls"]


def test_the_house_is_kept_once_a_day(client: Client) -> None:
    for age in (1, 31):
        call(client, age, "t")
    first = lifecycle.keep_house(client, Retention(), str, now=TODAY)
    assert first is not None
    assert first.dropped["contents"] == 1
    assert lifecycle.keep_house(client, Retention(), str, now=TODAY + timedelta(hours=5)) is None
    assert lifecycle.keep_house(client, Retention(), str, now=TODAY + timedelta(days=1)) is not None


def test_erasure_takes_the_person_and_leaves_the_money(client: Client) -> None:
    for user in ("alice", "bob"):
        call(client, 1, "t", user)
    worker = RollupWorker([HourClock(client, "w", quiet_s=0)])
    worker.step(client)
    counts = lifecycle.erase(client, "e1", user_hash="alice")
    assert (counts["contents"], counts["calls"], counts["spans"]) == (1, 1, 0)
    assert worker.step(client) == 1
    rows = client.query("SELECT user_hash, session_hash, prompt_hash FROM spanledger.ledger ORDER BY 1").result_rows
    assert rows == [("", "", ""), ("bob", "sess", "ph")]
    assert queries.spend(client, Scope.ever(), by=())["calls"][0] == 2
    assert queries.people(client, Scope.ever(), by=())["users"][0] == 1
    with pytest.raises(ValueError, match="tenant or a user"):
        lifecycle.erase(client, "e2")


def test_scores_are_rolled_up_and_decisions_outlive_their_calls(client: Client) -> None:
    call(client, 1, "t")
    key = client.query("SELECT trace_id, span_id, ts FROM spanledger.calls").result_rows[0]
    at = TODAY - timedelta(days=1)
    row = {f.name: "" for f in tables.SCORES if pa.types.is_string(f.type)} | {
        "project": "p", "service": "s", "ts": at, "trace_id": key[0], "span_id": key[1], "detector": "composite", "detector_version": "3",
        "app_id": "a", "score": 0.75, "hallucination_score": 0.5, "flagged": True, "coverage": [], "scored_at": at, "ver": 1,
    }  # fmt: skip
    clock = HourClock(client, "jobs", base="scores", quiet_s=0)
    scoring.write(client, clock, pa.Table.from_pylist([row], schema=tables.SCORES))
    exact = queries.quality(client, Scope.ever(), by=("app",))
    assert clock.settle() == 1
    assert RollupWorker().step(client) == 1
    assert queries.quality(client, Scope.ever(), by=("app",)).equals(exact)
    add_feedback(client, [Feedback("review", at, key[0], key[1], comment="looks wrong", actor="ann", app_id="a")])
    lifecycle.keep_decisions(client, at - timedelta(days=1), TODAY)
    lifecycle.keep_decisions(client, at - timedelta(days=1), TODAY)
    client.command("TRUNCATE TABLE spanledger.calls")
    kept = client.query(
        "SELECT app_id, prompt_hash, scores['composite'], detector_versions['composite'], reviewer, note FROM spanledger.decisions FINAL"
    ).result_rows
    assert kept == [("a", "ph", 0.75, "3", "ann", "looks wrong")]


def test_feedback_is_idempotent_and_counted_by_kind(client: Client) -> None:
    up = Feedback("thumb", TODAY, b"t" * 16, b"s" * 8, value=1.0, app_id="a", team="x")
    add_feedback(client, [up, up, Feedback("thumb", TODAY, b"t" * 16, value=-1.0, app_id="a", team="x")])
    add_feedback(client, [up])
    row = queries.feedback_rates(client, Scope.ever()).row(0, named=True)
    assert (row["app"], row["kind"], row["n"], row["positive"], row["negative"]) == ("a", "thumb", 2, 1, 1)
    assert queries.feedback(client, (b"t" * 16).hex()).height == 2
    assert queries.feedback(client, (b"t" * 16).hex(), teams=("y",)).is_empty()


def test_of_many_workers_one_holds_a_lease_and_another_takes_over_when_it_ends(engine: Engine) -> None:
    timed = Lease(engine.client(), "other", "w")
    began = time.monotonic()
    timed.claim(1)
    settle_s = max(0.2, 5 * (time.monotonic() - began))
    leases = [Lease(engine.client(), "detect", f"w{i}", ttl_s=60.0, settle_s=settle_s) for i in range(6)]
    held: list[str] = []
    threads = [threading.Thread(target=lambda it=it: held.append(it.holder) if it.hold() else None) for it in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 1
    first = next(it for it in leases if it.holder == held[0])
    other = next(it for it in leases if it.holder != held[0])
    assert first.hold()
    assert not other.hold()
    first.release()
    assert other.hold()
    assert not first.hold()


def test_a_worker_whose_claim_landed_late_gives_way_to_whoever_decided_without_it(client: Client) -> None:
    assert Lease(client, "alone", "slow", settle_s=0.0).hold()  # late, as every insert takes longer; but nobody else claims it
    slow, quick = (Lease(client, "detect", name, settle_s=0.0) for name in ("slow", "quick"))
    slow.claim(1)
    quick.claim(1)
    quick.epoch, quick.until = 1, time.monotonic() + 30  # it read before the other row could be seen
    assert not slow.hold()
    assert quick.hold()
    assert not slow.hold()
    quick.release()
    assert slow.hold()


def test_the_query_log_is_kept_for_three_days(client: Client) -> None:
    client.command("SELECT 1")
    client.command("SYSTEM FLUSH LOGS")
    made = client.query("SELECT engine_full FROM system.tables WHERE database = 'system' AND name = 'query_log'").result_rows
    assert "TTL event_date + toIntervalDay(3)" in made[0][0]


def test_a_query_over_the_memory_ceiling_fails_alone(client: Client) -> None:
    with pytest.raises(WarehouseBusy, match=r"Code: 241\."), query_errors():
        client.query("SELECT length(groupArray(number)) FROM numbers(500000000)")
    assert client.query("SELECT 1").result_rows == [(1,)]
