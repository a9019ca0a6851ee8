"""Every question of pages and API travels with the caller's ticket: the endpoint, not the page, keeps teams apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from dashboard import asking, health
from dashboard.access import Caller
from dashboard.connections import Connections, principal
from dashboard.context import Context, install
from spanledger import instance
from spanledger.errors import AccessDenied, NotFound, SpanledgerError
from spanledger.policy import Policy, PolicyFile
from spanledger.settings import Settings
from warehouse import queries
from warehouse.access import authenticator
from warehouse.endpoint import serve
from warehouse.engine import Engine
from warehouse.migrate import migrate
from warehouse.queries import Scope

pytest.importorskip("chdb")

NOW = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
SCOPE = Scope(NOW - timedelta(hours=3), NOW + timedelta(hours=2))  # as a page would ask that forgot the caller's teams
A, B, SHARED = "aa" * 16, "bb" * 16, "cc" * 16
ROLES = ("viewer", "finance", "operator", "auditor", "admin")
#: What each role of the dashboard asks; those with a reason are refused by the endpoint.
QUESTIONS: dict[str, Callable[[Client], Any]] = {
    "spend": lambda c: queries.spend_report(c, SCOPE).rows,
    "spend over time": lambda c: queries.spend_over_time(c, SCOPE, by=("team",)),
    "spend by hour": lambda c: queries.spend(c, SCOPE, by=("hour", "team")),
    "tokens": lambda c: queries.tokens(c, SCOPE, by=("team", "model")),
    "dimensions": lambda c: queries.dimensions(c, SCOPE),
    "unpriced": lambda c: queries.unpriced(c, SCOPE, by=("team", "model")),
    "missing usage": lambda c: queries.missing_usage(c, SCOPE, by=("team", "model")),
    "conflicts": lambda c: queries.conflicts(c, SCOPE),
    "coverage": lambda c: queries.coverage(c, SCOPE),
    "latency": lambda c: queries.latency(c, SCOPE, by=("team",)),
    "rates": lambda c: queries.rates(c, SCOPE, by=("team",)),
    "people": lambda c: queries.people(c, SCOPE, by=("team",)),
    "errors": lambda c: queries.errors_by_type(c, SCOPE),
    "units": lambda c: queries.unit_economics(c, SCOPE, by=("team",)),
    "prices": lambda c: queries.prices_used(c, SCOPE),
    "top": lambda c: queries.top(c, SCOPE, of=("team", "prompt")),
    "quality": lambda c: queries.quality(c, SCOPE, by=("team",)),
    "releases": lambda c: queries.releases(c, SCOPE, by=("team", "prompt")),
    "calls": lambda c: queries.calls(c, SCOPE).rows,
    "calls, unscored": lambda c: queries.calls(c, SCOPE, scored=False).rows,
    "worst": lambda c: queries.worst_answers(c, SCOPE),
    "sessions": lambda c: queries.sessions(c, SCOPE),
}
SINGLE = {"calls", "calls, unscored", "worst", "sessions"}
QUALITY = {"quality", "releases", "calls", "worst"}


def _fill(client: Client) -> None:
    """A trace of team a, one of team b, one of both; spans, texts and scores of each."""
    for trace, team, span in ((A, "a", 1), (B, "b", 2), (SHARED, "a", 3), (SHARED, "b", 4)):
        key = {"t": trace, "s": f"{span:016x}", "at": NOW.strftime("%Y-%m-%d %H:%M:%S"), "team": team, "text": f"zanzibar text of {team}"}
        head = "(project, service, ts, trace_id, span_id"
        values = "SELECT 'p', 's', toDateTime64({at:String}, 6, 'UTC'), unhex({t:String}), unhex({s:String})"
        for statement in (
            f"INSERT INTO spanledger.calls {head}, team, app_id, model, prompt_id, entry_kind, billed, outcome, error_type, tokens_in, session_hash,"
            f" user_hash, cost_estimate_usd, cost_source, usage_source,"
            f" conflict, biz_metric, members) {values}, {{team:String}}, concat('app-', {{team:String}}),"
            " concat('model-', {team:String}), concat('prompt-', {team:String}), 'call', true, 'error', concat('E-', {team:String}), 5, 'x', 'y', 1,"
            " 'unpriced', 'missing', 1, map(concat('biz-', {team:String}), 1.),"
            " [unhex({s:String})]",
            f"INSERT INTO spanledger.spans {head}, name) {values}, concat('span of ', {{team:String}})",
            f"INSERT INTO spanledger.contents {head}, prompt) {values}, {{text:String}}",
            f"INSERT INTO spanledger.scores {head}, team, app_id, detector, score, hallucination_score, flagged) {values}, {{team:String}},"
            " concat('app-', {team:String}), 'composite', 1, 1, true",
        ):
            client.command(statement, parameters=key)


@pytest.fixture(scope="module", params=["embedded", "server"])
def connections(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connections]:
    """The dashboard's way to a filled warehouse: the collector's endpoint, or a server with the dashboard's endpoint in front."""
    data = tmp_path_factory.mktemp(request.param)
    instance.prepare(data)
    secret = instance.new_token(data)
    with Engine.open(data) as engine, instance.hold(data):
        client = engine.client()
        migrate(client)
        _fill(client)
        policy = _policy()
        if request.param == "embedded":
            endpoint = serve(engine, "127.0.0.1", 0, authenticator(lambda: policy, secret, loopback=True))
            instance.report(data, "collector", {"sql": endpoint.address})
            settings = Settings(data_dir=data)
        else:  # our endpoint stands for the server: its instance user is the service user
            endpoint = serve(engine, "127.0.0.1", 0, authenticator(lambda: policy, "service", loopback=False))
            settings = Settings(data_dir=data, warehouse=f"clickhouse://instance:service@{endpoint.address}/spanledger", sql_port=0)  # pyright: ignore
        found = Connections(settings, lambda: policy)
        try:
            yield found
        finally:
            found.close()
            endpoint.close(1)


def _policy() -> Policy:
    tokens = [{"name": f"{r}-{t}", "role": r, "teams": [t], "sha256": sha256(f"{r}-{t}".encode()).hexdigest()} for r in ROLES for t in "ab"]
    return Policy.model_validate({"tokens": tokens})


def teams_in(answer: Any) -> str:
    """The answer as text, to look for the other team's names in."""
    return repr(answer.to_dicts() if hasattr(answer, "to_dicts") else answer)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_that_forgets_the_teams_still_gets_the_callers_rows_only(connections: Connections, role: str, name: str) -> None:
    caller = Caller("somebody", role, ("a",))
    refused = (role == "viewer" and name in SINGLE) or (role == "finance" and name in QUALITY)
    if refused:
        with pytest.raises(AccessDenied):
            connections.ask(caller, QUESTIONS[name])
        return
    told = teams_in(connections.ask(caller, QUESTIONS[name]))
    for theirs in ("-b'", "'b'", B):
        assert theirs not in told, (name, theirs)
    everyone = teams_in(connections.ask(Caller("somebody", role), QUESTIONS[name]))
    assert everyone != told


def test_spans_and_texts_are_shown_only_where_every_entry_is_the_callers(connections: Connections) -> None:
    mine = Caller("op", "operator", ("a",))
    assert connections.trace(mine, A).spans["name"].to_list() == ["span of a"]
    assert connections.texts(mine, A)["prompt"].to_list() == ["zanzibar text of a"]
    shared = connections.trace(mine, SHARED)
    assert shared.entries["team"].to_list() == ["a"]
    assert shared.spans.is_empty()
    assert connections.texts(mine, SHARED).is_empty()
    with pytest.raises(NotFound):
        connections.trace(mine, B)
    assert connections.texts(mine, B).is_empty()
    assert set(connections.search(mine, SCOPE, "zanzibar").rows["trace_id"]) == {A}
    both = Caller("op", "operator", ("a", "b"))
    assert connections.trace(both, SHARED).spans.height == 2
    assert set(connections.search(both, SCOPE, "zanzibar").rows["trace_id"]) == {A, B, SHARED}


def test_roles_without_the_journal_or_texts_get_neither(connections: Connections) -> None:
    assert connections.trace(Caller("f", "finance", ("a",)), A).spans.is_empty()
    for role in ("viewer", "finance"):
        with pytest.raises(AccessDenied):
            connections.texts(Caller("x", role), A)
        with pytest.raises(AccessDenied):
            connections.search(Caller("x", role), SCOPE, "zanzibar")
        with pytest.raises(AccessDenied):
            connections.ask(Caller("x", role), lambda c: queries.trace_contents(c, A))


def test_no_caller_writes_through_a_question(connections: Connections) -> None:
    for role in ROLES:
        with pytest.raises(Exception, match=r"READONLY|ACCESS_DENIED|not allowed|only|readonly"):
            connections.ask(Caller("x", role), lambda c: c.command("TRUNCATE TABLE spanledger.calls"))
    connections.ping()
    assert connections.write(lambda c: c.query("SELECT count() FROM spanledger.calls").result_rows[0][0]) == 4


def test_one_threads_client_serves_callers_in_turn_without_mixing_them(connections: Connections) -> None:
    for team in ("a", "b", "a", "b"):
        rows = connections.ask(Caller("x", "finance", (team,)), lambda c: queries.spend(c, SCOPE, by=("team",)))
        assert rows["team"].to_list() == [team]


def test_kept_answers_are_not_shared_between_scopes(connections: Connections) -> None:
    asker = asking.Asker(connections)
    found = [asker.one(Caller("x", "finance", teams), queries.spend, SCOPE, by=("team",))["team"].to_list() for teams in (("a",), ("b",), ())]
    assert found[:2] == [["a"], ["b"]]
    assert sorted(found[2]) == ["a", "b"]


ROUTES = (
    "spend?by=team,app", "spend?by=", "tokens?by=team", "unpriced", "latency?by=team", "rates?by=team", "quality?by=team", "quality/worst", "prices",
    "calls", f"calls/{B}/{2:016x}", f"calls/{SHARED}/{4:016x}", f"traces/{B}", f"traces/{SHARED}", f"traces/{A}",
)  # fmt: skip


@pytest.mark.parametrize("role", ["viewer", "finance", "operator"])
@pytest.mark.parametrize("route", ROUTES)
def test_no_route_gives_a_member_of_team_a_anything_of_team_b(connections: Connections, tmp_path: Path, role: str, route: str) -> None:
    from starlette.testclient import TestClient

    app = _app(connections, tmp_path)
    with TestClient(app, base_url="http://127.0.0.1") as web:
        reply = web.get(f"/api/v1/{route}", headers={"authorization": f"Bearer {role}-a"}, params=None)
    assert reply.status_code in (200, 403, 404), reply.text
    for theirs in ('-b"', '"b"', "of b"):
        assert theirs not in reply.text, (route, theirs)
    if reply.status_code == 200 and "by=team" in route:
        assert '"a"' in reply.text


def _app(connections: Connections, folder: Path) -> Any:
    from fastapi import FastAPI

    from dashboard import api
    from dashboard.api import problems

    written = folder / "spanledger.yaml"
    lines = [f"  - {{name: {t.name}, role: {t.role}, teams: [{t.teams[0]}], sha256: {t.sha256}}}" for t in _policy().tokens]
    written.write_text("tokens:\n" + "\n".join(lines) + "\n")
    install(Context(connections.settings, PolicyFile(written, None), connections))
    app = FastAPI()
    problems.install(app)
    app.include_router(health.router)
    for router in api.routers():
        app.include_router(router, prefix="/api/v1")
    return app


def test_a_caller_is_a_principal_with_the_same_scope() -> None:
    assert principal(Caller("x", "viewer")).teams is None
    assert principal(Caller("x", "viewer", ("a",))).teams == ("a",)


def test_a_server_that_is_away_is_said_and_found_again_later(tmp_path: Path) -> None:
    away = Connections(Settings(data_dir=tmp_path, warehouse="clickhouse://127.0.0.1:1/spanledger", sql_port=0))  # pyright: ignore
    with pytest.raises(SpanledgerError):
        away.ask(Caller("x", "admin"), lambda c: queries.spend(c, SCOPE))
    away.close()
