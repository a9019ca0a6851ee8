"""What counts as a call that another model answered: an alias and its snapshot, or two spellings, are one model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from warehouse import queries, rollup_days
from warehouse.engine import Engine
from warehouse.migrate import migrate
from warehouse.queries.model_names import switched
from warehouse.rollups import TABLES, HourClock, RollupWorker

#: (asked for, answered)
SAME = [
    ("gpt-4o", "gpt-4o"),
    ("", "gpt-4o"),
    ("gpt-4o", ""),
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("GPT-4o", "gpt-4o-2024-08-06"),
    ("gpt-4o-2024-08-06", "gpt-4o"),
    ("gpt-4", "gpt-4-0613"),
    ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
    ("gpt-35-turbo", "gpt-3.5-turbo-0125"),
    ("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"),
    ("gpt-4o-audio-preview", "gpt-4o-audio-preview-2024-12-17"),
    ("o3-mini", "o3-mini-2025-01-31"),
    ("text-embedding-ada-002", "text-embedding-ada-002-v2"),
    ("openai/gpt-4o", "gpt-4o-2024-08-06"),
    ("openai:gpt-4o", "gpt-4o-2024-08-06"),
    ("openrouter/openai/gpt-4o", "openai/gpt-4o"),
    ("azure/gpt-4o", "gpt-4o-2024-11-20"),
    ("chatgpt-4o-latest", "chatgpt-4o-latest"),
    ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5-20250929"),
    ("claude-sonnet-4-5[1m]", "claude-sonnet-4-5-20250929"),
    ("claude-sonnet-4-0", "claude-sonnet-4-20250514"),
    ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
    ("claude-3-5-sonnet@20240620", "claude-3-5-sonnet-20240620"),
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929"),
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("bedrock/us.anthropic.claude-3-haiku-20240307-v1:0:200k", "claude-3-haiku-20240307"),
    ("claude-sonnet-4-5", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku-20240307"),
    ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123", "anthropic.claude-3-haiku-20240307-v1:0"),
    ("amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0"),
    ("nova-lite", "amazon.nova-lite-v1:0"),
    ("gemini-2.5-pro", "gemini-2.5-pro-preview-05-06"),
    ("gemini-2.5-pro", "gemini-2.5-pro-001"),
    ("gemini-2.5-pro", "gemini-2.5-pro-exp-03-25"),
    ("gemini-2.5-flash", "gemini-2.5-flash-preview-09-2025"),
    ("models/gemini-2.0-flash", "gemini-2.0-flash-001"),
    ("publishers/google/models/gemini-2.0-flash", "gemini-2.0-flash-001"),
    ("google-gla:gemini-2.0-flash", "gemini-2.0-flash"),
    ("gemini-1.5-pro-latest", "gemini-1.5-pro-002"),
    ("gemini-flash-latest", "gemini-2.5-flash-preview-09-2025"),
    ("mistral-large-latest", "mistral-large-2411"),
    ("mistral-small", "mistral-small-2503"),
    ("llama3.2", "llama3.2:latest"),
    ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b-instruct"),
    ("command-r", "command-r-08-2024"),
    ("deepseek/deepseek-r1:free", "deepseek/deepseek-r1-0528"),
    ("doubao-1-5-pro-32k", "doubao-1-5-pro-32k-250115"),
]
OTHER = [
    ("gpt-4o", "gpt-4o-mini"),
    ("gpt-4o", "gpt-4o-mini-2024-07-18"),
    ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06"),
    ("gpt-4", "gpt-4-turbo-2024-04-09"),
    ("gpt-4", "gpt-4.1-2025-04-14"),
    ("gpt-4", "gpt-4-32k-0613"),
    ("gpt-5", "gpt-5-mini-2025-08-07"),
    ("o1", "o1-preview-2024-09-12"),
    ("gpt-4o-mini", "ft:gpt-4o-mini-2024-07-18:acme::abc"),
    ("openai/gpt-4o", "anthropic/claude-sonnet-4.5"),
    ("claude-sonnet-4", "claude-sonnet-4-5-20250929"),
    ("claude-opus-4-1", "claude-sonnet-4-5-20250929"),
    ("claude-3-5-sonnet-latest", "claude-3-7-sonnet-20250219"),
    ("claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022"),
    ("anthropic.claude-3-sonnet-20240229-v1:0", "anthropic.claude-3-haiku-20240307-v1:0"),
    ("amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"),
    ("gemini-2.5-pro", "gemini-2.5-flash"),
    ("gemini-2.5-flash", "gemini-2.5-flash-lite-preview-06-17"),
    ("gemini-2.5-pro-preview-03-25", "gemini-2.5-pro-preview-05-06"),
    ("gemini-1.5-pro-latest", "gemini-2.5-pro"),
    ("gemini-flash-latest", "gemini-2.5-flash-lite"),
    ("gemini-flash-latest", "gemini-2.5-pro"),
    ("text-embedding-004", "text-embedding-005"),
    ("llama3:8b", "llama3:70b"),
    ("mistral-large-2407", "mistral-large-2411"),
    ("deepseek-chat", "deepseek-reasoner"),
    ("openrouter/auto", "openai/gpt-4o"),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Engine.open(Path(tmp_path_factory.mktemp("switches"))) as engine:
        yield engine.client()


@pytest.mark.parametrize(("pairs", "expected"), [(SAME, False), (OTHER, True)], ids=["same", "other"])
def test_a_snapshot_of_the_model_asked_for_is_no_other_model(client: Client, pairs: list[tuple[str, str]], expected: bool) -> None:
    listed = "SELECT arrayJoin({p:Array(Tuple(String, String))}) AS pair"
    names = f"SELECT toLowCardinality(pair.1) AS asked, toLowCardinality(pair.2) AS answered FROM ({listed})"
    told = client.query(f"SELECT asked, answered, {switched('asked', 'answered')} FROM ({names})", {"p": pairs}).result_rows
    assert [row[:2] for row in told if bool(row[2]) is not expected] == []
    assert len(told) == len(pairs)


def _call(client: Client, hour: int, answered: str, span: str = "1") -> None:
    client.command(
        "INSERT INTO spanledger.calls (project, ts, trace_id, span_id, entry_kind, model_requested, model, ver)"
        f" VALUES ('p', '2026-11-01 {hour:02}:30:00', unhex(repeat('{span}', 32)), unhex(repeat('{span}', 16)), 'call', 'gpt-4o', '{answered}', 1)"
    )


def _roll_up(client: Client) -> None:
    while RollupWorker().roll_up(client, "calls") or rollup_days.roll_up(client, "calls", TABLES["calls"], publish_within_s=60):
        pass


def test_hours_of_an_earlier_version_are_counted_again_but_those_without_entries_stay(client: Client) -> None:
    """Hours 8 to 11 were rolled up by the old rule; of 8 and 9 (frozen) only the rollup is left, 10 is half a day's hours with 11."""
    migrate(client)
    clock = HourClock(client, "old", quiet_s=0)
    for hour in range(8, 12):
        with clock.writing([int(datetime(2026, 11, 1, hour, tzinfo=UTC).timestamp())]):
            _call(client, hour, "gpt-4o-2024-08-06")
            _call(client, hour, "gpt-4o-mini", span="2")
    clock.settle()
    _roll_up(client)
    for table in ("spend_hour", "prompt_hour", "spend_outcome_hour"):  # as the old rule had it
        client.command(f"ALTER TABLE spanledger.{table} UPDATE model_switches = calls WHERE 1 SETTINGS mutations_sync = 1")
    client.command(
        "INSERT INTO spanledger.rollup_pub (base, hour, gen, token, thru, entries, frozen, seq)"
        " SELECT base, hour, gen, token, thru, entries, 1, seq + 1 FROM spanledger.rollup_pub FINAL WHERE base = 'calls' AND toHour(hour) < 10"
    )
    client.command("ALTER TABLE spanledger.calls DELETE WHERE toHour(ts) < 10 SETTINGS mutations_sync = 1")
    day = queries.Scope(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    assert queries.rates(client, day, by=())["model_switches"][0] == 8
    client.command("DELETE FROM spanledger.migrations WHERE version = 21", settings={"mutations_sync": 1})
    assert migrate(client) == ["0021_model_switches"]
    for closed in (2, 4):  # from the base where it is there, then from rollups
        assert queries.rates(client, day, by=("hour",))["model_switches"].to_list() == [2, 2, 1, 1]
        assert queries.coverage(client, day).closed_hours == closed
        _roll_up(client)
    assert queries.rates(client, day, by=("day",))["model_switches"].to_list() == [6]
