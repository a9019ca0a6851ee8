"""The embedded engine: one owner per directory, our own configuration, clean close and re-open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spanledger.errors import ConfigError, DataDirHeld, DataDirUnusable, WarehouseUnavailable
from warehouse.engine import Engine, connect, parse_url

ROOT = Path(__file__).parents[2]


def test_rows_survive_a_close_and_another_directory_can_be_opened_in_between(tmp_path):
    for round_ in range(2):
        with Engine.open(tmp_path / "a") as engine:
            client = engine.client()
            client.command("CREATE TABLE IF NOT EXISTS kept (n UInt64) ENGINE = MergeTree ORDER BY n")
            client.insert("kept", [[round_]], column_names=["n"])
            assert client.query("SELECT currentDatabase(), count() FROM kept").result_rows == [("spanledger", round_ + 1)]
            client.close()
        with Engine.open(tmp_path / "b") as engine:
            client = engine.client()
            assert client.query("EXISTS TABLE kept").result_rows == [(0,)]
            client.close()


def test_another_process_is_told_who_holds_the_directory(tmp_path):
    with Engine.open(tmp_path) as engine:
        code = f"from pathlib import Path; from warehouse.engine import Engine; Engine.open(Path({str(tmp_path)!r}))"
        second = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert "DataDirHeld" in second.stderr
        holder = (engine.data_dir / "warehouse.lock").read_text().strip()
        assert f"is held by process {holder}" in second.stderr


def test_one_process_holds_one_directory_at_a_time_and_shares_it_when_asked_twice(tmp_path):
    with Engine.open(tmp_path / "a") as engine:
        with pytest.raises(DataDirHeld, match="one data directory per process"):
            Engine.open(tmp_path / "b")
        assert Engine.open(tmp_path / "a") is engine
        engine.close()
        assert not engine.closed
    assert engine.closed
    with pytest.raises(WarehouseUnavailable):
        engine.client()


def test_a_path_that_cannot_be_a_directory_is_unusable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirUnusable):
        Engine.open(tmp_path / "file" / "data")


def test_a_directory_with_quotes_ampersands_and_spaces_opens(tmp_path):
    with Engine.open(tmp_path / "it's <a> & b? 100%") as engine:
        client = engine.client()
        assert client.query("SELECT 1").result_rows == [(1,)]
        client.close()


def test_the_engine_reads_no_other_configuration_and_reaches_no_source(tmp_path, monkeypatch):
    elsewhere = tmp_path / "cwd"
    elsewhere.mkdir()
    (elsewhere / "config.xml").write_text("<clickhouse><max_server_memory_usage>1</max_server_memory_usage></clickhouse>")
    monkeypatch.chdir(elsewhere)
    with Engine.open(tmp_path / "data", memory_bytes=1_500_000_000) as engine:
        client = engine.client()
        limit = client.query("SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'").result_rows
        assert limit == [("1500000000",)]
        for source in ("file('x')", "url('http://127.0.0.1:1/')", "remote('127.0.0.1', system.one)", "s3('http://127.0.0.1:1/bucket/x')"):
            with pytest.raises(Exception, match=r"ACCESS_DENIED|UNKNOWN_FUNCTION"):
                client.query(f"SELECT * FROM {source}")
        client.close()


def test_backups_go_to_the_directory_s_own_folder(tmp_path):
    with Engine.open(tmp_path) as engine:
        client = engine.client()
        client.command("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
        client.insert("t", [[7]], column_names=["n"])
        client.command("BACKUP TABLE spanledger.t TO Disk('backups', 'first')")
        client.command("DROP TABLE t SYNC")
        client.command("RESTORE TABLE spanledger.t FROM Disk('backups', 'first')")
        assert client.query("SELECT n FROM t").result_rows == [(7,)]
        assert (engine.backups_dir / "first").is_dir()
        client.close()


@pytest.mark.parametrize(
    ("url", "host", "port", "secure", "database"),
    [
        ("clickhouse://ch.example", "ch.example", 8123, False, "spanledger"),
        ("clickhouse://u:p%40w@ch.example:9000/db", "ch.example", 9000, False, "db"),
        ("clickhouses://ch.example", "ch.example", 8443, True, "spanledger"),
        ("clickhouse://u@ch.example:8443/db", "ch.example", 8443, True, "db"),
        ("https://ch.example/x", "ch.example", 8443, True, "x"),
        ("clickhouse://ch.example:9440?secure=1&verify=0", "ch.example", 9440, True, "spanledger"),
    ],
)
def test_a_clickhouse_url_is_taken_apart(url, host, port, secure, database):
    target = parse_url(url)
    assert (target.host, target.port, target.secure, target.database) == (host, port, secure, database)
    assert "p@w" not in repr(target)


@pytest.mark.parametrize("url", ["", "postgres://x", "clickhouse://", "clickhouse://h:port/db"])
def test_another_url_is_a_configuration_error(url):
    with pytest.raises(ConfigError):
        parse_url(url)


def test_nobody_listening_is_unavailable():
    with pytest.raises(WarehouseUnavailable):
        connect("clickhouse://127.0.0.1:9/spanledger")
