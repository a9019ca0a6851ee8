"""Figures of the warehouse on calls generated in the engine: size, inserts, spend, lookups, dashboard questions, text search.

usage: python tests/bench/bench_warehouse.py [--calls 10000000] [--dir DIR] [--only NAME …]

CPU time of the whole process (``process_time``: engine threads included), ``max_threads=1``, best of five, unless said otherwise.
Prints JSON with machine, versions and seed (the generator is a function of the row number: there is no other randomness), then every figure
beside what was asked. Ten million calls: fifteen minutes; an earlier run's on ``--dir`` are used again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import chdb
import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from generated_calls import DAYS, START, fill
from page_questions import API, PAGES, Questions, Windows, of_an_app, windows
from warehouse_figures import beside_asked

from warehouse import inserts, queries, tables
from warehouse.endpoint import Principal, serve
from warehouse.engine import Engine, connect
from warehouse.migrate import migrate
from warehouse.queries import Filters, Scope
from warehouse.queries.ask import frame
from warehouse.queries.sources import composed
from warehouse.rollups import TABLES, HourClock, RollupWorker, touch


def runs_ms(function: Callable[[], Any], repeat: int) -> list[float]:
    """CPU time of each of ``repeat`` runs, ms."""
    found: list[float] = []
    for _ in range(repeat):
        before = time.process_time()
        function()
        found.append(round((time.process_time() - before) * 1e3, 1))
    return found


def cpu_ms(function: Callable[[], Any], repeat: int = 5) -> float:
    """Best CPU time of ``repeat`` runs, ms."""
    return min(runs_ms(function, repeat))


def slowest(asked: dict[str, dict[str, float]]) -> tuple[float, str, str]:
    """The dearest of these questions, with its window."""
    return max((ms, question, window) for question, by_window in asked.items() for window, ms in by_window.items())


def spread(function: Callable[[], Any], repeat: int = 30) -> dict[str, float]:
    """Best and median CPU time, ms, of runs that ask about something else each time."""
    found = runs_ms(function, repeat)
    return {"best": min(found), "median": round(statistics.median(found), 1)}


class Bench:
    """One filled warehouse and the figures taken on it."""

    def __init__(self, engine: Engine, calls: int, jit: bool) -> None:
        self.engine, self.calls, self.jit = engine, calls, int(jit)
        self.client = self.connect()
        self.figures: dict[str, Any] = {}
        self.day = Scope(START + timedelta(days=DAYS - 2), START + timedelta(days=DAYS - 1))
        self.all = Scope(START, START + timedelta(days=DAYS))
        self.windows = windows(self.day.until + timedelta(hours=12, minutes=33, seconds=20))

    def connect(self, **settings: Any) -> Client:
        """A client of one query thread. Settings of a single question would cost three statements more."""
        return self.engine.client(max_threads=1, compile_expressions=self.jit, compile_aggregate_expressions=self.jit, **settings)

    def prepare(self) -> None:
        """Fill, merge closed days; the day before the last keeps 2 % of its rows twice, unmerged."""
        migrate(self.client)
        self.wait("system.mutations WHERE NOT is_done")
        held = self.client.query("SELECT count() FROM spanledger.calls").result_rows[0][0]
        if held < self.calls:
            self.client.command("TRUNCATE TABLE spanledger.calls")
            for first in range(0, self.calls, 500_000):
                fill(self.client, self.calls, first, min(500_000, self.calls - first))
            self.client.command("OPTIMIZE TABLE spanledger.calls FINAL", settings={"max_threads": 2})
        else:  # what an earlier run on this directory sent again
            self.client.command(f"OPTIMIZE TABLE spanledger.calls PARTITION {self.day.since:%Y%m%d} FINAL")
        self.client.command("SYSTEM STOP MERGES spanledger.calls")

    def quiet(self) -> None:
        """No merge of what has just been written is counted as a question's cost."""
        self.client.command("SYSTEM STOP MERGES")
        self.wait("system.merges")

    def wait(self, under_way: str) -> None:
        while self.client.query(f"SELECT count() FROM {under_way}").result_rows[0][0]:
            time.sleep(0.5)

    def journal(self) -> None:
        """One span a call."""
        if self.client.query("SELECT count() FROM spanledger.spans").result_rows[0][0] < self.calls:
            columns = (
                "project, service, ts, trace_id, span_id, parent_span_id, scope, dialect, provider, model, response_id, user_hash, tokens_in,"
                " tokens_out, attrs"
            )
            self.client.command(
                f"INSERT INTO spanledger.spans ({columns}, end_ts, name, kind, facts, ver) SELECT {columns}, ts + 1, 'chat', 'client',"
                " concat('{\"response_id\":\"', response_id, '\"}'), 1 FROM spanledger.calls WHERE ver = 1",
                settings={"max_partitions_per_insert_block": 0},
            )
            self.client.command("OPTIMIZE TABLE spanledger.spans FINAL")

    def dirty_day(self) -> None:
        """Send 2 % of one day again."""
        per_day = self.calls // DAYS
        fill(self.client, self.calls, per_day * (DAYS - 2), per_day, ver=2, where="number % 50 = 0")

    def size(self) -> None:
        """Bytes on disk per call."""
        sql = (
            "SELECT sum(bytes_on_disk) / sum(rows), sum(secondary_indices_compressed_bytes) / sum(rows) FROM system.parts"
            " WHERE database = 'spanledger' AND table = 'calls' AND active"
        )
        total, indexes = self.client.query(sql).result_rows[0]
        columns = self.client.query(
            "SELECT column, round(sum(column_data_compressed_bytes) / sum(rows), 2) AS b FROM system.parts_columns"
            " WHERE database = 'spanledger' AND table = 'calls' AND active GROUP BY column ORDER BY b DESC LIMIT 16"
        ).result_rows
        self.figures["bytes_a_call"] = {"total": round(total, 1), "indexes": round(indexes, 1), "columns": dict(columns)}

    def inserts(self) -> None:
        """Rows per CPU second of Arrow inserts of 10,000 with fsync, into a table of the same definition: with the merges that follow, alone."""
        rows = self.client.query_arrow("SELECT * FROM spanledger.calls LIMIT 200000")
        rows = pa.table([c.cast(f.type) for c, f in zip(rows.columns, tables.CALLS, strict=True)], schema=tables.CALLS)
        batches = [rows.slice(i, 10_000).combine_chunks() for i in range(0, rows.num_rows, 10_000)]
        self.figures["insert_rows_per_cpu_s"] = {}
        for name in ("with merges", "alone"):
            self.client.command("CREATE TABLE IF NOT EXISTS spanledger.bench_insert AS spanledger.calls")
            if name == "alone":
                self.client.command("SYSTEM STOP MERGES spanledger.bench_insert")
            rates: list[float] = []
            for batch in batches:
                before = time.process_time()
                inserts.insert(self.client, "bench_insert", batch)
                rates.append(batch.num_rows / (time.process_time() - before))
            self.figures["insert_rows_per_cpu_s"][name] = {"median": round(statistics.median(rates)), "best": round(max(rates))}
            self.client.command("DROP TABLE spanledger.bench_insert SYNC")

    def spend(self) -> None:
        """Spend by hour, app, team and tier over one day: raw, FINAL with 2 % duplicates; over all days."""
        text = (
            "SELECT toStartOfHour(ts) AS h, app_id, team, model_tier, sum(cost_estimate_usd) FROM {t}"
            " WHERE ts >= {{since:DateTime64(6, 'UTC')}} AND ts < {{until:DateTime64(6, 'UTC')}} GROUP BY h, app_id, team, model_tier"
        )

        def ask(table: str, scope: Scope) -> Callable[[], Any]:
            return lambda: self.client.query_arrow(text.format(t=table), scope.params)

        found = {"raw_day": cpu_ms(ask("spanledger.calls", self.day)), "final_merged_day": cpu_ms(ask("spanledger.ledger", self.day))}
        self.dirty_day()
        found["final_day_2pct_unmerged"] = cpu_ms(ask("spanledger.ledger", self.day))
        found["raw_20_days"] = cpu_ms(ask("spanledger.calls", self.all), 3)
        found["final_20_days"] = cpu_ms(ask("spanledger.ledger", self.all), 3)
        self.figures["spend_hour_app_team_tier_ms"] = found

    def changed(self, base: str) -> None:
        """Every hour of a base was written without a ``HourClock``."""
        touch(self.client, base, [int(START.timestamp()) + h * 3_600 for h in range(24 * (DAYS + 1))], reason="bench")

    def until_clean(self, worker: RollupWorker) -> None:
        while worker.step(self.client):
            pass

    def rollups(self) -> None:
        """Roll everything up; the same questions from clean rollups."""
        clock = HourClock(self.client, "bench", quiet_s=0)
        worker = RollupWorker([clock], hours_a_step=24)
        self.changed("calls")
        spent = runs_ms(lambda: self.until_clean(worker), 1)[0] / 1e3
        by = ("hour", "app", "team", "model_tier")
        self.wait("system.merges")  # what has just been written is merged: no question's cost
        text = (
            "SELECT hour, app_id, team, model_tier, sum(cost_usd) FROM spanledger.spend_hour"
            " WHERE hour >= {since:DateTime64(6, 'UTC')} AND hour < {until:DateTime64(6, 'UTC')}"
            " AND (hour, gen) IN (SELECT hour, gen FROM spanledger.clean_hours WHERE base = 'calls') GROUP BY ALL"
        )

        def one(scope: Scope) -> Any:
            return frame(self.client, *composed(self.client, by, scope, ["cost_usd"]))

        self.figures["rollups"] = {
            "calls_per_cpu_s": round(self.calls / spent),
            "spend_hour_rows": self.client.query("SELECT count() FROM spanledger.spend_hour").result_rows[0][0],
            "bytes": dict(
                self.client.query(
                    "SELECT table, sum(bytes_on_disk) FROM system.parts WHERE database = 'spanledger' AND active AND table LIKE '%_hour' GROUP BY 1"
                ).result_rows
            ),
            "spend_day_ms": cpu_ms(lambda: self.client.query_arrow(text, self.day.params)),
            "spend_20_days_ms": cpu_ms(lambda: self.client.query_arrow(text, self.all.params)),
            "composed_day_ms": cpu_ms(lambda: one(self.day)),
            "composed_20_days_ms": cpu_ms(lambda: one(self.all)),
            "report_day_ms": cpu_ms(lambda: queries.spend(self.client, self.day, by=by)),
        }
        touch(self.client, "calls", [int((self.day.until - timedelta(hours=1)).timestamp())], reason="bench")
        self.figures["rollups"]["composed_day_one_dirty_hour_ms"] = cpu_ms(lambda: one(self.day))

    def lookups(self) -> None:
        """One trace, one response id, the latest calls; traces that nobody has asked for before beside one that is asked for again and again."""
        self.journal()
        self.quiet()
        trace = self.client.query("SELECT lower(hex(trace_id)), lower(hex(span_id)) FROM spanledger.calls WHERE ver = 1 LIMIT 1 OFFSET 12345")
        trace_id, span_id = trace.result_rows[0]
        some = (
            "SELECT lower(hex(trace_id)), lower(hex(span_id)) FROM spanledger.calls WHERE ver = 1 AND cityHash64(trace_id) % {n:UInt32} = 0 LIMIT 90"
        )
        found = self.client.query(some, {"n": max(1, self.calls // 200)})
        others = iter(found.result_rows)
        text = (
            "SELECT e.cost_estimate_usd FROM spanledger.calls AS e FINAL PREWHERE e.trace_id = unhex({t:String}) WHERE e.is_deleted = 0"
            " SETTINGS do_not_merge_across_partitions_select_final = 1"
        )
        self.figures["lookup_ms"] = {
            "SELECT 1 (how fast the machine is now)": cpu_ms(lambda: self.client.query_arrow("SELECT 1"), 15),
            "trace_cost": cpu_ms(lambda: self.client.query_arrow(text, {"t": trace_id})),
            "trace_entries": cpu_ms(lambda: queries.trace(self.client, trace_id, spans=False), 15),
            "trace_entries, others": spread(lambda: queries.trace(self.client, next(others)[0], spans=False)),
            "page's trace": cpu_ms(lambda: queries.trace(self.client, trace_id, drawn=True), 15),
            "page's trace, others": spread(lambda: queries.trace(self.client, next(others)[0], drawn=True)),
            "trace with every column": cpu_ms(lambda: queries.trace(self.client, trace_id), 15),
            "call": cpu_ms(lambda: queries.call(self.client, trace_id, span_id), 15),
            "call, others": spread(lambda: queries.call(self.client, *next(others))),
            "verdicts of a call": cpu_ms(lambda: queries.verdicts(self.client, trace_id, span_id), 15),
            "texts of a trace": cpu_ms(lambda: queries.trace_contents(self.client, trace_id), 15),
            "latest_50": cpu_ms(lambda: queries.calls(self.client, self.all)),
            "latest_50_of_an_app": cpu_ms(lambda: queries.calls(self.client, of_an_app(self.all))),
        }

    def scores(self) -> None:
        """One answer in twenty has the results of four detectors; rolled up. Needed by ``pages``, ``api``, ``reader`` and ``scoped``."""
        for table in ("scores", *chain(*TABLES.values())):
            self.client.command(f"SYSTEM START MERGES spanledger.{table}")
        self.client.command("TRUNCATE TABLE spanledger.scores")
        self.client.command(
            "INSERT INTO spanledger.scores (project, service, ts, trace_id, span_id, detector, detector_version, app_id, team, env, route, model,"
            " model_tier, prompt_id, prompt_version, score, hallucination_score, flagged, label, evidence, scored_at, ver)"
            " SELECT project, service, ts, trace_id, span_id, detector, '1', app_id, team, env, route, model, model_tier, prompt_id, prompt_version,"
            " sipHash64(span_id, detector) % 1000 / 1000 AS s, if(detector = 'composite', greatest(0, s - 0.9), NULL), s > 0.95, '', '{}',"
            " now64(6), 1"
            " FROM spanledger.ledger ARRAY JOIN ['schema', 'grounding', 'contradiction', 'composite'] AS detector"
            " WHERE sipHash64(span_id) % 20 = 0",
            settings={"max_partitions_per_insert_block": 0},
        )
        self.client.command("OPTIMIZE TABLE spanledger.scores FINAL")
        clock = HourClock(self.client, "bench", base="scores", quiet_s=0)
        self.changed("scores")
        worker = RollupWorker([clock], hours_a_step=24, grace_s=-5)
        self.until_clean(worker)
        worker.sweep(self.client)  # of an earlier run on the same directory
        for base in ("calls", "scores"):
            touch(self.client, base, [int(self.day.until.timestamp()) - 3_600], reason="bench")
        self.quiet()

    def pages(self) -> None:
        """Every question that a page asks, in every window that it offers: one hour is dirty beside the one that is under way."""
        self.figures["dashboard_ms"] = self.asked(PAGES, self.windows, self.client)
        self.figures["slowest_of_a_page_ms"] = slowest(self.figures["dashboard_ms"])

    def api(self) -> None:
        """What only the API asks."""
        self.figures["api_ms"] = self.asked(API, self.windows, self.client)

    def reader(self) -> None:
        """The pages' questions through the SQL endpoint, as the dashboard asks them: of a reader of everything."""
        self.figures["reader_ms"] = self.through_the_endpoint(None)
        self.figures["slowest_of_a_reader_ms"] = slowest(self.figures["reader_ms"])

    def scoped(self) -> None:
        """The same of a reader of two of the eight teams."""
        self.figures["scoped_reader_ms"] = self.through_the_endpoint(("team-3", "team-5"))
        self.figures["slowest_of_a_scoped_page_ms"] = slowest(self.figures["scoped_reader_ms"])

    def through_the_endpoint(self, teams: tuple[str, ...] | None) -> dict[str, dict[str, float]]:
        """What the pages' questions cost such a reader."""
        own = {window: (step, replace(scope, teams=teams)) for window, (step, scope) in self.windows.items()}
        who = Principal("reader", "operator", teams)
        with closing(serve(self.engine, "127.0.0.1", 0, lambda *_: who)) as endpoint:
            return self.asked(PAGES, own, connect(f"clickhouse://{endpoint.address}", user="reader"))

    @staticmethod
    def asked(questions: Questions, windows: Windows, client: Client) -> dict[str, dict[str, float]]:
        """Question → window → best of three, ms."""
        return {
            name: {window: cpu_ms(lambda q=question, s=scope, by=step: q(client, s, by), 3) for window, (step, scope) in windows.items()}
            for name, question in questions.items()
        }

    def texts(self) -> None:
        """Search of a rare word in 120,000 texts, cold (each run another word): by index and by scan."""
        self.client.command("TRUNCATE TABLE spanledger.contents")
        self.client.command("SYSTEM START MERGES spanledger.contents")
        self.client.command(
            "INSERT INTO spanledger.contents (project, service, ts, trace_id, span_id, prompt, response, ver)"
            " WITH arrayMap(i -> concat('w', toString(toUInt32(pow(sipHash64(number, i) % 1000003 / 1000003, 3) * 30000))), range(90)) AS words"
            " SELECT 'default', 's', toDateTime64('2026-11-01 00:00:00', 6, 'UTC') + toIntervalSecond(number % 80000),"
            " reinterpretAsFixedString(sipHash128(number)), reinterpretAsFixedString(sipHash64(number)),"
            " arrayStringConcat(arraySlice(words, 1, 30), ' '),"
            " concat(arrayStringConcat(arraySlice(words, 31, 60), ' '), ' rare', toString(intDiv(number, 10))), 1 FROM numbers(120000)"
        )
        self.client.command("OPTIMIZE TABLE spanledger.contents FINAL")
        size = (
            "SELECT sum(bytes_on_disk) / sum(rows), sum(secondary_indices_compressed_bytes) / sum(rows)"
            " FROM system.parts WHERE table = 'contents' AND database = 'spanledger' AND active"
        )
        total, index = self.client.query(size).result_rows[0]
        cold = self.connect(use_query_condition_cache=0, use_uncompressed_cache=0)

        def wall(sql: str) -> tuple[float, float]:
            walls, cpus = [], []
            for i in range(7):
                word = f"rare{1000 + i * 977}"
                began, before = time.perf_counter(), time.process_time()
                cold.query_arrow(sql, {"w": word})
                walls.append(time.perf_counter() - began)
                cpus.append(time.process_time() - before)
            return round(statistics.median(walls) * 1e3, 1), round(statistics.median(cpus) * 1e3, 1)

        where = "SELECT count() FROM spanledger.contents WHERE "
        self.figures["text_ms_wall_cpu"] = {
            "index": wall(where + "hasAllTokens(response, [{w:String}])"),
            "scan": wall(where + "hasAllTokens(response, [{w:String}]) SETTINGS use_skip_indexes = 0"),
            "scan_substring": wall(where + "positionCaseInsensitive(response, {w:String}) > 0 SETTINGS use_skip_indexes = 0"),
            "search_question_cpu": cpu_ms(lambda: queries.search(self.client, self.all, "rare777")),
            "bytes_a_text": round(total), "of_it_index": round(index),
        }  # fmt: skip

    def objective(self) -> None:
        """The average score of 30 minutes, of 3 hours with 80,000 scores."""
        self.client.command("TRUNCATE TABLE spanledger.scores")
        self.client.command(
            "INSERT INTO spanledger.scores (project, service, ts, trace_id, span_id, detector, app_id, team, score, hallucination_score,"
            " scored_at, ver) SELECT 'default', concat('svc-', toString(number % 40)),"
            " toDateTime64('2026-11-20 09:00:00', 6, 'UTC') + toIntervalMillisecond(number * 135),"
            " reinterpretAsFixedString(sipHash128(number)), reinterpretAsFixedString(sipHash64(number)),"
            " ['composite', 'grounding'][1 + number % 2], concat('app-', toString(number % 40)), concat('team-', toString(number % 8)),"
            " number % 100 / 100, greatest(0, number % 100 / 100 - 0.9), now64(6), 1 FROM numbers(80000)"
        )
        self.changed("scores")
        scope = Scope(datetime(2026, 11, 20, 11, 30, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC))
        one = Scope(scope.since, scope.until, Filters(app=("app-3",)))
        self.figures["objective_ms"] = {
            "all": cpu_ms(lambda: queries.quality_objective(self.client, scope), 15),
            "one app": cpu_ms(lambda: queries.quality_objective(self.client, one), 15),
        }


STEPS = ("size", "inserts", "spend", "rollups", "lookups", "scores", "pages", "api", "reader", "scoped", "texts", "objective")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000_000)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--jit", action="store_true", help="let the engine compile expressions")
    parser.add_argument("--only", nargs="*", default=STEPS, choices=STEPS)
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Engine.open(args.dir or Path(folder), memory_bytes=4_000_000_000) as engine,
    ):
        bench = Bench(engine, args.calls, args.jit)
        began = time.monotonic()
        bench.prepare()
        print(f"filled in {time.monotonic() - began:.0f} s", file=sys.stderr)
        for step in args.only:
            began = time.monotonic()
            getattr(bench, step)()
            print(f"{step}: {time.monotonic() - began:.0f} s {json.dumps(bench.figures, default=str)}", file=sys.stderr)
    machine = {
        "cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version(),
        "engine": chdb.engine_version, "clickhouse_connect": clickhouse_connect.__version__, "calls": args.calls,
    }  # fmt: skip
    print(json.dumps({"machine": machine} | bench.figures, indent=1, default=str))
    print(beside_asked(bench.figures))


if __name__ == "__main__":
    main()
