"""Decompression with a ceiling on what comes out, so that a small body cannot become a large one."""

from __future__ import annotations

import zlib

from spanledger.errors import BadSpan, TooLarge

#: Content-Encoding values that the receivers take.
ENCODINGS = frozenset({"", "identity", "gzip"})


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as sent, at most ``limit`` bytes.

    Raises:
        TooLarge: more than ``limit`` bytes come out.
        BadSpan: not a gzip stream.
    """
    if encoding != "gzip":
        if len(body) > limit:
            raise TooLarge(f"the message is larger than {limit} bytes")
        return body
    out: list[bytes] = []
    size = 0
    rest = body
    try:
        while rest:  # a gzip stream may have several members
            inflater = zlib.decompressobj(wbits=31)
            out.append(inflater.decompress(rest, limit - size + 1))
            size += len(out[-1])
            if size > limit:
                raise TooLarge(f"the message is larger than {limit} bytes after decompression")
            if not inflater.eof:
                raise BadSpan("the gzip body is cut short")
            rest = inflater.unused_data
    except zlib.error as exc:
        raise BadSpan("the body is not gzip as its Content-Encoding says") from exc
    return b"".join(out)
