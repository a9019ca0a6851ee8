"""Logging in with an API token: a plain form, a session cookie, a way out. Sessions live in this process and end with it.

Single sign-on is Streamlit's (``oidc_secrets`` hands it the policy's provider); this form stands beside it.
"""

from __future__ import annotations

import secrets
import threading
import time
from html import escape
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from dashboard.access import Caller, caller_of
from dashboard.context import Context, current
from spanledger.errors import AccessDenied
from spanledger.policy import Policy
from spanledger.settings import Settings

COOKIE = "spanledger_session"
LASTS_S = 12 * 3600
_MOST = 10_000

router = APIRouter(include_in_schema=False)


class Sessions:
    """Session id → API token. The token is looked up anew each time, so that one that was taken away or has expired ends its sessions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, str]] = {}

    def start(self, token: str) -> str:
        """A new session for a checked token; gives its id."""
        with self._lock:
            if len(self._known) >= _MOST:
                self._known = {sid: kept for sid, kept in self._known.items() if kept[0] > time.time()}
            sid = secrets.token_urlsafe(32)
            self._known[sid] = (time.time() + LASTS_S, token)
            return sid

    def caller(self, sid: str | None, policy: Policy) -> Caller | None:
        """Whose session this is; None when it has ended or its token is no longer valid."""
        ends, token = self._known.get(sid or "", (0.0, ""))
        if ends <= time.time():
            return None
        try:
            return caller_of(token, policy.tokens)
        except AccessDenied:
            return None

    def end(self, sid: str | None) -> None:
        """Forget a session."""
        with self._lock:
            self._known.pop(sid or "", None)


sessions = Sessions()


@router.get("/login")
def form(then: Annotated[str, Query()] = "/") -> Response:
    """The form."""
    return _form(_inside(then))


@router.post("/login")
async def login(request: Request) -> Response:
    """Check the token and go where the reader wanted to."""
    told = parse_qs((await request.body())[:8_192].decode("utf-8", "replace"))
    then, token = _inside(told.get("then", ["/"])[0]), told.get("token", [""])[0].strip()
    try:
        caller_of(token, current().policy.tokens)
    except AccessDenied as exc:
        return _form(then, str(exc), 401)
    reply = RedirectResponse(then, 303)
    reply.set_cookie(COOKIE, sessions.start(token), max_age=LASTS_S, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return reply


@router.get("/logout")
def logout(request: Request) -> Response:
    """End the session."""
    sessions.end(request.cookies.get(COOKIE))
    reply = RedirectResponse("/login" if not current().open else "/", 303)
    reply.delete_cookie(COOKIE)
    return reply


def turned_away(context: Context, request: Request) -> Response | None:
    """A redirect to the form for a page asked without a session, where tokens are the only way in; else None."""
    path = request.url.path
    page = request.method == "GET" and "/_stcore" not in path and "." not in path.rsplit("/", 1)[-1]
    outside = ("/api", "/login", "/logout", "/healthz", "/readyz", "/metrics", "/oauth2callback", "/auth")
    if not page or context.open or context.policy.oidc is not None or path.startswith(outside):
        return None
    if sessions.caller(request.cookies.get(COOKIE), context.policy):
        return None
    wanted = path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?then={quote(wanted)}", 303)


def oidc_secrets(settings: Settings, policy: Policy) -> dict[str, dict[str, str]]:
    """What Streamlit's login needs to know about the policy's provider; empty without one."""
    told = policy.oidc
    if told is None:
        return {}
    base = settings.public_url.rstrip("/") or f"http://{settings.web_host}:{settings.web_port}"
    cookie = told.cookie_secret.get_secret_value() if told.cookie_secret else secrets.token_urlsafe(32)
    return {
        "auth": {
            "redirect_uri": told.redirect_uri or f"{base}/oauth2callback",
            "cookie_secret": cookie,
            "client_id": told.client_id,
            "client_secret": told.client_secret.get_secret_value(),
            "server_metadata_url": f"{told.issuer.rstrip('/')}/.well-known/openid-configuration",
        }
    }


def _inside(then: str) -> str:
    """A path on this address; anything else leads home (an open redirect would lend our name to others)."""
    return then if then.startswith("/") and not then.startswith(("//", "/\\")) and "\n" not in then else "/"


def _form(then: str, problem: str = "", status: int = 200) -> Response:
    page = (Path(__file__).parent / "login.html").read_text(encoding="utf-8")
    said = f'<p class="bad" role="alert">{escape(problem)}</p>' if problem else ""
    return HTMLResponse(page.replace("{{then}}", escape(then)).replace("{{problem}}", said), status)
