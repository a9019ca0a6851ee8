"""Request bodies as a stream of plain bytes: length or chunks, decompressed on the way; nothing is held whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from warehouse.endpoint.refusal import Refused

BLOCK = 1 << 18


class Headers(Protocol):
    """Request headers: names in any case."""

    def get(self, name: str, /) -> str | None:
        """The header's value."""
        ...


class Reader(Protocol):
    """A file to read from."""

    def read(self, size: int, /) -> bytes:
        """So many bytes, fewer at the end."""
        ...

    def readline(self, size: int, /) -> bytes:
        """A line, or so many bytes of it."""
        ...


class Body:
    """The body of one request. ``chunks`` gives it decompressed; ``finish`` skips what nobody asked for."""

    def __init__(self, stream: Reader, headers: Headers) -> None:
        self._stream = stream
        self._encoding = (headers.get("Content-Encoding") or "").strip().lower()
        self._chunked = "chunked" in (headers.get("Transfer-Encoding") or "").lower()
        length = headers.get("Content-Length") or "0"
        if not length.isdigit():
            raise Refused("Content-Length is not a number", 36)
        self._left = 0 if self._chunked else int(length)
        self._ended = not self._chunked and self._left == 0

    def chunks(self) -> Iterator[bytes]:
        """Decompressed bytes as they arrive.

        Raises:
            Refused: the body breaks off, or is not what its headers say.
        """
        if self._encoding in ("", "identity"):
            yield from self._raw()
            return
        decompress = _decompressor(self._encoding)
        try:
            for chunk in self._raw():
                if plain := decompress(chunk):
                    yield plain
        except Refused:
            raise
        except Exception as exc:
            raise Refused(f"the body is not {self._encoding}: {exc}", 36) from exc

    def read(self, most: int) -> bytes:
        """The whole body, if it is no longer than ``most`` bytes decompressed."""
        parts, size = [], 0
        for chunk in self.chunks():
            size += len(chunk)
            if size > most:
                raise Refused(f"the statement is longer than {most} bytes", 307)
            parts.append(chunk)
        return b"".join(parts)

    def finish(self, most: int = 1 << 20) -> bool:
        """Skip the rest, so that the connection can go on; ``False`` if it is too long for that."""
        for chunk in self._raw():
            most -= len(chunk)
            if most < 0:
                return False
        return True

    def _raw(self) -> Iterator[bytes]:
        while not self._ended:
            chunk = self._next_chunk() if self._chunked else self._next_part()
            if chunk:
                yield chunk

    def _next_part(self) -> bytes:
        chunk = self._stream.read(min(self._left, BLOCK))
        if not chunk:
            self._ended = True
            raise Refused("the body breaks off", 209)
        self._left -= len(chunk)
        self._ended = self._left == 0
        return chunk

    def _next_chunk(self) -> bytes:
        if self._left == 0:
            size = self._stream.readline(1024).split(b";")[0].strip()
            try:
                self._left = int(size, 16)
            except ValueError:
                self._ended = True
                raise Refused("the body's chunks cannot be read", 36) from None
            if self._left == 0:
                while self._stream.readline(1024).strip():  # trailers
                    pass
                self._ended = True
                return b""
        chunk = self._stream.read(min(self._left, BLOCK))
        if not chunk:
            self._ended = True
            raise Refused("the body breaks off", 209)
        self._left -= len(chunk)
        if self._left == 0:
            self._stream.readline(8)
        return chunk


def _decompressor(encoding: str) -> Callable[[bytes], bytes]:
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Members(lambda: zlib.decompressobj(47))
    if encoding == "zstd":
        return _Members(lambda: zstd().ZstdDecompressor())
    if encoding == "lz4":
        import lz4.frame

        return _Members(lz4.frame.LZ4FrameDecompressor)
    raise Refused(f"Content-Encoding {encoding} is not known: gzip, deflate, zstd and lz4 are", 48)


class _Members:
    """A decompressor that goes on with the next frame where one ends."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._now = make()

    def __call__(self, data: bytes) -> bytes:
        out = []
        while data:
            if self._now.eof:
                self._now = self._make()
            out.append(self._now.decompress(data))
            data = self._now.unused_data or b""
            if not self._now.eof:
                break
        return b"".join(out)


def zstd() -> Any:
    """The zstd module of the standard library (3.14) or its backport, which clickhouse-connect brings."""
    try:
        from compression import zstd as module  # pyright: ignore[reportMissingImports]
    except ImportError:
        from backports import zstd as module
    return module
