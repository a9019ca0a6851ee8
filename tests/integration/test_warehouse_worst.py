"""The riskiest answers of a long window are those of its days, put in order."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from warehouse import queries
from warehouse.endpoint import Principal, serve
from warehouse.engine import Engine, connect
from warehouse.migrate import migrate
from warehouse.queries import Filters, Scope

DAY = datetime(2026, 11, 1, tzinfo=UTC)
SCOPE = Scope(DAY, DAY + timedelta(days=6))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Engine.open(tmp_path) as engine:
        client = engine.client()
        migrate(client)
        client.command("SYSTEM STOP MERGES spanledger.scores")
        yield client


def write(client: Client, rows: Sequence[tuple[int, float, float | None, float | None, int, str, str]]) -> None:
    """Rows of (answer, hours since, score, risk, version, reason, app)."""
    values = ", ".join(
        f"('p', 's{n % 3}', toDateTime64({DAY.timestamp() + hours * 3_600}, 6, 'UTC'), unhex(hex(sipHash128({n}))), unhex(hex(sipHash64({n}))),"
        f" 'composite', '1', '{app}', 't', {'NULL' if score is None else score}, {'NULL' if risk is None else risk}, '{reason}', {ver})"
        for n, hours, score, risk, ver, reason, app in rows
    )
    columns = "project, service, ts, trace_id, span_id, detector, detector_version, app_id, team, score, hallucination_score, reason, ver"
    client.command(f"INSERT INTO spanledger.scores ({columns}) VALUES {values}")


def sorted_whole(client: Client, scope: Scope, limit: int) -> pl.DataFrame:
    """The same of short windows, which are read at once, put together."""
    days = [Scope(scope.since + timedelta(days=d), scope.since + timedelta(days=d + 1), scope.filters) for d in range(6)]
    every = pl.concat([queries.worst_answers(client, day, limit=10_000) for day in days])
    risk = pl.coalesce("hallucination_score", "score")
    return every.sort(risk, "score", "ts", "trace_id", "span_id", descending=[True, True, True, False, False]).head(limit)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("steps", [4, 1_000])
def test_the_worst_of_a_long_window_are_those_of_all_of_it(client: Client, seed: int, steps: int) -> None:
    """Late versions that are better or worse, retired ones, answers without a risk or a score, many ties (few steps)."""
    dice = random.Random(seed)
    rows = []
    for n in range(400):
        hour = dice.uniform(0, 144)
        for ver in range(1, 1 + dice.choice((1, 1, 2, 3))):
            score = None if dice.random() < 0.05 else dice.randrange(steps) / steps
            risk = None if score is None or dice.random() < 0.3 else dice.randrange(steps) / steps
            moved = int(hour) + dice.random() * 0.99  # within its hour
            rows.append((n, moved, score, risk, ver, "retired" if dice.random() < 0.1 else "", dice.choice("ab")))
    for ver in (1, 2, 3):
        write(client, [row for row in rows if row[4] == ver])
    for scope in (SCOPE, replace(SCOPE, filters=Filters(app=("a",)))):
        for limit in (1, 5, 30, 500):
            assert queries.worst_answers(client, scope, limit=limit).equals(sorted_whole(client, scope, limit)), (limit, scope.filters)


def test_a_reader_of_one_team_gets_the_worst_of_its_own(client: Client, tmp_path: Path) -> None:
    write(client, [(n, n, (n * 37 % 100) / 100, (n * 37 % 100) / 100, 1, "", "a") for n in range(144)])
    client.command(
        "INSERT INTO spanledger.scores (project, service, ts, trace_id, span_id, detector, team, score, hallucination_score, ver)"
        " SELECT 'p', 'other', toDateTime64('2026-11-01 00:00:00', 6, 'UTC') + toIntervalHour(number), unhex(hex(sipHash128(number, 9))),"
        " unhex(hex(sipHash64(number, 9))), 'composite', 'other', 0.995, 0.995, 1 FROM numbers(144)"
    )
    reader = Principal("r", "operator", ("t",))
    with (
        Engine.open(tmp_path) as engine,
        closing(serve(engine, "127.0.0.1", 0, lambda user, _: reader)) as endpoint,
        closing(connect(f"clickhouse://{endpoint.address}")) as scoped,
    ):
        own = replace(SCOPE, teams=("t",))
        found = queries.worst_answers(scoped, own, limit=5)
        assert found["team"].unique().to_list() == ["t"]
        assert found.equals(queries.worst_answers(client, own, limit=5))
        assert found["score"].max() == pytest.approx(0.99)
        assert queries.worst_answers(client, SCOPE, limit=5)["team"].unique().to_list() == ["other"]


def test_answers_that_were_judged_again_hide_no_other(client: Client) -> None:
    """Forty answers that were the worst have been judged again; behind them stand those that count."""
    write(
        client, [(n, n, 0.99, 0.99, 1, "", "a") for n in range(40)] + [(100 + n, 50 + n, 0.5 + n / 100, 0.5 + n / 100, 1, "", "a") for n in range(9)]
    )
    write(client, [(n, n, 0.0, 0.0, 2, "", "a") for n in range(40)] + [(200 + n, 130, 0.1, 0.1, 1, "", "a") for n in range(5)])
    found = queries.worst_answers(client, SCOPE, limit=5)
    assert found["score"].to_list() == pytest.approx([0.58, 0.57, 0.56, 0.55, 0.54])
    assert found.equals(sorted_whole(client, SCOPE, 5))


def test_a_score_that_is_no_number_does_not_upset_the_order(client: Client) -> None:
    write(client, [(n, n, math.nan if n % 24 == 5 else 0.5, 0.5, 1, "", "a") for n in range(100)])
    write(client, [(200 + n, 130, 0.1, 0.1, 1, "", "a") for n in range(5)])
    assert queries.worst_answers(client, SCOPE, limit=5)["score"].to_list() == [0.5] * 5


def test_of_answers_that_tie_to_the_microsecond_the_first_by_id_are_told(client: Client) -> None:
    write(client, [(n, 70.5, 0.9, 0.9, 1, "", "a") for n in range(40)] + [(100 + n, n, 0.95, 0.95, 1, "", "a") for n in range(3)])
    for limit in (2, 3, 4, 20, 43):
        assert queries.worst_answers(client, SCOPE, limit=limit).equals(sorted_whole(client, SCOPE, limit))


def test_an_answer_judged_again_at_its_moment_does_not_stand_for_its_former_self(client: Client) -> None:
    """Its moment is the same, its risk is not: another, of another hour, is worse by now."""
    write(client, [(1, 70.5, 0.9, 0.9, 1, "", "a"), (2, 20.5, 0.85, 0.85, 1, "", "a"), (3, 100.5, 0.1, 0.1, 1, "", "a")])
    write(client, [(1, 70.5, 0.8, 0.8, 2, "", "a")])
    assert queries.worst_answers(client, SCOPE, limit=1)["score"].to_list() == pytest.approx([0.85])
    assert queries.worst_answers(client, SCOPE, limit=2)["score"].to_list() == pytest.approx([0.85, 0.8])
