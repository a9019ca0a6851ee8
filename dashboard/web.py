"""The web process: one port for pages, API, health and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import structlog

from dashboard.access import is_loopback
from dashboard.connections import Connections
from dashboard.context import Context, install
from spanledger.errors import ConfigError, DataDirUnusable
from spanledger.policy import PolicyFile
from spanledger.settings import Settings

log = structlog.get_logger()


def run(
    settings: Settings,
    policy_path: Path | None,
    stop: threading.Event,
    ready: Callable[[dict[str, str]], None],
    *,
    redact: Callable[[str], str] | None = None,
) -> None:
    """Serve until ``stop`` is set; ``ready({"web": "host:port"})`` is called once the port is bound and answers.

    ``redact`` makes free text of feedback fit to be stored; without it such text is refused.

    Raises:
        ConfigError: the policy is not valid, or the address is open to others and nobody could log in.
        DataDirUnusable: the address cannot be bound (port in use, no such address).
    """
    policy_file = PolicyFile(policy_path, settings.tokens_file)
    if policy_file.current.open_access and not is_loopback(settings.web_host):
        raise ConfigError(f"web address {settings.web_host} is reachable by others: configure `tokens:` or `oidc:` in the policy file first")
    listener = bind(settings.web_host, settings.web_port)
    context = Context(settings, policy_file, Connections(settings, lambda: policy_file.current), redact)
    install(context)
    try:
        asyncio.run(_serve(context, listener, stop, ready))
    finally:
        context.connections.close()
        listener.close()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one.

    Raises:
        DataDirUnusable: it cannot be bound; the message says why.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError as exc:
        listener.close()
        raise DataDirUnusable(f"web address {host}:{port} cannot be used: {exc.strerror or exc}") from exc
    listener.setblocking(False)
    return listener


async def _serve(context: Context, listener: socket.socket, stop: threading.Event, ready: Callable[[dict[str, str]], None]) -> None:
    import uvicorn

    from dashboard.app import build

    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)

    class Quiet(uvicorn.Server):
        """A server that leaves the process's signal handlers alone: ``stop`` ends it."""

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None]:
            yield

    options: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "timeout_graceful_shutdown": 2, "lifespan": "on"}
    server = Quiet(uvicorn.Config(build(context), **options))
    host, port = listener.getsockname()[:2]
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    told, tick = False, 0
    while not serving.done() and not stop.is_set():
        if server.started and not told:
            told = True
            ready({"web": address})
            threading.Thread(target=warm, name="warm", daemon=True).start()
        tick += 1
        if tick % 40 == 0:
            await asyncio.to_thread(_follow_policy, context)
        await asyncio.sleep(0.1 if told else 0.02)
    server.should_exit = True
    await serving


def warm() -> None:
    """Import, and do once, what the first reader would otherwise wait for; the listener answers already."""
    with contextlib.suppress(Exception):  # the first page will tell what is wrong, to somebody who reads it
        import importlib
        from datetime import UTC, datetime

        import polars as pl

        from dashboard import figures
        from dashboard.pages import PATHS

        late = ("pandas", "streamlit.elements.lib.streamlit_plotly_theme", "streamlit.elements.lib.pandas_styler_utils")
        for name in (*late, *(f"dashboard.pages.{path.replace('-', '_')}" for path in PATHS)):
            importlib.import_module(name)
        frame = pl.DataFrame({"at": [datetime.now(UTC)], "name": ["x"], "value": [1.0]})
        figures.stacked(frame, value="value", name="name", colours={}).to_json()
        figures.lines(frame, values={"value": ("x", "#000000")}, unit="").to_json()


def _follow_policy(context: Context) -> None:
    before = context.policy_file.problem
    if context.policy_file.reload():
        log.info("policy_reloaded")
    elif context.policy_file.problem and context.policy_file.problem != before:
        log.warning("policy_not_reloaded", problem=context.policy_file.problem)
