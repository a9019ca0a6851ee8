"""Opening the warehouse: an embedded chDB data directory (``Engine``) or a ClickHouse URL (``connect``).

Both give clickhouse-connect clients on database ``spanledger``; nothing else in the product knows which one it holds.

Engine facts this module lives with (chDB 26.9):

* one *process* owns a data directory; a second one cannot open it, not even to read: ``DataDirHeld`` says who does;
* one process can have one directory open at a time: close the ``Engine`` before opening another (same process, same directory: the
  same engine, counted);
* a client is a session (``USE``, ``SET``, temporary tables) with a lock: one per thread, 8 ms to make, 0.1 MB;
* only a configuration file that is passed explicitly keeps the engine from loading one it finds in the working directory or in home.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

import clickhouse_connect
import clickhouse_connect.common
from clickhouse_connect.driver.exceptions import ClickHouseError

from spanledger.errors import (
    AccessDenied,
    ConfigError,
    DataDirHeld,
    DataDirUnusable,
    WarehouseUnavailable,
)
from warehouse import driver

if TYPE_CHECKING:
    from chdb.state.sqlitelike import Connection
    from clickhouse_connect.driver.client import Client

driver.install()

DATABASE = "spanledger"
#: Without the first, FINAL costs 5x on merged days; long reads in the endpoint's blocks of 8,192 rows cost a tenth more, the worst answers a fifth;
#: unpacking a lookup's Arrow columns one by one costs a millisecond. The embedded engine has the last in its profile (``config/users.xml``).
READ_SETTINGS = {"do_not_merge_across_partitions_select_final": 1, "max_block_size": 32_768, "output_format_arrow_compression_method": "none"}

ANSWER_S = 600  # as long does a client wait for one statement

_CONFIG = Path(__file__).parent / "config"
_MIB = 1 << 20


@dataclass(frozen=True)
class EngineOptions:
    """How much of the machine an embedded engine may take.

    Attributes:
        memory_bytes: ceiling for the whole process as the engine sees it; queries over it fail with code 241, the process lives.
        background_threads: merges at a time.
        max_threads: threads of one query.
        log_slower_than_ms: shortest query that enters ``system.query_log`` (kept 3 days).
        extra_config: XML to add to the engine's configuration (tests of the cluster layout: macros, remote_servers).
    """

    memory_bytes: int = 2_000_000_000
    background_threads: int = 2
    max_threads: int = max(1, min(os.cpu_count() or 1, 8))
    log_slower_than_ms: int = 0
    extra_config: str = ""


class Engine:
    """The owner of an embedded data directory: ``DIR/warehouse`` (data), ``DIR/warehouse-config``, ``DIR/backups``."""

    _open: Engine | None = None
    _gate = threading.RLock()

    def __init__(self, data_dir: Path, options: EngineOptions, lock_fd: int) -> None:
        self.data_dir = data_dir
        self.options = options
        self.path = data_dir / "warehouse"
        self.backups_dir = data_dir / "backups"
        self.config_file = data_dir / "warehouse-config" / "engine.xml"
        self._lock_fd = lock_fd
        self._users = 1
        self._root: Connection | None = None
        self._handed_out: weakref.WeakSet[Any] = weakref.WeakSet()
        self._clients: weakref.WeakSet[Client] = weakref.WeakSet()

    @classmethod
    def open(cls, data_dir: Path, *, memory_bytes: int = 2_000_000_000, **options: Any) -> Engine:
        """The engine over ``data_dir``, created if absent, with database ``spanledger``.

        Opening the same directory again in one process gives the same engine, closed when each opener has closed it (the
        options of the first count).

        Raises:
            DataDirHeld: another process owns it (the message says its pid), or this process has another directory open.
            DataDirUnusable: it cannot be created or written, or the engine refuses what it finds there.
        """
        data_dir = Path(os.path.realpath(data_dir))
        with cls._gate:
            running = cls._open
            if running is not None:
                if running.data_dir != data_dir:
                    raise DataDirHeld(f"this process already has {running.data_dir} open: the embedded engine holds one data directory per process")
                running._users += 1
                return running
            engine = cls(
                data_dir,
                EngineOptions(memory_bytes=memory_bytes, **options),
                _take_lock(data_dir),
            )
            try:
                engine._start()
            except BaseException:
                engine._release()
                raise
            cls._open = engine
            return engine

    def _start(self) -> None:
        try:
            _write_config(self)
        except OSError as exc:
            raise DataDirUnusable(f"{self.data_dir} cannot be written: {exc.strerror or exc}") from exc
        try:
            self._root = self._connect()
            self._root.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic")
        except Exception as exc:
            pid = _pid_in_status(self.path)
            if pid is not None:
                raise DataDirHeld(f"{self.data_dir} is held by process {pid}") from exc
            raise DataDirUnusable(f"the engine cannot open {self.path}: {exc}") from exc

    def _connect(self) -> Connection:
        import chdb  # half a second and 100 MB: only for who owns an engine

        return chdb.connect(f"{self.path}?{urlencode({'config-file': str(self.config_file)})}")

    def connection(self, **settings: Any) -> Connection:
        """A new raw engine handle on database ``spanledger`` (for ``send_insert`` and ``send_query``); one per thread; close it."""
        if self._root is None:
            raise WarehouseUnavailable("the engine is closed")
        handle = self._connect()
        try:
            handle.query(f"USE {DATABASE}")
            for name, value in settings.items():
                handle.query(f"SET {setting_name(name)} = {literal(value)}")
        except BaseException:
            handle.close()
            raise
        self._handed_out.add(handle)
        return handle

    def client(self, **settings: Any) -> Client:
        """A new clickhouse-connect client on database ``spanledger``; one per thread; close it."""
        if self._root is None:
            raise WarehouseUnavailable("the engine is closed")
        client = clickhouse_connect.get_client(
            interface="chdb",
            path=str(self.path),
            database=DATABASE,
            settings=settings or None,
            chdb_options={"config-file": str(self.config_file)},
        )
        self._handed_out.add(client)
        self._clients.add(client)
        return client

    @classmethod
    def of(cls, client: Client) -> Engine | None:
        """The embedded engine that this client belongs to; None: it speaks to a server."""
        running = cls._open
        return running if running is not None and client in running._clients else None

    @property
    def closed(self) -> bool:
        """Whether the last opener has closed it."""
        return self._root is None

    def close(self) -> None:
        """Close the directory, and every client still open on it, when its last opener is done; waits for queries in flight."""
        with Engine._gate:
            if self._root is None:
                return
            self._users -= 1
            if self._users > 0:
                return
            for handle in list(self._handed_out):
                handle.close()
            self._root.close()
            self._root = None
            Engine._open = None
            self._release()

    def _release(self) -> None:
        os.close(self._lock_fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line of the driver's says more than that the server will judge a reader's setting."""
    return not str(record.msg).startswith("Attempting to send readonly setting")


def connect(
    url: str,
    *,
    user: str = "",
    password: str = "",
    token: str = "",
    settings: dict[str, Any] | None = None,
    query_s: int = ANSWER_S,
) -> Client:
    """A clickhouse-connect client for a ClickHouse HTTP address, a server's or our own endpoint's.

    ``clickhouse://user:pw@host:8123/db`` speaks HTTP; ``clickhouses://``, ``https://``, port 8443 or ``?secure=1`` speak TLS
    (``?verify=0`` accepts any certificate, ``?ca=FILE`` names one). The client holds no session: it may be shared by threads.
    ``token``: sent as a bearer token in place of user and password; another may be put in later (``Client.set_access_token``).
    ``query_s``: time limit of each query where the server sets none.

    Raises:
        ConfigError: not such a URL.
        AccessDenied: the server refuses the credentials.
        WarehouseUnavailable: nobody answers.
    """
    target = parse_url(url)
    clickhouse_connect.common.set_setting("invalid_setting_action", "send")  # the server judges; a reader's look read-only to the client
    logging.getLogger("clickhouse_connect.driver.client").addFilter(_is_news)
    try:
        client = clickhouse_connect.get_client(
            interface="https" if target.secure else "http",
            host=target.host,
            port=target.port,
            username=None if token else user or target.user or "default",
            password="" if token else password or target.password,
            access_token=token or None,
            database=target.database,
            settings={**READ_SETTINGS, **(settings or {})},
            autogenerate_session_id=False,
            form_encode_query_params=True,  # an address of parameters is spelled out four times over, character by character
            compress=not target.is_loopback,  # on one machine it costs more than it saves
            verify=target.verify,
            ca_cert=target.ca or None,
            connect_timeout=10,
            send_receive_timeout=ANSWER_S,
        )
        if (told := client.server_settings.get("max_execution_time")) is None or float(told.value) == 0:
            client.set_client_setting("max_execution_time", query_s)
        return client
    except ClickHouseError as exc:
        message = str(exc).strip()
        if any(
            word in message
            for word in (
                "AUTHENTICATION_FAILED",
                "ACCESS_DENIED",
                "Code: 516",
                "Code: 497",
            )
        ):
            raise AccessDenied(f"{target.host}:{target.port} refuses the credentials: {message[:300]}") from exc
        raise WarehouseUnavailable(f"{target.host}:{target.port} does not answer: {message[:300]}") from exc


@dataclass(frozen=True)
class Target:
    """A ClickHouse HTTP address, taken apart."""

    host: str
    port: int
    secure: bool
    user: str
    password: str = field(repr=False)
    database: str = DATABASE
    verify: bool = True
    ca: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        return self.host in ("localhost", "127.0.0.1", "::1")


def parse_url(url: str) -> Target:
    """Take a ``clickhouse[s]://`` or ``http[s]://`` URL apart; raises ``ConfigError`` (without the password) for another."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise ConfigError(f"not a ClickHouse URL: {exc}") from exc
    if parts.scheme not in ("clickhouse", "clickhouses", "http", "https") or not parts.hostname:
        raise ConfigError("a ClickHouse URL looks like clickhouse://user@host:8123/spanledger or clickhouses://user@host:8443/spanledger")
    query = dict(parse_qsl(parts.query))
    secure = parts.scheme in ("clickhouses", "https") or port in (443, 8443) or _yes(query.get("secure", "0"))
    return Target(
        host=parts.hostname,
        port=port or (8443 if secure else 8123),
        secure=secure,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")) or DATABASE,
        verify=_yes(query.get("verify", "1")),
        ca=query.get("ca", ""),
    )


def literal(value: Any) -> str:
    """A SQL literal for a setting's value; strings are quoted and escaped."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def setting_name(name: str) -> str:
    """``name`` if it can be a setting's name, else ``ConfigError``: it goes into SQL unquoted."""
    if not name.isascii() or not name.isidentifier():
        raise ConfigError(f"not a setting: {name!r}")
    return name


def _yes(text: str) -> bool:
    return text.lower() in ("1", "true", "yes", "on")


def _take_lock(data_dir: Path) -> int:
    """An exclusive lock on ``DIR/warehouse.lock``, held for this process's life; the file names the holder."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(data_dir / "warehouse.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise DataDirUnusable(f"{data_dir} cannot be used: {exc.strerror or exc}") from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        holder = os.pread(fd, 32, 0).decode(errors="replace").strip()
        os.close(fd)
        raise DataDirHeld(f"{data_dir} is held by process {holder or '(unknown)'}") from exc
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _pid_in_status(engine_dir: Path) -> int | None:
    """The pid in the engine's own status file, if that process is alive and is not this one."""
    try:
        for line in (engine_dir / "status").read_text().splitlines():
            if line.startswith("PID:"):
                pid = int(line.split()[1])
                os.kill(pid, 0)
                return None if pid == os.getpid() else pid
    except (OSError, ValueError, IndexError):
        return None
    return None


def _write_config(engine: Engine) -> None:
    """Write the engine's configuration and create the folders that it names; raises ``OSError``."""
    folder = engine.config_file.parent
    for made in (
        engine.path,
        engine.backups_dir,
        folder,
        *(engine.path / name for name in ("user_files", "format_schemas", "user_scripts")),
    ):
        made.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = engine.options
    values = {
        "users_config": escape(str(folder / "users.xml")),
        "engine_dir": escape(str(engine.path)),
        "backups_dir": escape(str(engine.backups_dir)),
        "memory_bytes": options.memory_bytes,
        "mark_cache_bytes": min(256 * _MIB, options.memory_bytes // 8),
        "block_cache_bytes": min(256 * _MIB, options.memory_bytes // 12),
        "small_cache_bytes": min(64 * _MIB, options.memory_bytes // 32),
        "background_threads": options.background_threads,
        "max_threads": options.max_threads,
        "log_slower_than_ms": options.log_slower_than_ms,
        "extra": options.extra_config,
    }
    for name in ("engine.xml", "users.xml"):
        target = folder / name
        staged = target.with_suffix(".new")
        staged.write_text((_CONFIG / name).read_text().format_map(values))
        staged.chmod(0o600)
        staged.replace(target)
