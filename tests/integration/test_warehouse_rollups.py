"""The composed reader against FINAL: equal at every moment, whatever is late, repeated, deleted or killed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client
from polars.testing import assert_frame_equal

from spanledger.errors import QueryRefused, SpanledgerError
from warehouse import queries, verify
from warehouse.endpoint import Principal, RemoteBackend, serve
from warehouse.engine import Engine, connect
from warehouse.migrate import migrate
from warehouse.queries import Filters, Scope
from warehouse.rollups import TABLES, HourClock, RollupWorker, freeze, touch

pytest.importorskip("chdb")

DAY = datetime(2026, 11, 1, tzinfo=UTC)
SCOPE = Scope(DAY, DAY + timedelta(days=1))

_INSERT = """
INSERT INTO spanledger.calls
    (project, service, ts, trace_id, span_id, entry_kind, app_id, team, user_hash, prompt_id, billed, cost_estimate_usd, cost_source,
     tokens_in, latency_ms, biz_metric, ver, is_deleted)
SELECT 'p', 's', toDateTime64('2026-11-01 00:00:00', 6, 'UTC') + toIntervalSecond(id % 86400), unhex(hex(sipHash128(id))),
    unhex(hex(sipHash64(id))), 'call', concat('app', toString(id % 3)), concat('t', toString(id % 2)), toString(id % 50),
    concat('p', toString(id % 5)), true, toDecimal64((id * {ver:UInt64} % 9973) / 1e6, 9), 'computed', id % 1000, 1 + id % 4000,
    map('sold', id % 7 / 8), {ver:UInt64}, {deleted:UInt8}
FROM (SELECT arrayJoin({ids:Array(UInt64)}) AS id)
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Engine.open(tmp_path) as engine:
        client = engine.client()
        migrate(client)
        yield client


def write(client: Client, clock: HourClock, ids: list[int], ver: int, *, deleted: bool = False) -> None:
    hours = {int(DAY.timestamp()) + i % 86_400 // 3_600 * 3_600 for i in ids}
    with clock.writing(hours, ver):
        client.command(_INSERT, parameters={"ids": ids, "ver": ver, "deleted": int(deleted)})


def rolled_up(client: Client, ids: list[int]) -> RollupWorker:
    """The worker that has rolled these calls up, days too."""
    clock = HourClock(client, "w", quiet_s=0)
    worker = RollupWorker([clock])
    write(client, clock, ids, 1)
    while worker.step(client):
        pass
    return worker


def exact(client: Client, by: tuple[str, ...]) -> pl.DataFrame:
    """The same question with a dimension that no rollup has: straight from FINAL, then added up."""
    sums = [c for c in queries.spend(client, SCOPE, by=()).columns if c not in by]
    frame = queries.spend(client, SCOPE, by=(*by, "user"))
    return frame.group_by(by).agg(pl.col(sums).sum()).sort(by) if by else frame.select(pl.col(sums).sum())


def assert_exact(client: Client) -> None:
    for by in (("hour", "app", "team"), ("app", "prompt"), ("day", "outcome", "model"), ()):
        composed = queries.spend(client, SCOPE, by=by)
        other = exact(client, by)
        assert (composed.sort(by) if by else composed).equals(other.select(composed.columns)), by


def closed(client: Client) -> int:
    return queries.coverage(client, SCOPE).closed_hours


def test_quiet_hours_are_rolled_up_and_read_from_the_rollup(client: Client) -> None:
    clock = HourClock(client, "w", quiet_s=0)
    write(client, clock, list(range(0, 86_400, 60)), 1)
    assert closed(client) == 0
    assert RollupWorker([clock]).step(client) == 24
    assert closed(client) == 24
    assert_exact(client)
    client.command("TRUNCATE TABLE spanledger.calls")  # proof that nothing else is read
    assert queries.spend(client, SCOPE, by=())["calls"][0] == 1_440
    assert queries.people(client, SCOPE, by=())["users"][0] == 5


def test_a_late_batch_makes_its_hour_dirty_before_it_lands(client: Client) -> None:
    clock = HourClock(client, "w", quiet_s=0)
    write(client, clock, list(range(0, 86_400, 60)), 1)
    worker = RollupWorker([clock])
    worker.step(client)
    clock.issued([DAY])
    assert closed(client) == 23
    client.command(_INSERT, parameters={"ids": [0, 86_400, 172_800], "ver": 2, "deleted": 0})
    assert_exact(client)
    assert worker.step(client) == 0  # in flight: not to be rolled up
    clock.landed([DAY])
    assert worker.step(client) == 1
    assert closed(client) == 24
    assert_exact(client)


def test_a_publication_that_comes_late_is_ignored(client: Client) -> None:
    first, second = HourClock(client, "a", quiet_s=0), HourClock(client, "b", quiet_s=0)
    write(client, first, [1, 2, 3], 1)
    worker = RollupWorker([first])
    first.settle()
    second.issued([DAY])  # opened by another writer between the worker's look and its publication
    assert worker.step(client) == 0
    client.command(_INSERT, parameters={"ids": [4], "ver": 2, "deleted": 0})
    assert queries.spend(client, SCOPE, by=())["calls"][0] == 4


def test_tombstones_and_reposted_rows_move_the_rollup(client: Client) -> None:
    clock = HourClock(client, "w", quiet_s=0)
    worker = RollupWorker([clock])
    write(client, clock, list(range(0, 20_000, 7)), 1)
    worker.step(client)
    write(client, clock, list(range(0, 20_000, 21)), 2)
    write(client, clock, list(range(0, 20_000, 35)), 3, deleted=True)
    worker.step(client)
    assert closed(client) == 6
    assert_exact(client)


def test_a_restarted_writer_shuts_what_its_killed_self_left_open(client: Client) -> None:
    killed = HourClock(client, "w")
    killed.issued([DAY])
    client.command(_INSERT, parameters={"ids": [5], "ver": 1, "deleted": 0})  # landed, never said so
    again = HourClock(client, "w")
    assert RollupWorker([again]).step(client) == 1
    assert_exact(client)
    assert closed(client) == 1


def test_after_a_mark_that_failed_the_writer_marks_again_before_it_inserts(client: Client) -> None:
    clock = HourClock(client, "w", quiet_s=0)
    write(client, clock, [1], 1)
    client.command("RENAME TABLE spanledger.hour_marks TO spanledger.away")
    with pytest.raises(SpanledgerError):
        clock.settle()
    with pytest.raises(SpanledgerError):
        clock.issued([DAY])
    client.command("RENAME TABLE spanledger.away TO spanledger.hour_marks")
    assert clock.open_hours == [int(DAY.timestamp())]
    client.command("ALTER TABLE spanledger.hour_marks UPDATE is_open = 0 WHERE 1 SETTINGS mutations_sync = 1")  # as if the shut had landed
    clock.issued([DAY])
    assert client.query("SELECT is_open FROM spanledger.hour_marks FINAL").result_rows == [(1,)]
    clock.landed([DAY])
    assert RollupWorker([clock]).step(client) == 1
    assert_exact(client)


def test_the_state_is_rebuilt_from_the_data_when_marks_are_lost(client: Client) -> None:
    clock = HourClock(client, "w", quiet_s=0)
    write(client, clock, list(range(0, 20_000, 7)), 1)
    RollupWorker([clock]).step(client)
    client.command("TRUNCATE TABLE spanledger.hour_marks")
    client.command(_INSERT, parameters={"ids": [5], "ver": 9, "deleted": 0})
    assert_exact(client)
    assert RollupWorker([HourClock(client, "w", quiet_s=0)]).step(client) == 6
    assert_exact(client)
    client.command(_INSERT, parameters={"ids": [6], "ver": 10, "deleted": 0})  # by other means: found at the next start
    assert RollupWorker([HourClock(client, "w", quiet_s=0)]).step(client) == 1
    assert_exact(client)


def test_a_touched_hour_is_recomputed_and_a_frozen_one_survives_its_base(client: Client) -> None:
    clock = HourClock(client, "w", quiet_s=0)
    write(client, clock, [1, 2, 4_000], 1)
    worker = RollupWorker([clock])
    worker.step(client)
    client.command("ALTER TABLE spanledger.calls DELETE WHERE toSecond(ts) = 1 SETTINGS mutations_sync = 1")
    touch(client, "calls", [DAY], reason="erasure")
    assert worker.step(client) == 1
    assert_exact(client)
    freeze(client, "calls", DAY + timedelta(hours=1), note="retention")
    client.command("TRUNCATE TABLE spanledger.calls")
    touch(client, "calls", [DAY, DAY + timedelta(hours=1)], reason="retention")
    worker.step(client)
    assert queries.spend(client, SCOPE, by=())["calls"][0] == 1


def test_superseded_rows_are_deleted_after_a_while_and_nothing_else(client: Client) -> None:
    clock = HourClock(client, "w", quiet_s=0)
    worker = RollupWorker([clock])
    for ver in (1, 2, 3):
        write(client, clock, [1, 2, 4_000], ver)
        worker.step(client)
    assert worker.sweep(client) == 0
    worker.grace_s = -1.0
    assert worker.sweep(client) == 2 * 3 * 4  # two old generations of three rows in each of four tables
    client.command("TRUNCATE TABLE spanledger.calls")
    assert queries.spend(client, SCOPE, by=())["calls"][0] == 3


def test_a_whole_day_is_read_from_its_own_rows_until_one_of_its_hours_changes(client: Client) -> None:
    worker = rolled_up(client, list(range(0, 86_400, 60)))
    assert_exact(client)
    assert verify.compare(client, SCOPE.since, SCOPE.until).days == 1
    whole = queries.spend(client, SCOPE, by=("day", "app"))
    for table in TABLES["calls"]:  # proof that daily rows answer
        client.command(f"ALTER TABLE spanledger.{table} DELETE WHERE of_hours = 1 SETTINGS mutations_sync = 1")
    assert queries.spend(client, SCOPE, by=("day", "app")).equals(whole)
    touch(client, "calls", [DAY + timedelta(hours=5)], reason="late")
    assert queries.spend(client, SCOPE, by=())["calls"][0] == 60  # hours have no rows any more, but for the dirty one
    assert worker.step(client) == 1
    assert queries.spend(client, SCOPE, by=())["calls"][0] == 60  # the day has not been summed again yet


@pytest.mark.parametrize(("ratio", "times"), [(1, 1), (0.5, 2), (0.1, 10), (0.05, 20), (0.001, 1000)])
def test_cost_is_scaled_up_by_sampling_to_the_last_decimal(client: Client, ratio: float, times: int) -> None:
    told = ", ".join(
        f"('p', '2026-10-01 05:00:00', unhex(repeat('{k:02x}', 16)), unhex(repeat('{k:02x}', 8)), 'call', {k} / 1e9, {ratio}, 1)"
        for k in range(1, 200)
    )
    columns = "project, ts, trace_id, span_id, entry_kind, cost_estimate_usd, sampling_ratio, ver"
    client.command(f"INSERT INTO spanledger.calls ({columns}) VALUES {told}")
    scope = Scope(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
    scaled, plain = (queries.spend(client, scope, by=(), scaled=how)["cost_usd"][0] for how in (True, False))
    assert scaled == times * plain
    assert plain > 0


def test_every_question_says_the_same_from_rollups_as_from_the_base(client: Client) -> None:
    """All that read rollups, with their limits and filters, whole days and parts of one: no parameter of theirs stands in another's way."""
    asked: list[Callable[[Scope], Any]] = [
        lambda s: queries.spend_report(client, s, by=("day", "app")).rows,
        lambda s: queries.spend(client, s, by=("hour", "model_tier"), scaled=True),
        lambda s: queries.spend_over_time(client, s, by=("team",)),
        lambda s: queries.tokens(client, s),
        lambda s: queries.cost_per_1000(client, s),
        lambda s: queries.unpriced(client, s),
        lambda s: queries.missing_usage(client, s),
        lambda s: queries.missing_usage(client, s, drawn=True),
        lambda s: queries.coverage_report(client, s).rows,
        lambda s: queries.dimensions(client, s),
        lambda s: queries.latency(client, s, by=("app",)),
        lambda s: queries.rates(client, s),
        lambda s: queries.people(client, s, by=("app",)),
        lambda s: queries.releases(client, s),
        lambda s: queries.unit_economics(client, s),
        lambda s: queries.top(client, s, limit=2),
        lambda s: queries.errors_by_type(client, s, limit=2),
        lambda s: queries.quality(client, s),
    ]
    rolled_up(client, list(range(0, 86_400, 60)))
    scopes = [SCOPE, Scope(DAY + timedelta(hours=1.5), DAY + timedelta(hours=9), Filters(app=("app1", "app2")))]
    from_rollups = [question(scope) for question in asked for scope in scopes]
    client.command("TRUNCATE TABLE spanledger.rollup_pub")
    from_base = [question(scope) for question in asked for scope in scopes]
    for told, exact in zip(from_rollups, from_base, strict=True):
        assert_frame_equal(told, exact, check_row_order=False, rel_tol=1e-6)


def test_a_part_of_a_day_is_never_answered_by_the_whole_day(client: Client) -> None:
    rolled_up(client, list(range(0, 86_400, 60)))
    for since, until in ((0, 23), (1, 24), (7, 8), (0.5, 24), (0, 23.999)):
        part = Scope(DAY + timedelta(hours=since), DAY + timedelta(hours=until))
        alone = queries.spend(client, part, by=("user",))["calls"].sum()
        assert queries.spend(client, part, by=())["calls"][0] == alone
    beyond = Scope(DAY - timedelta(days=1), DAY + timedelta(days=2))
    assert queries.spend(client, beyond, by=("month",))["calls"][0] == 1_440


@pytest.mark.parametrize("table", ["calls", "scores"])
def test_the_last_version_counts_alone_also_where_versions_lie_on_both_sides_of_an_edge(client: Client, table: str) -> None:
    """Two versions of one row, of one hour (their key) but 40 minutes apart; a window's edge between them."""
    for ver, minutes in ((1, 10), (2, 50)):
        client.command(
            f"INSERT INTO spanledger.{table} (project, ts, trace_id, span_id, app_id, ver{', detector, score' if table == 'scores' else ''})"
            f" SELECT 'p', toDateTime64('2026-11-01 05:00:00', 6, 'UTC') + toIntervalMinute({minutes}), 't', 's', 'app{ver}', {ver}"
            f"{', ' + repr('composite') + ', 0.5' if table == 'scores' else ''}"
        )
    for since, until, held in ((5, 5.5, 0), (5.5, 6, 1), (4, 5.5, 0), (5.5, 7, 1), (5, 6, 1)):
        part = Scope(DAY + timedelta(hours=since), DAY + timedelta(hours=until))
        for filters, count in ((Filters(), held), (Filters(app=("app1",)), 0), (Filters(app=("app2",)), held)):
            scope = replace(part, filters=filters)
            if table == "scores":
                assert queries.quality_objective(client, scope).answers == count
            found = queries.spend(client, scope, by=())["calls"] if table == "calls" else queries.quality(client, scope, by=())["answers"]
            assert found.to_list() == [count]


def test_a_day_that_was_inserted_but_not_published_does_not_count_and_is_swept(client: Client) -> None:
    worker = rolled_up(client, list(range(0, 86_400, 600)))
    names = "spanledger.spend_outcome_hour"
    held = client.query(f"SELECT count() FROM {names}").result_rows[0][0]
    client.command(  # as a worker leaves it that is killed before it publishes
        f"INSERT INTO {names} SELECT * REPLACE (generateUUIDv4(1) AS gen) FROM {names} WHERE of_hours > 1"
    )
    assert client.query(f"SELECT count() FROM {names}").result_rows[0][0] > held
    assert_exact(client)
    worker.grace_s = -2.0
    assert worker.sweep(client) > 0
    assert client.query(f"SELECT count() FROM {names}").result_rows[0][0] == held
    assert worker.sweep(client) == 0
    assert_exact(client)


def test_the_sweep_keeps_what_counts_and_what_is_about_to_count(client: Client) -> None:
    """Also a day's row of a group that has calls in the first hour only, and rows of a generation not published yet."""
    worker = rolled_up(client, [1, 2, 3, 7_201])  # app2 in the first hour only
    names = "spanledger.spend_outcome_hour"
    copied = "INSERT INTO {t} SELECT * REPLACE (generateUUIDv4(1) AS gen, now() + 3600 AS made_at) FROM {t}"
    client.command(copied.format(t=names))  # as another worker is about to publish them
    held = client.query(f"SELECT count() FROM {names}").result_rows
    worker.grace_s = -2.0
    assert worker.sweep(client) == 0
    assert client.query(f"SELECT count() FROM {names}").result_rows == held
    client.command("TRUNCATE TABLE spanledger.calls")
    assert queries.spend(client, SCOPE, by=("app",)).sort("app").select("app", "calls").rows() == [("app0", 1), ("app1", 2), ("app2", 1)]


_FROZEN = (
    "INSERT INTO spanledger.rollup_pub (base, hour, gen, frozen, seq) SELECT 'calls', toDateTime('2020-01-01 00:00:00', 'UTC') + 3600 * number,"
    " generateUUIDv4(number), 1, 1 FROM numbers({n:UInt32})"
)


def test_as_many_hours_as_one_question_may_name_travel_through_an_endpoint_and_a_front(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        client = engine.client()
        migrate(client)
        client.command(_FROZEN, parameters={"n": 2_500})
        client.command("INSERT INTO spanledger.spend_outcome_hour (hour, gen, app_id, calls) SELECT hour, gen, 'a', 1 FROM spanledger.rollup_pub")
        inner = serve(engine, "127.0.0.1", 0, lambda _user, _secret: Principal("i", "instance"))
        front = serve(RemoteBackend(f"clickhouse://{inner.address}/spanledger"), "127.0.0.1", 0, lambda _user, _secret: Principal("a", "admin"))
        try:
            for door in (inner, front):
                reader = connect(f"clickhouse://{door.address}/spanledger")
                assert queries.spend(reader, Scope(datetime(2020, 1, 1, tzinfo=UTC), DAY), by=("hour",)).height == 2_500
                reader.close()
        finally:
            front.close()
            inner.close()


def test_of_several_collectors_on_one_server_one_rolls_up(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        migrate(engine.client())
        server = serve(engine, "127.0.0.1", 0, lambda _user, _secret: Principal("i", "instance"))
        try:
            workers: list[tuple[Client, HourClock, RollupWorker]] = []
            for name in ("one", "other"):
                client = connect(f"clickhouse://{server.address}/spanledger")
                clock = HourClock(client, name, quiet_s=0)
                workers.append((client, clock, RollupWorker([clock])))
            (one, clock, first), (other, _, second) = workers
            write(one, clock, list(range(0, 86_400, 600)), 1)
            assert (first.step(one), second.step(other)) == (24, 0)
            write(one, clock, [0], 2)
            clock.settle()
            assert (second.step(other), first.step(one)) == (0, 1), "whoever has begun goes on"
            again = RollupWorker([HourClock(one, "one", quiet_s=0)])
            touch(one, "calls", [DAY], reason="test")
            assert (second.step(other), again.step(one)) == (0, 1), "also after a restart"
            one.command("ALTER TABLE spanledger.leases UPDATE expires_at = now64(6) - 1 WHERE name = 'rollups' SETTINGS mutations_sync = 1")
            touch(one, "calls", [DAY], reason="test")
            assert second.step(other) == 1, "it has gone: another takes over"
            assert_exact(other)
        finally:
            server.close()


def test_hours_that_only_rollups_know_are_never_left_out(client: Client) -> None:
    client.command(_FROZEN, parameters={"n": 2_501})
    with pytest.raises(QueryRefused, match="ask by day"):
        queries.spend(client, Scope.ever(), by=("hour",))
    queries.spend(client, Scope(datetime(2020, 1, 1, 1, tzinfo=UTC), DAY), by=("hour",))


def test_short_fuzz_with_late_and_repeated_rows(client: Client) -> None:
    rnd = random.Random(11)
    clock = HourClock(client, "w", quiet_s=0.05)
    worker = RollupWorker([clock], days_every_s=0)
    end = time.monotonic() + 5
    ver = 0
    while time.monotonic() < end:
        ver += 1
        late = rnd.random() < 0.2
        ids = [rnd.randrange(200_000 if late else 30_000 + ver * 200) for _ in range(40)]
        write(client, clock, ids + ids[:10], ver, deleted=rnd.random() < 0.1)
        if rnd.random() < 0.4:
            worker.step(client)
        assert_exact(client)
