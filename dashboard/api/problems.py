"""RFC 9457 problem responses: every error of the API is ``application/problem+json`` with a title, a detail and a status."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from spanledger.errors import AccessDenied, NotFound, QueryFailed, QueryRefused, SpanledgerError, TooLarge, WarehouseBusy

log = structlog.get_logger()


class BadInput(SpanledgerError):
    """A parameter of the request makes no sense; ``field`` names it. 422."""

    exit_code = 2

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class Conflict(SpanledgerError):
    """What is to be made is there already, or belongs to somebody else. 409."""


class NotLoggedIn(AccessDenied):
    """No credential, or one that is not known. 401."""


#: What each error of ours becomes; the first class that fits counts.
_STATUS: tuple[tuple[type[SpanledgerError], int], ...] = (
    (AccessDenied, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (WarehouseBusy, 503),
    (QueryRefused, 400),
    (QueryFailed, 422),
)


def problem(status: int, detail: str, request: Request, *, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """A problem document: ``type`` about:blank, ``title`` the status's phrase, ``instance`` the path asked."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, "instance": request.url.path, **more}
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem document."""
    app.add_exception_handler(SpanledgerError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, BadInput):
        return problem(422, str(error), request, errors=[{"field": error.field, "detail": str(error)}])
    if isinstance(error, NotLoggedIn):
        return problem(401, str(error), request, headers={"WWW-Authenticate": 'Bearer realm="spanledger"'})
    if isinstance(error, WarehouseBusy):
        return problem(503, str(error), request, headers={"Retry-After": str(max(1, round(error.retry_after_s)))})
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    return problem(status, str(error), request)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [{"field": ".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0]), "detail": one["msg"]} for one in error.errors()]
    return problem(422, "; ".join(f"{one['field']}: {one['detail']}" for one in errors), request, errors=errors)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), request, headers=dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, error=type(error).__name__, exc_info=error)
    return problem(500, "this is a fault of ours; the log says more", request)
