"""Windows whose edge lies within an hour: of a row that was moved within its hour, only the last version counts, wherever the edge lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from warehouse import queries
from warehouse.engine import Engine
from warehouse.feedback import feedback_signals
from warehouse.migrate import migrate
from warehouse.queries import Filters, Scope
from warehouse.scores import distributions, safety_of

DAY = datetime(2026, 11, 1, tzinfo=UTC)

#: Two versions of one call, its score, its tool's span and text, each version in a part of its own: at 05:10, then at 05:50.
_ROWS = {
    "calls": "entry_kind = 'call', conflict = 1, session_hash = 's', billed = 1, price_id = 'p', cost_estimate_usd = 1",
    "scores": "detector = 'composite', score = 0.5",
    "spans": "kind = 'tool', tool_name = 't'",
    "contents": "kind = 'tool'",
}

#: How many rows a question finds in a window.
QUESTIONS: dict[str, Callable[[Client, Scope], int]] = {
    "latest calls": lambda c, s: queries.calls(c, s).rows.height,
    "their scores": lambda c, s: queries.calls(c, s).rows["hallucination_score"].len(),
    "conflicts": lambda c, s: int(queries.conflicts(c, s)["calls"].sum()),
    "sessions": lambda c, s: int(queries.sessions(c, s)["calls"].sum()),
    "prices used": lambda c, s: int(queries.prices_used(c, s)["calls"].sum()),
    "calls of a release": lambda c, s: queries.release_calls(c, s).height,
    "feedback": lambda c, s: int(feedback_signals(c, s, by=())["traces"].sum()),
    "safety": lambda c, s: safety_of(c, s).calls,
    "distributions": lambda c, s: int(distributions(c, s.since, s.since, s.until, detector="composite")["now"].sum()),
    "tools": lambda c, s: queries.tool_audit(c, s, with_text=True).height,
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Engine.open(Path(tmp_path_factory.mktemp("edges"))) as engine:
        made = engine.client()
        migrate(made)
        for table, columns in _ROWS.items():
            made.command(f"SYSTEM STOP MERGES spanledger.{table}")
            names, values = zip(*(part.split(" = ") for part in columns.split(", ")), strict=True)
            for ver, minute in ((1, 10), (2, 50)):
                made.command(
                    f"INSERT INTO spanledger.{table} (project, ts, trace_id, span_id, ver, {', '.join(names)})"
                    f" VALUES ('p', '2026-11-01 05:{minute}:00', 't', 's', {ver}, {', '.join(values)})"
                )
        yield made


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(("since", "until", "held"), [(5, 5.5, 0), (5.5, 6, 1), (4, 5.5, 0), (5.5, 7, 1), (5, 6, 1), (5.25, 5.75, 0)])
def test_a_row_counts_where_its_last_version_lies(client: Client, question: str, since: float, until: float, held: int) -> None:
    assert QUESTIONS[question](client, Scope(DAY + timedelta(hours=since), DAY + timedelta(hours=until))) == held


@pytest.mark.parametrize(("teams", "app", "held"), [(None, "a", 1), (None, "b", 2), (("blue",), "b", 1), (("red",), "b", 1), (("red",), "a", 0)])
def test_a_call_counts_for_the_app_and_team_of_its_last_version_only(client: Client, teams: tuple[str, ...] | None, app: str, held: int) -> None:
    """Of three calls in services of their own, one went from app a to b, one from team blue to red."""
    hour = DAY + timedelta(hours=9)
    for ver, apps, team in ((1, "aab", ["blue"] * 3), (2, "abb", ["blue", "red", "blue"])):
        rows = [["p", f"s{i}", hour, f"{i:016}".encode(), b"span-000", "call", one, team[i], True, ver] for i, one in enumerate(apps)]
        names = ["project", "service", "ts", "trace_id", "span_id", "entry_kind", "app_id", "team", "billed", "ver"]
        client.insert("spanledger.calls", rows, column_names=names)
    scope = Scope(hour, hour + timedelta(minutes=30), Filters(app=(app,)), teams)
    assert int(queries.spend(client, scope, by=())["calls"].sum()) == held
