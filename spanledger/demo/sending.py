"""Sends the demo through the instance's own OTLP/gRPC door, as any exporter would: retries when told to wait, loses nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from spanledger.demo.history import HOUR, SEED, anchor_of, fill, history, hours, remember
from spanledger.demo.spans import Export
from spanledger.errors import WarehouseUnavailable

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
IN_FLIGHT = 4
RETRYABLE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED}
TICK_S = 2.0


def run(target: str, data_dir: Path, token: str = "") -> None:
    """Send the history if this data directory has not got it, then live traffic until the process is ended.

    Raises:
        WarehouseUnavailable: the door stays shut for minutes, or refuses.
    """
    with grpc.insecure_channel(target, options=[("grpc.max_send_message_length", 64 << 20)]) as channel:
        door = Door(channel, token)
        anchor, complete = anchor_of(data_dir, datetime.now(UTC))
        if not complete:
            send_history(door, anchor)
            remember(data_dir, anchor, complete=True)
        live(door, anchor)


class Door:
    """One exporter's way in."""

    def __init__(self, channel: grpc.Channel, token: str) -> None:
        self._call = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=ExportTraceServiceResponse.FromString)
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    def send(self, body: bytes) -> None:
        """Return once the export has been acknowledged.

        Raises:
            WarehouseUnavailable: refused, or busy for five minutes.
        """
        deadline, pause = time.monotonic() + 300, 0.1
        while True:
            try:
                reply = self._call(body, timeout=60, metadata=self._metadata)
                if reply.partial_success.rejected_spans:
                    raise WarehouseUnavailable(f"{reply.partial_success.rejected_spans} spans refused: {reply.partial_success.error_message}")
                return
            except grpc.RpcError as exc:
                code = exc.code()  # type: ignore[attr-defined]
                if code not in RETRYABLE or time.monotonic() > deadline:
                    raise WarehouseUnavailable(f"the collector refuses the demo: {code.name} {exc.details()}") from exc  # type: ignore[attr-defined]
            time.sleep(pause)
            pause = min(2.0, pause * 1.6)


def send_history(door: Door, anchor: datetime) -> None:
    """Send the month with a progress bar; a few exports are on their way at a time."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("hours"), TimeElapsedColumn())
    spans = 0
    started = time.monotonic()
    with Progress(*columns, refresh_per_second=4) as progress, ThreadPoolExecutor(IN_FLIGHT) as pool:
        task = progress.add_task("30 days of history", total=len(hours(anchor)))
        for done, count in _sent(door, history(anchor), pool):
            spans += count
            progress.advance(task, done)
    sys.stdout.write(f"demo: {spans:,} spans of 30 days acknowledged in {time.monotonic() - started:.0f} s; live traffic follows\n")
    sys.stdout.flush()


def _sent(door: Door, exports: Iterator[tuple[int, Export]], pool: ThreadPoolExecutor) -> Iterator[tuple[int, int]]:
    """(hours, spans) of each export as it is acknowledged; never more than a few bodies are held."""
    waiting: list[tuple[int, int, Future[None]]] = []
    for done, export in exports:
        waiting.append((done, export.spans, pool.submit(door.send, export.request.SerializeToString())))
        if len(waiting) > IN_FLIGHT:
            yield _acknowledged(waiting.pop(0))
    for item in waiting:
        yield _acknowledged(item)


def _acknowledged(item: tuple[int, int, Future[None]]) -> tuple[int, int]:
    done, spans, future = item
    future.result()
    return done, spans


def live(door: Door, anchor: datetime) -> None:
    """Send what starts now, every two seconds, from the end of the history on (what was missed while stopped is left out beyond an hour)."""
    since = max(anchor, datetime.now(UTC) - HOUR)
    while True:
        until = datetime.now(UTC) - timedelta(seconds=1)
        export = Export()
        hour = since.replace(minute=0, second=0, microsecond=0)
        while hour < until:
            fill(hour, anchor, SEED, export, max(since, hour), min(until, hour + HOUR))
            hour += HOUR
        if export.spans:
            door.send(export.request.SerializeToString())
        since = max(since, until)
        time.sleep(TICK_S)
