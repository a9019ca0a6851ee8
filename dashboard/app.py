"""The web application: API, health and Streamlit's pages behind one ASGI entry."""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

import dashboard
from dashboard import api, health, login, shell, theme
from dashboard.api import problems
from dashboard.context import Context
from spanledger import __version__

_HERE = Path(dashboard.__file__).parent


def build(context: Context) -> FastAPI:
    """The application for ``context``: ``/api/v1``, ``/api/docs``, ``/healthz``, ``/readyz``, ``/metrics``, pages at ``/``.

    Streamlit is configured before its app is made; its runtime starts and stops with this application.
    """
    pages = _pages(context)
    app = FastAPI(
        title="Spanledger",
        version=__version__,
        description="What every provider call cost. Money is text in USD, times are UTC, errors are RFC 9457 problems.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=pages.lifespan() if pages else None,
    )
    problems.install(app)
    app.middleware("http")(_counted(context, shell.served if pages else lambda _request: None))
    app.include_router(health.router)
    app.include_router(login.router)
    for router in api.routers():
        app.include_router(router, prefix="/api/v1")
    app.add_api_route("/api/docs", _docs, include_in_schema=False)
    app.add_api_route("/api/{path:path}", _unknown, include_in_schema=False, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    if pages:
        app.mount("/", pages)
    else:
        app.add_api_route("/", _no_pages, include_in_schema=False)
    return app


def _no_pages() -> HTMLResponse:
    """What a slim install shows in place of pages."""
    return HTMLResponse("<p>This is a slim install of Spanledger, without pages. The API is at <a href=/api/docs>/api/docs</a>.</p>")


def _pages(context: Context):
    """Streamlit's application; ``None`` in a slim install, which serves the API alone."""
    if importlib.util.find_spec("streamlit") is None:
        return None
    from streamlit import config
    from streamlit.starlette import App

    for name, value in theme.options().items():
        config.set_option(name, value)
    if context.open:
        config.set_option("server.allowedHosts", ["localhost", "127.0.0.1", "[::1]"])
    return App(_HERE / "entry" / "main.py", secrets=cast(Any, login.oidc_secrets(context.settings, context.policy)) or None)


def _docs() -> HTMLResponse:
    """The API's reference page; reads ``/api/openapi.json`` and needs nothing from outside."""
    return HTMLResponse((_HERE / "api" / "docs.html").read_text(encoding="utf-8"))


def _unknown(path: str) -> None:
    """No page of Streamlit's for a mistyped API path."""
    from starlette.exceptions import HTTPException

    raise HTTPException(404, f"there is no /api/{path}; /api/docs lists what there is")


def _counted(
    context: Context, shelled: Callable[[Request], Response | None]
) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    """Middleware: sends strangers to the login form, counts answers by route for ``/metrics``, forbids framing and sniffing."""

    async def middleware(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = login.turned_away(context, request) or shelled(request) or await call_next(request)
        route = getattr(request.scope.get("route"), "path", "") or "pages"
        key = (request.method, route, response.status_code)
        context.requests[key] = context.requests.get(key, 0) + 1
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Frame-Options", "SAMEORIGIN")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response

    return middleware
