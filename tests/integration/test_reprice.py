"""Pricing a window again: the ledger afterwards is what posting makes of the journal today, to the last decimal, and the receipt says so."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.rows import calls_batch
from spanledger import cli, instance
from spanledger.commands import repricing, verification
from spanledger.errors import WarehouseBusy
from warehouse import journal

PROTOBUF = {"content-type": "application/x-protobuf"}
NOW = time.time_ns()
HOUR_NS = 3_600_000_000_000
BEFORE = "prices: {estimate_missing_usage: false}\n"
AFTER = """
prices:
  overrides: [{id: house, model: house-painter, input_usd_per_mtok: 2.00, output_usd_per_mtok: 8.00}]
  contracts: [{id: "2026", provider: openai, discount: 10%}]
apps: {billing: {team: finance}}
"""


def _call(number: int, *, hours_ago: int, model: str = "gpt-4o", app: str = "shop", **told: Any) -> ExportTraceServiceRequest:
    """One answered call of 1,000 tokens in and 100 out; ``told``: further attributes."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.genai.openai"
    start = NOW - hours_ago * HOUR_NS - 10**9
    span = scope.spans.add(
        trace_id=bytes([number]) * 16, span_id=bytes([number]) * 8, name="chat", start_time_unix_nano=start, end_time_unix_nano=start + 10**8
    )
    provider = "openai" if model.startswith("gpt") else "house"
    texts = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": provider, "gen_ai.response.model": model, "app.id": app}
    for key, value in texts.items():
        span.attributes.add(key=key).value.string_value = value
    for key, value in {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100}.items():
        span.attributes.add(key=key).value.int_value = value
    for key, value in told.items():
        span.attributes.add(key=key.replace("__", ".")).value.double_value = value
    return request


#: gpt-4o costs 0.0035 at the list, 0.00315 by contract; house-painter 0.0028 by override; what the provider itself told stays.
CALLS = [
    _call(1, hours_ago=30),
    _call(2, hours_ago=5),
    _call(3, hours_ago=5, app="billing"),
    _call(4, hours_ago=5, model="house-painter"),
    _call(5, hours_ago=5, gen_ai__usage__provider_cost=0.5),
]
FIRST, LAST = Decimal("0.5105"), Decimal("0.51225")


@pytest.fixture
def priced(start_collector: Callable[..., Any], tmp_path: Path) -> tuple[Any, Path]:
    """A collector with five posted calls, and its policy file, which has new prices since (and twelve seconds ago for all one can tell)."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(BEFORE)
    one = start_collector(follow=policy)
    for call in CALLS:
        assert httpx.post(one.url("/v1/traces"), content=call.SerializeToString(), headers=PROTOBUF).status_code == 200
    assert one.settled("SELECT sum(cost_estimate_usd) FROM spanledger.ledger", FIRST) == FIRST
    policy.write_text(AFTER)
    os.utime(policy, (time.time() - 12, time.time() - 12))
    return one, policy


@contextmanager
def _known(one: Any) -> Iterator[None]:
    """The command line finds this collector as it finds a running instance."""
    with instance.hold(one.data):
        if not one.warehouse:
            instance.report(one.data, "collector", {"sql": one.addresses["sql"]})
        yield


def _reprice(one: Any, policy: Path, capsys: Any, *more: str) -> dict[str, Any]:
    where = ["--warehouse", one.warehouse] if one.warehouse else []
    done = cli.run(["reprice", "--since", "3d", "--format", "json", "--data", str(one.data), "--config", str(policy), *where, *more])
    told = capsys.readouterr()
    assert done == 0, told.err
    return json.loads(told.out.splitlines()[-1])  # the collector of the test writes its log there too


def _ledger(one: Any) -> list[tuple[Any, ...]]:
    return one.query("SELECT trace_id, cost_estimate_usd, cost_source, price_id, team FROM spanledger.ledger ORDER BY trace_id")


def test_a_window_is_priced_again_beside_a_running_collector_and_verify_agrees(priced: tuple[Any, Path], capsys: Any) -> None:
    one, policy = priced
    with _known(one):
        before = _ledger(one)
        tried = _reprice(one, policy, capsys, "--dry-run")
        assert _ledger(one) == before
        assert one.query("SELECT count() FROM spanledger.audit_log WHERE action LIKE 'reprice%'") == [(0,)]
        only = _reprice(one, policy, capsys, "--app", "billing", "--dry-run")
        assert (only["looked_at"], only["changed"], only["total"]["difference_usd"]) == (1, 1, "-0.000350000")
        told = _reprice(one, policy, capsys)
        assert told == tried | {"dry_run": False, "until": told["until"], "since": told["since"]}
        assert (told["looked_at"], told["changed"], told["unsettled"], told["without_journal"]) == (5, 4, 0, 0)
        assert told["total"] == {"entries": 4, "before_usd": "0.010500000", "after_usd": "0.012250000", "difference_usd": "0.001750000"}
        assert [(row["model"], row["difference_usd"]) for row in told["models"]] == [("house-painter", "0.002800000"), ("gpt-4o", "-0.001050000")]
        assert one.query("SELECT sum(cost_estimate_usd) FROM spanledger.ledger") == [(LAST,)]
        assert one.query("SELECT team FROM spanledger.ledger WHERE app_id = 'billing'") == [("finance",)]
        supplied = "SELECT cost_source, cost_estimate_usd FROM spanledger.ledger WHERE cost_supplied_usd IS NOT NULL"
        assert one.query(supplied) == [("provider", Decimal("0.5"))]
        again = _reprice(one, policy, capsys)
        assert (again["changed"], again["same_cost"]) == (0, 0)
        actions = [row[0] for row in one.query("SELECT action FROM spanledger.audit_log WHERE action LIKE 'reprice%' ORDER BY seq")]
        assert actions == ["reprice_begun", "reprice"] * 2
        now = _ledger(one)
        assert httpx.post(one.url("/v1/traces"), content=CALLS[0].SerializeToString(), headers=PROTOBUF).status_code == 200
        time.sleep(1)
        assert _ledger(one) == now  # posted again, an entry is the same
        said: list[str] = []
        rolled = "SELECT count() FROM spanledger.clean_hours WHERE base = 'calls'"
        assert one.settled(rolled, 2, 30) == 2  # rolled up again, with the new figures: these are compared too
        assert verification.run(one.settings(config=policy), None, None, said.append) == 0, said


@pytest.mark.parametrize("warehouse_url", ["embedded"], indirect=True)
def test_broken_off_midway_it_is_run_again_and_ends_the_same(priced: tuple[Any, Path], capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, policy = priced
    inserts, insert = [0], journal.insert

    def fails_once(*args: Any) -> None:
        inserts[0] += 1
        if inserts[0] == 2:
            raise WarehouseBusy("the disk is full")
        insert(*args)

    with _known(one):
        monkeypatch.setattr("warehouse.repricing.journal.insert", fails_once)
        settings = one.settings(config=policy)
        since = datetime.now(UTC) - timedelta(days=3)
        with pytest.raises(WarehouseBusy):
            repricing.reprice(settings, since, datetime.now(UTC), (), dry_run=False, form="json")
        half = one.query("SELECT sum(cost_estimate_usd) FROM spanledger.ledger")
        assert half == [(FIRST - Decimal("0.00035"),)]
        told = json.loads(one.query("SELECT detail FROM spanledger.audit_log WHERE action = 'reprice'")[0][0])
        assert told["ended"] == "broken off"
        rest = _reprice(one, policy, capsys)
        assert rest["changed"] == 3
        assert one.query("SELECT sum(cost_estimate_usd) FROM spanledger.ledger") == [(LAST,)]


@pytest.mark.parametrize("warehouse_url", ["embedded"], indirect=True)
def test_what_posting_wrote_meanwhile_stays(priced: tuple[Any, Path]) -> None:
    """Entries are read first: a version that lands between reading and replacing is newer, and so it wins."""
    from spanledger.commands.posting_rules import rules_in_force
    from spanledger.commands.warehouses import opened
    from warehouse.repricing import priced_entries, replace
    from warehouse.rollups import HourClock

    one, policy = priced
    with _known(one), opened(one.settings(config=policy), writing=True) as client:
        hour = datetime.fromtimestamp((NOW - 5 * HOUR_NS - 10**9) // HOUR_NS * 3600, UTC)
        _, rules = rules_in_force(one.settings(config=policy))
        ours = {e.trace_id.hex(): e for e in verification.posted_from_journal(client, rules, hour)}
        read = {row["trace"]: row["ver"] for row in priced_entries(client, hour, hour + timedelta(hours=1))}
        newer = ours["02" * 16]
        newer.cost_estimate_usd = Decimal("9")
        journal.insert(client, "calls", calls_batch([newer], time.time_ns() // 1000))
        newer.cost_estimate_usd = Decimal("1")
        replace(client, HourClock(client, "test"), calls_batch([newer], 0), [read["02" * 16]])
    assert one.query("SELECT cost_estimate_usd FROM spanledger.ledger WHERE hex(trace_id) = repeat('02', 16)") == [(Decimal("9"),)]


@pytest.mark.parametrize("warehouse_url", ["embedded"], indirect=True)
def test_what_can_not_be_priced_again_is_told(start_collector: Callable[..., Any], tmp_path: Path, capsys: Any) -> None:
    """A call from before the journal's retention, one that a longer-lived ledger still has."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("retention: {spans: 2d}\n" + AFTER)
    one = start_collector()
    for call in (CALLS[0], CALLS[1]):
        assert httpx.post(one.url("/v1/traces"), content=call.SerializeToString(), headers=PROTOBUF).status_code == 200
    assert one.settled("SELECT count() FROM spanledger.ledger", 2) == 2
    with _known(one):
        told = _reprice(one, policy, capsys, "--dry-run")
    assert (told["closed"], told["looked_at"]) == ({"calls": 1, "cost_usd": "0.003500000"}, 1)
