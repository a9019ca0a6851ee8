"""The web process: one port for pages, API, health and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import structlog

from dashboard import health
from dashboard.access import is_loopback
from dashboard.connections import Connections
from dashboard.context import Context, install
from dashboard.decisions.following import Follower
from spanledger import memory
from spanledger.errors import ConfigError
from spanledger.policy import PolicyFile
from spanledger.settings import Settings
from spanledger.sockets import listen

log = structlog.get_logger()

_PATIENCE_S = 30.0  # of the warm-up, with a warehouse that starts and with a page


def run(
    settings: Settings,
    policy_path: Path | None,
    stop: threading.Event,
    ready: Callable[[dict[str, str]], None],
    *,
    redact: Callable[[str], str] | None = None,
    tenant_hash: Callable[[str], str] = str,
    user_hashes: Callable[[str, str], Sequence[str]] = lambda _tenant, user: (user,),
) -> None:
    """Serve until ``stop`` is set; ``ready({"web": "host:port"})`` is called once the port is bound and answers.

    ``redact`` makes free text of feedback fit to be stored; without it such text is refused.
    ``tenant_hash``: what the ledger has for a tenant's name, ``user_hashes``: what it has and had for a user of a tenant.

    Raises:
        ConfigError: the policy is not valid, or the address is open to others and nobody could log in.
        DataDirUnusable: the address cannot be bound (port in use, no such address).
    """
    policy_file = PolicyFile(policy_path, settings.tokens_file)
    if policy_file.current.open_access and not is_loopback(settings.web_host):
        raise ConfigError(f"web address {settings.web_host} is reachable by others: configure `tokens:` or `oidc:` in the policy file first")
    listener = listen(settings.web_host, settings.web_port, "web")
    context = Context(settings, policy_file, Connections(settings, lambda: policy_file.current), redact, tenant_hash, user_hashes)
    install(context)
    follower = Follower(context.book, context.connections.checked, lambda: policy_file.current, tenant_hash)
    threading.Thread(target=follower.run, args=(stop,), name="decisions", daemon=True).start()
    try:
        asyncio.run(_serve(context, listener, stop, ready))
    finally:
        context.connections.close()
        listener.close()


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
            threading.Thread(target=warm, args=(context, _near(host, port), stop), name="warm", daemon=True).start()
        tick += 1
        if tick % 40 == 0:
            await asyncio.to_thread(_follow_policy, context)
        if tick % 300 == 0:
            await asyncio.to_thread(memory.give_back)
        await asyncio.sleep(0.1 if told else 0.02)
    server.should_exit = True
    await serving


def warm(context: Context, address: str, stop: threading.Event) -> None:
    """Do once what the first reader would otherwise wait for; the listener at ``address`` answers already."""
    import importlib

    from dashboard import assets
    from dashboard.pages import PATHS

    with contextlib.suppress(Exception):  # the first page will tell what is wrong, to somebody who reads it
        assets.packed.fill()
        plotly = ("plotly.graph_objs._figure", "plotly.graph_objs._bar", "plotly.graph_objs._scatter")
        for name in ("streamlit.elements.lib.streamlit_plotly_theme", *plotly, *(f"dashboard.pages.{path.replace('-', '_')}" for path in PATHS)):
            importlib.import_module(name)
        until = time.monotonic() + _PATIENCE_S
        while not stop.is_set() and time.monotonic() < until and health.warehouse_ready(context):
            stop.wait(0.5)
        _visit(address)
        context.asker.forget()  # what was true before the first spans came
    gc.collect()
    gc.freeze()  # Streamlit collects garbage after every run: 0.12 s of all that was ever imported, while everybody waits


def _near(host: str, port: int) -> str:
    """Where this process reaches what it listens on."""
    at = ipaddress.ip_address(host)
    if at.is_unspecified:
        at = ipaddress.ip_address("::1" if at.version == 6 else "127.0.0.1")
    return f"[{at}]:{port}" if at.version == 6 else f"{at}:{port}"


def _visit(address: str) -> None:
    """Read the first page as a stranger would: Streamlit imports, connects and computes much only then."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect
    from websockets.typing import Subprotocol

    ask = BackMsg()
    ask.rerun_script.query_string = ""
    with connect(f"ws://{address}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None) as page:
        page.send(ask.SerializeToString())
        while ForwardMsg.FromString(page.recv(_PATIENCE_S, decode=False)).WhichOneof("type") != "script_finished":
            pass


def _follow_policy(context: Context) -> None:
    before = context.policy_file.problem
    if context.policy_file.reload():
        log.info("policy_reloaded")
    elif context.policy_file.problem and context.policy_file.problem != before:
        log.warning("policy_not_reloaded", problem=context.policy_file.problem)
