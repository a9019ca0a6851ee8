"""What the detector jobs read and write: answers to judge, their texts, verdicts made by the collector, scores, marks.

In: watermarks in microseconds (postings and journal batches are numbered by time). Out: Polars frames, ids in lower-case hexadecimal.
All functions take a clickhouse-connect client and raise ``WarehouseBusy``, ``WarehouseUnavailable`` or ``QueryFailed``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pyarrow as pa

from warehouse.journal import insert
from warehouse.queries.ask import frame, query_errors, stamp
from warehouse.rollups import HourClock, hours_of
from warehouse.sqlfiles import sql
from warehouse.tables import SCORES

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TEXT_CHARS = 120_000  # of one text field
PEERS = 24  # answers to one prompt
LABELS = 50_000


class Backlog(NamedTuple):
    """Answers that wait, and when the oldest became known (microseconds since the epoch; 0: none waits)."""

    answers: int
    oldest_us: int


class Between(NamedTuple):
    """A window in microseconds since the epoch."""

    after: int
    until: int


class Arrived(NamedTuple):
    """What was posted since: entries, those taken back, documents of traces, and the starts of the first and the last (microseconds)."""

    entries: int = 0
    withdrawn: int = 0
    documents: int = 0
    first: int = 0
    last: int = 0


def arrived(client: Client, after_us: int, until_us: int) -> Arrived:
    """A cheap look at ``(after_us, until_us]``."""
    return Arrived(**frame(client, sql("scoring_arrived"), {"after": after_us, "until": until_us}).row(0, named=True))


def candidates(client: Client, known: Between, starts: Between, rows: int, traces: Sequence[str] = ()) -> pl.DataFrame:
    """Answers to judge that became known in ``(known.after, known.until]`` and started in ``[starts.after, starts.until)``, newest first.

    Identity columns of the ledger, ``members``, ``evidence_ver``. ``traces``: only those of these traces.
    """
    return frame(client, sql("scoring_candidates"), {**_window(known, starts), "rows": rows, "traces": list(traces)})


def retire(client: Client, clock: HourClock, known: Between, starts: Between) -> int:
    """Take scores of entries that were taken back out of every sum; returns how many rows."""
    rows = frame(client, sql("scoring_retired"), _window(known, starts)).to_dicts()
    nothing = {"score": None, "hallucination_score": None, "flagged": False, "label": "", "reason": "retired", "coverage": [], "evidence": ""}
    for row in rows:
        ids = {name: bytes.fromhex(row[name]) for name in ("trace_id", "span_id")}
        row.update(nothing, **ids, scored_at=datetime.now(UTC))
    write(client, clock, pa.Table.from_pylist(rows, schema=SCORES))
    return len(rows)


def sketches(client: Client, prompts: Sequence[str], since: datetime, until: datetime) -> pl.DataFrame:
    """What is left of answers to these prompts that were judged in memory only: group columns, ids and ``sketch``."""
    return frame(client, sql("scoring_sketches"), {"prompts": list(prompts), "since": stamp(since), "until": stamp(until), "most": PEERS})


def releases(client: Client, app: str, baseline: str, candidate: str, since: datetime, until: datetime, *, by_model: bool, rows: int) -> pl.DataFrame:
    """Answers of two releases of an app: ``release, context_hash, prompt, response``, at most ``rows`` of each."""
    bound = {"app": app, "baseline": baseline, "candidate": candidate, "by_model": int(by_model), "since": stamp(since), "until": stamp(until)}
    return frame(client, sql("scoring_releases"), bound | {"rows": rows, "chars": TEXT_CHARS})


def _window(known: Between, starts: Between) -> dict[str, object]:
    since, before = (stamp(datetime.fromtimestamp(at / 1e6, UTC)) for at in starts)
    return {"after": known.after, "until": known.until, "since": since, "before": before}


def texts(client: Client, traces: Sequence[str]) -> pl.DataFrame:
    """Redacted texts of traces: ``trace_id, span_id, ts_us, kind, prompt, response, context, tool_output, prompt_hash, context_hash``."""
    return frame(client, sql("scoring_texts"), {"traces": list(traces), "chars": TEXT_CHARS})


def schema_verdicts(client: Client, traces: Sequence[str]) -> pl.DataFrame:
    """The collector's schema verdicts: ``trace_id, span_id, verdict`` (JSON)."""
    return frame(client, sql("scoring_schema_verdicts"), {"traces": list(traces)})


def peers(client: Client, prompts: Sequence[str], since: datetime, until: datetime) -> pl.DataFrame:
    """Answers to prompts with these fingerprints in ``[since, until)``, latest first, at most `PEERS` of each group."""
    params = {"prompts": list(prompts), "since": stamp(since), "until": stamp(until), "most": PEERS, "chars": TEXT_CHARS}
    return frame(client, sql("scoring_peers"), params)


def backlog(client: Client, after_us: int, until_us: int) -> Backlog:
    """How much waits; entries only, late documents are not counted."""
    row = frame(client, sql("scoring_backlog"), {"after": after_us, "until": until_us}).row(0, named=True)
    return Backlog(int(row["answers"]), int(row["oldest"]) if row["answers"] else 0)


def labels(client: Client, since: datetime, until: datetime) -> pl.DataFrame:
    """Grounding scores with people's labels: ``app_id, route, score, hallucinated, evidence``."""
    return frame(client, sql("scoring_labels"), {"since": stamp(since), "until": stamp(until), "rows": LABELS})


def mark(client: Client, job: str) -> tuple[str, str]:
    """(mark, detail) of a job; empty texts at first."""
    rows = frame(client, sql("scoring_mark"), {"job": job})
    return (str(rows["mark"][0]), str(rows["detail"][0])) if rows.height else ("", "")


def set_mark(client: Client, job: str, place: str, detail: str) -> None:
    """Everything up to ``place`` is done."""
    with query_errors():
        client.insert("spanledger.job_marks", [[job, place, detail]], column_names=["job", "mark", "detail"])


def write(client: Client, clock: HourClock, rows: pa.Table) -> None:
    """Insert score rows (``tables.SCORES``), marking their hours so that rollups stay exact; durable when it returns."""
    if rows.num_rows:
        with clock.writing(hours_of(rows)):
            insert(client, "scores", rows)


def clock_for(client: Client, writer: str) -> HourClock:
    """The hour marks of one writer of scores."""
    return HourClock(client, writer, base="scores")
