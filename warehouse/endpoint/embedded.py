"""The backend over the in-process engine."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import infile
from warehouse.endpoint.backend import Answer
from warehouse.endpoint.refusal import EngineError
from warehouse.endpoint.vocabulary import words
from warehouse.engine import Engine, literal, setting_name

if TYPE_CHECKING:
    from chdb.state.sqlitelike import Connection

#: The engine encodes each block on its own: only formats without header and footer can be glued together.
_GLUED = words(
    """
    Native TabSeparated TSV TabSeparatedRaw TSVRaw TSKV CSV RowBinary JSONEachRow JSONLines NDJSON JSONStringsEachRow JSONCompactEachRow
    JSONCompactStringsEachRow LineAsString RawBLOB MsgPack BSONEachRow Null
    """
)


@contextlib.contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except (RuntimeError, ValueError) as exc:  # ChdbError is a RuntimeError too, by way of the binding
        raise EngineError(str(exc)) from exc
    except Exception as exc:
        if type(exc).__name__ == "ChdbError":
            raise EngineError(str(exc)) from exc
        raise


class EmbeddedHandle:
    """A session of the engine."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection, self._folder = connection, folder

    def run(self, sql: str, fmt: str, params: Mapping[str, str]) -> Answer:
        """See ``Handle``."""
        with _translated():
            result: Any = self._connection.query(sql, fmt, params=dict(params))
            body = result.bytes() or b""
        return Answer(
            body=body,
            format=fmt,
            result_rows=result.rows_read(),
            read_rows=result.storage_rows_read(),
            read_bytes=result.storage_bytes_read(),
        )

    def stream(self, sql: str, fmt: str, params: Mapping[str, str]) -> Iterator[bytes]:
        """See ``Handle``."""
        chunks = self._chunks(sql, fmt, params)
        return _one_arrow_stream(chunks) if fmt == "ArrowStream" else chunks

    def _chunks(self, sql: str, fmt: str, params: Mapping[str, str]) -> Iterator[bytes]:
        with _translated():
            result: Any = self._connection.send_query(sql, fmt, params=dict(params))
        try:
            while True:
                with _translated():
                    chunk = next(result, None)
                if chunk is None:
                    return
                if payload := chunk.bytes():
                    yield payload
        finally:
            with contextlib.suppress(Exception):
                result.cancel()

    def insert(self, sql: str, fmt: str, chunks: Iterable[bytes]) -> Answer:
        """See ``Handle``."""
        with infile.holding(chunks, self._folder) as file:
            size = file.tell()
            with _translated():
                done: Any = self._connection.query(infile.statement(sql, file, fmt))
        return Answer(written_rows=done.rows_read(), written_bytes=size)

    def close(self) -> None:
        """See ``Handle``."""
        self._connection.close()


class EmbeddedBackend:
    """Sessions of one open ``Engine``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        handle = self.open("spanledger", {})
        try:
            self.version = bytes(handle.run("SELECT version()", "TSV", {}).body).decode().strip()
        finally:
            handle.close()

    def open(self, database: str, settings: Mapping[str, str], *, keep: bool = False) -> EmbeddedHandle:
        """See ``Backend``: every session of the engine keeps its state."""
        with _translated():
            connection = self._engine.connection()
            try:
                if database != "spanledger":
                    connection.query(f"USE {quoted(database)}")
                if settings:
                    connection.query("SET " + ", ".join(f"{setting_name(name)} = {literal(value)}" for name, value in settings.items()))
            except BaseException:
                connection.close()
                raise
        return EmbeddedHandle(connection, self._engine.path / "tmp")

    def kill(self, tag: str) -> None:
        """See ``Backend``."""
        wanted = f"has(splitByChar(' ', Settings['log_comment']), {literal(tag)})"
        with contextlib.suppress(EngineError), contextlib.closing(self.open("spanledger", {})) as handle:
            handle.run(f"KILL QUERY WHERE {wanted} ASYNC", "TSV", {})

    def streams(self, fmt: str) -> bool:
        """See ``Backend``."""
        return fmt in _GLUED or fmt == "ArrowStream"

    def close(self) -> None:
        """See ``Backend``: the engine belongs to who opened it."""


def quoted(identifier: str) -> str:
    """An identifier in backquotes."""
    return "`" + identifier.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _one_arrow_stream(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """One Arrow IPC stream out of many: the first one's schema, every one's batches."""
    import pyarrow as pa

    out = _Outbox()
    writer: Any = None
    try:
        for chunk in chunks:
            with pa.ipc.open_stream(pa.py_buffer(chunk)) as reader:
                writer = writer or pa.ipc.new_stream(out, reader.schema)
                for batch in reader:
                    writer.write_batch(batch)
            yield out.take()
        if writer is not None:
            writer.close()
            yield out.take()
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


class _Outbox(io.RawIOBase):
    """A file that pyarrow writes and we empty."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # type: ignore[override]
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """What has been written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
