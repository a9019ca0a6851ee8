"""How a command comes to the warehouse: the running instance's SQL endpoint, a ClickHouse server, or the data directory itself."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from spanledger import instance
from spanledger.errors import NotFound
from spanledger.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@contextlib.contextmanager
def opened(
    settings: Settings, *, writing: bool = False, migrating: bool = False, query_settings: Mapping[str, Any] | None = None
) -> Generator[Client]:
    """A client on database ``spanledger``.

    Args:
        settings: how this installation runs.
        writing: the schema is brought up to date first; without it nothing is created where nothing is, and no query takes longer than
            ``query_timeout_s``.
        migrating: the caller does that itself.
        query_settings: settings of every query, applied in their order.

    Raises:
        WarehouseUnavailable, AccessDenied: the server or endpoint cannot be used.
        DataDirHeld: another program owns the data directory.
        NotFound: there is no data to read.
    """
    from warehouse.engine import ANSWER_S, READ_SETTINGS, Engine, connect
    from warehouse.migrate import migrate

    query_s = ANSWER_S if writing else max(1, int(settings.query_timeout_s))
    if not settings.embedded or instance.held(settings.data_dir):
        access = instance.sql_access(settings, wait_s=10)
        client = connect(access.url, user=access.user, password=access.password, settings=dict(query_settings or {}), query_s=query_s)
        try:
            yield client
        finally:
            client.close()
        return
    if not writing and not (settings.data_dir / "warehouse").is_dir():
        raise NotFound(f"there is no data in {settings.data_dir}: start it with `spanledger up --data {settings.data_dir}`")
    with Engine.open(settings.data_dir, memory_bytes=settings.warehouse_memory_bytes) as engine:
        client = engine.client(**{**READ_SETTINGS, "max_execution_time": query_s, **(query_settings or {})})
        try:
            if writing and not migrating:
                migrate(client)
            yield client
        finally:
            client.close()
