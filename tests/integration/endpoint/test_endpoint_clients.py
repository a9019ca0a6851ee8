"""Clients that must work: clickhouse-connect, curl, Grafana's and Superset's way of talking; sessions, settings, encodings, errors."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import uuid
import zlib
from contextlib import closing
from datetime import UTC, datetime

import clickhouse_connect
import polars as pl
import pyarrow as pa
import pytest
import urllib3
from clickhouse_connect.driver.exceptions import ClickHouseError

from spanledger.errors import WarehouseBusy
from warehouse.endpoint.bodies import zstd
from warehouse.engine import connect
from warehouse.queries.ask import frame


@pytest.fixture
def table(house):
    """A fresh table for inserts."""
    name = f"t_{uuid.uuid4().hex[:8]}"
    client = house.client()
    client.command(f"CREATE TABLE {name} (n UInt64, s String, d DateTime64(3, 'UTC'), f FixedString(4)) ENGINE = MergeTree ORDER BY n")
    yield name
    client.command(f"DROP TABLE {name}")
    client.close()


# clickhouse-connect


@pytest.mark.parametrize("who", ["instance", "admin"])
def test_clickhouse_connect_queries_in_every_way(house, who):
    client = house.client(who)
    sql = "SELECT number AS n, toString(number) AS s FROM numbers(100000) ORDER BY n"
    assert client.query("SELECT 1, 'x', toDateTime('2026-11-21 10:00:00', 'UTC')").result_rows == [(1, "x", datetime(2026, 11, 21, 10))]
    assert client.query(sql).row_count == 100_000
    assert client.query_arrow(sql).num_rows == 100_000
    frame = client.query_df_arrow(sql, dataframe_library="polars")
    assert isinstance(frame, pl.DataFrame)
    assert frame["n"].sum() == 4999950000
    with client.query_row_block_stream(sql) as blocks:
        assert sum(len(block) for block in blocks) == 100_000
    with client.query_arrow_stream(sql) as batches:
        assert sum(batch.num_rows for batch in batches) == 100_000
    assert client.command("SELECT 41 + 1") == 42
    assert client.raw_query("SELECT 1 AS a", fmt="JSONEachRow") == b'{"a":1}\n'
    assert client.query("SELECT * FROM ledger LIMIT 0").column_names[0] == "project"
    assert client.query("SELECT 1 WHERE 0").result_rows == []
    assert client.query_arrow("SELECT 1 AS a WHERE 0").schema.names == ["a"]
    assert client.ping()
    client.close()


def test_server_side_parameters_of_every_kind(house):
    client = house.client("admin")
    values = {"s": "it's \\ a\ttab\nline", "n": 7, "d": datetime(2026, 11, 1, tzinfo=UTC), "a": ["x", "y'"], "f": 1.5}
    sql = "SELECT {s:String}, {n:UInt32}, {d:DateTime64(3, 'UTC')}, {a:Array(String)}, {f:Float64}"
    assert client.query(sql, parameters=values).result_rows == [(values["s"], 7, values["d"].replace(tzinfo=None), ["x", "y'"], 1.5)]
    assert client.query("SELECT count() FROM {t:Identifier}", parameters={"t": "ledger"}).result_rows == [(41,)]


@pytest.mark.parametrize("who", ["instance", "admin"])
def test_settings_per_query_and_per_client(house, who):
    client = house.client(who, max_block_size=1000)
    assert client.query("SELECT value FROM system.settings WHERE name = 'max_block_size'").result_rows == [("1000",)]
    assert client.query("SELECT value FROM system.settings WHERE name = 'max_block_size'", settings={"max_block_size": 500}).result_rows == [("500",)]
    assert house.client(who).query("SELECT value FROM system.settings WHERE name = 'max_block_size'").result_rows != [("500",)]
    assert client.query("SELECT value FROM system.settings WHERE name = 'join_use_nulls' SETTINGS join_use_nulls = 1").result_rows == [("1",)]


def test_inserts_of_rows_frames_arrow_and_raw_bytes(house, table):
    client = house.client()
    now = datetime(2026, 11, 21, tzinfo=UTC)
    rows = [[i, f"s{i}", now, b"abcd"] for i in range(10)]
    summary = client.insert(table, rows, column_names=["n", "s", "d", "f"])
    assert summary.written_rows == 10
    arrow = pa.table({"n": pa.array(range(10, 20_010), pa.uint64()), "s": ["x"] * 20_000})
    client.insert_arrow(table, arrow)
    client.insert_df_arrow(table, pl.DataFrame({"n": pl.Series(range(5), dtype=pl.UInt64), "s": ["p"] * 5}))
    client.raw_insert(table, ["n", "s"], insert_block=gzip.compress(b"1,a\n2,b\n"), fmt="CSV", compression="gzip")
    client.command(f"INSERT INTO {table} (n, s) VALUES (1, 'FORMAT x'), (2, 'it''s')")
    client.command(f"INSERT INTO {table} (n, s) SELECT number, 'sel' FROM numbers(3)")
    client.command(f"INSERT INTO {table} (n, s) FORMAT JSONEachRow", data='{"n": 1, "s": "j"}\n{"n": 2, "s": "k"}')
    assert client.query(f"SELECT count() FROM {table}").result_rows == [(10 + 20_000 + 5 + 2 + 2 + 3 + 2,)]
    with pytest.raises(ClickHouseError, match=r"CANNOT_PARSE|INCORRECT_DATA"):
        client.command(f"INSERT INTO {table} (n, s) FORMAT JSONEachRow", data='{"n": "no number"}')
    assert client.command("SELECT 1") == 1


def test_a_session_keeps_temporary_tables_and_settings_for_its_owner(house):
    session = uuid.uuid4().hex
    client = clickhouse_connect.get_client(host="127.0.0.1", port=house.server.port, username="instance", password="pw", session_id=session)
    client.command("CREATE TEMPORARY TABLE kept (n UInt64)")
    client.insert("kept", [[1], [2]], column_names=["n"])
    client.command("SET max_block_size = 777")
    assert client.query("SELECT count() FROM kept").result_rows == [(2,)]
    assert client.query("SELECT value FROM system.settings WHERE name = 'max_block_size'", settings={"max_threads": 1}).result_rows == [("777",)]
    assert client.query("SELECT changed FROM system.settings WHERE name = 'max_block_size'").result_rows == [(1,)]
    assert house.ask("instance", "SELECT count() FROM kept")[0] == 404
    assert house.ask("admin", "SELECT count() FROM kept", session_id=session)[0] == 404
    assert house.ask("instance", "SELECT 1", session_id=uuid.uuid4().hex, session_check="1")[0] in (404, 500)
    client.close()


def test_a_session_ends_when_its_time_is_over(house):
    session = uuid.uuid4().hex
    assert house.ask("instance", "CREATE TEMPORARY TABLE kept (n UInt64)", session_id=session, session_timeout="1")[0] == 200
    assert house.ask("instance", "SELECT count() FROM kept", session_id=session)[0] == 200
    time.sleep(1.3)
    assert house.ask("instance", "SELECT count() FROM kept", session_id=session)[0] == 404


def test_one_session_serves_one_request_at_a_time(house):
    session = uuid.uuid4().hex
    house.ask("instance", "SET max_threads = 1", session_id=session)
    slow = threading.Thread(target=house.ask, args=("instance", "SELECT sleep(1)"), kwargs={"session_id": session})
    slow.start()
    time.sleep(0.3)
    status, body = house.ask("instance", "SELECT 1", session_id=session)
    slow.join()
    assert (status, "SESSION_IS_LOCKED" in body) == (500, True)


# curl


def test_curl_reads_json_and_csv_by_get_and_post(house):
    status, body = house.ask("admin", "SELECT team, count() AS n FROM ledger GROUP BY team ORDER BY team FORMAT JSON", method="GET")
    assert status == 200
    assert [row["n"] for row in json.loads(body)["data"]] in ([20, 21], ["20", "21"])
    assert house.ask("admin", "SELECT 1 AS a, 'x' AS b FORMAT CSVWithNames")[1] == '"a","b"\n1,"x"\n'
    assert house.ask("admin", "SELECT 1 AS a", default_format="JSONEachRow")[1] == '{"a":1}\n'
    assert house.ask("admin", "SELECT 1 AS a", headers={"X-ClickHouse-Format": "TSVWithNames"})[1] == "a\n1\n"
    assert house.ask("admin", "SELECT 1;")[1] == "1\n"
    assert house.ask("admin", "SELECT number FROM numbers(3)", "GET")[1] == "0\n1\n2\n"
    assert house.ask("admin", " 1", query="SELECT 1 +")[1] == "2\n"


def test_a_get_request_does_not_write(house):
    assert house.ask("instance", "DROP TABLE IF EXISTS nothing", "GET")[0] == 403
    assert house.ask("instance", "DROP TABLE IF EXISTS nothing")[0] == 200


def test_credentials_in_every_place(house):
    import base64

    basic = {"Authorization": "Basic " + base64.b64encode(b"admin:pw").decode()}
    assert house.ask(None, "SELECT 1", headers=basic)[0] == 200
    assert house.ask(None, "SELECT 1", headers={"Authorization": "Bearer admin"})[0] == 200
    assert house.ask(None, "SELECT 1", user="admin", password="pw")[0] == 200
    for wrong in ({"user": "admin", "password": "no"}, {"user": "nobody", "password": "pw"}, {}):
        status, body = house.ask(None, "SELECT 1", **wrong)
        assert (status, "AUTHENTICATION_FAILED" in body) == (403, True)
    assert house.ask(None, "SELECT 1", headers={"Authorization": "Basic %%%"})[0] == 403


def test_health_needs_no_credential(house):
    for path in ("/ping", "/replicas_status"):
        assert house.http.request("GET", house.url + path).data == b"Ok.\n"
    assert house.http.request("GET", house.url + "/other").status == 404


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example:8123"}])
def test_pages_of_other_sites_are_refused(house, headers):
    assert house.ask("admin", "SELECT 1", headers=headers)[0] == 403


# encodings


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4"])
def test_results_and_statements_travel_compressed(house, encoding):
    import lz4.frame

    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd().compress, "lz4": lz4.frame.compress}[encoding]
    unpack = {"gzip": gzip.decompress, "deflate": zlib.decompress, "zstd": zstd().decompress, "lz4": lz4.frame.decompress}[encoding]
    for wait in ("0", "1"):
        answer = house.http.request(
            "POST",
            f"{house.url}/?enable_http_compression=1&wait_end_of_query={wait}",
            body=pack(b"SELECT number FROM numbers(100000)"),
            headers={"X-ClickHouse-User": "admin", "X-ClickHouse-Key": "pw", "Content-Encoding": encoding, "Accept-Encoding": encoding},
            decode_content=False,
        )
        assert answer.headers["Content-Encoding"] == encoding
        assert unpack(answer.data).count(b"\n") == 100_000


def test_a_body_that_is_not_what_it_says_is_refused(house):
    status, body = house.ask("admin", "SELECT 1", headers={"Content-Encoding": "gzip"})
    assert (status, "gzip" in body) == (400, True)
    assert house.ask("admin", "SELECT 1", headers={"Content-Encoding": "br"})[0] == 501
    assert house.ask("admin", "SELECT 1", compress="1")[0] == 501


def test_rows_stream_in_while_they_are_sent(house, table):
    """A chunked body larger than any buffer, in many pieces, some of a byte."""

    def pieces():
        yield f"INSERT INTO {table} (n, s) ".encode()
        yield b"FORMAT CSV\n"
        yield b"0"
        yield b",start\n"
        line = b"1,0123456789abcdef\n" * 1000
        for _ in range(300):
            yield line

    answer = house.http.request(
        "POST",
        house.url + "/",
        body=pieces(),
        headers={"X-ClickHouse-User": "instance", "X-ClickHouse-Key": "pw", "Transfer-Encoding": "chunked"},
    )
    assert answer.status == 200, answer.data
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "300001"
    assert house.ask("instance", f"SELECT count() FROM {table}")[1] == "300001\n"


def test_an_insert_whose_sender_breaks_off_leaves_nothing(house, table):
    with socket.create_connection((house.server.host, house.server.port)) as sock:
        head = f"POST /?query=INSERT+INTO+{table}+(n,s)+FORMAT+CSV HTTP/1.1\r\nHost: localhost\r\n"
        head += "X-ClickHouse-User: instance\r\nX-ClickHouse-Key: pw\r\n"
        sock.sendall(head.encode() + b"Content-Length: 100000\r\n\r\n1,a\n2,b\n")
        time.sleep(0.2)
    time.sleep(0.3)
    assert house.ask("instance", f"SELECT count() FROM {table}")[1] == "0\n"


def test_several_requests_share_a_connection_also_after_errors(house):
    import http.client

    line = http.client.HTTPConnection(house.server.host, house.server.port)
    auth = {"X-ClickHouse-User": "admin", "X-ClickHouse-Key": "pw"}
    for sql, status in (
        ("SELECT 1", 200),
        ("SELECT nonsense", 404),
        ("DROP TABLE calls", 403),
        ("SELECT 2", 200),
        ("SELECT number FROM numbers(200000)", 200),
    ):
        line.request("POST", "/", body=sql.encode(), headers=auth)
        answer = line.getresponse()
        answer.read()
        assert answer.status == status
        local = line.sock
        assert local is not None
    line.close()


# errors


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 400, "62"),
        ("SELECT nonsense", 404, "47"),
        ("SELECT * FROM nowhere", 404, "60"),
        ("SELECT no_such_function(1)", 404, "46"),
        ("SELECT 1 FORMAT NoFormat", 404, "73"),
        ("SELECT toUInt8('x')", 400, "6"),
        ("SELECT {x:UInt8}", 400, "456"),
    ],
)
def test_errors_carry_the_engine_s_number(house, sql, status, code):
    answer = house.http.request("POST", house.url, body=sql.encode(), headers={"X-ClickHouse-User": "instance", "X-ClickHouse-Key": "pw"})
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (status, code), answer.data
    assert answer.data.startswith(f"Code: {code}. DB::Exception: ".encode())


def test_an_error_in_the_middle_of_a_result_is_no_whole_result(house):
    client = house.client()
    sql = "SELECT throwIf(number = 3000000, 'too far') FROM numbers(10000000)"
    with pytest.raises(ClickHouseError, match="too far"), client.query_row_block_stream(sql) as blocks:
        for _ in blocks:
            pass
    with pytest.raises(Exception, match=r"IncompleteRead|InvalidChunk|Connection broken|prematurely"):
        house.ask("instance", sql)
    status, body = house.ask("instance", sql, wait_end_of_query="1")
    assert (status, "too far" in body) == (500, True)


def test_the_query_id_and_a_summary_come_back(house):
    answer = house.http.request(
        "POST",
        f"{house.url}/?query_id=mine-1&wait_end_of_query=1",
        body=b"SELECT count() FROM calls",
        headers={"X-ClickHouse-User": "instance", "X-ClickHouse-Key": "pw"},
    )
    assert answer.headers["X-ClickHouse-Query-Id"] == "mine-1"
    assert answer.headers["X-ClickHouse-Format"] == "TabSeparated"
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["result_rows"] == "1"


def test_a_query_id_cannot_write_headers(house):
    for name in ("x\r\nSet-Cookie: a=b", "x" * 300, "é"):
        answer = house.http.request("GET", house.url, fields={"query": "SELECT 1", "query_id": name, "user": "admin", "password": "pw"})
        assert answer.status == 400
        assert "Set-Cookie" not in answer.headers


def test_every_statement_is_told_to_the_observer(house):
    house.events.clear()
    house.ask("operator", "SELECT count() FROM contents")
    house.ask("viewer-a", "SELECT count() FROM contents")
    told = [(event.principal.name, event.tables, event.error) for event in house.events]
    assert told == [("operator", ("spanledger.contents",), 0), ("viewer-a", (), 497)]


# BI tools


@pytest.mark.parametrize("who", ["admin", "finance", "viewer-a"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT version()",
        "SELECT timezone()",
        "SELECT timeZone()",
        "SELECT displayName(), version(), revision(), timezone()",
        "SELECT currentUser() AS user, timezone() AS timezone, version() AS version LIMIT 1",
        "SELECT 1",
        "SHOW DATABASES",
        "SHOW TABLES FROM `spanledger`",
        "SHOW TABLES",
        "DESCRIBE TABLE `spanledger`.`ledger`",
        "DESC TABLE spanledger.ledger",
        "DESCRIBE ledger",
        "EXISTS TABLE `spanledger`.`ledger`",
        "SELECT name FROM system.databases",
        "SELECT name FROM system.tables WHERE database = 'spanledger'",
        "SELECT name, type FROM system.columns WHERE database = 'spanledger' AND table = 'ledger'",
        "SELECT database, table, name, type, default_kind, comment FROM system.columns WHERE table LIKE '%'",
        "SELECT name, engine, create_table_query, comment FROM system.tables WHERE database IN ('spanledger')",
        "SELECT name FROM system.functions WHERE is_aggregate = 0",
        "SELECT name, value, readonly FROM system.settings",
        "SELECT name FROM system.data_type_families",
        "SELECT table_name FROM INFORMATION_SCHEMA.TABLES WHERE table_schema = 'spanledger'",
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'ledger'",
        "SELECT schema_name FROM information_schema.schemata",
        "SELECT toStartOfInterval(toDateTime(ts), INTERVAL 60 second) AS time, team, sum(cost_estimate_usd) AS usd FROM spanledger.ledger "
        "WHERE ts >= toDateTime(1760000000) AND ts <= toDateTime(1800000000) GROUP BY time, team ORDER BY time LIMIT 1000",
        "SELECT $$x$$ AS a, model AS `model`, count(*) AS `COUNT(*)` FROM `spanledger`.`ledger` GROUP BY `model` ORDER BY `COUNT(*)` DESC LIMIT 1000",
        "SELECT * FROM (SELECT team, model FROM ledger) AS virtual_table LIMIT 10",
        "SELECT quantiles(0.5, 0.99)(latency_ms), sumIf(tokens_in, billed), dateDiff('day', min(ts), max(ts)) FROM ledger",
        "SELECT toDate(ts) AS d, countDistinct(model), COUNT(DISTINCT app_id), formatDateTime(d, '%Y-%m') FROM ledger GROUP BY d WITH ROLLUP",
        "SELECT CAST(sum(cost_estimate_usd) AS Float64), round(avg(tokens_in), 2), "
        "coalesce(NULLIF(any(model), ''), 'none') FROM ledger HAVING count() > 0",
        "SELECT model, rank() OVER (ORDER BY sum(tokens_in) DESC) FROM ledger GROUP BY model",
        "SELECT if(outcome = 'error', 1, 0) AS e, CASE WHEN billed THEN 'y' ELSE 'n' END, tokens_in BETWEEN 1 AND 5, model ILIKE '%M%' FROM ledger",
        "SELECT arrayMap(x -> x + 1, [1, 2]), map('a', 1)['a'], tuple(1, 2).1, [1, 2, 3][1], 1::Float64, toInt32('5'), -tokens_in FROM ledger",
        "SELECT DATE_TRUNC('month', ts), EXTRACT(YEAR FROM ts), toYear(ts), now() - INTERVAL 1 DAY, today(), position(model, 'x') FROM ledger",
    ],
)
def test_what_bi_tools_ask_is_answered(house, who, sql):
    status, body = house.ask(who, sql, default_format="JSONCompact")
    assert status == 200, body


def test_sqlalchemy_reflects_and_queries(house):
    sqlalchemy = pytest.importorskip("sqlalchemy", reason="sqlalchemy is Superset's way in; not installed here")
    engine = sqlalchemy.create_engine(f"clickhousedb://admin:pw@127.0.0.1:{house.server.port}/spanledger")
    inspector = sqlalchemy.inspect(engine)
    assert {"ledger", "spend_hourly"} <= set(inspector.get_table_names()) | set(inspector.get_view_names())
    assert "cost_estimate_usd" in {column["name"] for column in inspector.get_columns("ledger")}
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT count() FROM ledger")).scalar() == 41


def test_a_client_s_queries_end_in_time_where_the_server_sets_no_limit(house):
    """A reader keeps the limit of the door; with the instance's own rights, as with a server's, the client sets one."""
    address = f"clickhouse://{house.server.address}/spanledger"
    for who, limit in (("instance", "600"), ("admin", "2")):
        with closing(connect(address, user=who, password="pw")) as client:
            assert str(client.query("SELECT value FROM system.settings WHERE name = 'max_execution_time'").result_rows[0][0]) == limit
    with closing(connect(address, user="instance", password="pw", query_s=1)) as hasty, pytest.raises(WarehouseBusy):
        frame(hasty, "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1", {})


def test_grafana_s_plugin_gets_its_native_blocks_zipped(house):
    """As clickhouse-go sends it for the plugin's HTTP protocol: Basic authorization, Native without a revision, gzip, a row limit as a setting."""
    sql = (
        "SELECT toStartOfInterval(toDateTime(ts), INTERVAL 3600 second) AS time, CAST(team AS String) AS team, count() AS calls"
        " FROM spanledger.ledger WHERE ( ts >= toDateTime(1760000000) AND ts <= toDateTime(1800000000) ) GROUP BY time, team ORDER BY team, time"
    )
    found = house.http.request(
        "POST",
        f"{house.url}/?database=spanledger&default_format=Native&enable_http_compression=1&max_execution_time=2&limit=1",
        body=sql.encode(),
        headers={**urllib3.make_headers(basic_auth="admin:pw"), "Accept-Encoding": "gzip", "User-Agent": "grafana/12.1.0 clickhouse-go/2.40.1"},
        decode_content=False,
    )
    assert (found.status, found.headers["Content-Encoding"]) == (200, "gzip")
    at = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()).to_bytes(4, "little")
    columns = ((b"time", b"DateTime", at), (b"team", b"String", b"\x06team-a"), (b"calls", b"UInt64", (20).to_bytes(8, "little")))
    told = b"".join(bytes([len(name)]) + name + bytes([len(kind)]) + kind + value for name, kind, value in columns)
    assert gzip.decompress(found.data) == b"\x03\x01" + told, "three columns, one row"
