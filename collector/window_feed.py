"""Redacted texts that may not be stored (content mode ``none``) on their way to the detectors' in-memory window, over loopback only.

Best effort by design: what cannot be delivered is dropped and counted, and its answer is later null with a reason. Nothing here
touches a disk. Protocol: ``detectors/window.py``.
"""

from __future__ import annotations

import http.client
import queue
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pyarrow as pa

from collector import metrics
from spanledger.model import Content, Span

_ROWS = 500  # texts of one request
_WAITING = 200  # requests that wait, at most


_Part = list[dict[str, Any]] | pa.RecordBatch


class WindowFeed:
    """One thread that posts texts to the address that the jobs process reports.

    Args:
        address: where the window listens ("" = nowhere yet), asked for on each request.
        token: the instance's token.
    """

    def __init__(self, address: Callable[[], str], token: Callable[[], str]) -> None:
        self._address, self._token = address, token
        self._waiting: queue.Queue[_Part | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._run, name="window-feed", daemon=True)
        self._thread.start()

    def offer(self, texts: list[tuple[Span, Content]]) -> None:
        """Hand over redacted texts; returns at once."""
        for at in range(0, len(texts), _ROWS):
            part = [_row(span, content) for span, content in texts[at : at + _ROWS]]
            self._put(part, len(part))

    def offer_rows(self, texts: pa.RecordBatch) -> None:
        """The same of rows of table ``contents`` that are nothing but prompts and answers."""
        for at in range(0, texts.num_rows, _ROWS):
            part = texts.slice(at, _ROWS)
            self._put(part, part.num_rows)

    def _put(self, part: _Part, rows: int) -> None:
        try:
            self._waiting.put_nowait(part)
        except queue.Full:
            metrics.content_dropped.labels("window_full").inc(rows)

    def close(self) -> None:
        """End; what waits is let go."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(2)

    def _run(self) -> None:
        while (told := self._waiting.get()) is not None:
            part = _rows_of(told) if isinstance(told, pa.RecordBatch) else told
            try:
                self._post(part)
            except (OSError, http.client.HTTPException):
                metrics.content_dropped.labels("window_away").inc(len(part))

    def _post(self, part: list[dict[str, Any]]) -> None:
        address = self._address()
        if not address:
            metrics.content_dropped.labels("window_away").inc(len(part))
            return
        connection = http.client.HTTPConnection(address, timeout=5)
        try:
            connection.request(
                "POST", "/texts", msgspec.json.encode(part), {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
            )
            status = connection.getresponse().status
        finally:
            connection.close()
        if status != 204:
            metrics.content_dropped.labels("window_refused").inc(len(part))


def _row(span: Span, content: Content) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "ts_us": span.start_ns // 1000,
        "kind": span.kind,
        "prompt": "\n".join(f"{m.role}: {m.text}" for m in content.messages),
        "response": content.response,
        "context": content.context,
        "tool_output": content.tool_output,
        "schema": content.schema,
        "prompt_hash": span.prompt_hash,
        "context_hash": span.context_hash,
    }


_AS_STORED = ("kind", "prompt", "response", "prompt_hash")


def _rows_of(texts: pa.RecordBatch) -> list[dict[str, Any]]:
    names = ("trace_id", "span_id", "ts_us", *_AS_STORED)
    ids = ([value.hex() for value in texts[name].to_pylist()] for name in ("trace_id", "span_id"))
    values = (*ids, texts["ts"].cast(pa.int64()).to_pylist(), *(texts[name].to_pylist() for name in _AS_STORED))
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
