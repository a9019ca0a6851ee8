"""A page's questions, asked as soon as a browser asks for the page: answered while it still loads scripts. Who asks is decided as ever.

Only what a page shows before anything has been chosen; whatever else is asked when the page's own function runs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import Request

from dashboard import windows
from dashboard.access import LOCAL_ADMIN, Caller
from dashboard.context import Context
from dashboard.login import COOKIE, sessions
from dashboard.pages import PATHS
from warehouse.queries import Filters

if TYPE_CHECKING:
    from dashboard.asking import Question


def start(context: Context, request: Request, now: datetime | None = None) -> None:
    """Begin to ask what the page at this request's path will ask; does nothing until the pages' modules are imported."""
    path, view = request.url.path.removeprefix("/") or PATHS[0], sys.modules.get("dashboard.view")
    page = sys.modules.get(f"dashboard.pages.{path.replace('-', '_')}")
    who = _who(context, request) if request.method == "GET" and path in PATHS and page and view else None
    if who is None or not page or not view:
        return
    now = now or datetime.now(UTC)
    context.asker.start(who, {"known": view.dimensions(who, now)})
    name = request.query_params.get("since", windows.DEFAULT)
    if name in windows.PRESETS and not set(request.query_params) - {"since"} and hasattr(page, "asks"):
        questions: Mapping[str, Question] = page.asks(view.View(who, windows.preset(name, now), Filters(), {}))
        context.asker.start(who, questions)


def _who(context: Context, request: Request) -> Caller | None:
    """The caller as far as it is known without Streamlit: single sign-on is not."""
    return LOCAL_ADMIN if context.open else sessions.caller(request.cookies.get(COOKIE), context.policy)
