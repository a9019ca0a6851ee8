"""Questions on a real engine, checked against plain Python over the same calls."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from polars.testing import assert_frame_equal

from dashboard.pages.releases import ROWS, shares
from spanledger.errors import AccessDenied, NotFound, QueryRefused
from spanledger.model import Entry
from warehouse import queries, tables
from warehouse.endpoint import Principal, serve
from warehouse.engine import Engine, connect
from warehouse.migrate import migrate
from warehouse.queries import Filters, Scope

pytest.importorskip("chdb")

DAY = datetime(2026, 11, 1, tzinfo=UTC)
WHOLE = Scope(DAY, DAY + timedelta(days=3))


def entry(i: int, rnd: random.Random) -> Entry:
    """A believable call; everything random comes from ``rnd``."""
    at = DAY + timedelta(seconds=rnd.uniform(0, 2 * 86_400))
    cached = rnd.random() < 0.1
    priced = rnd.random() < 0.95
    cost = Decimal(rnd.randrange(10**6)) / 10**9 if priced and not cached else Decimal(0)
    return Entry(
        project="p",
        service=f"svc{i % 3}",
        ts_us=int(at.timestamp() * 1e6),
        trace_id=rnd.randbytes(16),
        span_id=rnd.randbytes(8),
        app_id=f"app{i % 5}",
        team=f"team{i % 2}",
        provider="openai",
        model=f"m{i % 4}",
        model_requested="m0" if i % 4 == 0 else "m1",
        model_tier=["standard", "premium"][i % 2],
        endpoint="chat",
        user_hash=f"u{rnd.randrange(20)}",
        session_hash=f"s{rnd.randrange(30)}",
        prompt_id="greet",
        prompt_version=str(i % 2),
        billed=not cached,
        cache_hit=cached,
        outcome=rnd.choice(["success"] * 8 + ["error", "timeout"]),
        retry=rnd.choice([0, 0, 0, 1, 2]),
        tokens_in=rnd.randrange(5_000),
        tokens_out=rnd.randrange(800),
        usage_source=rnd.choice(["reported"] * 9 + ["missing"]),
        latency_ms=rnd.lognormvariate(6, 1),
        ttft_ms=rnd.choice([None, rnd.uniform(50, 400)]),
        cost_estimate_usd=cost,
        cost_in_usd=cost,
        cost_source="computed" if priced else "unpriced",
        members=(rnd.randbytes(8),),
        biz_metric={"tickets": 1.0} if i % 3 == 0 else {},
    )


def rows(entries: list[Entry], ver: int = 1, *, deleted: bool = False) -> pa.Table:
    """Entries as the Arrow batch that the ledger takes."""
    dicts = [msgspec.structs.asdict(e) for e in entries]
    for d in dicts:
        d["ts"] = d.pop("ts_us")
        d["biz_metric"], d["attrs"] = list(d["biz_metric"].items()), list(d["attrs"].items())
        d["members"], d["safety_types"] = list(d["members"]), list(d["safety_types"])
        d["ver"], d["is_deleted"] = ver, int(deleted)
        d["ts"] = DAY + timedelta(microseconds=d["ts"] - int(DAY.timestamp() * 1e6))
    return pa.Table.from_pylist(dicts, schema=tables.CALLS)


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    rnd = random.Random(4)
    return [entry(i, rnd) for i in range(2_000)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> Iterator[Engine]:
    with Engine.open(tmp_path_factory.mktemp("warehouse") / "data") as engine:
        own = engine.client()
        migrate(own)
        own.insert_arrow("calls", rows(entries))
        own.insert_arrow("calls", rows(entries[:500], ver=2))  # re-posted
        gone = [msgspec.structs.replace(e, span_id=b"goneGONE") for e in entries[:100]]
        own.insert_arrow("calls", rows(gone))
        own.insert_arrow("calls", rows(gone, ver=2, deleted=True))
        _score(own, entries)
        _tell(own, entries[3])
        yield engine


@pytest.fixture(scope="module", params=["embedded", "endpoint"])
def client(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Client]:
    """A filled warehouse: opened directly, and read through our SQL endpoint (every query passes its fence)."""
    if request.param == "embedded":
        yield engine.client()
        return
    server = serve(engine, "127.0.0.1", 0, lambda user, secret: Principal("reader", "admin", None))
    with closing(server), closing(connect(f"http://{server.address}")) as client:
        yield client


def test_spend_is_the_sum_over_the_live_entries_to_the_last_decimal(client: Client, entries: list[Entry]) -> None:
    expected: dict[tuple[str, str, str], list[Any]] = defaultdict(lambda: [0, Decimal(0), 0])
    for e in entries:
        group = expected[e.app_id, e.team, e.model_tier]
        group[0] += 1
        group[1] += e.cost_estimate_usd
        group[2] += e.tokens_in
    report = queries.spend_report(client, WHOLE)
    got = {(r["app"], r["team"], r["model_tier"]): [r["calls"], r["cost_usd"], r["tokens_in"]] for r in report.rows.iter_rows(named=True)}
    assert got == dict(expected)
    assert report.total["cost_usd"] == sum(e.cost_estimate_usd for e in entries)
    assert report.rows["cost_usd"].to_list() == sorted(report.rows["cost_usd"].to_list(), reverse=True)


def test_coverage_counts_what_is_unpriced_and_without_usage(client: Client, entries: list[Entry]) -> None:
    found = queries.coverage(client, WHOLE)
    billed = [e for e in entries if e.billed]
    assert (found.calls, found.billed_calls) == (2_000, len(billed))
    assert found.unpriced_calls == sum(e.cost_source == "unpriced" for e in billed)
    assert found.usage_missing == sum(e.usage_source == "missing" for e in billed)
    assert found.priced_share == found.priced_calls / len(billed)
    assert (found.hours, found.closed_hours) == (72, 0)


def test_an_empty_window_is_zero_with_unknown_shares(client: Client) -> None:
    report = queries.spend_report(client, Scope(DAY - timedelta(days=9), DAY - timedelta(days=8)))
    assert report.rows.is_empty()
    assert report.total["cost_usd"] == 0
    assert report.coverage.priced_share is None
    assert queries.spend(client, Scope(DAY - timedelta(days=9), DAY), by=())["calls"].to_list() == [0]


def test_windows_are_half_open(client: Client, entries: list[Entry]) -> None:
    at = DAY + timedelta(microseconds=min(e.ts_us for e in entries) - int(DAY.timestamp() * 1e6))
    assert queries.spend(client, Scope(at, at + timedelta(microseconds=1)), by=())["calls"][0] == 1
    assert queries.spend(client, Scope(DAY, at), by=())["calls"][0] == 0


def test_a_team_scope_hides_every_other_team(client: Client, entries: list[Entry]) -> None:
    scope = Scope(WHOLE.since, WHOLE.until, teams=("team1",))
    assert queries.spend(client, scope, by=("team",))["team"].to_list() == ["team1"]
    assert queries.spend(client, Scope(WHOLE.since, WHOLE.until, teams=()), by=())["calls"][0] == 0
    other = next(e for e in entries if e.team == "team0")
    with pytest.raises(NotFound):
        queries.trace(client, other.trace_id.hex(), teams=("team1",))
    with pytest.raises(NotFound):
        queries.call(client, other.trace_id.hex(), other.span_id.hex(), teams=("team1",))


def test_filters_and_unknown_dimensions(client: Client, entries: list[Entry]) -> None:
    scope = Scope(WHOLE.since, WHOLE.until, Filters(app=("app1", "app2"), model=("m1",)))
    expected = sum(e.app_id in ("app1", "app2") and e.model == "m1" for e in entries)
    assert queries.spend(client, scope, by=())["calls"][0] == expected
    hostile = Scope(WHOLE.since, WHOLE.until, Filters(app=("' OR 1=1 --",)))
    assert queries.spend(client, hostile, by=())["calls"][0] == 0
    with pytest.raises(QueryRefused):
        queries.spend(client, WHOLE, by=("app_id; DROP TABLE calls",))


@pytest.mark.parametrize("by", [(), ("hour",), ("day", "app"), ("week",), ("month", "user"), ("prompt", "prompt_version"), ("outcome",)])
def test_every_grouping_adds_up_to_the_same_total(client: Client, entries: list[Entry], by: tuple[str, ...]) -> None:
    frame = queries.spend(client, WHOLE, by=by)
    assert frame["cost_usd"].sum() == sum(e.cost_estimate_usd for e in entries)
    assert frame["calls"].sum() == len(entries)


def test_latency_quantiles_are_within_two_percent_of_exact(client: Client, entries: list[Entry]) -> None:
    frame = queries.latency(client, WHOLE, by=("model",))
    for row in frame.iter_rows(named=True):
        exact = sorted(e.latency_ms for e in entries if e.model == row["model"])
        for name, p in (("p50_ms", 0.5), ("p90_ms", 0.9), ("p99_ms", 0.99)):
            true = exact[max(0, -int(-p * len(exact) // 1) - 1)]
            assert row[name] == pytest.approx(true, rel=0.02)
        assert row["mean_ms"] == pytest.approx(sum(exact) / len(exact), rel=1e-5)


def test_rates_count_outcomes_and_value_what_the_cache_saved(client: Client, entries: list[Entry]) -> None:
    row = queries.rates(client, WHOLE, by=()).row(0, named=True)
    assert row["errors"] == sum(e.outcome == "error" for e in entries)
    assert row["cache_hits"] == sum(e.cache_hit for e in entries)
    assert row["model_switches"] == sum(e.model != e.model_requested for e in entries)
    assert row["retries"] == sum(e.retry for e in entries)
    assert row["error_rate"] == pytest.approx(row["errors"] / len(entries))
    saved = sum(e.tokens_in for e in entries if e.cache_hit) / sum(e.tokens_in for e in entries if not e.cache_hit)
    assert float(row["cache_saved_usd"]) == pytest.approx(saved * float(sum(e.cost_in_usd for e in entries)), rel=0.1)


def test_cost_per_thousand_requests(client: Client, entries: list[Entry]) -> None:
    for row in queries.cost_per_1000(client, WHOLE).iter_rows(named=True):
        mine = [e for e in entries if e.model_tier == row["model_tier"]]
        assert row["cost_per_1000_usd"] == (sum(e.cost_estimate_usd for e in mine) * 1000 / len(mine)).quantize(Decimal("1e-9"), "ROUND_DOWN")


def test_distinct_people_are_counted_once(client: Client) -> None:
    assert queries.people(client, WHOLE, by=()).row(0) == (20, 30)


def test_pages_of_calls_are_complete_and_newest_first(client: Client, entries: list[Entry]) -> None:
    seen: list[tuple[datetime, str]] = []
    cursor = ""
    while True:
        page = queries.calls(client, WHOLE, limit=300, cursor=cursor)
        seen += [(r["ts"], r["span_id"]) for r in page.rows.iter_rows(named=True)]
        if not (cursor := page.cursor):
            break
    assert [at for at, _ in seen] == sorted((at for at, _ in seen), reverse=True)
    assert sorted(span for _, span in seen) == sorted(e.span_id.hex() for e in entries)
    with pytest.raises(QueryRefused):
        queries.calls(client, WHOLE, cursor="nonsense")


def test_a_call_is_found_by_its_key_and_by_its_members(client: Client, entries: list[Entry]) -> None:
    e = entries[7]
    for span in (e.span_id, e.members[0]):
        found = queries.call(client, e.trace_id.hex(), span.hex())
        assert (found["span_id"], found["cost_estimate_usd"]) == (e.span_id.hex(), e.cost_estimate_usd)
    with pytest.raises(NotFound):
        queries.call(client, "zz", "00")


def test_unpriced_and_usage_lists_name_the_models(client: Client, entries: list[Entry]) -> None:
    unpriced = queries.unpriced(client, WHOLE)
    assert unpriced["unpriced_calls"].sum() == sum(e.billed and e.cost_source == "unpriced" for e in entries)
    assert queries.missing_usage(client, WHOLE)["missing_calls"].sum() == sum(e.billed and e.usage_source == "missing" for e in entries)
    counted = ["app", "provider", "model", "missing_calls", "estimated_calls"]
    assert queries.missing_usage(client, WHOLE, drawn=True).equals(
        queries.missing_usage(client, WHOLE)
        .select(counted)
        .sort("missing_calls", "estimated_calls", "app", "provider", "model", descending=[True, True, False, False, False])
    )
    report, spend = queries.coverage_report(client, WHOLE), queries.spend_report(client, WHOLE, by=("app",))
    assert report.coverage == spend.coverage
    assert report.rows.sort("app").equals(spend.rows.select(report.rows.columns).sort("app"))


def test_dimensions_list_what_there_is(client: Client) -> None:
    found = queries.dimensions(client, WHOLE, names=("app", "model"))
    assert set(found.filter(found["dimension"] == "app")["value"]) == {f"app{i}" for i in range(5)}


def test_calls_of_a_page_carry_their_scores_and_quality_adds_them_up(client: Client, entries: list[Entry], scored: list[float]) -> None:
    page = queries.calls(client, WHOLE, limit=2_000).rows
    assert page["hallucination_score"].drop_nulls().len() == len(scored)
    row = queries.quality(client, WHOLE, by=()).row(0, named=True)
    assert (row["scored"], row["answers"]) == (len(scored), len(scored) + 10)
    assert row["score_avg"] == pytest.approx(sum(scored) / len(scored), rel=1e-6)
    objective = queries.quality_objective(client, WHOLE)
    assert objective.score_avg == pytest.approx(sum(scored) / len(scored), rel=1e-6)
    assert (objective.scored, objective.answers) == (len(scored), len(scored) + 10)
    assert queries.quality_objective(client, Scope(DAY - timedelta(days=2), DAY)).score_avg is None
    worst = queries.worst_answers(client, WHOLE, limit=5)
    assert worst["hallucination_score"].to_list() == pytest.approx(sorted(scored, reverse=True)[:5])
    assert queries.quality(client, WHOLE, by=("app", "day"))["scored"].sum() == len(scored)
    with pytest.raises(QueryRefused, match="provider"):
        queries.quality(client, WHOLE, by=("provider",))


@pytest.fixture(scope="module")
def scored() -> list[float]:
    """Composite results of the first calls; the ten after them could not be judged."""
    return [i / 100 for i in range(90)]


def _score(client: Client, entries: list[Entry]) -> None:
    found = [i / 100 for i in range(90)]
    base = {
        "detector": "composite", "detector_version": "1", "flagged": False, "label": "", "reason": "", "coverage": ["grounding"],
        "evidence": "{}", "scored_at": DAY, "ver": 1,
    }  # fmt: skip
    dicts = [
        base | {n: getattr(e, n, "") for n in tables.SCORES.names if n not in base}
        | {"ts": DAY + timedelta(microseconds=e.ts_us - int(DAY.timestamp() * 1e6)), "score": score, "hallucination_score": score}
        for e, score in zip(entries, [*found, *[None] * 10], strict=False)
    ]  # fmt: skip
    client.insert_arrow("scores", pa.Table.from_pylist(dicts, schema=tables.SCORES))
    client.insert_arrow("scores", pa.Table.from_pylist(dicts, schema=tables.SCORES))  # repeated


def test_releases_stand_side_by_side_with_their_scores(client: Client, entries: list[Entry], scored: list[float]) -> None:
    frame = queries.releases(client, WHOLE, by=("prompt", "prompt_version"))
    for row in frame.iter_rows(named=True):
        mine = [e for e in entries if e.prompt_version == row["prompt_version"]]
        assert (row["calls"], row["cost_usd"]) == (len(mine), sum(e.cost_estimate_usd for e in mine))
        assert row["scored"] == 45
    known = ["prompt", "prompt_version", "billed_calls", "covered_calls"]
    assert_frame_equal(frame.select(known), queries.spend(client, WHOLE, by=("prompt", "prompt_version")).select(known), check_row_order=False)
    drawn = queries.releases(client, WHOLE, by=("prompt", "prompt_version"), drawn=True)
    assert_frame_equal(drawn, frame.select(drawn.columns))
    judged = queries.quality(client, WHOLE, by=("prompt", "prompt_version"), safety=False)
    both = [name for name in frame.columns if name in judged.columns]
    assert {"scored", "score_avg", "flagged", "schema_failures", "grounding_avg", "contradictions"} < {*both}
    assert_frame_equal(frame.drop_nulls("scored").select(both), judged.select(both), check_row_order=False)
    assert {column for column, *_ in ROWS} <= {*shares(drawn.row(0, named=True))}
    single = queries.release_calls(client, Scope(WHOLE.since, WHOLE.until, Filters(prompt_version=("1",))), limit=300)
    assert single.height == 300
    assert set(single["prompt_version"]) == {"1"}


def test_unit_economics_divide_all_cost_by_events(client: Client, entries: list[Entry]) -> None:
    for row in queries.unit_economics(client, WHOLE, by=("team",)).iter_rows(named=True):
        mine = [e for e in entries if e.team == row["team"]]
        assert row["metric"] == "tickets"
        assert row["events"] == sum(e.biz_metric.get("tickets", 0) for e in mine)
        assert row["cost_usd"] == sum(e.cost_estimate_usd for e in mine)
        assert 0 < row["covered_calls"] <= row["billed_calls"] == sum(e.billed for e in mine)
        assert float(row["cost_per_event_usd"]) == pytest.approx(float(row["cost_usd"]) / row["events"], rel=1e-6)


def test_lists_of_sessions_errors_and_the_dearest(client: Client, entries: list[Entry]) -> None:
    sessions = queries.sessions(client, WHOLE)
    assert sessions["calls"].sum() == len(entries)
    assert sessions["cost_usd"].sum() == sum(e.cost_estimate_usd for e in entries)
    errors = queries.errors_by_type(client, WHOLE)
    assert errors["calls"].sum() == sum(e.outcome != "success" for e in entries)
    assert queries.top(client, WHOLE, of=("user",), limit=3).height == 3
    assert queries.prices_used(client, WHOLE)["calls"].sum() == sum(e.billed for e in entries)
    assert queries.conflicts(client, WHOLE).is_empty()


@pytest.fixture(scope="module")
def told(entries: list[Entry]) -> Entry:
    """The entry whose trace has texts and a tool span."""
    return entries[3]


def _tell(client: Client, e: Entry) -> None:
    at = DAY + timedelta(microseconds=e.ts_us - int(DAY.timestamp() * 1e6))
    text = {
        "project": "p", "service": e.service, "ts": at, "trace_id": e.trace_id, "span_id": e.span_id, "kind": "llm", "tenant_hash": "",
        "user_hash": "", "prompt_hash": "", "context_hash": "", "prompt": "user: Where is the Zanzibar invoice?", "response": "In the archive.",
        "context": ["doc"], "extra": [], "ver": b"\1" * 16,
    }  # fmt: skip
    tool = text | {"span_id": b"tooltool", "kind": "tool", "prompt": "", "response": "", "extra": [("tool_input", "{}")]}
    client.insert_arrow("contents", pa.Table.from_pylist([text, tool], schema=tables.CONTENTS))
    span = {f.name: _blank(f) for f in tables.SPANS} | {
        "project": "p", "service": e.service, "ts": at, "end_ts": at + timedelta(seconds=1), "trace_id": e.trace_id, "span_id": b"tooltool",
        "parent_span_id": e.span_id, "kind": "tool", "tool_name": "lookup", "facts": '{"error_type":"E"}',
    }  # fmt: skip
    client.insert_arrow("spans", pa.Table.from_pylist([span], schema=tables.SPANS))


def _blank(field: pa.Field) -> Any:
    if pa.types.is_string(field.type):
        return ""
    if pa.types.is_fixed_size_binary(field.type):
        return bytes(field.type.byte_width)
    return [] if pa.types.is_map(field.type) else DAY if pa.types.is_timestamp(field.type) else 0


def test_texts_are_found_by_whole_words_in_any_case_and_only_by_those_who_may(client: Client, told: Entry) -> None:
    found = queries.search(client, WHOLE, "ZANZIBAR the").rows
    assert found["trace_id"].to_list() == [told.trace_id.hex()]
    assert found["span_id"].to_list() == [told.span_id.hex()]
    assert "Zanzibar" in found["prompt_excerpt"][0]
    assert queries.search(client, WHOLE, "zanzi").rows.is_empty()
    other = "team0" if told.team == "team1" else "team1"
    assert queries.search(client, Scope(WHOLE.since, WHOLE.until, teams=(other,)), "zanzibar").rows.is_empty()
    assert queries.trace_contents(client, told.trace_id.hex(), teams=(told.team,)).height == 2
    with pytest.raises(NotFound):
        queries.trace_contents(client, told.trace_id.hex(), teams=(other,))
    with pytest.raises(QueryRefused):
        queries.search(client, WHOLE, "?!")


def test_the_tool_audit_of_a_session_names_what_was_done(client: Client, told: Entry) -> None:
    scope = Scope(WHOLE.since, WHOLE.until, Filters(session=(told.session_hash,)))
    row = queries.tool_audit(client, scope, with_text=True).row(0, named=True)
    assert (row["tool_name"], row["error_type"], row["tool_input"], row["duration_ms"]) == ("lookup", "E", "{}", 1_000)
    assert queries.tool_audit(client, scope)["tool_input"].to_list() == [""]
    tree = queries.trace(client, told.trace_id.hex())
    assert tree.spans["parent_span_id"].to_list() == [told.span_id.hex()]
    drawn = queries.trace(client, told.trace_id.hex(), drawn=True)
    assert drawn.spans.equals(tree.spans.select(drawn.spans.columns))
    assert drawn.entries.equals(tree.entries.select(drawn.entries.columns))
    assert "attrs" in set(tree.spans.columns) - set(drawn.spans.columns)


def test_a_viewer_of_one_team_gets_its_aggregates_through_the_endpoint_also_without_asking_for_a_scope(engine: Engine, entries: list[Entry]) -> None:
    server = serve(engine, "127.0.0.1", 0, lambda user, secret: Principal("ann", "viewer", ("team1",)))
    with closing(server), closing(connect(f"http://{server.address}")) as client:
        mine = [e for e in entries if e.team == "team1"]
        for scope in (WHOLE, Scope(WHOLE.since, WHOLE.until, teams=("team1",))):
            report = queries.spend_report(client, scope, by=("team", "app"))
            assert report.total["cost_usd"] == sum(e.cost_estimate_usd for e in mine)
        for question in (
            queries.latency, queries.rates, queries.people, queries.tokens, queries.unpriced, queries.quality, queries.releases,
            queries.unit_economics, queries.errors_by_type, queries.dimensions, queries.top,
        ):  # fmt: skip
            question(client, WHOLE)
        with pytest.raises(AccessDenied):
            queries.calls(client, WHOLE)  # single calls are not for viewers
