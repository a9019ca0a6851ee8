"""What makes a lookup of a trace cheap, where it can be seen: marks that are in memory before anybody asks, answers that need no unpacking."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from warehouse.endpoint import Principal, serve
from warehouse.engine import Engine, connect
from warehouse.migrate import migrate

pytest.importorskip("chdb")

_PACKING = "SELECT value FROM system.settings WHERE name = 'output_format_arrow_compression_method'"


def _marks_held(client: Client) -> int:
    return int(client.query("SELECT value FROM system.metrics WHERE metric = 'MarkCacheFiles'").result_rows[0][0])


@pytest.mark.parametrize("table", ["calls", "spans"])
def test_the_marks_of_calls_and_spans_are_in_memory_before_anybody_asks(tmp_path: Path, table: str) -> None:
    with Engine.open(tmp_path) as engine:
        client = engine.client()
        migrate(client)
        rows = "SELECT 's', toDateTime64('2026-11-01 00:00:00', 6, 'UTC'), toFixedString(toString(number), 16) FROM numbers(20000)"
        client.command(f"INSERT INTO spanledger.{table} (service, ts, trace_id) {rows}")
    with Engine.open(tmp_path) as engine:
        client = engine.client()
        until = time.monotonic() + 20
        while not _marks_held(client) and time.monotonic() < until:
            time.sleep(0.05)
        assert _marks_held(client) > 0


def test_our_clients_get_answers_that_need_no_unpacking(tmp_path: Path) -> None:
    with Engine.open(tmp_path) as engine:
        assert engine.client().query(_PACKING).result_rows == [("none",)]
        with closing(serve(engine, "127.0.0.1", 0, lambda *_: Principal("r", "operator"))) as endpoint:
            reader = connect(f"clickhouse://{endpoint.address}", user="r")
            assert reader.query(_PACKING).result_rows == [("none",)]
