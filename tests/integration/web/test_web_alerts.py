"""Alerts and budgets from the door to the audit log: a real instance with a policy, real exports, the API, the command line."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.web.conftest import Web

POLICY = """
budgets:
  - {name: care, match: {team: care}, limit_usd: 0.001, forecast: false}
  - {name: everybody, limit_usd: 1000}
alerts:
  defaults: false
  rules: [{name: busy, metric: requests, by: [team], above: 1, over: 1d}]
tokens:
"""
ROLES = {
    "viewer": ("viewer", "[care]"),
    "carer": ("operator", "[care]"),
    "grower": ("operator", "[growth]"),
    "boss": ("operator", "[]"),
    "cfo": ("finance", "[]"),
}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, make_web: Callable[..., Iterator[Web]]) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("alerts")
    tokens = [f"  - {{name: {n}, role: {role}, sha256: {sha256(n.encode()).hexdigest()}, teams: {t}}}\n" for n, (role, t) in ROLES.items()]
    policy = folder / "spanledger.yaml"
    policy.write_text("tokens:\n" + "".join(tokens))
    for web in make_web(folder / "data", policy, SPANLEDGER_ALERTS_INTERVAL_S="0.3"):
        assert until(lambda web=web: web.get("/api/v1/spend?by=&since=30d", "boss").body["total"]["calls"] == 30)  # all that it is sent
        policy.write_text(POLICY + "".join(tokens))  # a rule over a day is asked every five minutes, and when it is new
        assert until(lambda web=web: web.get("/api/v1/budgets", "boss").body["rows"])
        yield web


def until(ask: Callable[[], Any], timeout_s: float = 40) -> Any:
    """What ``ask`` says once it says anything."""
    deadline = time.monotonic() + timeout_s
    while not (found := ask()) and time.monotonic() < deadline:
        time.sleep(0.3)
    return found


def firing(web: Web, token: str = "boss", **where: str) -> list[dict[str, Any]]:
    rows = web.get("/api/v1/alerts?state=firing", token).body["rows"]
    return [row for row in rows if all(row[k] == v or row["labels"].get(k) == v for k, v in where.items())]


def cli(web: Web, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spanledger", *args, "--data", str(web.data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[3])


def test_a_budget_that_is_passed_fires_and_says_where_it_stands(web: Web) -> None:
    assert until(lambda: len(firing(web, rule="care")) == 3)
    rows = {row["name"]: row for row in web.get("/api/v1/budgets", "cfo").body["rows"]}
    spent = web.get("/api/v1/spend?by=team&since=90d", "cfo").body
    assert rows["care"]["reached"] == ["0.6", "0.8", "1"]
    assert rows["care"]["spent_usd"] == next(r["cost_usd"] for r in spent["rows"] if r["team"] == "care")
    assert rows["everybody"]["spent_usd"] == spent["total"]["cost_usd"]
    assert rows["everybody"]["reached"] == []


def test_everybody_sees_their_own_teams_alerts_and_budgets_only(web: Web) -> None:
    assert until(lambda: firing(web, rule="busy", team="care") and firing(web, rule="busy", team="growth"))
    assert {row["team"] for row in firing(web, "carer")} == {"care"}
    assert {row["team"] for row in firing(web, "grower")} == {"growth"}
    assert [row["name"] for row in web.get("/api/v1/budgets", "viewer").body["rows"]] == ["care"]
    assert web.get("/api/v1/alerts", "viewer").status == web.get("/api/v1/alerts", "cfo").status == 403
    other = firing(web, rule="busy", team="growth")[0]["id"]
    assert web.post(f"/api/v1/alerts/{other}/acknowledge", {}, "carer").status == 404


def test_taking_an_alert_on_stands_in_the_audit_log(web: Web) -> None:
    assert until(lambda: firing(web, rule="busy", team="growth"))
    alert = firing(web, rule="busy", team="growth")[0]
    assert web.post(f"/api/v1/alerts/{alert['id']}/acknowledge", {"comment": "mail ana@example.org"}, "cfo").status == 403
    assert web.post(f"/api/v1/alerts/{alert['id']}/acknowledge", {"comment": "mail ana@example.org"}, "grower").status == 200
    told = next(row for row in web.get("/api/v1/alerts", "boss").body["rows"] if row["id"] == alert["id"])
    assert told["acknowledged"]["by"] == "grower"
    assert told["acknowledged"]["comment"] == "mail [EMAIL]"
    logged = json.loads(cli(web, "query", f"SELECT * FROM spanledger.audit_log WHERE subject = 'alert:{alert['id']}'", "--format", "json").stdout)[
        "data"
    ]
    assert [(row["actor"], row["action"]) for row in logged] == [("grower", "acknowledgement")]
    assert "ana@" not in json.dumps(logged)
    assert cli(web, "audit", "verify").returncode == 0


def test_a_budgets_alerts_are_taken_on_together(web: Web) -> None:
    assert until(lambda: len(firing(web, rule="care")) == 3)
    assert len(web.post("/api/v1/budgets/care/acknowledge", {}, "carer").body["acknowledged"]) == 3
    assert all(row["acknowledged"]["by"] == "carer" for row in firing(web, rule="care"))
    assert web.post("/api/v1/budgets/everybody/acknowledge", {}, "boss").status == 404


def test_silences_are_set_ended_and_logged(web: Web) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = web.post("/api/v1/silences", {"rules": ["busy"], "ends_at": ends, "comment": "moving"}, "carer")
    assert made.status == 201
    assert made.body["match"] == {"team": ["care"]}  # never more than their own
    assert [row["id"] for row in web.get("/api/v1/silences", "boss").body["rows"]] == [made.body["id"]]
    assert web.delete(f"/api/v1/silences/{made.body['id']}", "grower").status == 404
    assert web.delete(f"/api/v1/silences/{made.body['id']}", "carer").status == 200
    assert web.get("/api/v1/silences", "boss").body["rows"] == []
    actions = json.loads(cli(web, "query", "SELECT action FROM spanledger.audit_log WHERE subject LIKE 'silence:%'", "--format", "json").stdout)[
        "data"
    ]
    assert sorted(row["action"] for row in actions) == ["silence_ended", "silence_set"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rules": ["busy"], "ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"rules": ["busy"], "ends_at": "2999-01-01T00:00:00Z"}, "ends_at"),
        ({"ends_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "match"),
        ({"rules": ["busy"]}, "ends_at"),
    ],
    ids=["over", "too long", "everything", "no end"],
)
def test_a_silence_that_makes_no_sense_is_refused_by_field(web: Web, body: dict[str, Any], field: str) -> None:
    refused = web.post("/api/v1/silences", body, "boss")
    assert refused.status == 422
    assert field in json.dumps(refused.body["errors"])


def test_the_command_line_lists_and_takes_on(web: Web) -> None:
    assert until(lambda: firing(web, rule="busy", team="care"))
    listed = cli(web, "alerts", "list", "--format", "json")
    assert listed.returncode == 0, listed.stderr
    row = next(r for r in json.loads(listed.stdout)["data"] if r["rule"] == "busy" and "care" in r["summary"])
    assert cli(web, "alerts", "acknowledge", row["id"], "--comment", "on it").returncode == 0
    assert next(r for r in firing(web, rule="busy", team="care"))["acknowledged"]["comment"] == "on it"
    assert cli(web, "alerts", "acknowledge", "0123").returncode == 1


def test_a_budget_is_set_changed_acted_on_and_removed(web: Web) -> None:
    told = {"name": "growth total", "match": {"team": "growth"}, "limit_usd": "0.000001", "forecast": False, "steps": ["50%", 1]}
    made = web.post("/api/v1/budgets", told, "cfo")
    assert (made.status, made.body["source"], made.body["set_by"]) == (201, "api", "cfo")
    assert web.post("/api/v1/budgets", told, "cfo").status == 409
    row = next(r for r in web.get("/api/v1/budgets", "grower").body["rows"] if r["name"] == "growth total")
    assert (row["source"], row["set_by"], row["limit_usd"], row["reached"]) == ("api", "cfo", "0.000001", ["0.5", "1"])
    assert until(lambda: len(firing(web, rule="growth total")) == 2)
    assert len(web.post("/api/v1/budgets/growth%20total/acknowledge", {}, "grower").body["acknowledged"]) == 2
    changed = web.put("/api/v1/budgets/growth%20total", {**told, "limit_usd": 1000, "on_exceeded": "deny"}, "grower")
    assert (changed.status, changed.body["limit_usd"], changed.body["on_exceeded"], changed.body["set_by"]) == (200, "1000", "deny", "grower")
    assert web.delete("/api/v1/budgets/growth%20total", "carer").status == 404  # another team's
    assert web.delete("/api/v1/budgets/growth%20total", "cfo").status == 200
    assert web.delete("/api/v1/budgets/growth%20total", "cfo").status == 404
    assert until(lambda: not firing(web, rule="growth total"))
    logged = json.loads(
        cli(
            web, "query", "SELECT actor, action FROM spanledger.audit_log WHERE subject = 'budget:growth total' ORDER BY seq", "--format", "json"
        ).stdout
    )["data"]
    assert [tuple(row.values()) for row in logged] == [("cfo", "budget_set"), ("grower", "budget_set"), ("cfo", "budget_removed")]


@pytest.mark.parametrize(
    ("token", "told", "status", "about"),
    [
        ("viewer", {}, 403, "finance or operator or admin"),
        ("carer", {"match": {"team": "growth"}}, 403, "match.team"),
        ("carer", {"match": {}}, 403, "match.team"),
        ("cfo", {"name": "care"}, 409, "policy file"),
        ("cfo", {"name": "busy"}, 409, "rule"),
        ("cfo", {"name": "a/b"}, 422, "name"),
        ("cfo", {"limit_usd": -1}, 422, "limit_usd"),
        ("cfo", {"limit": 1}, 422, "limit"),
        ("cfo", {"steps": ["0%"]}, 422, "steps"),
        ("cfo", {"period": "fortnight"}, 422, "period"),
        ("cfo", {"receivers": ["nobody"]}, 422, "receivers"),
        ("cfo", {"match": {"team": ["x" * 17_000]}}, 422, "16384"),
    ],
)
def test_a_budget_that_may_not_be_set_is_refused_with_the_reason(web: Web, token: str, told: dict[str, Any], status: int, about: str) -> None:
    refused = web.post("/api/v1/budgets", {"name": "new", "limit_usd": 1, "match": {"team": "care"}, **told}, token)
    assert refused.status == status, refused.body
    assert about in json.dumps(refused.body)
    assert "new" not in {row["name"] for row in web.get("/api/v1/budgets", "boss").body["rows"]}


def test_a_budget_of_the_policy_file_is_changed_there_only(web: Web) -> None:
    assert web.put("/api/v1/budgets/care", {"limit_usd": 1}, "boss").status == 409
    assert web.delete("/api/v1/budgets/care", "boss").status == 409
    assert web.put("/api/v1/budgets/nothing", {"limit_usd": 1}, "boss").status == 404
    assert web.put("/api/v1/budgets/one", {"name": "two", "limit_usd": 1}, "boss").status == 422


def test_evidence_holds_what_an_alert_was_about_for_who_may_read_it(web: Web) -> None:
    assert until(lambda: firing(web, rule="busy", team="care"))
    alert = firing(web, rule="busy", team="care")[0]["id"]

    def archive(token: str) -> dict[str, str]:
        request = urllib.request.Request(f"http://{web.address}/api/v1/evidence/{alert}?calls=3", headers={"authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=60) as reply, zipfile.ZipFile(io.BytesIO(reply.read())) as packed:
            return {name: packed.read(name).decode() for name in packed.namelist()}

    files = archive("carer")
    assert json.loads(files["alert.json"])["id"] == alert
    assert json.loads(files["rule.json"])["name"] == "busy"
    rows = files["calls.csv"].splitlines()
    assert len(rows) == 4
    assert all("care" in row for row in rows[1:])
    assert "Where is parcel number" in files["texts.jsonl"]
    assert "jo@example.com" not in files["texts.jsonl"]
    assert web.get(f"/api/v1/evidence/{alert}", "grower").status == 404
    assert web.get(f"/api/v1/evidence/{alert}", "viewer").status == 403
    logged = json.loads(cli(web, "query", "SELECT actor FROM spanledger.audit_log WHERE action = 'evidence_read'", "--format", "json").stdout)["data"]
    assert [row["actor"] for row in logged] == ["carer"]
