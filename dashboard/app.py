"""The web application: API, health and Streamlit's pages behind one ASGI entry."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import dashboard
from dashboard import ahead, api, health, login, shell, theme
from dashboard.api import problems
from dashboard.context import Context
from spanledger import __version__

_HERE = Path(dashboard.__file__).parent
_HEADERS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "same-origin"}


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

    def shelled(request: Request) -> Response | None:
        ahead.start(context, request)
        return shell.served(request)

    app.add_middleware(_Door, context=context, shelled=shelled if pages else lambda _request: None)
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
    from streamlit.logger import set_log_level
    from streamlit.starlette import App

    for name, value in theme.options().items():
        config.set_option(name, value)
    set_log_level("WARNING")  # the option alone comes too late; also uvicorn's, which Streamlit has taken over
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


class _Door:
    """In front of everything: sends strangers to the login form, counts answers by route for ``/metrics``, forbids framing and sniffing."""

    def __init__(self, app: ASGIApp, context: Context, shelled: Callable[[Request], Response | None]) -> None:
        self.app, self.context, self.shelled = app, context, shelled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "") or "pages"
                key = (scope["method"], route, message["status"])
                self.context.requests[key] = self.context.requests.get(key, 0) + 1
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope)
        early = login.turned_away(self.context, request) or self.shelled(request)
        await (early or self.app)(scope, receive, answered)
