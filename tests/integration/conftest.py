"""A real collector in this process: real chDB in a temporary directory, real gRPC and HTTP on free ports of 127.0.0.1."""

from __future__ import annotations

import faulthandler
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanledger.instance import new_token, prepare
from spanledger.settings import Settings
from warehouse.tables import CONTENTS
from warehouse.vault.keyring import Keyring, LocalKek

if TYPE_CHECKING:
    from collector.redaction.quarantine import Quarantine


@dataclass
class RunningCollector:
    """Addresses of a collector, and its warehouse."""

    addresses: dict[str, str]
    data: Path
    stop: Callable[[], None]
    warehouse: str  # "" when it is inside the collector

    @property
    def engine_dir(self) -> Path:
        """Where the engine's files are."""
        return self.data.parent / "server" if self.warehouse else self.data

    def settings(self, **more: Any) -> Settings:
        """Settings with which the command line works on the same warehouse."""
        return Settings(data_dir=self.data, **({"warehouse": self.warehouse} if self.warehouse else {}), **more)

    def url(self, path: str) -> str:
        return f"http://{self.addresses['otlp_http']}{path}"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        from spanledger.instance import token
        from warehouse.engine import connect

        url = self.warehouse or f"http://{self.addresses['sql']}"
        with closing(connect(url, user="" if self.warehouse else "instance", password="" if self.warehouse else token(self.data))) as client:
            return [tuple(row) for row in client.query(sql).result_rows]

    def settled(self, sql: str, wanted: object, timeout_s: float = 15) -> object:
        """The first cell of ``sql`` once it is ``wanted``, or what it is after ``timeout_s``."""
        import time

        deadline = time.monotonic() + timeout_s
        while True:
            got = self.query(sql)[0][0]
            if got == wanted or time.monotonic() > deadline:
                return got
            time.sleep(0.1)


MODES = ["embedded", "server"]


@contextmanager
def warehouse_of(mode: str, folder: Path) -> Iterator[str]:
    """ "" for the engine inside the collector; else the URL of a server that holds the warehouse.

    No ClickHouse server can be started here: our own endpoint plays it, since it speaks the same protocol in front of the same engine.
    """
    if mode == "embedded":
        yield ""
        return
    from warehouse.endpoint import Principal, serve
    from warehouse.engine import Engine

    engine = Engine.open(folder / "server")
    door = serve(engine, "127.0.0.1", 0, lambda user, secret: Principal("collector", "instance", None))
    yield f"clickhouse://default@{door.address}/spanledger"
    door.close(1)
    engine.close()


@contextmanager
def collectors_of(folder: Path, warehouse_url: str) -> Iterator[Callable[..., RunningCollector]]:
    """``start(policy_text="", **settings)`` runs one; several in a row on one directory are restarts."""
    running: list[RunningCollector] = []

    def start(policy: str = "", data: Path | None = None, follow: Path | None = None, **settings: Any) -> RunningCollector:
        from collector import launch
        from collector.service import run
        from spanledger.commands.roles import sealing_command

        where = data or folder / "data"
        prepare(where)
        new_token(where)
        file = follow
        if policy:
            file = folder / "spanledger.yaml"
            file.write_text(policy)
        if warehouse_url:
            settings["warehouse"] = warehouse_url
        settings.setdefault("sealing_processes", 0 if warehouse_url else 1)  # both ways are tested
        chosen = Settings(data_dir=where, otlp_grpc_port=0, otlp_http_port=0, sql_port=0, **settings)
        stop, bound, failed = threading.Event(), threading.Event(), []
        addresses: dict[str, str] = {}

        def ready(found: dict[str, str]) -> None:
            addresses.update(found)
            bound.set()

        def serve() -> None:
            try:
                with launch.sealing(sealing_command, chosen.sealing_processes) as sealing:
                    run(chosen, file, stop, ready, sealing=sealing)
            except BaseException as exc:
                failed.append(exc)
                bound.set()

        thread = threading.Thread(target=serve, name="collector-under-test", daemon=True)
        thread.start()

        def end() -> None:
            stop.set()
            thread.join(20)
            assert not thread.is_alive(), "the collector did not stop"

        if not bound.wait(60):
            faulthandler.dump_traceback()  # where it waits
            end()  # or every later test would find its directory open
            pytest.fail("the collector did not come up")
        if failed:
            raise failed[0]

        one = RunningCollector(addresses, where, end, warehouse_url)
        running.append(one)
        return one

    try:
        yield start
    finally:
        for one in running:
            one.stop()


@pytest.fixture(params=MODES)
def warehouse_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """:func:`warehouse_of` either mode."""
    with warehouse_of(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def start_collector(tmp_path: Path, warehouse_url: str) -> Iterator[Callable[..., RunningCollector]]:
    """:func:`collectors_of` this test."""
    with collectors_of(tmp_path, warehouse_url) as start:
        yield start


@pytest.fixture(scope="module", params=MODES)
def shared_collector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    """One for all tests of a module, which takes bodies of 200,000 bytes; what is sent is told apart by its service."""
    folder = tmp_path_factory.mktemp("shared")
    with warehouse_of(request.param, folder) as url, collectors_of(folder, url) as start:
        yield start(max_message_bytes=200_000)


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    """Keys of tenants, wrapped by one in memory."""
    return Keyring(tmp_path / "keys", LocalKek(b"k" * 32))


@pytest.fixture
def quarantine(tmp_path: Path, ring: Keyring) -> Quarantine:
    """Where texts wait for the name tier."""
    from collector.redaction.quarantine import Quarantine

    return Quarantine(tmp_path / "quarantine", ring)


@pytest.fixture(scope="session")
def rows() -> Callable[..., pa.RecordBatch]:
    """Makes rows of table ``contents``, one a prompt."""

    def make(*prompts: str, tenant: str = "aa", **more: Any) -> pa.RecordBatch:
        columns: dict[str, Any] = {f.name: [""] * len(prompts) for f in CONTENTS}
        columns |= {
            "ts": pa.array([0] * len(prompts), CONTENTS.field("ts").type),
            "trace_id": [bytes([i]) * 16 for i in range(len(prompts))],
            "span_id": [bytes([i]) * 8 for i in range(len(prompts))],
            "tenant_hash": [tenant] * len(prompts),
            "prompt": list(prompts),
            "context": [[]] * len(prompts),
            "extra": [[]] * len(prompts),
            "ver": [b"\1" * 16] * len(prompts),
            **{name: [value] * len(prompts) for name, value in more.items()},
        }
        return pa.RecordBatch.from_pydict({f.name: columns[f.name] for f in CONTENTS}, CONTENTS)

    return make
