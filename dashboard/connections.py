"""Where the data is, and one warehouse client per thread: the way of every page and API answer to ``warehouse.queries``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from spanledger import instance
from spanledger.errors import WarehouseUnavailable
from spanledger.settings import Settings
from warehouse import engine

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Answer = TypeVar("Answer")


class Connections:
    """Finds the SQL endpoint (embedded: through the run files; server: the setting) and keeps one client per thread."""

    def __init__(self, settings: Settings, workers: int = 6) -> None:
        self.settings = settings
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="question")

    def client(self) -> Client:
        """This thread's client. Questions carry the caller's teams in their ``Scope``.

        Raises:
            WarehouseUnavailable: the collector has not written its address yet, or does not answer.
        """
        url, user, password = instance.sql_access(self.settings)
        kept: dict[tuple[str, str], Client] = self._local.__dict__.setdefault("clients", {})
        key = (url, password)
        if key not in kept:
            if len(kept) > 8:
                kept.pop(next(iter(kept))).close()
            kept[key] = engine.connect(url, user=user, password=password)
        return kept[key]

    def address(self, name: str) -> str:
        """``host:port`` of one of the collector's listeners: as it has reported, else as set.

        Raises:
            WarehouseUnavailable: it picks a free port and has not told which yet.
        """
        told = (instance.reported(self.settings.data_dir, "collector") or {}).get(name)
        if told:
            return told
        port = getattr(self.settings, f"{name}_port")
        if not port:
            raise WarehouseUnavailable("the collector is still starting")
        return f"{self.settings.otlp_host}:{port}"

    def ask(self, question: Callable[[Client], Answer]) -> Answer:
        """One question in this thread."""
        return question(self.client())

    def submit(self, question: Callable[[Client], Answer]) -> Future[Answer]:
        """One question on a thread of the pool, with that thread's own client."""
        return self._pool.submit(self.ask, question)

    def close(self) -> None:
        """Stop taking questions."""
        self._pool.shutdown(wait=False, cancel_futures=True)
