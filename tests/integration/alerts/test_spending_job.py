"""Anomalous hours and forecasts of budgets out of a real ledger, and what the alert engine makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.client import Client

from detectors.spending import closed, expect, look
from spanledger.policy import AnnouncedEvent, Budget
from warehouse import alerting

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Desk, Ledger, Start

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BUDGETS = [Budget.model_validate({"name": "all", "limit_usd": "100"})]


def history(client: Client, *, days: int = 40, dearer_since: int = 0, silent_h: int = 0) -> None:
    """A call of a cent every two minutes, of ten cents in the last ``dearer_since`` hours; none in the last ``silent_h``."""
    until = closed(NOW)
    since, dear = (until - timedelta(days=days)).timestamp(), (until - timedelta(hours=dearer_since)).timestamp()
    told = {
        "project": "'p'", "service": "'s'", "ts": f"toDateTime64({since} + number * 120, 6, 'UTC') AS at", "app_id": "'shop'", "team": "'growth'",
        "trace_id": "unhex(hex(sipHash128(number)))", "span_id": "unhex(hex(sipHash64(number)))", "model_tier": "'standard'", "entry_kind": "'call'",
        "billed": "true", "tokens_in": "1000", "tokens_out": "200", "cost_estimate_usd": f"if(at >= toDateTime({dear}), 0.1, 0.01)",
        "cost_source": "'computed'", "usage_source": "'reported'", "outcome": "'success'", "ver": "1",
    }  # fmt: skip
    rows = (days * 24 - silent_h) * 30
    client.command(f"INSERT INTO spanledger.calls ({', '.join(told)}) SELECT {', '.join(told.values())} FROM numbers({rows})")


def test_an_even_history_has_no_anomaly_and_a_forecast(client: Client) -> None:
    history(client)
    assert (look(client, [], NOW), expect(client, BUDGETS, str, NOW)) == (0, 1)
    told = alerting.forecasts(client, NOW.date())["all"]
    assert told["low_usd"] <= told["total_usd"] <= told["high_usd"]
    assert told["total_usd"] == pytest.approx(0.3 * 24 * 30, rel=0.02)


@pytest.mark.parametrize(("story", "cause"), [({"dearer_since": 5}, "price"), ({"silent_h": 6}, "silence")])
def test_what_should_not_be_is_found_once_and_told(
    client: Client, ledger: Ledger, start: Start, desk: Desk, story: dict[str, int], cause: str
) -> None:
    history(client, **story)
    ledger.add(1, closed(NOW) - timedelta(minutes=5), app="other")  # somebody else calls
    found = look(client, [], NOW)
    assert found
    assert look(client, [], NOW) == found
    hours = alerting.anomalies(client, since=NOW - timedelta(days=2), until=NOW)
    assert hours.height == found
    assert set(hours["cause"]) == {cause}
    policy = "alerts: {group_wait: 0s, receivers: [{name: ops, kind: webhook, url: $URL}], routes: [{receivers: [ops]}]}"
    start(policy).step(NOW)
    assert [a["labels"]["app_id"] for body in desk.bodies for a in body["alerts"]] == ["shop"]


def test_what_was_announced_is_not_told(client: Client) -> None:
    history(client, dearer_since=5)
    launch = AnnouncedEvent.model_validate({"match": {"app": "sh*"}, "starts_at": NOW - timedelta(days=1), "ends_at": NOW})
    assert look(client, [launch], NOW) == 0


def test_what_comes_late_takes_a_silence_back(client: Client, ledger: Ledger) -> None:
    history(client, silent_h=6)
    ledger.add(1, closed(NOW) - timedelta(minutes=5), app="other")
    assert look(client, [], NOW)
    client.command("TRUNCATE TABLE spanledger.calls")
    history(client)
    assert look(client, [], NOW + timedelta(minutes=1)) == 0
    assert alerting.anomalies(client, since=NOW - timedelta(days=2), until=NOW).is_empty()


def test_when_nobody_tells_of_anything_nothing_is_said_of_anybody(client: Client) -> None:
    """A collector that was away, or history on its way in, is no silence of every app."""
    history(client, silent_h=6)
    assert look(client, [], NOW) is None
    assert alerting.anomalies(client, since=NOW - timedelta(days=2), until=NOW).is_empty()


def test_a_week_must_be_known_before_anything_is_forecast(client: Client) -> None:
    history(client, days=5)
    assert (look(client, [], NOW), expect(client, BUDGETS, str, NOW)) == (0, 0)
    client.command("TRUNCATE TABLE spanledger.calls")
    assert (look(client, [], NOW), expect(client, BUDGETS, str, NOW)) == (None, 0)
