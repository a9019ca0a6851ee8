"""A page's questions are asked with its shell: the same that the page asks, for whoever is known, for nobody else."""

from __future__ import annotations

import importlib
from concurrent.futures import Future
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from starlette.requests import Request

from dashboard import ahead, windows
from dashboard.access import LOCAL_ADMIN, Caller
from dashboard.asking import Question
from dashboard.context import Context
from dashboard.login import COOKIE, sessions
from dashboard.pages import PATHS
from spanledger.policy import PolicyFile
from spanledger.settings import Settings
from warehouse.queries import Filters

pytest.importorskip("streamlit")
view = importlib.import_module("dashboard.view")
PAGES = {path: importlib.import_module(f"dashboard.pages.{path.replace('-', '_')}") for path in PATHS}


class Pool:
    """Takes questions and answers none."""

    def __init__(self) -> None:
        self.asked: list[tuple[Caller, Question]] = []

    def submit(self, caller: Caller, one: Question) -> Future[object]:
        self.asked.append((caller, one))
        return Future()


def asked(path: str, query: str = "", cookie: str = "", method: str = "GET") -> Request:
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode())] if cookie else []
    return Request({"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers, "server": ("::1", 80)})


def context(tmp_path, tokens: str = "") -> tuple[Context, Pool]:
    policy, pool = tmp_path / "spanledger.yaml", Pool()
    policy.write_text(tokens or "apps: {}\n")
    return Context(Settings(data_dir=tmp_path), PolicyFile(policy, None), pool), pool  # type: ignore[arg-type]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("since", ["", "30d"])
def test_what_is_asked_ahead_is_what_the_page_asks(tmp_path, path: str, since: str) -> None:
    here, pool = context(tmp_path)
    now = datetime.now(UTC)
    ahead.start(here, asked("/" if path == "spend" else f"/{path}", f"since={since}" if since else ""), now)
    before = len(pool.asked)
    here.asker.start(LOCAL_ADMIN, {"known": view.dimensions(LOCAL_ADMIN, now)})
    if hasattr(PAGES[path], "asks"):
        assert before > 1
        here.asker.start(LOCAL_ADMIN, PAGES[path].asks(view.View(LOCAL_ADMIN, windows.preset(since or "7d", now), Filters(), {})))
    assert len(pool.asked) == before


def test_with_choices_in_the_address_only_the_choices_are_asked_ahead(tmp_path) -> None:
    here, pool = context(tmp_path)
    for query in ("team=care", "since=custom", "since=7d&by=App"):
        here.asker.forget()
        pool.asked.clear()
        ahead.start(here, asked("/", query))
        assert len(pool.asked) == 1


@pytest.mark.parametrize("request_", [asked("/static/js/x.js"), asked("/", method="POST"), asked("/api/v1/spend"), asked("/_stcore/health")])
def test_nothing_is_asked_with_what_is_no_page(tmp_path, request_: Request) -> None:
    here, pool = context(tmp_path)
    ahead.start(here, request_)
    assert pool.asked == []


def test_a_stranger_asks_nothing_and_a_reader_only_for_own_teams_and_rights(tmp_path) -> None:
    digest = sha256(b"secret").hexdigest()
    here, pool = context(tmp_path, f"tokens:\n  - {{name: v, role: viewer, sha256: {digest}, teams: [care]}}\n")
    for cookie in ("", "unknown"):
        ahead.start(here, asked("/", cookie=cookie))
    assert pool.asked == []
    session = sessions.start("secret")
    for path in ("/", "/calls", "/quality"):
        ahead.start(here, asked(path, cookie=session))
    assert {(who.role, who.teams) for who, _ in pool.asked} == {("viewer", ("care",))}
    names = {one.function.__name__ for _, one in pool.asked}
    assert "spend" in names
    assert not names & {"calls", "worst_answers"}
