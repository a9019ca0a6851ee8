"""The endpoint as a server: limits, TLS, a clean end, clients that go away, and standing in front of a ClickHouse server."""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from spanledger.errors import AccessDenied, ConfigError, WarehouseUnavailable
from warehouse.endpoint import Limits, Principal, RemoteBackend, Tls, serve
from warehouse.engine import connect

SLOW = "SELECT count() FROM numbers(1000000000000) WHERE number % 7 = 3"


def everybody(user: str | None, secret: str | None) -> Principal | None:
    role = "instance" if user == "instance" else "viewer"
    return Principal(user, role, ("team-a",) if role == "viewer" else None) if user and secret == "pw" else None


@pytest.fixture
def second(house):
    """Another endpoint over the same engine, with limits of the test's choice."""
    servers = []

    def make(**options):
        servers.append(serve(house.engine, "127.0.0.1", 0, everybody, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.close(0.5)


def post(server, sql: str, user: str = "instance", timeout: float = 30) -> tuple[int, str]:
    line = http.client.HTTPConnection(server.host, server.port, timeout=timeout)
    try:
        line.request("POST", "/", body=sql.encode(), headers={"X-ClickHouse-User": user, "X-ClickHouse-Key": "pw"})
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


def running(house, needle: str) -> int:
    sql = f"SELECT count() FROM system.processes WHERE query LIKE '{needle}%'"
    return house.client().query(sql).result_rows[0][0]


def wait_until(condition, seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_readers_do_not_block_the_instance(house, second):
    server = second(limits=Limits(readers=2, readers_each=2, query_s=4, queue_s=0.2))
    readers = [threading.Thread(target=post, args=(server, SLOW, f"r{i}")) for i in range(6)]
    for reader in readers:
        reader.start()
    time.sleep(0.5)
    slowest = 0.0
    for _ in range(30):
        started = time.monotonic()
        assert post(server, "SELECT count() FROM calls") == (200, "42\n")
        slowest = max(slowest, time.monotonic() - started)
    for reader in readers:
        reader.join()
    assert slowest < 1.5


def test_a_query_too_many_is_told_to_come_back(second):
    server = second(limits=Limits(readers=4, readers_each=1, query_s=3, queue_s=0.3))
    busy = threading.Thread(target=post, args=(server, SLOW, "same"))
    busy.start()
    time.sleep(0.3)
    status, body = post(server, "SELECT 1", "same")
    assert (status, "TOO_MANY_SIMULTANEOUS_QUERIES" in body) == (503, True)
    assert post(server, "SELECT 1", "other") == (200, "1\n")
    busy.join()


def test_a_connection_too_many_is_told_to_come_back(second):
    server = second(limits=Limits(connections=3))
    held = [socket.create_connection((server.host, server.port)) for _ in range(3)]
    time.sleep(0.1)
    assert post(server, "SELECT 1")[0] == 503
    for one in held:
        one.close()
    assert wait_until(lambda: post(server, "SELECT 1")[0] == 200)


def test_a_silent_connection_is_hung_up(second):
    server = second(limits=Limits(idle_s=0.5))
    with socket.create_connection((server.host, server.port), timeout=5) as sock:
        assert sock.recv(1) == b""


def test_a_client_that_goes_away_ends_its_query(house, second):
    server = second(limits=Limits(query_s=60))
    needle = "SELECT count() FROM numbers(1000000000001)"
    with socket.create_connection((server.host, server.port)) as sock:
        body = f"{needle} WHERE number % 7 = 3".encode()
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nX-ClickHouse-User: r\r\nX-ClickHouse-Key: pw\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        assert wait_until(lambda: running(house, needle) == 1)
    assert wait_until(lambda: running(house, needle) == 0)


def test_closing_lets_running_queries_end_and_aborts_the_rest(house, second):
    server = second(limits=Limits(query_s=60))
    answers: list[tuple[int, str]] = []
    short = threading.Thread(target=lambda: answers.append(post(server, "SELECT sleep(0.5), 'done'")))
    needle = "SELECT count() FROM numbers(1000000000002)"

    def long_one() -> None:
        with pytest.raises((http.client.HTTPException, OSError)):
            raise OSError(post(server, f"{needle} WHERE number % 7 = 3"))

    long = threading.Thread(target=long_one)
    short.start()
    long.start()
    assert wait_until(lambda: running(house, needle) == 1)
    started = time.monotonic()
    server.close(1.5)
    assert time.monotonic() - started < 6
    short.join(5)
    long.join(5)
    assert answers == [(200, "0\tdone\n")]
    assert running(house, needle) == 0
    with pytest.raises(OSError, match="refused"):
        post(server, "SELECT 1")


def test_a_large_statement_is_refused(second):
    server = second(limits=Limits(statement_bytes=10_000))
    assert post(server, f"SELECT '{'x' * 20_000}'", "r")[0] == 400
    assert post(server, f"SELECT '{'x' * 20_000}'")[0] == 400
    assert post(server, "SELECT 1")[0] == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    cryptography = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = cryptography.Name([cryptography.NameAttribute(cryptography.NameOID.COMMON_NAME, "localhost")])
    made = (
        cryptography.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(cryptography.SubjectAlternativeName([cryptography.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return folder


def test_tls(second, certificate):
    server = second(tls=Tls(str(certificate / "cert.pem"), str(certificate / "key.pem")))
    client = connect(f"clickhouses://localhost:{server.port}/spanledger?ca={certificate / 'cert.pem'}", user="instance", password="pw")
    assert client.query("SELECT count() FROM numbers(100000)").result_rows == [(100_000,)]
    assert client.query_arrow("SELECT number FROM numbers(100000)").num_rows == 100_000
    client.close()
    with pytest.raises(WarehouseUnavailable):
        connect(f"clickhouses://localhost:{server.port}/spanledger", user="instance", password="pw")
    with pytest.raises((http.client.HTTPException, OSError, ssl.SSLError)):
        raise OSError(post(server, "SELECT 1"))


def test_a_tls_file_that_is_none_is_a_configuration_error(second, tmp_path):
    with pytest.raises(ConfigError):
        second(tls=Tls(str(tmp_path / "no.pem"), str(tmp_path / "no.key")))


def test_a_wrong_password_is_access_denied(house):
    with pytest.raises(AccessDenied):
        connect(f"clickhouse://{house.server.address}", user="admin", password="wrong")


def test_a_client_logs_nothing_when_it_asks_for_our_own_block_size(house, caplog):
    client = house.client()
    assert client.query("SELECT value FROM system.settings WHERE name = 'max_block_size'").result_rows == [("32768",)]
    client.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_curl_itself(house):
    try:
        found = subprocess.run(
            [
                "curl",
                "-sS",
                "--compressed",
                "-u",
                "admin:pw",
                f"{house.url}/?enable_http_compression=1",
                "--data-binary",
                "SELECT sum(number) FROM numbers(10)",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("curl is not installed")
    assert (found.returncode, found.stdout) == (0, "45\n")


# In front of a server: the embedded endpoint plays the server, its `instance` the service user.


@pytest.fixture(scope="module")
def front(house):
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location("endpoint_conftest", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    backend = RemoteBackend(f"clickhouse://{house.server.address}", user="instance", password="pw")
    server = serve(backend, "127.0.0.1", 0, module.authenticate, limits=Limits(query_s=5, memory_bytes=200_000_000))
    yield module.House(house.engine, server)
    server.close(1)


def test_a_front_answers_like_the_server_behind_it(front):
    client = front.client()
    client.command("CREATE TABLE fronted (n UInt64) ENGINE = MergeTree ORDER BY n")
    client.insert("fronted", [[i] for i in range(1000)], column_names=["n"])
    assert client.query("SELECT sum(n) FROM fronted").result_rows == [(499500,)]
    client.command("DROP TABLE fronted")
    reader = front.client("finance")
    assert reader.query_arrow("SELECT number FROM numbers(100000)").num_rows == 100_000
    assert reader.query("SELECT {x:String}", parameters={"x": "it's\n"}).result_rows == [("it's\n",)]
    assert front.ask("admin", "SELECT 1 AS a FORMAT JSONEachRow") == (200, '{"a":1}\n')


def test_a_front_keeps_sessions(front):
    assert front.ask("instance", "CREATE TEMPORARY TABLE kept (n UInt64)", session_id="s1")[0] == 200
    assert front.ask("instance", "SELECT count() FROM kept", session_id="s1") == (200, "0\n")
    assert front.ask("instance", "SELECT count() FROM kept")[0] == 404


def test_a_front_scopes_and_fences(front):
    assert front.ask("viewer-a", "SELECT DISTINCT team FROM ledger") == (200, "team-a\n")
    assert front.ask("viewer-b", "SELECT DISTINCT team FROM spend_hourly") == (200, "team-b\n")
    assert front.ask("viewer-a", "SELECT DISTINCT team FROM ledger SETTINGS join_use_nulls = 1, max_block_size = 100") == (200, "team-a\n")
    for sql in (
        "SELECT * FROM contents",
        "SELECT file('/etc/hostname')",
        "SELECT * FROM url('http://127.0.0.1:1/')",
        "INSERT INTO calls (team) VALUES ('x')",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT team FROM ledger SETTINGS additional_table_filters = {}",
        "SET readonly = 0",
        "SELECT 1; SELECT 2",
    ):
        assert front.ask("viewer-a", sql)[0] in (400, 403), sql
    assert front.ask("viewer-a", SLOW)[0] == 408


def test_a_front_tells_of_an_error_in_the_middle(front):
    with pytest.raises(Exception, match=r"IncompleteRead|InvalidChunk|Connection broken|prematurely"):
        front.ask("instance", "SELECT throwIf(number = 3000000, 'too far') FROM numbers(10000000)")
    status, body = front.ask("instance", "SELECT throwIf(number = 3, 'too far') FROM numbers(10)")
    assert (status, "too far" in body, body.startswith("Code: 395")) == (500, True, True)


def test_a_front_ends_the_query_of_a_client_that_goes_away(house, front):
    needle = "SELECT count() FROM numbers(1000000000003)"
    with socket.create_connection((front.server.host, front.server.port)) as sock:
        body = f"{needle} WHERE number % 7 = 3".encode()
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nX-ClickHouse-User: instance\r\nX-ClickHouse-Key: pw\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        assert wait_until(lambda: running(house, needle) == 1)
    assert wait_until(lambda: running(house, needle) == 0)


def test_a_front_without_a_server_says_so():
    with pytest.raises(WarehouseUnavailable):
        RemoteBackend("clickhouse://127.0.0.1:9")
