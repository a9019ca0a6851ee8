"""Writing answers: results whole or as they come, errors with ClickHouse's headers, also in the middle of a result."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Protocol

from warehouse.endpoint.backend import Answer
from warehouse.endpoint.encodings import SMALL, Encoder, choose
from warehouse.endpoint.refusal import EngineError, Refused, http_status


class Writer(Protocol):
    """A buffered file to write to."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Add bytes."""
        ...

    def flush(self) -> None:
        """Send them."""
        ...


class Sender(Protocol):
    """The half of an HTTP connection that writes."""

    close_connection: bool

    @property
    def wfile(self) -> Writer:
        """Where bytes go."""
        ...

    def send_response(self, code: int) -> None:
        """Status line."""
        ...

    def send_header(self, keyword: str, value: str) -> None:
        """One header."""
        ...

    def end_headers(self) -> None:
        """The empty line after the headers."""
        ...


class Reply:
    """The answer to one request. ``begun``: its status has gone out, an error can only cut it off."""

    def __init__(self, sender: Sender, query_id: str, version: str, accepts: str = "") -> None:
        self._to = sender
        self.query_id = query_id
        self._version = version
        self._encoding = choose(accepts)
        self.begun = False

    def text(self, body: str, status: int = 200) -> None:
        """A short plain answer."""
        self._whole(status, body.encode(), {"Content-Type": "text/plain; charset=UTF-8"})

    def answer(self, answer: Answer, elapsed_ns: int) -> None:
        """A finished statement's result."""
        summary = {
            "read_rows": answer.read_rows,
            "read_bytes": answer.read_bytes,
            "written_rows": answer.written_rows,
            "written_bytes": answer.written_bytes,
            "total_rows_to_read": answer.read_rows,
            "result_rows": answer.result_rows or answer.written_rows,
            "result_bytes": len(answer.body),
            "elapsed_ns": elapsed_ns,
        }
        headers = {"X-ClickHouse-Summary": json.dumps({name: str(value) for name, value in summary.items()})}
        if answer.format:
            headers |= _described(answer.format)
        self._whole(200, answer.body, headers)

    def stream(self, first: bytes, rest: Iterator[bytes], fmt: str) -> None:
        """A result as it comes; an error on the way is written after the rows, marked with the tag of the header."""
        tag = secrets.token_hex(8)
        encoder = Encoder(self._encoding)
        self._start(200, {**_described(fmt), "X-ClickHouse-Exception-Tag": tag, "Transfer-Encoding": "chunked"}, self._encoding)
        try:
            self._chunk(encoder.add(first))
            for part in rest:
                self._chunk(encoder.add(part))
            self._chunk(encoder.end())
        except EngineError as exc:
            message = self._versioned(exc.wire)
            block = f"\r\n__exception__\r\n{tag}\r\n{message}\n{len(message.encode()) + 1} {tag}\r\n__exception__\r\n"
            self._chunk(encoder.add(block.encode()) + encoder.end())
            self._to.close_connection = True  # and no last chunk: no client takes this for a whole result
            self._to.wfile.flush()
            return
        self._to.wfile.write(b"0\r\n\r\n")
        self._to.wfile.flush()

    def error(self, exc: Refused | EngineError) -> None:
        """An error before anything else was sent."""
        headers = {"X-ClickHouse-Exception-Code": str(exc.code), "Content-Type": "text/plain; charset=UTF-8"}
        if exc.code == 202:
            headers["Retry-After"] = "1"
        self._encoding = ""
        self._whole(http_status(exc.code), (self._versioned(exc.wire) + "\n").encode(), headers)

    def _versioned(self, message: str) -> str:
        return f"{message} (version {self._version})"

    def _whole(self, status: int, body: bytes | memoryview, headers: Mapping[str, str]) -> None:
        encoding = self._encoding if len(body) > SMALL else ""
        if encoding:
            encoder = Encoder(encoding)
            body = encoder.add(body) + encoder.end()
        self._start(status, {**headers, "Content-Length": str(len(body))}, encoding)
        self._to.wfile.write(body)
        self._to.wfile.flush()

    def _start(self, status: int, headers: Mapping[str, str], encoding: str) -> None:
        self.begun = True
        self._to.send_response(status)
        self._to.send_header("X-ClickHouse-Query-Id", self.query_id)
        self._to.send_header("X-ClickHouse-Server-Display-Name", "spanledger")
        self._to.send_header("X-ClickHouse-Timezone", "UTC")
        self._to.send_header("Cache-Control", "no-store")
        self._to.send_header("X-Content-Type-Options", "nosniff")
        if encoding:
            self._to.send_header("Content-Encoding", encoding)
        if self._to.close_connection:
            self._to.send_header("Connection", "close")
        for name, value in headers.items():
            self._to.send_header(name, value)
        self._to.end_headers()

    def _chunk(self, data: bytes) -> None:
        if data:
            self._to.wfile.write(b"%x\r\n" % len(data))
            self._to.wfile.write(data)
            self._to.wfile.write(b"\r\n")


def _described(fmt: str) -> dict[str, str]:
    if fmt.startswith("JSON"):
        kind = "application/json; charset=UTF-8" if "EachRow" not in fmt else "application/x-ndjson; charset=UTF-8"
    elif fmt.startswith("CSV"):
        kind = "text/csv; charset=UTF-8"
    elif fmt.startswith(("TabSeparated", "TSV")):
        kind = "text/tab-separated-values; charset=UTF-8"
    elif fmt.startswith(("Pretty", "Vertical", "XML", "Markdown", "Values")):
        kind = "text/plain; charset=UTF-8"
    else:
        kind = "application/octet-stream"
    return {"X-ClickHouse-Format": fmt, "Content-Type": kind}
