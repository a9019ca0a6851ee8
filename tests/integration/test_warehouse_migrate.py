"""Migrations on a real embedded engine: columns as promised, fast, resumable from every point."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from spanledger.errors import ConfigError
from warehouse import tables
from warehouse.engine import Engine
from warehouse.migrate import migrate, pending, statements

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
    sql = "SELECT name, type FROM system.columns WHERE database = 'spanledger' AND table = {t:String} ORDER BY position"
    return dict(client.query(sql, {"t": table}).result_rows)


@pytest.mark.parametrize("table", sorted(tables.BY_NAME))
def test_a_migrated_table_has_the_columns_of_its_arrow_schema_in_order(client: Client, table: str) -> None:
    migrate(client)
    columns = _columns(client, table)
    assert list(columns) == tables.BY_NAME[table].names
    for field in tables.BY_NAME[table]:
        allowed = {f"Nullable({t})" for t in _TYPES[field.type]} if field.name in _NULLABLE else _TYPES[field.type]
        assert columns[field.name] in allowed, field.name


@pytest.mark.parametrize("table", sorted(tables.BY_NAME))
def test_every_table_takes_an_arrow_batch_of_its_schema(client: Client, table: str) -> None:
    migrate(client)
    schema = tables.BY_NAME[table]
    rows = pa.Table.from_arrays([_filled(field) for field in schema], schema=schema)
    client.insert_arrow(f"spanledger.{table}", rows)
    assert client.query(f"SELECT count() FROM spanledger.{table} FINAL").first_row[0] == 2


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


def test_a_fresh_migration_takes_under_a_second_of_processor_time(client: Client) -> None:
    before = time.process_time()
    migrate(client)
    assert time.process_time() - before < 1.0


def test_a_second_run_does_nothing_and_says_so(client: Client) -> None:
    first = migrate(client)
    assert first
    assert first == sorted(first)
    assert migrate(client) == []
    assert pending(client) == []


def test_migration_goes_on_from_every_statement_at_which_it_stopped(client: Client) -> None:
    """A kill leaves a prefix of the statements, the last of them run but not yet recorded."""
    migrate(client)
    whole = _schema(client)
    everything = list(statements())
    for cut in range(0, len(everything), 2):
        client.command("DROP DATABASE spanledger SYNC")
        client.command("CREATE DATABASE spanledger ENGINE = Atomic")
        for statement in everything[:cut]:
            client.command(statement.sql)
        migrate(client)
        assert _schema(client) == whole


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
