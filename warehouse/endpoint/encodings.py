"""Result compression: the best encoding that the client takes, as a stream."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from warehouse.endpoint.bodies import zstd

PREFERENCE = ("zstd", "lz4", "gzip", "deflate")
SMALL = 1024  # below this, compression costs more than it saves


def choose(accepted: str) -> str:
    """The encoding to answer with, empty for none. ``accepted``: an Accept-Encoding header."""
    wanted = {part.split(";")[0].strip().lower() for part in accepted.split(",") if "q=0" not in part.replace(" ", "").replace("q=0.", "q=+")}
    return next((name for name in PREFERENCE if name in wanted), "")


class Encoder:
    """Compresses a stream of bytes; ``encoding`` empty: passes them on."""

    def __init__(self, encoding: str) -> None:
        self._compress, self._finish = _pair(encoding)

    def add(self, data: bytes | memoryview) -> bytes:
        """More bytes; what there is to send now (may be empty)."""
        return self._compress(bytes(data))

    def end(self) -> bytes:
        """The rest."""
        return self._finish()


def _pair(encoding: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    if encoding == "zstd":
        stream: Any = zstd().ZstdCompressor(level=1)
        return stream.compress, stream.flush
    if encoding in ("gzip", "deflate"):
        packer = zlib.compressobj(1, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
        return packer.compress, packer.flush
    if encoding == "lz4":
        import lz4.frame

        frame: Any = lz4.frame.LZ4FrameCompressor()
        begun: list[bytes] = [frame.begin()]

        def compress(data: bytes) -> bytes:
            return (begun.pop() if begun else b"") + frame.compress(data)

        def finish() -> bytes:
            return (begun.pop() if begun else b"") + frame.flush()

        return compress, finish
    return (lambda data: data), (lambda: b"")
