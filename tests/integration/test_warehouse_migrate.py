"""Migrations on a real embedded engine: columns as promised, fast, resumable from every point."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from spanledger.errors import ConfigError
from warehouse import queries, rollup_days, tables
from warehouse.endpoint import Principal, serve
from warehouse.engine import Engine, connect
from warehouse.migrate import COPY, migrate, pending, statements
from warehouse.queries import Scope
from warehouse.rollups import TABLES, RollupWorker

pytest.importorskip("chdb")

_STRINGS = {"String", "LowCardinality(String)"}
_TYPES: dict[pa.DataType, set[str]] = {
    pa.string(): _STRINGS,
    tables.TS: {"DateTime64(6, 'UTC')"},
    tables.USD: {"Decimal(18, 9)"},
    pa.bool_(): {"Bool"},
    pa.uint8(): {"UInt8"},
    pa.uint16(): {"UInt16"},
    pa.uint32(): {"UInt32"},
    pa.uint64(): {"UInt64"},
    pa.float32(): {"Float32"},
    pa.binary(8): {"FixedString(8)"},
    pa.binary(16): {"FixedString(16)", "UInt128"},
    tables.ATTRS: {"Map(LowCardinality(String), String)"},
    pa.map_(pa.string(), pa.float64()): {"Map(LowCardinality(String), Float64)"},
    pa.list_(pa.string()): {"Array(String)", "Array(LowCardinality(String))"},
    pa.list_(pa.binary(8)): {"Array(FixedString(8))"},
}
_NULLABLE = {"ttft_ms", "cost_supplied_usd", "score", "hallucination_score"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Engine.open(tmp_path) as engine:
        yield engine.client()


def _columns(client: Client, table: str) -> dict[str, str]:
    """What is stored, in order."""
    sql = "SELECT name, type FROM system.columns WHERE database = 'spanledger' AND table = {t:String} AND default_kind != 'ALIAS' ORDER BY position"
    return dict(client.query(sql, {"t": table}).result_rows)


def test_a_migrated_table_has_the_columns_of_its_arrow_schema_in_order(client: Client) -> None:
    migrate(client)
    for table, schema in tables.BY_NAME.items():
        columns = _columns(client, table)
        assert list(columns) == schema.names, table
        for field in schema:
            allowed = {f"Nullable({t})" for t in _TYPES[field.type]} if field.name in _NULLABLE else _TYPES[field.type]
            assert columns[field.name] in allowed, (table, field.name)


def test_every_table_takes_an_arrow_batch_of_its_schema(client: Client) -> None:
    migrate(client)
    for table, schema in tables.BY_NAME.items():
        rows = pa.Table.from_arrays([_filled(field) for field in schema], schema=schema)
        client.insert_arrow(f"spanledger.{table}", rows)
        assert client.query(f"SELECT count() FROM spanledger.{table} FINAL").first_row[0] == 2, table


def _filled(field: pa.Field) -> pa.Array:
    """Two rows: ids that differ, a null where allowed, a one-element list or map."""
    t = field.type
    if pa.types.is_fixed_size_binary(t):
        return pa.array([bytes([i + 1]) * t.byte_width for i in range(2)], t)
    if pa.types.is_list(t):
        return pa.array([[], [b"12345678" if pa.types.is_fixed_size_binary(t.value_type) else "x"]], t)
    if pa.types.is_map(t):
        return pa.array([[], [("k", 1.5 if pa.types.is_floating(t.item_type) else "v")]], t)
    if pa.types.is_string(t):
        return pa.array(["a", "b"], t)
    if pa.types.is_boolean(t):
        return pa.array([True, False], t)
    if pa.types.is_timestamp(t):
        return pa.array([1_790_000_000_000_000] * 2, t)
    if pa.types.is_decimal(t):
        return pa.array([Decimal("0.000000001"), None if field.name in _NULLABLE else Decimal(0)], t)
    values: list[int | None] = [1, None] if field.name in _NULLABLE else [0, 1] if field.name != "is_deleted" else [0, 0]
    return pa.array(values).cast(t)


def test_the_ledger_shows_the_latest_version_once_and_hides_tombstones(client: Client) -> None:
    migrate(client)
    insert = (
        "INSERT INTO spanledger.calls (project, service, ts, trace_id, span_id, entry_kind, billed, cost_estimate_usd, ver, is_deleted)"
        " VALUES ('p', 's', '2026-11-01 10:00:00', unhex(repeat('0A', 16)), unhex({s:String}), {k:String},"
        " true, {c:Decimal(18,9)}, {v:UInt64}, {d:UInt8})"
    )
    for span, kind, cost, ver, deleted in (
        ("01" * 8, "call", "1", 1, 0),
        ("01" * 8, "call", "2.000000001", 2, 0),
        ("02" * 8, "call", "5", 1, 0),
        ("02" * 8, "call", "5", 3, 1),
        ("03" * 8, "unattributed", "7", 1, 0),
    ):
        client.command(insert, parameters={"s": span, "k": kind, "c": cost, "v": ver, "d": deleted})
    rows = client.query(
        "SELECT hex(l.trace_id), hex(l.span_id), l.entry_kind, toString(l.cost_estimate_usd) FROM spanledger.ledger AS l ORDER BY l.span_id"
    ).result_rows
    assert rows == [("0A" * 16, "01" * 8, "call", "2.000000001"), ("0A" * 16, "03" * 8, "unattributed", "7")]


def test_a_fresh_migration_is_recorded_in_one_insert(client: Client) -> None:
    """One synced part instead of one for every statement, a third of the time of a first start."""
    migrate(client)
    rows = client.query("SELECT count(), sum(rows) FROM system.parts WHERE database = 'spanledger' AND table = 'migrations'").first_row
    assert rows == (1, len(list(statements())))


def test_a_second_run_does_nothing_and_says_so(client: Client) -> None:
    first = migrate(client)
    assert first
    assert first == sorted(first)
    assert migrate(client) == []
    assert pending(client) == []


def test_a_first_migration_goes_on_from_wherever_it_stopped(client: Client) -> None:
    """A kill leaves a prefix of the statements, none of them recorded: all run again."""
    migrate(client)
    whole = _schema(client)
    everything = list(statements())
    copies = next(i for i, s in enumerate(everything) if COPY.match(s.sql))
    for cut in (1, copies // 2, copies + 1, len(everything) - 1):
        client.command("DROP DATABASE spanledger SYNC")
        client.command("CREATE DATABASE spanledger ENGINE = Atomic")
        for statement in everything[:cut]:
            client.command(statement.sql)
        migrate(client)
        assert _schema(client) == whole


class _Killed(BaseException):
    """The process ends here."""


def test_every_version_is_upgraded_with_all_its_rows_though_killed_after_each_statement(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each statement has run when its process is killed, not been recorded, and a copy is half done. The versions follow each other on one
    database, each with a row of its own in every table that it has: an upgrade from any of them is a part of it."""
    everything, run = list(statements()), client.command
    known, ran = {s.sql for s in everything}, list[str]()

    def dying(sql: str, *args: Any, **settings: Any) -> Any:
        done = run(sql, *args, **settings)
        if sql in known:
            ran.append(sql)
            if len(ran) == 2:  # the one that was not recorded, again, and one more
                raise _Killed
        return done

    told: dict[str, list[int]] = {}
    while True:
        ran.clear()
        with monkeypatch.context() as patched:
            patched.setattr(client, "command", dying)
            try:
                migrate(client)
                break
            except _Killed:
                pass
        recorded = client.query("SELECT count() FROM spanledger.migrations").result_rows[0][0]
        last, following = everything[recorded - 1], everything[recorded]
        if recorded and last.version != following.version:
            _tell(client, last.version, told)
        if COPY.match(following.sql):
            client.command(f"ALTER TABLE {following.sql.split()[2]} DELETE WHERE toHour(hour) = 1 SETTINGS mutations_sync = 1")
    for table, versions in told.items():
        assert client.query(f"SELECT uniqExact({_keys(client, table)}) FROM spanledger.{table}").result_rows == [(len(versions),)], table
    for table, view in {"spans": "journal", "contents": "texts", "calls": "ledger", "scores": "verdicts"}.items():
        found = client.query(f"SELECT toUInt32(trimRight(trace_id, '\\0')) FROM spanledger.{view}").result_rows
        assert sorted(row[0] for row in found) == told[table], table
        assert len(found) > 10
    _assert_kept(client)


def _tell(client: Client, version: int, told: dict[str, list[int]]) -> None:
    """A row of this version in every table that it has."""
    if version == 16:
        _old_rollups(client)
    tables = client.query("SELECT name FROM system.tables WHERE database = 'spanledger' AND engine LIKE '%MergeTree'").result_rows
    for (table,) in tables:
        if table[-2:].isdigit() or table in (*_ROLLUPS, *_BOOKS):
            continue
        held = dict(_sorted_by(client, table)) | dict.fromkeys(_terms(client, table), "Date")
        values = ", ".join(_marked(kind, version) for kind in held.values())
        client.command(f"INSERT INTO spanledger.{table} ({', '.join(held)}) SELECT {values}")
        told.setdefault(table, []).append(version)


def _terms(client: Client, table: str) -> list[str]:
    """Moments that a row's term may be counted from; without them it would have expired in 1970."""
    sql = (
        "SELECT name FROM system.columns WHERE database = 'spanledger' AND table = {t:String} AND type LIKE 'Date%' AND NOT is_in_sorting_key"
        " AND default_kind = ''"
    )
    return [row[0] for row in client.query(sql, {"t": table}).result_rows]


def _sorted_by(client: Client, table: str) -> list[tuple[str, str]]:
    sql = "SELECT name, type FROM system.columns WHERE database = 'spanledger' AND table = {t:String} AND is_in_sorting_key ORDER BY position"
    return [(name, kind) for name, kind in client.query(sql, {"t": table}).result_rows]


def _keys(client: Client, table: str) -> str:
    return f"({', '.join(name for name, _ in _sorted_by(client, table))})"


def _marked(kind: str, version: int) -> str:
    """A value of this type; where it can, one that no other version has."""
    if kind.startswith("Date"):
        return "toStartOfHour(now()) - 3600"
    return f"'{version}'" if "String" in kind else str(version)


_MIGRATE = """
import sys, pathlib
from warehouse.engine import Engine
from warehouse.migrate import migrate
with Engine.open(pathlib.Path(sys.argv[1])) as engine:
    print("open", flush=True)
    migrate(engine.client())
"""


def test_migration_survives_kill_minus_nine_wherever_it_falls(tmp_path: Path) -> None:
    for wait in (0.0, 0.02, 0.05, 0.1):
        child = subprocess.Popen([sys.executable, "-c", _MIGRATE, str(tmp_path / "killed")], stdout=subprocess.PIPE)
        assert child.stdout
        assert child.stdout.readline() == b"open\n"
        time.sleep(wait)
        child.kill()
        child.wait()
        child.stdout.close()
    with Engine.open(tmp_path / "killed") as engine:
        client = engine.client()
        migrate(client)
        killed = _schema(client)
        client.command("DROP DATABASE spanledger SYNC")
        migrate(client)
        assert _schema(client) == killed


def _schema(client: Client) -> dict[str, str]:
    rows = client.query("SELECT name, create_table_query FROM system.tables WHERE database = 'spanledger'").result_rows
    return dict(rows)


_ROLLUPS = ("spend_hour", "prompt_hour", "spend_outcome_hour", "people_hour", *TABLES["scores"])
_BOOKS = ("rollup_pub", "rollup_days", "hour_marks", "leases", "migrations")


def _before(client: Client, version: int) -> None:
    """The schema as it was before migration ``version``, recorded as such."""
    client.command("CREATE DATABASE IF NOT EXISTS spanledger ENGINE = Atomic")
    for statement in statements():
        if statement.version < version:
            client.command(statement.sql)
    client.command(
        "CREATE TABLE spanledger.migrations (version UInt32, statement UInt32, name String, digest String, at DateTime64(6, 'UTC') DEFAULT now64(6))"
        " ENGINE = ReplacingMergeTree(at) ORDER BY (version, statement)"
    )
    done = [[s.version, s.number, s.name, s.digest] for s in statements() if s.version < version]
    client.insert("spanledger.migrations", done, column_names=["version", "statement", "name", "digest"])


def _old_rollups(client: Client) -> None:
    """Two hours whose base is gone and one that is clean, with rows of every rollup."""
    client.command(
        "INSERT INTO spanledger.rollup_pub (base, hour, gen, token, frozen, seq) SELECT arrayJoin(['calls', 'scores']),"
        " toDateTime('2025-01-01 00:00:00', 'UTC') + 3600 * number, toUUID('00000000-0000-0000-0000-00000000000' || toString(number)), 5,"
        " number < 2, 1 FROM numbers(3)"
    )
    client.command("INSERT INTO spanledger.hour_marks (base, hour, writer, seq) SELECT base, hour, 'w', 5 FROM spanledger.rollup_pub")
    at = "SELECT hour, gen, 'app', {measures} FROM spanledger.rollup_pub WHERE base = '{base}'"
    for table in ("spend_hour", "prompt_hour", "spend_outcome_hour"):
        client.command(
            f"INSERT INTO spanledger.{table} (hour, gen, app_id, calls, cost_usd, latency, biz) "
            + at.format(measures="10, toDecimal128('1.000000001', 9), map(5, 10), map('sold', 2)", base="calls")
        )
    state = "arrayReduce('uniqCombined64State(12)', ['u1', 'u2'])"
    client.command("INSERT INTO spanledger.people_hour (hour, gen, app_id, users) " + at.format(measures=state, base="calls"))
    client.command("INSERT INTO spanledger.score_hour (hour, gen, app_id, judged, score_sum) " + at.format(measures="4, 2", base="scores"))


def _assert_kept(client: Client) -> None:
    scope = Scope(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))
    for by in ((), ("route",), ("prompt",)):
        found = queries.spend(client, scope, by=by)
        assert (found["calls"][0], found["cost_usd"][0]) == (30, Decimal("3.000000003")), by
    assert queries.people(client, scope, by=())["users"][0] == 2
    assert queries.coverage(client, scope).closed_hours == 3
    for table in _ROLLUPS:
        assert client.query(f"SELECT count(), uniqExact(gen), min(of_hours), min(first_hour = hour) FROM spanledger.{table}").result_rows == [
            (3, 3, 1, 1)
        ]
    assert client.query("SELECT count() FROM system.tables WHERE database = 'spanledger' AND match(name, '_[0-9]+$')").result_rows == [(0,)]


def test_hours_whose_base_is_gone_keep_their_sums_through_the_upgrade_to_daily_rows(client: Client) -> None:
    _before(client, 17)
    _old_rollups(client)
    assert migrate(client)[0] == "0017_day_rollups"
    _assert_kept(client)
    worker = RollupWorker()
    while worker.roll_up(client, "calls") or rollup_days.roll_up(client, "calls", TABLES["calls"], publish_within_s=60):
        pass
    assert client.query("SELECT hours FROM spanledger.rollup_days FINAL WHERE base = 'calls'").result_rows == [(3,)]
    scope = Scope(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))
    assert queries.spend(client, scope, by=("day",))["cost_usd"][0] == Decimal("3.000000003")


def test_an_upgrade_that_is_killed_while_it_copies_rollups_ends_with_every_row_once(client: Client) -> None:
    """At every kind of statement: run but not recorded, and, where it copies, half-way."""
    own = [s for s in statements() if s.version == 17]
    last = [s.sql.split()[0] for s in own].index("RENAME")  # of the first table; the others are the same
    for cut in range(last - 2, last + 1):
        client.command("DROP DATABASE IF EXISTS spanledger SYNC")
        _before(client, 17)
        _old_rollups(client)
        for statement in own[: cut + 1]:
            client.command(statement.sql)
            if statement is own[cut] and statement.sql.startswith("INSERT"):
                target = statement.sql.split()[2]
                client.command(f"ALTER TABLE {target} DELETE WHERE toHour(hour) = 1 SETTINGS mutations_sync = 1")
            elif statement is not own[cut]:
                client.insert(
                    "spanledger.migrations",
                    [[statement.version, statement.number, statement.name, statement.digest]],
                    column_names=["version", "statement", "name", "digest"],
                )
        migrate(client)
        _assert_kept(client)


def test_collectors_that_start_together_on_one_server_upgrade_it_once(client: Client, tmp_path: Path) -> None:
    """Each of them would otherwise empty, drop and rename what another has just put in place."""
    _before(client, 17)
    _old_rollups(client)
    engine = Engine.open(tmp_path)
    door = serve(engine, "127.0.0.1", 0, lambda _user, _secret: Principal("i", "instance"))
    clients = [connect(f"clickhouse://{door.address}/spanledger") for _ in range(3)]
    try:
        with ThreadPoolExecutor(len(clients)) as pool:
            applied = list(pool.map(migrate, clients))
    finally:
        for one in clients:
            one.close()
        door.close()
        engine.close()
    assert sorted(map(bool, applied)) == [False, False, True]
    _assert_kept(client)


def test_a_warehouse_of_a_newer_version_is_refused(client: Client) -> None:
    migrate(client)
    client.command("INSERT INTO spanledger.migrations (version, statement, name, digest) VALUES (9999, 0, 'future', '')")
    with pytest.raises(ConfigError, match="upgrade"):
        migrate(client)


def test_long_hashes_of_an_earlier_version_are_cut_and_their_hours_rolled_up_again(client: Client) -> None:
    migrate(client)
    client.command("DELETE FROM spanledger.migrations WHERE version = 15", settings={"mutations_sync": 1})
    for table in ("calls", "spans", "contents", "scores"):
        client.command(
            f"INSERT INTO spanledger.{table} (project, service, ts, trace_id, span_id, user_hash) SELECT 'p', 's', '2026-11-01 10:00:00',"
            " unhex(repeat('0A', 16)), unhex('00000000000000' || number), [repeat('0123456789abcdef', 2), 'short', ''][number] FROM numbers(1, 3)"
        )
    hours = "SELECT 'calls', toDateTime('2026-11-01 10:00:00') + 3600 * number, number FROM numbers(2)"
    client.command(f"INSERT INTO spanledger.rollup_pub (base, hour, frozen) {hours}")
    assert migrate(client) == ["0015_short_hashes"]
    for table in ("calls", "spans", "contents", "scores"):
        kept = client.query(f"SELECT user_hash FROM spanledger.{table} FINAL ORDER BY span_id").result_rows
        assert kept == [("0123456789abcdef",), ("short",), ("",)], table
    assert client.query("SELECT frozen FROM spanledger.rollup_pub FINAL").result_rows in ([(1,)], [(True,)])
