"""A team scope cannot be left: whatever a viewer asks, the answer is as if other teams' rows did not exist."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

COLUMNS = ["team", "model", "app_id", "outcome"]
NUMBERS = ["tokens_in", "tokens_out", "cost_estimate_usd"]
TABLES = ["ledger", "spanledger.ledger", "calls", "calls FINAL", "spanledger.calls FINAL", "`spanledger`.`ledger`", '"ledger"']

column = st.sampled_from(COLUMNS)
number = st.sampled_from(NUMBERS)
table = st.sampled_from(TABLES)
aggregate = st.sampled_from(["sum", "max", "min", "avg", "count", "uniqExact", "any", "groupUniqArray"])
team = st.sampled_from(["team-a", "team-b", "%", ""])


@st.composite
def conditions(draw, deep: int = 2) -> str:
    kind = draw(st.integers(0, 8 if deep else 4))
    if kind == 0:
        return "1"
    if kind == 1:
        return f"team = '{draw(team)}'"
    if kind == 2:
        return f"team LIKE '{draw(team)}' OR 1"
    if kind == 3:
        return f"{draw(number)} >= {draw(st.integers(0, 140))}"
    if kind == 4:
        return f"NOT ({draw(conditions(0))})"
    if kind == 5:
        return f"{draw(column)} IN (SELECT {draw(column)} FROM @{draw(table)}@ WHERE {draw(conditions(deep - 1))})"
    if kind == 6:
        return f"(SELECT count() FROM @{draw(table)}@ WHERE {draw(conditions(deep - 1))}) > {draw(st.integers(0, 45))}"
    if kind == 7:
        return f"EXISTS (SELECT 1 FROM @{draw(table)}@ WHERE {draw(conditions(deep - 1))})"
    return f"({draw(conditions(deep - 1))}) AND ({draw(conditions(deep - 1))})"


@st.composite
def sources(draw, deep: int = 2) -> str:
    kind = draw(st.integers(0, 5 if deep else 0))
    if kind <= 1:
        return f"@{draw(table)}@ AS s"
    inner = draw(sources(deep - 1))
    if kind == 2:
        return f"(SELECT team, model, app_id, outcome, tokens_in, tokens_out, cost_estimate_usd FROM {inner} WHERE {draw(conditions(deep - 1))}) AS s"
    fields = "team, model, app_id, outcome, tokens_in, tokens_out, cost_estimate_usd"
    if kind == 3:
        return f"(SELECT {fields} FROM {inner} UNION ALL SELECT {fields} FROM {draw(sources(deep - 1))}) AS s"
    if kind == 4:
        return f"(WITH w AS (SELECT {fields} FROM {inner}) SELECT * FROM w WHERE {draw(conditions(deep - 1))}) AS s"
    return (
        f"(SELECT l.team AS team, l.model AS model, r.app_id AS app_id, r.outcome AS outcome, l.tokens_in AS tokens_in, r.tokens_out AS tokens_out, "
        f"l.cost_estimate_usd AS cost_estimate_usd FROM (SELECT {fields} FROM {inner}) AS l "
        f"{draw(st.sampled_from(['INNER', 'LEFT', 'FULL']))} JOIN (SELECT {fields} FROM {draw(sources(deep - 1))}) AS r USING (tokens_in)) AS s"
    )


@st.composite
def queries(draw) -> str:
    source, where = draw(sources()), draw(conditions())
    by = draw(column)
    what = draw(st.integers(0, 4))
    if what == 0:
        return f"SELECT {by}, {draw(aggregate)}({draw(number)}) AS v FROM {source} WHERE {where} GROUP BY {by} ORDER BY ALL"
    if what == 1:
        return f"SELECT count(), {draw(aggregate)}({draw(column)}) FROM {source} WHERE {where}"
    if what == 2:
        return f"SELECT DISTINCT {by}, team FROM {source} WHERE {where} ORDER BY ALL"
    if what == 3:
        return f"SELECT {by}, sum({draw(number)}) OVER (PARTITION BY {by}) AS v FROM {source} WHERE {where} ORDER BY ALL"
    return f"SELECT {by} FROM {source} WHERE {where} EXCEPT SELECT {by} FROM @{draw(table)}@ WHERE {draw(conditions(1))}"


def written(query: str, teams: tuple[str, ...] | None) -> str:
    """The query over the tables, or over what the teams may see of them."""
    parts = query.split("@")
    listed = ", ".join(f"'{one}'" for one in teams or ())
    for i in range(1, len(parts), 2):
        if teams is not None:
            parts[i] = f"(SELECT * FROM {parts[i]} WHERE team IN ({listed}))"
    return "".join(parts).replace(" FINAL AS s", " AS s FINAL")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(query=queries())
def test_a_viewer_gets_what_the_query_would_give_if_other_teams_did_not_exist(house, query):
    seen_status, seen = house.ask("viewer-a", written(query, None))
    should_status, should = house.ask("instance", written(query, ("team-a",)))
    assert (seen_status, sorted_arrays(seen)) == (should_status, sorted_arrays(should)), query
    assert "team-b" not in seen


def sorted_arrays(text: str) -> list[str]:
    """Lines, with array literals in a fixed order."""
    return sorted(",".join(sorted(line.strip("[]").split(","))) for line in text.splitlines()) if not text.startswith("Code:") else ["error"]


ATTEMPTS = [
    "SELECT team FROM ledger",
    "SELECT team FROM calls",
    "SELECT team FROM calls FINAL",
    "SELECT team FROM spanledger.calls AS c",
    "SELECT c.team FROM calls AS c, calls AS d",
    "SELECT team FROM ledger AS calls",
    "SELECT team FROM calls AS ledger",
    "SELECT team FROM (SELECT * EXCEPT (trace_id) FROM (SELECT team FROM ledger))",
    "WITH calls AS (SELECT team FROM spanledger.calls) SELECT team FROM calls",
    "WITH ledger AS (SELECT team FROM spanledger.ledger) SELECT team FROM ledger UNION ALL SELECT team FROM spanledger.ledger",
    "SELECT team FROM spend_hourly",
    "SELECT team FROM ledger PREWHERE 1",
    "SELECT team FROM ledger WHERE 1 OR team = 'team-b'",
    "SELECT 'team-a' AS team, app_id FROM ledger",
    "SELECT upper('team-a') AS team, app_id FROM ledger WHERE team != 'team-a'",
    "SELECT (SELECT groupUniqArray(app_id) FROM ledger)",
    "SELECT groupUniqArray(app_id) FROM ledger",
    "SELECT app_id FROM ledger WHERE 'team-b' IN (SELECT team FROM ledger)",
    "SELECT min(team), max(team) FROM calls",
    "SELECT app_id FROM calls GROUP BY app_id WITH TOTALS",
    "SELECT team FROM ledger INTERSECT SELECT 'team-b'",
    "SELECT team FROM ledger RIGHT JOIN (SELECT 'team-b' AS q) AS x ON team = q",
    "SELECT l.app_id FROM ledger AS l ANY LEFT JOIN spend_hourly AS s ON 1",
    "SELECT _table, team FROM calls",
    'SELECT team FROM calls AS "system.databases"',
    "SELECT team FROM ledger AS `spanledger.scores`",
    "WITH w AS MATERIALIZED (SELECT team FROM ledger) SELECT team FROM w",
    "SELECT team FROM calls SETTINGS final = 1",
    "SELECT team FROM ledger LIMIT 100 OFFSET 0 WITH TIES",
    "SELECT untuple(tuple(team)) FROM ledger",
    "SELECT (SELECT team FROM ledger WHERE team = 'team' || '-b' LIMIT 1)",
    "SELECT l.team FROM ledger AS l LEFT ANTI JOIN (SELECT 1 AS one) AS o ON l.tokens_in = o.one",
    "SELECT anyIf(team, team != 'team-a') FROM ledger",
    "SELECT topK(10)(team) FROM ledger",
    "SELECT DISTINCT ON (app_id) app_id FROM ledger",
    "SELECT app_id FROM ledger ORDER BY app_id DESC LIMIT 1 BY app_id",
    "SELECT app_id FROM ledger QUALIFY row_number() OVER (PARTITION BY app_id ORDER BY ts) = 1",
    "SELECT arrayJoin(groupArray(app_id)) FROM ledger",
    "WITH RECURSIVE r AS (SELECT app_id, 1 AS n FROM ledger UNION ALL SELECT app_id, n + 1 FROM r WHERE n < 3) SELECT DISTINCT app_id FROM r",
]


@pytest.mark.parametrize("sql", ATTEMPTS)
def test_known_ways_around_a_row_filter_show_no_other_team(house, sql):
    status, body = house.ask("viewer-a", sql, default_format="TSV")
    seen = [line for line in body.splitlines() if ("team-b" in line and not line.startswith("team-b\t")) or "app-team-b" in line]
    assert status != 200 or not seen, body
    if status == 200 and "'team-b'" not in sql:
        assert "team-b" not in body


def test_each_viewer_sees_its_own_teams(house):
    assert house.ask("viewer-a", "SELECT DISTINCT team FROM ledger") == (200, "team-a\n")
    assert house.ask("viewer-b", "SELECT DISTINCT team FROM ledger") == (200, "team-b\n")
    assert house.ask("viewer-none", "SELECT count() FROM ledger") == (200, "0\n")
    assert house.ask("viewer", "SELECT DISTINCT team FROM ledger ORDER BY team") == (200, "team-a\nteam-b\n")


def test_a_call_that_changed_hands_belongs_to_its_new_team_only(house):
    sql = "SELECT count() FROM ledger WHERE tokens_out = 999"
    assert house.ask("viewer-a", sql)[1] == "0\n"
    assert house.ask("viewer-b", sql)[1] == "1\n"
    assert house.ask("viewer-a", "SELECT count() FROM calls FINAL WHERE tokens_out = 999")[1] == "0\n"


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM spans", "SELECT * FROM contents", "SELECT count() FROM texts", "SELECT count() FROM journal", "DESCRIBE contents"]
)
def test_tables_without_a_team_are_closed_to_a_scope(house, sql):
    for who in ("viewer-a", "operator-a"):
        status, body = house.ask(who, sql)
        assert status == 403, body


def test_the_catalogue_shows_what_can_be_read(house):
    shown = set(house.ask("viewer-a", "SELECT name FROM system.tables WHERE database = 'spanledger'")[1].split())
    assert shown == set(house.ask("viewer-a", "SHOW TABLES")[1].split())
    assert {"ledger", "calls", "spend_hourly"} <= shown
    assert not shown & {"contents", "spans", "audit_log", "texts", "journal"}
    for listing in ("table FROM system.columns", "table_name FROM information_schema.tables", "table_name FROM INFORMATION_SCHEMA.COLUMNS"):
        status, body = house.ask("viewer-a", f"SELECT DISTINCT {listing}")
        assert status == 200
        assert "ledger" in body
        assert "contents" not in body, listing
    assert house.ask("viewer-a", "SELECT total_rows FROM system.tables")[0] == 403
    for name in shown:
        assert house.ask("viewer-a", f"SELECT count() FROM {name}")[0] == 200, name


RIGHTS = {
    "SELECT count(), any(prompt) FROM contents": {"operator", "auditor", "admin"},
    "SELECT count() FROM spans": {"operator", "auditor", "admin"},
    "SELECT any(detail) FROM audit_log": {"auditor", "admin"},
    "SELECT any(user_hash) FROM ledger": {"finance", "operator", "auditor", "admin", "operator-a"},
    "SELECT trace_id FROM ledger LIMIT 1": {"finance", "operator", "auditor", "admin", "operator-a"},
    "SELECT uniq(user_hash) FROM ledger": {"finance", "operator", "auditor", "admin", "viewer", "viewer-a", "operator-a"},
    "SELECT sum(cost_estimate_usd) FROM ledger": {"finance", "operator", "auditor", "admin", "viewer", "viewer-a", "operator-a"},
    "SELECT count() FROM scores": {"operator", "auditor", "admin", "viewer", "viewer-a", "operator-a"},
    "SELECT count() FROM migrations": {"auditor", "admin"},
}


@pytest.mark.parametrize("sql", RIGHTS)
def test_a_role_reads_what_it_may(house, sql):
    people = ("finance", "operator", "auditor", "admin", "viewer", "viewer-a", "operator-a")
    assert {who for who in people if house.ask(who, sql)[0] == 200} == RIGHTS[sql]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT max(length(user_hash)) FROM ledger",
        "SELECT uniq(team) FROM ledger GROUP BY user_hash",
        "SELECT count() FROM ledger WHERE user_hash = 'user-1'",
        "SELECT count() FROM ledger AS a JOIN ledger AS b USING (user_hash)",
        "SELECT count() FROM ledger ORDER BY any(user_hash)",
        "SELECT uniqIf(team, user_hash LIKE 'a%') FROM ledger",
        "SELECT uniq(trace_id) OVER (PARTITION BY user_hash) FROM ledger",
        "SELECT COLUMNS('hash') FROM ledger",
        "SELECT ledger.* FROM ledger",
        "SELECT groupUniqArray(user_hash) FROM ledger",
        "SELECT attrs.keys FROM ledger",
        "SELECT attrs['x'] FROM ledger",
        "SELECT uniqExactState(user_hash) FROM ledger",
        "SELECT groupArrayState(user_hash) FROM ledger",
        "SELECT uniqIf(team, user_hash = 'user-1') FROM ledger",
        "SELECT uniq(team, user_hash) OVER (ORDER BY user_hash) FROM ledger",
    ],
)
def test_what_identifies_people_may_be_counted_and_not_read(house, sql):
    status, body = house.ask("viewer", sql)
    assert status == 403, body


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT uniqExact(user_hash) FROM ledger",
        "SELECT uniqExactIf(user_hash, user_hash != '') FROM ledger",
        "SELECT finalizeAggregation(uniqCombined64State(14)(user_hash)) FROM ledger",
        "SELECT countIf(user_hash != ''), countIf(notEmpty(user_hash)) FROM ledger",
        "SELECT count(DISTINCT user_hash) FROM ledger",
        "WITH (x, y) -> x + y AS add SELECT add(1, 2), count() FROM ledger",
        "SELECT unhex('00ff0a')",
    ],
)
def test_what_a_viewer_may_count(house, sql):
    status, body = house.ask("viewer-a", sql)
    assert status == 200, body


def test_a_view_made_later_is_no_way_around(house):
    admin = house.client()
    admin.command("CREATE VIEW spend_leak AS SELECT team, prompt FROM ledger, contents")
    admin.command("CREATE VIEW spend_inner AS SELECT team, tokens_in FROM calls FINAL")
    admin.command("CREATE VIEW spend_fine AS SELECT team, sum(tokens_in) AS n FROM (SELECT * FROM spend_inner) GROUP BY team")
    try:
        assert house.ask("viewer-a", "SELECT * FROM spend_leak")[0] == 403
        assert house.ask("finance", "SELECT * FROM spend_leak")[0] == 403
        status, body = house.ask("viewer-a", "SELECT team FROM spend_fine")
        assert (status, body) == (200, "team-a\n")
    finally:
        for name in ("spend_leak", "spend_fine", "spend_inner"):
            admin.command(f"DROP VIEW IF EXISTS {name}")


def test_a_scope_s_query_does_not_teach_the_engine_s_caches(house):
    """After a viewer has asked, the same condition gives the instance every row: no cache was filled with the viewer's truth."""
    sql = "SELECT count() FROM calls WHERE tokens_in > 101 AND model != 'nothing'"
    before = house.ask("instance", sql + " SETTINGS use_query_condition_cache = 0")[1]
    for _ in range(3):
        assert house.ask("viewer-a", sql)[1] != before
        assert house.ask("instance", sql)[1] == before
