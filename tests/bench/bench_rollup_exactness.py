"""Is the composed reader ever different from FINAL? A writer with late, repeated and deleted rows is killed again and again.

usage: python tests/bench/bench_rollup_exactness.py [--kills 20] [--comparisons 1000] [--seed 1] [--late 0.1]

A child process owns the warehouse: it posts batches, a second thread rolls hours up all the time, and after each step of a batch
(hours announced, rows inserted, landing told) it asks the same question twice: composed (``queries.spend``) and of the view ``ledger``,
which is FINAL alone. The parent kills it with -9 at random moments and starts it again on the same data.
Prints JSON; exit 1 on any mismatch.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from clickhouse_connect.driver.client import Client

from warehouse import queries, verify
from warehouse.engine import Engine
from warehouse.migrate import migrate
from warehouse.queries import Scope
from warehouse.queries.plans import clean_days
from warehouse.rollups import HourClock, RollupWorker

START = datetime(2026, 11, 1, tzinfo=UTC)
HOURS = 48
WINDOW = Scope(START, START + timedelta(hours=HOURS))

_INSERT = """
INSERT INTO spanledger.calls (project, service, ts, trace_id, span_id, entry_kind, app_id, team, model_tier, prompt_id, prompt_version, user_hash,
    billed, outcome, cost_estimate_usd, cost_source, tokens_in, latency_ms, ver, is_deleted)
SELECT 'p', 's', toDateTime64('2026-11-01 00:00:00', 6, 'UTC') + toIntervalSecond(id % 172800), unhex(hex(sipHash128(id))),
    unhex(hex(sipHash64(id))), if(id % 97 = 0, 'unattributed', 'call'), concat('app', toString(id % 5)), concat('t', toString(id % 2)),
    if(id % 3 = 0, 'premium', 'standard'), concat('p', toString(id % 7)), toString(id % 2), toString(id % 100), true,
    if(id % 31 = 0, 'error', 'success'), toDecimal64((id * {ver:UInt64} % 99991) / 1e7, 9), 'computed', id % 1000, 1 + id % 4000,
    {ver:UInt64}, {deleted:UInt8}
FROM (SELECT arrayJoin({ids:Array(UInt64)}) AS id)
"""
_SUMS = ["calls", "tokens_in", "cost_usd", "errors", "billed_calls"]
_EXACT = {
    grain: f"SELECT {start} AS {grain}, app_id AS app, team, model_tier, countIf(entry_kind != 'unattributed') AS calls, sum(tokens_in) AS tokens_in,"
    " sum(cost_estimate_usd) AS cost_usd, countIf(outcome = 'error') AS errors, countIf(billed) AS billed_calls FROM spanledger.ledger"
    " WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')} GROUP BY ALL"
    for grain, start in (("hour", "toDateTime64(toStartOfHour(ts), 6, 'UTC')"), ("day", "toDate(ts)"))
}


def child(folder: Path, seed: int, late: float) -> None:
    """Post, roll up and compare until killed; a line per comparison: ``ok`` or ``WRONG``, hours from rollups, hours with rows."""
    rnd = random.Random(seed)
    with Engine.open(folder) as engine:
        client = engine.client()
        migrate(client)
        clock = HourClock(engine.client(), "w", quiet_s=0.3)
        threading.Thread(target=_roll, args=(engine, clock), daemon=True).start()
        ver = client.query("SELECT max(ver) FROM spanledger.calls").result_rows[0][0]
        _compare(client, rnd)
        while True:
            ver += 1
            now = min(HOURS * 3_600 - 1, ver * 300)
            ids = [_id(rnd, now, late) for _ in range(rnd.randrange(20, 120))]
            if rnd.random() < 0.3:
                ids += rnd.sample(ids, 10)
            hours = {int(START.timestamp()) + i % 172_800 // 3_600 * 3_600 for i in ids}
            clock.issued(hours, ver)
            _compare(client, rnd)
            client.command(_INSERT, parameters={"ids": ids, "ver": ver, "deleted": int(rnd.random() < 0.15)})
            if rnd.random() < 0.5:
                _compare(client, rnd)
            clock.landed(hours, ver)
            _compare(client, rnd)


def _id(rnd: random.Random, now: int, late: float) -> int:
    second = rnd.randrange(now) if rnd.random() < late / 20 else max(0, now - rnd.randrange(1_800))
    return second + 172_800 * rnd.randrange(3)


def _roll(engine: Engine, clock: HourClock) -> None:
    client, worker = engine.client(), RollupWorker([clock], sweep_every_s=1.0, days_every_s=0)
    while True:
        worker.step(client)
        time.sleep(0.05)


def _compare(client: Client, rnd: random.Random) -> None:
    """By hours and by days in turn (days come from daily rows where the whole day is clean), every third time between any two seconds."""
    grain = rnd.choice(("hour", "day"))
    by = (grain, "app", "team", "model_tier")
    edges = sorted(rnd.sample(range(HOURS * 3_600), 2)) if rnd.random() < 1 / 3 else [0, HOURS * 3_600]
    since, until = (START + timedelta(seconds=edge) for edge in edges)
    window = Scope(since, until)
    from_days = sum(bool(day.gen) for day in clean_days(client, ("calls",), window.since, window.until)["calls"])
    composed = queries.spend(client, window, by=by).select(*by, *_SUMS).sort(by)
    exact = pl.DataFrame(client.query_arrow(_EXACT[grain], window.params)).select(composed.columns).cast(composed.schema).sort(by)  # pyright: ignore[reportArgumentType]
    closed = queries.coverage(client, window).closed_hours
    seen = queries.spend(client, window, by=("hour",)).height
    print("ok" if composed.equals(exact) else "WRONG", closed, seen, from_days if grain == "day" else 0, flush=True)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--comparisons", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--late", type=float, default=0.1, help="share of late batches")
    parser.add_argument("--child", type=Path)
    args = parser.parse_args()
    if args.child:
        child(args.child, args.seed, args.late)
    rnd = random.Random(args.seed)
    compared = wrong = kills = rolled = hours = days = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        while kills < args.kills or compared < args.comparisons:
            command = [sys.executable, __file__, "--child", folder, "--seed", str(args.seed * 1_000 + kills), "--late", str(args.late)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert process.stdout
            left = rnd.randrange(max(2, 2 * args.comparisons // args.kills))
            for line in process.stdout:
                state, closed, seen, daily = line.split()
                compared, rolled, hours, days = compared + 1, rolled + int(closed), hours + int(seen), days + int(daily)
                wrong += state != "ok"
                left -= 1
                if left <= 0:
                    break
            time.sleep(rnd.uniform(0, 0.25))
            process.kill()
            process.wait()
            process.stdout.close()
            kills += 1
        with Engine.open(Path(folder)) as engine:
            client = engine.client()
            final = verify.compare(client, WINDOW.since, WINDOW.until)
            rows = client.query("SELECT count() FROM spanledger.calls").result_rows[0][0]
    result = {
        "kills": kills, "comparisons": compared, "mismatches": wrong, "hours_from_rollups": round(rolled / max(1, hours), 3),
        "days_from_daily_rows": days, "rows": rows,
        "verified_hours": final.rolled_up, "verify_differences": len(final.differences), "wall_s": round(time.monotonic() - began),
        "load": os.getloadavg()[0], "seed": args.seed,
    }  # fmt: skip
    print(json.dumps(result))
    return 0 if not wrong and final.ok else 1


if __name__ == "__main__":
    sys.exit(main())
