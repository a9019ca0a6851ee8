"""A real collector in this process: real chDB in a temporary directory, real gRPC and HTTP on free ports of 127.0.0.1."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spanledger.instance import new_token, prepare
from spanledger.settings import Settings


@dataclass
class RunningCollector:
    """Addresses of a collector, and its warehouse."""

    addresses: dict[str, str]
    data: Path
    stop: Callable[[], None]

    def url(self, path: str) -> str:
        return f"http://{self.addresses['otlp_http']}{path}"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        from spanledger.instance import token
        from warehouse.engine import connect

        with closing(connect(f"http://{self.addresses['sql']}", user="instance", password=token(self.data))) as client:
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


@pytest.fixture
def start_collector(tmp_path: Path) -> Iterator[Callable[..., RunningCollector]]:
    """``start_collector(policy_text="", **settings)`` runs one; several in a row on one directory are restarts."""
    running: list[RunningCollector] = []

    def start(policy: str = "", data: Path | None = None, follow: Path | None = None, **settings: Any) -> RunningCollector:
        from collector.service import run

        where = data or tmp_path / "data"
        prepare(where)
        new_token(where)
        file = follow
        if policy:
            file = tmp_path / "spanledger.yaml"
            file.write_text(policy)
        chosen = Settings(data_dir=where, otlp_grpc_port=0, otlp_http_port=0, sql_port=0, **settings)
        stop, bound, failed = threading.Event(), threading.Event(), []
        addresses: dict[str, str] = {}

        def ready(found: dict[str, str]) -> None:
            addresses.update(found)
            bound.set()

        def serve() -> None:
            try:
                run(chosen, file, stop, ready)
            except BaseException as exc:
                failed.append(exc)
                bound.set()

        thread = threading.Thread(target=serve, name="collector-under-test", daemon=True)
        thread.start()
        assert bound.wait(30), "the collector did not come up"
        if failed:
            raise failed[0]

        def end() -> None:
            stop.set()
            thread.join(20)
            assert not thread.is_alive(), "the collector did not stop"

        one = RunningCollector(addresses, where, end)
        running.append(one)
        return one

    yield start
    for one in running:
        one.stop()
