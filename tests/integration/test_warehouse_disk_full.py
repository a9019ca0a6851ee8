"""A full disk: inserts are refused, nothing is half there, and it goes on by itself once there is room."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from spanledger.errors import SpanledgerError
from warehouse import inserts
from warehouse.endpoint import Principal, serve
from warehouse.engine import Engine, connect
from warehouse.migrate import migrate
from warehouse.queries.ask import query_errors

pytest.importorskip("chdb")

_INSERT = """
INSERT INTO spanledger.calls (project, service, ts, trace_id, span_id, billed, cost_estimate_usd, ver, attrs)
SELECT 'p', 's', toDateTime64('2026-11-01 00:00:00', 6, 'UTC') + number % 86400, unhex(hex(sipHash128(number))), unhex(hex(sipHash64(number))),
    true, 1, 1, map('x', hex(sipHash128(number, 7)))
FROM numbers({first:UInt64}, 20000)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB."""
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(tmp_path)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=False)


def post(client: Client, batch: int) -> None:
    with query_errors():
        client.command(_INSERT, parameters={"first": batch * 20_000})


def fits(client: Client, batch: int) -> bool:
    try:
        post(client, batch)
    except SpanledgerError:
        return False
    return True


def test_a_full_disk_refuses_inserts_loses_nothing_and_recovers_by_itself(small_disk: Path) -> None:
    total = "SELECT count(), toUInt64(sum(cost_estimate_usd)) FROM spanledger.ledger"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(40 << 20))
    with Engine.open(small_disk / "data", memory_bytes=1_000_000_000) as engine:
        client = engine.client()
        migrate(client)
        acknowledged = 0
        while fits(client, acknowledged):
            acknowledged += 1
        assert acknowledged > 0
        with pytest.raises(SpanledgerError, match="space"):
            post(client, acknowledged)
        assert client.query(total).result_rows == [(acknowledged * 20_000,) * 2]  # still readable, exactly what was acknowledged
        ballast.unlink()
        post(client, acknowledged)  # the exporter sends it again
        assert client.query(total).result_rows == [((acknowledged + 1) * 20_000,) * 2]
    with Engine.open(small_disk / "data") as engine:
        assert engine.client().query(total).result_rows == [((acknowledged + 1) * 20_000,) * 2]


@pytest.mark.parametrize("way", ["of exports", "of other processes"])
def test_what_arrives_while_the_disk_is_full_is_refused_aloud_or_stored(small_disk: Path, way: str) -> None:
    """An insert that says nothing is taken for durable: its export leaves the spool."""
    ballast = small_disk / "ballast"
    with Engine.open(small_disk / "data", memory_bytes=1_000_000_000) as engine:
        client = engine.client()
        migrate(client)
        door = serve(engine, "127.0.0.1", 0, lambda _user, _secret: Principal("i", "instance"))
        writer = client if way == "of exports" else connect(f"clickhouse://{door.address}/spanledger")
        free = shutil.disk_usage(small_disk).free
        ballast.write_bytes(bytes(free - (600 << 10)))
        told, refused = 0, list[str]()
        for batch in range(40):
            if batch == 30:
                ballast.write_bytes(b"")
            jobs = [f"{batch}-{i}" for i in range(100)]
            try:
                inserts.insert(writer, "job_marks", pa.table({"job": jobs, "mark": jobs, "detail": ["x" * 200] * 100}))
                told += 100
            except ClickHouseError as exc:
                refused.append(str(exc))
        assert refused
        assert all("space" in one for one in refused), refused
        assert told >= 1_000
        assert client.query("SELECT uniqExact(job) FROM spanledger.job_marks").result_rows == [(told,)]
        door.close()
