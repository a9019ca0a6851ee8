"""What other teams' rows hold, or how many there are, cannot be told from errors, counters and places either."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

SCOPED = ("viewer-a", "operator-a")

#: One row of team b has 101 input tokens: whether these fail would tell.
ORACLES = [
    "SELECT count() FROM calls PREWHERE intDiv(1, tokens_in != 101) = 1",
    "SELECT count() FROM calls AS c FINAL PREWHERE intDiv(1, c.tokens_in != 101) = 1 WHERE team = 'team-a'",
    "SELECT count() FROM calls PREWHERE throwIf(team = 'team-b', 'seen') = 0",
    "SELECT count() FROM calls PREWHERE ts > now() OR throwIf(team = 'team-b', 'seen') = 0",
    "SELECT count() FROM calls PREWHERE repeat('x', if(tokens_in = 101, 100000000, 1)) != ''",
    "SELECT count() FROM calls PREWHERE has(range(if(tokens_in = 101, 100000000, 1)), 1)",
    "SELECT count() FROM calls PREWHERE arrayExists(x -> intDiv(1, x != 101) = 1, [tokens_in])",
    "SELECT count() FROM calls PREWHERE cost_estimate_usd = toDecimal128('1', 30)",
    "SELECT count() FROM calls PREWHERE toUInt8(team) = 1",
    "SELECT count() FROM calls PREWHERE CAST(team AS UInt8) = 1",
    "SELECT count() FROM calls PREWHERE tokens_in = 101",
    "WITH intDiv(1, tokens_in != 101) AS x SELECT count() FROM calls PREWHERE x = 1",
    "SELECT intDiv(1, tokens_in != 101) AS x FROM calls PREWHERE x = 1",
    "SELECT * FROM (SELECT count() FROM calls PREWHERE intDiv(1, tokens_in != 101) = 1)",
    "SELECT 1 UNION ALL SELECT count() FROM calls PREWHERE intDiv(1, tokens_in != 101) = 1",
    "SELECT 1 IN (SELECT count() FROM calls PREWHERE intDiv(1, tokens_in != 101) = 1)",
    "SELECT count() FROM ledger JOIN (SELECT team FROM calls PREWHERE intDiv(1, tokens_in != 101) = 1) AS b USING team",
    "SELECT count() FROM calls SETTINGS max_rows_to_read = 5",
    "SELECT count() FROM calls SETTINGS max_bytes_to_read = 5",
    "SELECT max(_part_offset) FROM calls",
    "SELECT uniqExact(_part) FROM calls",
    "SELECT max(_block_number) FROM calls",
]

#: These do not reach other teams' rows: the row filter goes first.
HARMLESS = [
    ("SELECT count() FROM calls WHERE intDiv(1, tokens_in != 101) = 1", "21\n"),
    ("SELECT count() FROM calls FINAL WHERE intDiv(1, tokens_in != 101) = 1", "20\n"),
    ("SELECT count() FROM ledger WHERE throwIf(team = 'team-b') = 0", "20\n"),
    ("SELECT count() FROM calls WHERE ts = (SELECT max(ts) FROM calls) AND intDiv(1, tokens_in != 101) = 1", "1\n"),
    ("SELECT sum(intDiv(1, tokens_in != 101)) FROM calls FINAL", "20\n"),
    ("SELECT count() FROM calls AS a JOIN (SELECT 1 AS x) AS b ON intDiv(1, a.tokens_in != 101) = b.x", "21\n"),
    ("SELECT count() FROM calls FINAL PREWHERE ts >= toDateTime64('2026-11-01 00:00:00', 6, 'UTC') AND NOT ts < toDateTime64(0, 6)", "20\n"),
    (
        "SELECT count() FROM calls FINAL PREWHERE toStartOfHour(ts) NOT IN [toDateTime(intDiv(7, 2), 'UTC')] WHERE intDiv(1, tokens_in != 101) = 1",
        "20\n",
    ),
]


@pytest.mark.parametrize("who", SCOPED)
def test_no_error_tells_what_other_teams_rows_hold(house, who):
    for sql in ORACLES:
        status, body = house.ask(who, sql)
        assert status == 403, (sql, body)
        assert "seen" not in body


@pytest.mark.parametrize("who", SCOPED)
def test_conditions_see_own_rows_only(house, who):
    for sql, answer in HARMLESS:
        assert house.ask(who, sql) == (200, answer), sql


def test_who_sees_all_teams_may_put_anything_first(house):
    assert house.ask("admin", "SELECT count() FROM calls FINAL PREWHERE tokens_in >= 0") == (200, "41\n")
    assert house.ask("admin", "SELECT count() FROM calls FINAL SETTINGS max_rows_to_read = 5000") == (200, "41\n")


@pytest.mark.parametrize("who", SCOPED)
@pytest.mark.parametrize("asked", ["", "&output_format_write_statistics=1"])
def test_how_many_rows_of_other_teams_were_read_is_not_told(house, who, asked):
    sent = {"X-ClickHouse-User": who, "X-ClickHouse-Key": "pw"}
    target = f"{house.url}/?wait_end_of_query=1&default_format=JSON{asked}"
    answer = house.http.request("POST", target, body=b"SELECT count() FROM calls", headers=sent)
    assert answer.status == 200
    assert int(json.loads(answer.headers["X-ClickHouse-Summary"])["read_rows"]) <= 1
    assert "statistics" not in json.loads(answer.data)


#: ``retry`` is 7 in rows of team b alone, and a column so small that the engine likes to read it first.
WIDE = [
    "SELECT sum(cost_estimate_usd), any(user_hash != '') FROM calls WHERE intDiv(1, retry != 7) = 1",
    "SELECT sum(cost_estimate_usd) FROM calls FINAL WHERE intDiv(1, retry != 7) = 1 AND latency_ms >= 0",
    "SELECT sum(cost_estimate_usd) FROM ledger WHERE intDiv(1, retry != 7) = 1 AND latency_ms >= 0",
    "SELECT sum(tokens_in) FROM calls WHERE intDiv(1, retry != 7) = 1 AND ts > toDateTime64('2020-01-01 00:00:00', 6)",
    "SELECT sum(tokens_in) FROM calls WHERE throwIf(retry = 7) = 0 AND latency_ms >= 0 AND team != ''",
    "SELECT sum(tokens_in) FROM (SELECT tokens_in, intDiv(1, retry != 7) AS x FROM calls) WHERE x = 1",
    "SELECT sum(tokens_in) FROM (SELECT * FROM calls WHERE latency_ms >= 0) WHERE intDiv(1, retry != 7) = 1",
    "SELECT sum(a.tokens_in) FROM calls AS a JOIN (SELECT 1 AS x) AS b ON intDiv(1, a.retry != 7) = b.x WHERE intDiv(2, a.retry != 7) = 2",
    "SELECT sum(tokens_in) FROM calls WHERE trace_id IN (SELECT trace_id FROM calls WHERE intDiv(1, retry != 7) = 1) AND intDiv(1, retry != 7) = 1",
    "SELECT tokens_in FROM calls ORDER BY intDiv(1, retry != 7), ts LIMIT 1",
]


@pytest.fixture(scope="module")
def wide(house):
    """The same house with parts of one file a column, as a day's are."""
    with closing(house.engine.client()) as client:
        client.command("SYSTEM START MERGES spanledger.calls")
        client.command("ALTER TABLE calls MODIFY SETTING min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0")
        client.command(
            "INSERT INTO calls"
            " (project, service, ts, trace_id, span_id, app_id, team, user_hash, tokens_in, latency_ms, retry, cost_estimate_usd, ver)"
            " SELECT 'p', 's', toDateTime64('2026-11-01 00:00:00', 6) + number, reinterpretAsFixedString(sipHash128(number)),"
            " reinterpretAsFixedString(sipHash64(number)), 'a', ['team-a', 'team-b'][1 + number % 2], hex(sipHash64(number)), number, number,"
            " if(number % 2, 7, 0), 1, 1 FROM numbers(50000)"
        )
        client.command("OPTIMIZE TABLE calls FINAL")
    return house


@pytest.mark.parametrize("sql", WIDE)
def test_no_condition_is_put_before_the_row_filter(wide, sql):
    assert wide.ask("instance", sql)[0] == 500, "somebody's row makes it fail"
    status, body = wide.ask("operator-a", sql)
    assert status == 200, body
    status, body = wide.ask("operator-a", sql + " SETTINGS optimize_move_to_prewhere = 1")
    assert status == 403, body
