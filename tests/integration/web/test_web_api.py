"""The HTTP API of a running instance, asked as a client would."""

from __future__ import annotations

import http.client
import json
import re
import time
from decimal import Decimal

import pytest

VIEWER, FINANCE, OPERATOR = "viewer-secret", "finance-secret", "operator-secret"


def rows(web, path: str, token: str = "") -> list[dict]:
    reply = web.get(f"/api/v1/{path}", token)
    assert reply.status == 200, reply.body
    return reply.body["rows"]


def test_the_instance_is_ready_and_tells_its_health(instance):
    assert instance.get("/healthz").body == {"status": "ok"}
    ready = instance.get("/readyz")
    assert (ready.status, ready.body["status"]) == (200, "ready")
    assert "spanledger_web_requests_total" in instance.get("/metrics").body


def test_an_answer_does_not_wait_for_the_clients_acknowledgement(instance):
    connection = http.client.HTTPConnection(instance.address)
    took = []
    for _ in range(8):
        began = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        took.append(time.perf_counter() - began)
    connection.close()
    assert min(took[1:]) < 0.03  # Nagle's algorithm and a delayed acknowledgement together make every answer 0.04 s late


@pytest.mark.parametrize("path", ["/", "/static/none.js", "/api/v1/spend", "/api/v1/none", "/login"])
def test_no_answer_may_be_framed_by_others_or_taken_for_another_type(instance, path: str):
    headers = instance.get(path).headers
    assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("SAMEORIGIN", "nosniff")


def test_rows_add_up_to_the_total_to_the_last_digit_whatever_they_are_grouped_by(instance):
    totals = set()
    for by in ("", "app", "team,model_tier", "app,team,model,env", "day", "hour,provider"):
        report = instance.get(f"/api/v1/spend?since=30d&by={by}").body
        assert sum((Decimal(row["cost_usd"]) for row in report["rows"]), Decimal(0)) == Decimal(report["total"]["cost_usd"])
        totals.add(report["total"]["cost_usd"])
    assert len(totals) == 1
    assert re.fullmatch(r"\d+\.\d{9}", totals.pop())


def test_the_command_line_agrees_with_the_api_to_the_last_digit(instance):
    import subprocess
    import sys

    since, until = "2026-01-01", "2030-01-01"
    command = [sys.executable, "-P", "-m", "spanledger", "spend", "--data", str(instance.data), "--by", "app,team,model_tier"]
    said = subprocess.run([*command, "--since", since, "--until", until, "--format", "json"], capture_output=True, text=True, check=True, timeout=120)
    told = json.loads(said.stdout)
    theirs = {(row["app"], row["team"], row["model_tier"]): Decimal(row["cost_usd"]) for row in told["data"]}
    report = instance.get(f"/api/v1/spend?by=app,team,model_tier&since={since}&until={until}").body
    assert theirs == {(row["app"], row["team"], row["model_tier"]): Decimal(row["cost_usd"]) for row in report["rows"]}


def test_spend_is_tokens_times_list_price(instance):
    by_app = {row["app"]: row for row in rows(instance, "spend?since=30d&by=app")}
    helpdesk = sum(800 + i for i in range(12)) * Decimal("0.15") + 12 * 200 * Decimal("0.075") + 12 * 300 * Decimal("0.6")
    helpdesk += 5 * (900 * Decimal("0.15") + 100 * Decimal("0.6"))
    copilot = sum(2000 + i for i in range(8)) * Decimal(3) + 8 * 500 * Decimal(15)
    assert Decimal(by_app["helpdesk"]["cost_usd"]) == helpdesk / 1_000_000
    assert Decimal(by_app["copilot"]["cost_usd"]) == copilot / 1_000_000
    assert Decimal(by_app["labs"]["cost_usd"]) == 0


def test_what_is_not_known_is_counted_and_never_zero_in_silence(instance):
    report = instance.get("/api/v1/spend?since=30d&by=").body
    assert report["coverage"]["usage_missing"] == 1
    assert report["coverage"]["unpriced_calls"] >= 3
    assert report["coverage"]["complete"] is False
    models = {row["model"] for row in instance.get("/api/v1/unpriced?since=30d").body["models"]}
    assert "mystery-7b" in models


def test_filters_and_windows_narrow_the_rows(instance):
    assert {row["app"] for row in rows(instance, "spend?since=30d&by=app&team=care")} == {"helpdesk"}
    assert {row["app"] for row in rows(instance, "spend?since=30d&by=app&app=copilot&app=labs")} == {"copilot", "labs"}
    week = {row["app"]: row["calls"] for row in rows(instance, "spend?since=7d&by=app")}
    month = {row["app"]: row["calls"] for row in rows(instance, "spend?since=30d&by=app")}
    assert month["helpdesk"] - week["helpdesk"] == 5


def test_pages_of_calls_hold_every_call_once(instance):
    seen, cursor = [], ""
    while True:
        page = instance.get(f"/api/v1/calls?since=30d&limit=7&cursor={cursor}").body
        seen += [(row["ts"], row["trace_id"], row["span_id"]) for row in page["rows"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == instance.get("/api/v1/spend?since=30d&by=").body["total"]["calls"]
    assert [at for at, *_ in seen] == sorted((at for at, *_ in seen), reverse=True)


def test_a_call_and_its_trace_can_be_looked_up_by_any_of_its_spans(instance):
    row = rows(instance, "calls?limit=1&app=copilot")[0]
    call = instance.get(f"/api/v1/calls/{row['trace_id']}/{row['span_id']}").body
    assert (call["app_id"], call["model"], call["cost_estimate_usd"]) == ("copilot", "claude-sonnet-4-5", row["cost_usd"])
    trace = instance.get(f"/api/v1/traces/{row['trace_id']}").body
    assert {span["span_id"] for span in trace["spans"]} > set(call["members"])
    assert trace["entries"][0]["cost_usd"] == row["cost_usd"]
    assert instance.get(f"/api/v1/calls/{row['trace_id']}/{'0' * 15}1").status == 404


def test_latency_rates_tokens_quality_and_prices_answer(instance):
    latency = {row["model"]: row for row in rows(instance, "latency?since=30d&by=model")}
    assert 900 <= latency["gpt-4o-mini"]["p50_ms"] <= 1400
    rates = {row["app"]: row for row in rows(instance, "rates?since=30d&by=app")}
    assert rates["helpdesk"]["rate_limited"] + rates["helpdesk"]["errors"] == 1
    assert rows(instance, "tokens?since=30d&by=model")
    assert isinstance(rows(instance, "quality?since=30d&by=app"), list)
    prices = instance.get("/api/v1/prices?since=30d").body
    assert any(row["model"] == "gpt-4o-mini" and row["price_id"] for row in prices["used"])


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("spend?by=shoe_size", 422, "shoe_size"),
        ("spend?since=yesterday", 422, "is no time"),
        ("spend?since=now", 422, "empty"),
        ("calls?limit=0", 422, "limit"),
        ("calls?cursor=nonsense", 400, "cursor"),
        ("traces/xyz", 422, "hexadecimal"),
        (f"traces/{'ab' * 16}", 404, "trace"),
        ("nothing/here", 404, "/api/docs"),
    ],
)
def test_errors_are_problem_documents_that_say_what_is_wrong(instance, path: str, status: int, word: str):
    reply = instance.get(f"/api/v1/{path}")
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.body["status"] == status
    assert word in reply.body["detail"]


def test_feedback_takes_app_and_team_from_its_call_and_replaces_by_id(instance):
    row = rows(instance, "calls?limit=1&app=helpdesk")[0]
    about = {"trace_id": row["trace_id"], "span_id": row["span_id"]}
    for value in (1, -1):
        reply = instance.post("/api/v1/feedback", {**about, "kind": "thumb", "value": value, "id": "thumb-1"})
        assert (reply.status, reply.body) == (201, {"stored": 1, "ids": ["thumb-1"]})
    assert instance.post("/api/v1/feedback", [{"trace_id": row["trace_id"], "kind": "escalation"}] * 2).body["stored"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"trace_id": "12", "kind": "thumb"}, "trace_id"),
        ({"trace_id": "a" * 32, "kind": "applause"}, "kind"),
        ({"trace_id": "a" * 32, "kind": "thumb", "value": 5}, "value"),
        ({"trace_id": "a" * 32, "kind": "business"}, "name"),
        ([], "body"),
    ],
)
def test_feedback_that_makes_no_sense_is_refused_by_field(instance, body, field: str):
    reply = instance.post("/api/v1/feedback", body)
    assert reply.status == 422
    assert any(field in error["field"] for error in reply.body["errors"])


def test_a_page_of_another_site_cannot_use_the_open_local_door(instance):
    assert instance.get("/api/v1/spend", **{"origin": "https://evil.example"}).status == 401
    assert instance.get("/api/v1/spend", **{"host": "evil.example"}).status == 401
    assert instance.get("/api/v1/spend", **{"sec-fetch-site": "cross-site"}).status == 401


def test_the_reference_page_needs_nothing_from_outside(instance):
    page = instance.get("/api/docs").body
    assert not re.findall(r"""(?:src|href)=["']https?://""", page)
    paths = instance.get("/api/openapi.json").body["paths"]
    assert {"/api/v1/spend", "/api/v1/calls", "/api/v1/feedback", "/api/v1/prices"} <= set(paths)


def test_without_a_token_nothing_is_told_once_tokens_exist(guarded):
    for path in ("spend", "calls", "prices"):
        reply = guarded.get(f"/api/v1/{path}")
        assert (reply.status, reply.headers["www-authenticate"]) == (401, 'Bearer realm="spanledger"')
    assert guarded.get("/api/v1/spend", "wrong").status == 401
    assert guarded.get("/readyz").status == 200


def test_a_viewer_sees_sums_of_own_teams_only(guarded):
    assert {row["team"] for row in rows(guarded, "spend?since=30d&by=team", VIEWER)} == {"care"}
    assert {row["team"] for row in rows(guarded, "spend?since=30d&by=team", FINANCE)} == {"care", "growth", "platform"}
    assert rows(guarded, "spend?since=30d&by=team&team=growth", VIEWER) == []
    assert guarded.get("/api/v1/calls", VIEWER).status == 403


def test_finance_sees_what_calls_cost_but_neither_spans_nor_quality(guarded):
    row = rows(guarded, "calls?limit=1&app=copilot", FINANCE)[0]
    assert guarded.get(f"/api/v1/traces/{row['trace_id']}", FINANCE).body["spans"] is None
    assert guarded.get("/api/v1/quality", FINANCE).status == 403
    assert guarded.post("/api/v1/feedback", {"trace_id": row["trace_id"], "kind": "thumb"}, FINANCE).status == 403


def test_an_operator_cannot_look_up_another_teams_trace(guarded):
    row = rows(guarded, "calls?limit=1&app=labs", FINANCE)[0]
    assert guarded.get(f"/api/v1/traces/{row['trace_id']}", OPERATOR).status == 404
    assert guarded.get(f"/api/v1/calls/{row['trace_id']}/{row['span_id']}", OPERATOR).status == 404
    assert guarded.post("/api/v1/feedback", {"trace_id": row["trace_id"], "kind": "thumb"}, OPERATOR).status == 404


def test_a_gate_is_asked_of_releases_by_those_who_see_quality(instance, guarded):
    asked = {"app": "helpdesk", "baseline": "v1", "candidate": "v1", "since": "30d"}
    reply = instance.post("/api/v1/gates", asked)
    assert (reply.status, reply.body["verdict"]) == (200, "not enough data")  # 18 calls
    cost = next(check for check in reply.body["checks"] if check["name"] == "cost per 1,000 calls")
    assert (cost["verdict"], cost["baseline_n"], cost["baseline"] == cost["candidate"]) == ("not enough data", 18, True)
    assert instance.post("/api/v1/gates", asked | {"limits": {"min_calls": 10}}).status == 422  # no verdict below 50
    assert instance.post("/api/v1/gates", asked | {"since": "long ago"}).status == 422
    assert [guarded.post("/api/v1/gates", asked, token).status for token in ("", VIEWER, FINANCE, OPERATOR)] == [401, 403, 403, 200]
