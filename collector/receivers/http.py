"""OTLP/HTTP as a FastAPI app: protobuf and JSON, gzip and plain, on the standard paths and on Langfuse's; plus health and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Path, Request, Response

from collector import metrics
from collector.compression import ENCODINGS
from collector.credentials import IngestAuth
from collector.intake import Receiving, Signal
from collector.receivers.answers import Refusal, refusal, success, to_json
from spanledger import __version__
from spanledger.errors import TooLarge

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def app(intake: Receiving, auth: Callable[[], IngestAuth], ready: Callable[[], dict[str, object]], *, max_message_bytes: int) -> FastAPI:
    """The collector's HTTP door.

    Args:
        ready: state for ``/readyz``: ``{"ready": bool, …}``.
    """
    http = FastAPI(title="Spanledger collector", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)

    async def export(signal: Signal, request: Request) -> Response:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        json = content_type == JSON
        try:
            if content_type not in (PROTOBUF, JSON):
                return _refuse(signal, _unsupported(f"Content-Type must be {PROTOBUF} or {JSON}"), json)
            encoding = request.headers.get("content-encoding", "").strip().lower()
            if encoding not in ENCODINGS:
                return _refuse(signal, _unsupported("Content-Encoding must be gzip or absent"), json, {"accept-encoding": "gzip"})
            sender = auth().sender(request.headers.get("authorization", ""))
            body = await _body(request, max_message_bytes)
            receipt = await asyncio.wrap_future(
                intake.submit(signal, body, json=json, encoding=encoding, project=sender.project, tenant=sender.tenant)
            )
        except asyncio.CancelledError:
            raise
        except Exception as exc:
            return _refuse(signal, refusal(exc), json)
        metrics.requests.labels(signal, "http", "ok").inc()
        answer = success(signal, receipt)
        return Response(to_json(answer) if json else answer.SerializeToString(), media_type=JSON if json else PROTOBUF)

    @http.post("/v1/{signal}")
    async def standard(signal: Annotated[str, Path(pattern="^(traces|logs|metrics)$")], request: Request) -> Response:
        return await export(signal, request)  # type: ignore[arg-type]

    @http.post("/api/public/otel/v1/{signal}")
    async def langfuse(signal: Annotated[str, Path(pattern="^(traces|logs|metrics)$")], request: Request) -> Response:
        return await export(signal, request)  # type: ignore[arg-type]

    @http.post("/api/public/otel")
    async def langfuse_base(request: Request) -> Response:
        return await export("traces", request)

    @http.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @http.get("/readyz")
    async def readyz(response: Response) -> dict[str, object]:
        state = await asyncio.to_thread(ready)
        response.status_code = 200 if state.get("ready") else 503
        return state

    @http.get("/metrics")
    async def prometheus() -> Response:
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return http


async def _body(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"the message is larger than {limit} bytes")
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(f"the message is larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _unsupported(message: str) -> Refusal:
    import grpc

    return Refusal(415, grpc.StatusCode.INVALID_ARGUMENT, message)


def _refuse(signal: Signal, no: Refusal, json: bool, headers: dict[str, str] | None = None) -> Response:
    metrics.requests.labels(signal, "http", str(no.http)).inc()
    headers = dict(headers or {})
    if no.retry_s is not None:
        headers["retry-after"] = no.retry_after
    if no.http == 401:
        headers["www-authenticate"] = 'Bearer realm="spanledger", Basic realm="spanledger"'
    status = no.status()
    return Response(to_json(status) if json else status.SerializeToString(), no.http, headers, JSON if json else PROTOBUF)
