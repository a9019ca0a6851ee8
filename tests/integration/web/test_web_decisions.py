"""May this app spend? Over HTTP: a second web process on a running instance's data, with limits and tokens."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.web.conftest import Web

POLICY = """
apps:
  helpdesk: {team: care, aliases: [hd-*]}
  shop: {team: growth}
budgets:
  - {name: care, match: {team: care}, limit_usd: 0.001, period: year, on_exceeded: deny, advised_tier: standard}
  - {name: everybody, limit_usd: 1000, period: year}
quotas:
  - {name: per-app, window: 30d, requests: 1000000}
  - {name: per-user, per: user, window: 1m, requests: 2, action: throttle}
tokens:
"""
ROLES = {"gateway": ("viewer", "[]"), "carer": ("viewer", "[care]"), "grower": ("viewer", "[growth]"), "cfo": ("finance", "[]")}


@pytest.fixture(scope="module")
def web(instance: Web, tmp_path_factory: pytest.TempPathFactory, second_web: Callable[..., Any]) -> Iterator[Web]:
    tokens = [f"  - {{name: {n}, role: {role}, sha256: {sha256(n.encode()).hexdigest()}, teams: {t}}}\n" for n, (role, t) in ROLES.items()]
    policy = tmp_path_factory.mktemp("decisions") / "spanledger.yaml"
    policy.write_text(POLICY + "".join(tokens))
    with second_web(instance.data, policy) as found:
        deadline = time.monotonic() + 60
        while not ask(found, app="helpdesk")["known"]:
            assert time.monotonic() < deadline
            time.sleep(0.3)
        yield found


def ask(web: Web, token: str = "gateway", **call: Any) -> Any:
    reply = web.post("/api/v1/decision", call, token)
    assert reply.status == 200, reply.body
    return reply.body


def limit(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in told["limits"] if one["name"] == name)


def test_what_is_left_is_the_budget_less_what_the_ledger_has(web: Web) -> None:
    told = ask(web, app="helpdesk")
    rows = {row["name"]: row for row in web.get("/api/v1/budgets", "cfo").body["rows"]}
    calls = next(row["calls"] for row in web.get("/api/v1/spend?by=app&since=30d", "cfo").body["rows"] if row["app"] == "helpdesk")
    assert {name: limit(told, name)["used"] for name in ("care", "everybody")} == {name: rows[name]["spent_usd"] for name in rows}
    assert limit(told, "per-app")["used"] == calls
    assert (told["decision"], told["decided_by"]["name"], told["remaining_usd"]) == ("deny", "care", "0")
    assert told["advised_tier"] == "standard"
    assert told["resets_at"] == rows["care"]["until"]
    assert told["retry_after_s"] > 0
    assert told["reason"].startswith("budget care has used $")
    assert 0 <= told["age_s"] < 120
    other = ask(web, app="shop")
    assert (other["decision"], other["decided_by"], other["known"]) == ("allow", None, True)
    assert ask(web, app="hd-7")["decision"] == "deny"  # an alias


def test_requests_are_held_and_given_back(web: Web) -> None:
    first, _, third, fourth = (ask(web, app="shop", user="jo", reserve_s=600) for _ in range(4))
    assert [one["decision"] for one in (first, third, fourth)] == ["allow", "throttle", "throttle"]
    assert third["reservation"] is None
    assert third["decided_by"] == {"kind": "quota", "name": "per-user", "measure": "requests"}
    assert ask(web, app="shop", user="kim")["decision"] == "allow"
    assert web.delete(f"/api/v1/decision/{first['reservation']}", "gateway").status == 200
    assert web.delete(f"/api/v1/decision/{first['reservation']}", "gateway").status == 404
    again = ask(web, app="shop", user="JO ", reserve_s=600)  # the same person, as the ledger hashes names
    assert (again["decision"], ask(web, app="shop", user="jo")["decision"]) == ("allow", "throttle")


def test_what_does_not_fit_any_more_is_refused(web: Web) -> None:
    assert ask(web, app="shop", estimated_cost_usd="1000")["decision"] == "warn"
    assert "does not fit" in ask(web, app="shop", estimated_cost_usd="1000")["reason"]
    assert ask(web, app="shop", estimated_cost_usd="900")["decision"] == "allow"


def test_people_of_a_team_ask_for_its_apps_and_see_its_figures_only(web: Web) -> None:
    told = ask(web, "carer", app="helpdesk")
    assert told["decision"] == "deny"
    assert limit(told, "care")["used"] is not None
    assert limit(told, "everybody")["answer"] == "allow"
    assert {limit(told, "everybody")[name] for name in ("used", "limit", "remaining", "held")} == {None}
    for call in ({"app": "helpdesk"}, {"app": "new", "team": "care"}, {"app": "helpdesk", "team": "growth"}, {"app": "unknown"}):
        assert web.post("/api/v1/decision", call, "grower").status == 403
    assert web.post("/api/v1/decision", {"app": "shop"}).status == 401
    assert web.post("/api/v1/decision", {"app": "shop"}, "wrong").status == 401


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ({}, "app"),
        ({"app": ""}, "app"),
        ({"app": "x", "estimated_cost_usd": -1}, "estimated_cost_usd"),
        ({"app": "x", "reserve_s": 9999}, "reserve_s"),
        ({"app": "x", "trace_id": "zz"}, "trace_id"),
        ({"app": "x", "tema": "y"}, "tema"),
        ([], "body"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_field(web: Web, call: Any, field: str) -> None:
    refused = web.post("/api/v1/decision", call, "gateway")
    assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
    assert field in [one["field"] for one in refused.body["errors"]]


def test_a_budget_that_is_set_decides_within_seconds(web: Web) -> None:
    assert web.post("/api/v1/budgets", {"name": "tight", "limit_usd": 0, "match": {"app": "tight"}, "on_exceeded": "deny"}, "cfo").status == 201
    deadline = time.monotonic() + 60
    while ask(web, app="tight")["decision"] != "deny":
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert web.delete("/api/v1/budgets/tight", "cfo").status == 200
    while ask(web, app="tight")["decision"] != "allow":
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_decisions_are_counted_and_described(web: Web) -> None:
    ask(web, app="shop")
    told = web.get("/metrics", "gateway").body
    assert 'spanledger_decisions_total{answer="allow"}' in told
    assert "spanledger_decision_age_seconds" in told
    described = web.get("/api/openapi.json", "gateway").body["paths"]["/api/v1/decision"]["post"]
    assert "estimated_cost_usd" in described["requestBody"]["content"]["application/json"]["schema"]["properties"]


@pytest.mark.parametrize(("policy", "answer"), [("", "allow"), ("decisions: {when_unknown: deny}", "deny")], ids=["open", "closed"])
def test_without_any_warehouse_the_answer_is_the_policys(tmp_path: Path, second_web: Callable[..., Any], policy: str, answer: str) -> None:
    file = tmp_path / "spanledger.yaml"
    file.write_text(policy + "\nbudgets: [{name: b, limit_usd: 1}]\n")
    with second_web(tmp_path / "data", file) as alone:
        told = ask(alone, "", app="shop")
    assert (told["decision"], told["known"], told["age_s"]) == (answer, False, None)
    assert "not known" in told["reason"]


def test_a_decision_does_not_wait_for_questions_that_hang(tmp_path: Path, second_web: Callable[..., Any]) -> None:
    """A warehouse that takes connections and never answers holds every thread of the other questions."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        url = f"clickhouse://127.0.0.1:{silent.getsockname()[1]}/spanledger"
        file = tmp_path / "spanledger.yaml"
        file.write_text("budgets: [{name: b, limit_usd: 1}]\n")
        with ThreadPoolExecutor(50) as pool, second_web(tmp_path / "data", file, SPANLEDGER_WAREHOUSE=url) as hung:
            waiting = [pool.submit(_hangs, hung.address) for _ in range(50)]
            time.sleep(1)
            told = ask(hung, "", app="shop")
            still = sum(not one.done() for one in waiting)
            silent.close()  # lets all of them go
        assert (told["decision"], told["known"]) == ("allow", False)
        assert still == 50


def _hangs(address: str) -> None:
    """Ask for what needs the warehouse; the end of the server ends it."""
    host, port = address.rsplit(":", 1)

    async def read() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /api/v1/spend HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
        with contextlib.suppress(OSError):
            await reader.read(1)

    with contextlib.suppress(OSError):
        asyncio.run(read())
