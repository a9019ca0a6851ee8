"""The backend over a ClickHouse server: the endpoint in front of it, with a service user, the same fence and the same scopes.

The server needs no users of ours: readers' limits, ``readonly = 1`` and row filters travel with each query as settings of the service
user, which must be allowed to set them (no constraints on them in its profile) and should itself hold no more rights than the product needs.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.filepost import encode_multipart_formdata

from spanledger.errors import WarehouseUnavailable
from warehouse.endpoint.backend import Answer
from warehouse.endpoint.refusal import EngineError
from warehouse.endpoint.rights import text
from warehouse.engine import parse_url

_TAIL = 16_384  # longest exception block that a server appends to a result
_LONG = 8_000  # parameters of more characters travel in a form: servers and what stands before them take short addresses


class RemoteBackend:
    """Sessions of a ClickHouse server.

    Args:
        url: ``clickhouse[s]://user:password@host:port``, see ``warehouse.engine.connect``.
        user, password: of the service user, where the URL does not hold them.

    Raises:
        ConfigError: not such a URL.
        WarehouseUnavailable: nobody answers, or not to this user.
    """

    def __init__(self, url: str, *, user: str = "", password: str = "") -> None:
        target = parse_url(url)
        self._base = f"{'https' if target.secure else 'http'}://{target.host}:{target.port}/"
        self._headers = {"X-ClickHouse-User": user or target.user or "default", "X-ClickHouse-Key": password or target.password}
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=64,
            retries=False,
            timeout=urllib3.Timeout(connect=10, read=3600),
            cert_reqs="CERT_REQUIRED" if target.verify else "CERT_NONE",
            ca_certs=target.ca or None,
        )
        try:
            self.version = bytes(self.open(target.database, {}).run("SELECT version()", "TSV", {}).body).decode().strip()
        except EngineError as exc:
            raise WarehouseUnavailable(f"{target.host}:{target.port}: {exc}") from exc

    def open(self, database: str, settings: Mapping[str, str], *, keep: bool = False) -> RemoteHandle:
        """See ``Backend``."""
        return RemoteHandle(
            self, {"database": database, **settings, **({"session_id": str(uuid.uuid4()), "session_timeout": "3600"} if keep else {})}
        )

    def kill(self, tag: str) -> None:
        """See ``Backend``."""
        wanted = f"has(splitByChar(' ', Settings['log_comment']), {text(tag)})"
        with contextlib.suppress(EngineError):
            self.open("system", {}).run(f"KILL QUERY WHERE {wanted} ASYNC", "TSV", {})

    def streams(self, fmt: str) -> bool:
        """See ``Backend``: a server streams every format."""
        return bool(fmt)

    def close(self) -> None:
        """See ``Backend``."""
        self._pool.clear()

    def post(self, args: Mapping[str, str], body: bytes | Iterable[bytes], kind: str = "") -> Any:
        """One request to the server; its answer, not yet read. ``kind``: content type of the body.

        Raises:
            EngineError: the server refused, or nobody answers.
        """
        headers = {**self._headers, "Content-Type": kind} if kind else self._headers
        try:
            answer = self._pool.request("POST", f"{self._base}?{urlencode(args)}", body=body, headers=headers, preload_content=False)
        except HTTPError as exc:
            raise EngineError(f"Code: 210. DB::Exception: the ClickHouse server does not answer: {exc}. (NETWORK_ERROR)") from exc
        if answer.status != 200 or answer.headers.get("X-ClickHouse-Exception-Code"):
            try:
                message = answer.data.decode(errors="replace").strip()
            finally:
                answer.release_conn()
            raise EngineError(
                _without_version(message) or f"Code: 210. DB::Exception: the ClickHouse server answers {answer.status}. (NETWORK_ERROR)"
            )
        return answer


class RemoteHandle:
    """A session of the server: its settings travel with every statement."""

    def __init__(self, backend: RemoteBackend, args: Mapping[str, str]) -> None:
        self._backend = backend
        self._args = dict(args)

    def run(self, sql: str, fmt: str, params: Mapping[str, str]) -> Answer:
        """See ``Handle``."""
        answer = self._send(sql, fmt, params, wait_end_of_query="1")
        try:
            body = answer.data
        finally:
            answer.release_conn()
        return _answer(body, answer.headers)

    def stream(self, sql: str, fmt: str, params: Mapping[str, str]) -> Iterator[bytes]:
        """See ``Handle``."""
        return _chunks(self._send(sql, fmt, params))

    def insert(self, sql: str, fmt: str, chunks: Iterable[bytes]) -> Answer:
        """See ``Handle``."""
        answer = self._backend.post({**self._args, "query": f"{sql} FORMAT {fmt}"}, iter(chunks))
        try:
            body = answer.data
        finally:
            answer.release_conn()
        return _answer(body, answer.headers)

    def close(self) -> None:
        """See ``Handle``: the server forgets a session by itself."""

    def _send(self, sql: str, fmt: str, params: Mapping[str, str], **more: str) -> Any:
        given = {f"param_{name}": value for name, value in params.items()}
        args = {**self._args, **more, "default_format": fmt}
        if sum(map(len, given.values())) <= _LONG:
            return self._backend.post({**args, **given}, sql.encode())
        return self._backend.post(args, *encode_multipart_formdata({**given, "query": sql}))


def _chunks(answer: Any) -> Generator[bytes]:
    """The result; the last bytes are held back until it is clear that they are no exception."""
    tag = answer.headers.get("X-ClickHouse-Exception-Tag", "")
    marker = f"__exception__\r\n{tag}\r\n".encode() if tag else b"__exception__"
    kept = b""
    whole = False
    try:
        try:
            for chunk in answer.stream(1 << 18, decode_content=True):
                kept += chunk
                if len(kept) > 2 * _TAIL and marker not in kept[-2 * _TAIL :]:
                    yield kept[:-_TAIL]
                    kept = kept[-_TAIL:]
            whole = True
        except HTTPError as exc:
            lost: Exception | None = exc
        else:
            lost = None
        at = kept.rfind(marker)
        if at >= 0:
            message = kept[at + len(marker) :].decode(errors="replace").rpartition("\n__exception__")[0].rpartition("\n")[0]
            if rows := kept[:at].removesuffix(b"\r\n"):
                yield rows
            raise EngineError(_without_version(message))
        if lost is not None:
            raise EngineError(f"Code: 210. DB::Exception: the ClickHouse server broke off: {lost}. (NETWORK_ERROR)") from lost
        if kept:
            yield kept
    finally:
        if whole:
            answer.release_conn()
        else:
            answer.close()  # the server notices, and stops


def _answer(body: bytes, headers: Mapping[str, str]) -> Answer:
    try:
        summary = json.loads(headers.get("X-ClickHouse-Summary") or "{}")
    except ValueError:
        summary = {}
    numbers = {name: int(summary.get(name, 0)) for name in ("result_rows", "read_rows", "read_bytes", "written_rows", "written_bytes")}
    return Answer(body=body, format=headers.get("X-ClickHouse-Format", ""), **numbers)


def _without_version(message: str) -> str:
    return message.strip().rpartition(" (version ")[0] or message.strip()
