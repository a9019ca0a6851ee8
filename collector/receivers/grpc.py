"""OTLP/gRPC: the three export services as raw-bytes handlers, so that nothing is parsed on the network thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import grpc
import structlog

from collector import metrics
from collector.credentials import IngestAuth
from collector.intake import Receiving, Signal
from collector.receivers.answers import refusal, success
from spanledger.errors import ConfigError, DataDirUnusable

log = structlog.get_logger(__name__)

SERVICES: dict[str, Signal] = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "traces",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "metrics",
}

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Handler = Callable[[bytes, Context], Awaitable[bytes]]


def _export(signal: Signal, intake: Receiving, auth: Callable[[], IngestAuth]) -> Handler:
    async def handle(body: bytes, context: Context) -> bytes:
        try:
            headers = {str(k).lower(): str(v) for k, v in context.invocation_metadata() or ()}
            sender = auth().sender(headers.get("authorization", ""))
            receipt = await asyncio.wrap_future(intake.submit(signal, body, json=False, encoding="", project=sender.project, tenant=sender.tenant))
        except asyncio.CancelledError:
            raise
        except Exception as exc:
            no = refusal(exc)
            metrics.requests.labels(signal, "grpc", str(no.http)).inc()
            await context.abort(no.grpc, no.message, (("grpc-status-details-bin", no.status().SerializeToString()),))
            raise AssertionError("unreachable") from exc
        metrics.requests.labels(signal, "grpc", "ok").inc()
        return success(signal, receipt).SerializeToString()

    return handle


async def start(
    intake: Receiving, auth: Callable[[], IngestAuth], host: str, port: int, *, max_message_bytes: int, tls: tuple[Path, Path] | None = None
) -> tuple[grpc.aio.Server, int]:
    """Bind and serve; returns the server and its port.

    Raises:
        DataDirUnusable: the port is taken (exit code 3).
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", 4 << 20),
            ("grpc.so_reuseport", 0),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.max_connection_age_ms", 3_600_000),
            ("grpc.max_connection_age_grace_ms", 60_000),
        ],
        compression=grpc.Compression.NoCompression,
    )
    server.add_generic_rpc_handlers(
        tuple(
            grpc.method_handlers_generic_handler(name, {"Export": grpc.unary_unary_rpc_method_handler(_export(signal, intake, auth))})
            for name, signal in SERVICES.items()
        )
    )
    address = f"{host}:{port}"
    try:
        bound = server.add_secure_port(address, _credentials(tls)) if tls else server.add_insecure_port(address)
    except RuntimeError as exc:
        raise DataDirUnusable(f"the OTLP/gRPC address {address} is in use or cannot be bound") from exc
    if not bound:
        raise DataDirUnusable(f"the OTLP/gRPC address {address} is in use or cannot be bound")
    await server.start()
    return server, bound


def _credentials(tls: tuple[Path, Path]) -> grpc.ServerCredentials:
    try:
        return grpc.ssl_server_credentials([(tls[1].read_bytes(), tls[0].read_bytes())])
    except OSError as exc:
        raise ConfigError(f"TLS files cannot be read: {exc}") from exc
