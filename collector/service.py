"""The collector process: opens the warehouse, serves OTLP and (embedded) SQL, posts, and stops without losing anything.

``run`` is its whole life. Order of a stop: refuse new exports, write what is queued, post what is journaled, close the warehouse.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvicorn
from clickhouse_connect.driver.exceptions import ClickHouseError

from collector.credentials import IngestAuth, is_loopback, require_tokens_off_loopback
from collector.identity import IdentityKeys, load_identity_keys
from collector.intake import Intake, Receiving
from collector.launch import Sealing
from collector.loader import Loader
from collector.on_record import OnRecord
from collector.poster import Poster
from collector.posting.rules import rules_from
from collector.pricing.editions import PriceFolder
from collector.receivers import grpc as grpc_door
from collector.receivers import http as http_door
from collector.redaction.names import reading_names
from collector.sealers import Derived, Sealers, decode_options
from collector.sealing import SchemaCheck
from collector.spool import Spool
from collector.workers import Workers
from spanledger.errors import DataDirUnusable, SpanledgerError
from spanledger.instance import token as instance_token
from spanledger.policy import PolicyFile
from spanledger.settings import Settings
from spanledger.sockets import listen
from warehouse import journal, lifecycle
from warehouse.engine import Engine, connect
from warehouse.leases import Lease
from warehouse.migrate import migrate
from warehouse.rollups import RollupWorker

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = structlog.get_logger(__name__)

Ready = Callable[[dict[str, str]], None]


@dataclass
class _Warehouse:
    """The warehouse as the collector sees it: a way to open clients, and what only an embedded one has."""

    client: Callable[[], Client]
    engine: Engine | None


def run(
    settings: Settings,
    policy_path: Path | None,
    stop: threading.Event,
    ready: Ready,
    *,
    schema_check: SchemaCheck | None = None,
    sealing: Sealing | None = None,
) -> None:
    """Serve until ``stop`` is set; ``ready`` is called once with the bound addresses (``otlp_grpc``, ``otlp_http``, embedded also ``sql``).

    ``sealing``: the sealing processes; without any, this process seals.

    Raises:
        ConfigError, DataDirHeld, DataDirUnusable, WarehouseUnavailable: it cannot start; one clear line each.
    """
    sys.setswitchinterval(0.02)  # decoding, writing and posting hand the interpreter on less often: a fifth more spans a second
    gc.set_threshold(100_000, 20, 100)  # batches make many short-lived objects without cycles: the defaults cost a third of the time
    policy = PolicyFile(policy_path, settings.tokens_file)
    auth = Derived(policy, IngestAuth)
    require_tokens_off_loopback(settings.otlp_host, auth())
    keys = load_identity_keys(settings.data_dir / "keys")
    with contextlib.ExitStack() as stack:
        workers = Workers(sealing, settings, policy_path) if sealing is not None and sealing.started else None
        if workers is not None:
            stack.callback(workers.close, 1.0)
        warehouse = stack.enter_context(_opened(settings))
        lists = PriceFolder(settings.data_dir / "prices")
        rules = Derived(policy, lambda p: rules_from(p, lambda tenant: keys.name("", "tenant", tenant), lists()), lists)
        poster = Poster(
            warehouse.client,
            rules,
            writer=_writer_name(settings),
            sole_writer=settings.embedded,
            retention=policy.current.retention.spans or _FOREVER,
        )
        highest = poster.start()
        spool = Spool(settings.data_dir / "spool", settings.spool_bytes)
        linger_s = settings.posting_interval_ms / 1000
        loader = Loader(warehouse.client, spool, poster, batch_rows=settings.batch_rows, linger_s=linger_s, first_batch=highest)
        if workers is not None:
            intake = workers
            workers.start(spool, loader)
        else:
            intake = _sealing_here(settings, policy, schema_check, spool, loader)
        loader.start()
        with reading_names(settings, policy.current, warehouse.client), _background(settings, policy, warehouse, poster, keys) as addresses:
            try:
                asyncio.run(_serve(settings, intake, auth, warehouse, addresses, stop, ready))
            finally:
                deadline = time.monotonic() + settings.shutdown_s
                intake.close(max(1.0, deadline - time.monotonic()))
                loader.close(max(1.0, deadline - time.monotonic()))
                poster.close(max(1.0, deadline - time.monotonic()))
                log.info("collector_stopped", posted=poster.idle)


def _sealing_here(settings: Settings, policy: PolicyFile, schema_check: SchemaCheck | None, spool: Spool, loader: Loader) -> Intake:
    """Decode and seal in this process: for small machines and for tests."""
    sealers = Sealers(settings, policy, schema_check)
    intake = Intake(
        sealers,
        Derived(policy, lambda p: decode_options(settings, p)),
        spool,
        loader,
        queue_bytes=settings.queue_bytes,
        batch_rows=settings.batch_rows,
        max_message_bytes=settings.max_message_bytes,
        gate=sealers.gate(),
    )
    intake.start()
    return intake


def _writer_name(settings: Settings) -> str:
    """The same after a restart, another for each collector: host and data directory."""
    if settings.embedded:
        return "embedded"
    return f"{socket.gethostname()}-{blake2b(str(settings.data_dir.absolute()).encode(), digest_size=4).hexdigest()}"


@contextlib.contextmanager
def _opened(settings: Settings) -> Generator[_Warehouse]:
    """The migrated warehouse: chDB in the data directory, or a ClickHouse server."""
    if not settings.embedded:
        url = settings.warehouse.get_secret_value()
        with contextlib.closing(connect(url)) as client:
            migrate(client, layout="cluster" if settings.cluster else "single")
        yield _Warehouse(lambda: connect(url), None)
        return
    engine = Engine.open(settings.data_dir, memory_bytes=settings.warehouse_memory_bytes)
    try:
        with contextlib.closing(engine.client()) as client:
            migrate(client)
        yield _Warehouse(engine.client, engine)
    finally:
        engine.close()


@contextlib.contextmanager
def _background(settings: Settings, policy: PolicyFile, warehouse: _Warehouse, poster: Poster, keys: IdentityKeys) -> Generator[dict[str, str]]:
    """What runs beside the doors: policy reload, rollups and, embedded, the SQL endpoint. Gives the addresses it has bound."""
    ended = threading.Event()

    def keep_house(client: Client) -> None:
        """Once a day, by one collector of several: retention, and what is kept for years."""
        if Lease(client, "keep_house", _writer_name(settings), ttl_s=3_600).hold():
            lifecycle.keep_house(client, policy.current.retention, lambda tenant: keys.name("", "tenant", tenant))

    beside = [
        threading.Thread(target=_follow, args=(policy, settings, warehouse, ended), name="policy", daemon=True),
        threading.Thread(target=_roll_up, args=(warehouse, poster, keep_house, ended), name="rollups", daemon=True),
    ]
    for thread in beside:
        thread.start()
    addresses: dict[str, str] = {}
    endpoint = None
    if warehouse.engine is not None:
        from warehouse.access import authenticator
        from warehouse.endpoint import Limits, Tls, serve

        tls = Tls(str(settings.tls_cert), str(settings.tls_key)) if settings.tls_cert and settings.tls_key else None
        limits = Limits(
            query_s=settings.query_timeout_s,
            query_rows=settings.query_rows,
            memory_bytes=settings.query_memory_bytes,
            readers=settings.query_concurrency,
        )
        who = authenticator(lambda: policy.current, instance_token(settings.data_dir), loopback=is_loopback(settings.sql_host))
        try:
            endpoint = serve(warehouse.engine, settings.sql_host, settings.sql_port, who, tls=tls, limits=limits)
        except OSError as exc:
            raise DataDirUnusable(f"the SQL address {settings.sql_host}:{settings.sql_port} cannot be bound: {exc.strerror or exc}") from exc
        addresses["sql"] = endpoint.address
    try:
        yield addresses
    finally:
        ended.set()
        if endpoint is not None:
            endpoint.close(1.0)
        for thread in beside:
            thread.join(5)


def _roll_up(warehouse: _Warehouse, poster: Poster, keep_house: Callable[[Client], None], ended: threading.Event) -> None:
    """Keep the rollups up with the ledger, and the poster's memory with erasures; what fails is tried again, readers take the exact base."""
    worker = RollupWorker([poster.clock])
    with contextlib.closing(warehouse.client()) as client:
        erased = journal.latest_erasure(client)
        house_at = time.monotonic() + 60.0  # not while everything starts
        while not ended.wait(2.0):
            try:
                if time.monotonic() >= house_at:
                    house_at = time.monotonic() + 600.0
                    keep_house(client)
                while worker.step(client) and not ended.is_set():
                    pass
                if (latest := journal.latest_erasure(client)) != erased:
                    erased = latest
                    poster.forget()
            except Exception as exc:
                log.warning("rollups_wait", error=type(exc).__name__, reason=str(exc)[:300])
                ended.wait(5.0)


def _follow(policy: PolicyFile, settings: Settings, warehouse: _Warehouse, ended: threading.Event) -> None:
    """Take over a changed policy file, if it is valid; each change, and each key made on the way, is in the audit log."""
    record = OnRecord(policy, settings)
    while not ended.wait(2.0):
        try:
            if policy.reload():
                log.info("policy_reloaded")
            if record.behind:
                with contextlib.closing(warehouse.client()) as client:
                    record.step(client)
        except (SpanledgerError, OSError, ClickHouseError) as exc:
            log.warning("policy_waits", reason=str(exc)[:300])


async def _serve(
    settings: Settings,
    intake: Receiving,
    auth: Callable[[], IngestAuth],
    warehouse: _Warehouse,
    addresses: dict[str, str],
    stop: threading.Event,
    ready: Ready,
) -> None:
    """Both OTLP doors until ``stop``; then they refuse, and the requests under way get their answers."""
    tls = (settings.tls_cert, settings.tls_key) if settings.tls_cert and settings.tls_key else None
    grpc_server, grpc_port = await grpc_door.start(
        intake, auth, settings.otlp_host, settings.otlp_grpc_port, max_message_bytes=settings.max_message_bytes, tls=tls
    )
    listener = listen(settings.otlp_host, settings.otlp_http_port, "OTLP/HTTP")
    probe = _Probe(warehouse, intake)
    door = http_door.app(intake, auth, probe.state, max_message_bytes=settings.max_message_bytes)
    config = uvicorn.Config(
        door, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=3, timeout_keep_alive=75,
        ssl_certfile=str(tls[0]) if tls else None, ssl_keyfile=str(tls[1]) if tls else None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[method-assign]  # signals are the process's business
    with contextlib.suppress(AttributeError):
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn tells it by an attribute only
        await asyncio.sleep(0.01)
    host = settings.otlp_host
    ready({"otlp_grpc": f"{host}:{grpc_port}", "otlp_http": f"{host}:{listener.getsockname()[1]}", **addresses})
    log.info("collector_ready", otlp_grpc=grpc_port, otlp_http=listener.getsockname()[1], **addresses)
    while not stop.is_set() and not serving.done():  # noqa: ASYNC110  set by a signal handler of another thread
        await asyncio.sleep(0.1)
    closing = asyncio.create_task(asyncio.to_thread(intake.close, settings.shutdown_s))
    await grpc_server.stop(grace=3)
    server.should_exit = True
    await asyncio.gather(serving, closing, return_exceptions=True)


class _Probe:
    """State for ``/readyz``: exports are accepted and the warehouse answers."""

    def __init__(self, warehouse: _Warehouse, intake: Receiving) -> None:
        self._warehouse, self._intake = warehouse, intake
        self._lock = threading.Lock()
        self._checked, self._answers = 0.0, False

    def state(self) -> dict[str, object]:
        with self._lock:
            if time.monotonic() - self._checked > 1.0:
                self._answers, self._checked = self._ask(), time.monotonic()
            accepting = self._intake.accepting
            return {"ready": accepting and self._answers, "accepting": accepting, "warehouse": self._answers}

    def _ask(self) -> bool:
        try:
            with contextlib.closing(self._warehouse.client()) as client:
                client.command("SELECT 1")
        except Exception as exc:
            log.warning("warehouse_does_not_answer", reason=str(exc)[:200])
            return False
        return True


_FOREVER = timedelta(days=36_500)
