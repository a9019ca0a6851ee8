"""What was looked up of the book-keeping is kept only while nothing has been written to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from warehouse import queries
from warehouse.endpoint import Principal, serve
from warehouse.engine import Engine, connect
from warehouse.migrate import migrate
from warehouse.queries import Scope
from warehouse.queries.plans import clean_days, plans
from warehouse.rollups import HourClock, RollupWorker, freeze, touch

DAY = datetime(2026, 11, 1, tzinfo=UTC)
SCOPE = Scope(DAY, DAY + timedelta(days=1))
HOURS = [int(DAY.timestamp()) + h * 3_600 for h in range(24)]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine.open(tmp_path) as engine:
        migrate(engine.client())
        yield engine


def rolled_up(client: Client) -> RollupWorker:
    clock = HourClock(client, "w", quiet_s=0)
    worker = RollupWorker([clock], days_every_s=0)
    with clock.writing(HOURS, 1):
        client.command(
            "INSERT INTO spanledger.calls (project, service, ts, trace_id, span_id, entry_kind, app_id, team, billed, safety, ver)"
            " SELECT 'p', 's', toDateTime64('2026-11-01 00:00:00', 6, 'UTC') + toIntervalHour(number), unhex(hex(sipHash128(number))),"
            " unhex(hex(sipHash64(number))), 'call', 'a', 't', 1, number % 4, 1 FROM numbers(24)"
        )
    while worker.step(client):
        pass
    return worker


def looked_up(client: Client, daily: bool = True) -> int:
    days = clean_days(client, ("calls",), SCOPE.since, SCOPE.until, daily=daily)["calls"]
    return sum(len(day.hours) for day in days)


CHANGES: dict[str, tuple[int, Callable[[Client, RollupWorker], Any]]] = {
    "an hour is opened": (23, lambda c, w: w.clocks[0].issued([HOURS[3]])),
    "hours are touched": (22, lambda c, w: touch(c, "calls", HOURS[5:7], reason="test")),
    "an hour is touched and rolled up again": (24, lambda c, w: (touch(c, "calls", HOURS[:1], reason="test"), w.roll_up(c, "calls"))),
    "frozen": (24, lambda c, w: freeze(c, "calls", DAY + timedelta(days=2), note="test")),
    "publications are gone": (0, lambda c, w: c.command("TRUNCATE TABLE spanledger.rollup_pub")),
    "days are gone": (24, lambda c, w: c.command("TRUNCATE TABLE spanledger.rollup_days")),
    "rows are merged": (24, lambda c, w: c.command("OPTIMIZE TABLE spanledger.hour_marks FINAL")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_plan_is_looked_up_again_after_every_change(engine: Engine, change: str) -> None:
    client = engine.client()
    worker = rolled_up(client)
    before = plans(client, ("calls",), SCOPE, daily=True)["calls"]
    assert before.times == []
    assert len(before.rows) == 1  # the day's own
    assert plans(client, ("calls",), SCOPE, daily=True)["calls"] == before
    left, make = CHANGES[change]
    make(client, worker)
    assert queries.coverage(client, SCOPE).closed_hours == looked_up(client) == left
    after = plans(client, ("calls",), SCOPE, daily=True)["calls"]
    assert bool(after.times) == (left < 24)
    hours = {pair for day in clean_days(client, ("calls",), SCOPE.since, SCOPE.until)["calls"] for pair in zip(day.hours, day.gens, strict=True)}
    days = {(day.start, day.gen) for day in clean_days(client, ("calls",), SCOPE.since, SCOPE.until)["calls"] if day.gen}
    assert set(after.rows) == (days or hours)


def test_every_row_of_the_book_keeping_changes_its_print_and_scoped_readers_see_it(engine: Engine) -> None:
    client = engine.client()
    rolled_up(client)
    reader = Principal("r", "viewer", ("t",))
    with closing(serve(engine, "127.0.0.1", 0, lambda user, _: reader)) as endpoint, closing(connect(f"clickhouse://{endpoint.address}")) as scoped:

        def prints() -> list[Any]:
            return sorted(scoped.query("SELECT * FROM spanledger.hour_prints").result_rows)

        for table, columns, values in (
            ("hour_marks", "base, hour, writer, seq, is_open", "'calls', '2026-11-01 03:00:00', 'w', {}, 0"),
            ("rollup_pub", "base, hour, seq", "'calls', '2026-11-01 03:00:00', {}"),
            ("rollup_days", "base, hour, seq", "'calls', '2026-11-01 00:00:00', {}"),
        ):
            for seq in (1, 2):
                before = prints()
                client.command(f"INSERT INTO spanledger.{table} ({columns}) VALUES ({values.format(seq)})")
                assert sum(one != other for one, other in zip(before, prints(), strict=True)) == 1
        assert queries.spend(scoped, Scope(SCOPE.since, SCOPE.until, teams=("t",)), by=())["calls"].to_list() == [24]


def test_a_window_without_a_whole_hour_is_read_from_the_base(engine: Engine) -> None:
    client = engine.client()
    rolled_up(client)
    within = Scope(DAY + timedelta(minutes=1), DAY + timedelta(minutes=119))
    assert queries.spend(client, within, by=())["calls"].to_list() == [1]
    assert queries.coverage(client, within).closed_hours == 0


def test_violations_are_counted_in_clean_and_in_touched_hours_and_none_is_none(engine: Engine) -> None:
    client = engine.client()
    rolled_up(client)
    client.command(
        "INSERT INTO spanledger.scores (project, service, ts, trace_id, span_id, detector, app_id, team, score, ver)"
        " VALUES ('p', 's', '2026-11-01 00:00:00', unhex(hex(sipHash128(0))), unhex(hex(sipHash64(0))), 'composite', 'a', 't', 0.5, 1)"
    )
    first = Scope(DAY, DAY + timedelta(hours=1))
    for _ in range(2):
        for by in ((), ("app",), ("day",)):
            assert queries.quality(client, SCOPE, by=by)["safety"].to_list() == [36]
            assert queries.quality(client, first, by=by)["safety"].to_list() == [0]
        touch(client, "calls", HOURS[:7], reason="test")
