"""The detector jobs: judge what the ledger holds and write `scores`. A thin loop around `judging.py`.

Resumable and idempotent: a mark bounds the look back, and an answer is a candidate only while no composite of its evidence's version
exists, so that a pass may be cut off, repeated or run twice. Posting or late documents raise an answer's evidence version, and it is
judged again. Every candidate gets a composite row; without a score it says why.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import structlog

from detectors import judging, sampling
from detectors.calibration import Platt, route_map
from detectors.embeddings import Encoder, open_embedder
from detectors.material import Material, Text, material
from detectors.rows import score_rows
from detectors.window import Window, served
from spanledger import instance
from spanledger.errors import SpanledgerError
from spanledger.policy import PolicyFile
from spanledger.policy.quality import Detectors, Sampling
from spanledger.settings import Settings
from warehouse import scoring
from warehouse.engine import connect
from warehouse.leases import Lease

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from warehouse.rollups import HourClock

log = structlog.get_logger()

JOB = "detectors"
BATCH = 1_500  # answers in memory at once, with the texts of their traces; finding them costs as much for few as for many
OVERLAP_US = 30_000_000  # a posting or journal batch may land this much after its number was drawn
COUNT_EVERY = 20  # full batches between two counts of what waits
SETTLE_US = 2_000_000  # documents of a trace get this long to arrive before its answers are judged
CALIBRATION_EVERY_S = 600.0
LABELS_DAYS = 90
HOUR_S = 3_600.0
LEASE_S = 120.0  # longer than any batch takes; a dead worker's work is taken over after it


class Done(NamedTuple):
    """One pass: answers judged, answers with a score, and what still waits."""

    judged: int
    scored: int
    waiting: int
    lag_s: float


def run(settings: Settings, stop: threading.Event) -> None:
    """Judge until ``stop`` is set; raises what the warehouse raises, and the caller starts it again."""
    policy = PolicyFile(settings.policy_path, settings.tokens_file)
    access = instance.sql_access(settings, wait_s=30)
    window = Window(settings.window_bytes, 60.0 * settings.window_minutes)
    with (
        served(window, lambda: instance.token(settings.data_dir)) as address,
        closing(connect(access.url, user=access.user, password=access.password)) as client,
    ):
        instance.report(settings.data_dir, "window", {"texts": address})
        folder = settings.policy_path.parent if settings.policy_path else Path()
        encoder = open_embedder(settings.embeddings, settings.embedding_model)
        writer = JOB if settings.embedded else f"{JOB}-{socket.gethostname()}"  # the same after a restart: it takes over its open hours
        lease = Lease(client, JOB, f"{writer}-{os.getpid()}", ttl_s=LEASE_S)
        worker = Worker(client, policy, writer, folder, encoder, window)
        try:
            while not stop.is_set():
                busy = lease.hold() and worker.step(time.time_ns() // 1_000).judged == BATCH
                worker.settle()
                if not busy:
                    stop.wait(settings.jobs_interval_s)
        finally:
            with contextlib.suppress(SpanledgerError):
                lease.release()


class Worker:
    """One detector worker: its client, its place, its hourly budgets, its calibrations."""

    def __init__(
        self,
        client: Client,
        policy: PolicyFile,
        writer: str,
        folder: Path = Path(),
        encoder: Encoder | None = None,
        window: Window | None = None,
    ) -> None:
        self._client, self._policy, self._folder, self._encoder, self._window = client, policy, folder, encoder, window
        self._detectors = with_schemas(policy.current.detectors, folder)
        self._clock: HourClock = scoring.clock_for(client, writer)
        place, _ = scoring.mark(client, JOB)
        self._after = int(place or 0)
        self._full, self._waits = 0, scoring.Backlog(0, 0)
        self._taken: dict[str, deque[float]] = defaultdict(deque)
        self._calibrations: judging.Calibrations = {}
        self._calibrated_at = float("-inf")

    def step(self, now_us: int) -> Done:
        """Judge one batch of what is known at ``now_us``, write it, move the mark."""
        until = now_us - SETTLE_US
        found = scoring.candidates(self._client, self._after, until, BATCH).to_dicts()
        if self._policy.reload():
            self._detectors = with_schemas(self._policy.current.detectors, self._folder)
        scored = self._judge(found, self._detectors, now_us, link=len(found) < BATCH) if found else 0
        reached = int(found[-1]["evidence_ver"]) if len(found) == BATCH else until
        self._after = max(self._after, reached - OVERLAP_US)
        self._full = self._full + 1 if len(found) == BATCH else 0
        if self._full % COUNT_EVERY in (0, 1):
            self._waits = scoring.backlog(self._client, self._after, now_us)
        waits = self._waits
        done = Done(len(found), scored, waits.answers, (now_us - waits.oldest_us) / 1e6 if waits.answers else 0.0)
        if found:
            scoring.set_mark(self._client, JOB, str(self._after), orjson.dumps(done._asdict()).decode())
            log.info("answers_judged", **done._asdict())
        return done

    def settle(self) -> None:
        """Tell the rollups which hours are quiet again."""
        self._clock.settle()

    def _judge(self, calls: list[dict[str, Any]], policy: Detectors, now_us: int, *, link: bool) -> int:
        """``link``: also tell evidence by meaning; left out while answers wait, for it takes thirty times as long and changes no score."""
        picked = self._picked(calls, policy)
        answers = self._answers(calls, picked, policy, now_us)
        results = judging.judge(answers, policy, self._calibrated(now_us), self._encoder if link else None)
        scoring.write(self._client, self._clock, score_rows(answers, results, now_us))
        return sum(composite.score is not None for _, composite in results)

    def _picked(self, calls: Sequence[Mapping[str, Any]], policy: Detectors) -> list[bool]:
        """The sampling policy of each app, with what its hour has left."""
        by_app: dict[str, list[int]] = defaultdict(list)
        for i, call in enumerate(calls):
            by_app[call["app_id"]].append(i)
        out = [False] * len(calls)
        for app, places in by_app.items():
            told = policy.apps.get(app, policy.sampling)
            chosen = sampling.chosen([calls[i] for i in places], told, self._left(app, told))
            for i, wanted in zip(places, chosen, strict=True):
                out[i] = wanted
            self._taken[app].extend([time.monotonic()] * sum(chosen))
        return out

    def _left(self, app: str, told: Sampling) -> int | None:
        taken = self._taken[app]
        while taken and taken[0] < time.monotonic() - HOUR_S:
            taken.popleft()
        if told.per_hour is None:
            taken.clear()
            return None
        return max(0, told.per_hour - len(taken))

    def _answers(self, calls: list[dict[str, Any]], picked: list[bool], policy: Detectors, now_us: int) -> list[judging.Answer]:
        traces = sorted({c["trace_id"] for c, wanted in zip(calls, picked, strict=True) if wanted})
        told = self._texts(traces)
        made = {(r["trace_id"], r["span_id"]): r["verdict"] for r in scoring.schema_verdicts(self._client, traces).to_dicts()} if traces else {}
        materials = [_material(c, told.get(c["trace_id"], [])) if wanted else None for c, wanted in zip(calls, picked, strict=True)]
        peers = self._peers(calls, materials, policy, now_us)
        return [
            judging.Answer(call, found, _verdict_of(call, made), peers.get(i, ()), wanted)
            for i, (call, found, wanted) in enumerate(zip(calls, materials, picked, strict=True))
        ]

    def _texts(self, traces: list[str]) -> dict[str, list[Text]]:
        """Stored texts of traces, and those that are only held in memory."""
        told = _texts_by_trace(scoring.texts(self._client, traces)) if traces else {}
        for trace, texts in (self._window.texts(traces) if self._window else {}).items():
            told.setdefault(trace, []).extend(texts)
        return told

    def _peers(
        self, calls: Sequence[Mapping[str, Any]], found: Sequence[Material | None], policy: Detectors, now_us: int
    ) -> dict[int, tuple[str, ...]]:
        """Other answers to exactly the same prompt, for closed-book answers."""
        asked = [i for i, m in enumerate(found) if m is not None and not m.context and m.prompt and calls[i]["prompt_hash"]]
        if not asked or "contradiction" in policy.disable:
            return {}
        since = datetime.fromtimestamp(min(calls[i]["ts_us"] for i in asked) / 1e6, UTC) - policy.contradiction_window
        until = datetime.fromtimestamp(now_us / 1e6, UTC) + timedelta(days=1)
        rows = scoring.peers(self._client, sorted({calls[i]["prompt_hash"] for i in asked}), since, until)
        groups: dict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
        for row in rows.iter_rows(named=True):
            groups[_group(row, row["prompt"])].append((row["trace_id"] + row["span_id"], row["response"]))
        out = {}
        for i in asked:
            m = found[i]
            own = calls[i]["trace_id"] + calls[i]["span_id"]
            others = [text for key, text in groups[_group(calls[i], m.prompt if m else "")] if key != own]
            if others:
                out[i] = tuple(others)
        return out

    def _calibrated(self, now_us: int) -> judging.Calibrations:
        """Platt maps per (app, route), from people's labels; looked up again every few minutes."""
        if time.monotonic() - self._calibrated_at > CALIBRATION_EVERY_S:
            until = datetime.fromtimestamp(now_us / 1e6, UTC)
            self._calibrations = calibrations(scoring.labels(self._client, until - timedelta(days=LABELS_DAYS), until))
            self._calibrated_at = time.monotonic()
        return self._calibrations


def with_schemas(detectors: Detectors, folder: Path) -> Detectors:
    """The settings with registered schema files read in; a file that went missing leaves its entry without a schema."""
    entries = []
    for entry in detectors.schemas:
        if entry.file is None:
            entries.append(entry)
            continue
        try:
            entries.append(entry.model_copy(update={"json_schema": orjson.loads((folder / entry.file).read_bytes())}))
        except (OSError, orjson.JSONDecodeError) as exc:
            log.warning("schema_file_unusable", file=str(entry.file), reason=str(exc))
    return detectors.model_copy(update={"schemas": entries})


def calibrations(labelled: pl.DataFrame) -> dict[tuple[str, str], Platt]:
    """Platt maps of routes with enough labels. Scores that were calibrated already are left out: a map is of plain scores."""
    by_route: dict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    for row in labelled.iter_rows(named=True):
        if not orjson.loads(row["evidence"] or "{}").get("calibrated"):
            by_route[row["app_id"], row["route"]].append((row["score"], bool(row["hallucinated"])))
    made = {route: route_map([s for s, _ in rows], [y for _, y in rows]) for route, rows in by_route.items()}
    return {route: platt for route, platt in made.items() if platt is not None}


def _texts_by_trace(rows: pl.DataFrame) -> dict[str, list[Text]]:
    out: dict[str, list[Text]] = defaultdict(list)
    for r in rows.iter_rows(named=True):
        text = Text(r["span_id"], r["ts_us"], r["kind"], r["prompt"], r["response"], tuple(r["context"]), r["tool_output"])
        out[r["trace_id"]].append(text)
    return out


def _members(call: Mapping[str, Any]) -> set[str]:
    return {call["span_id"], *call["members"]}


def _material(call: Mapping[str, Any], trace: Sequence[Text]) -> Material | None:
    ids = _members(call)
    own = [t for t in trace if t.span_id in ids]
    return material(own, trace, call["ts_us"], call["ts_us"] + int(call["latency_ms"] * 1_000))


def _verdict_of(call: Mapping[str, Any], made: Mapping[tuple[str, str], str]) -> str:
    return next((v for s in sorted(_members(call)) if (v := made.get((call["trace_id"], s), ""))), "")


def _group(row: Mapping[str, Any], prompt: str) -> tuple[str, ...]:
    return row["project"], row["app_id"], row["model"], row["prompt_hash"], row["context_hash"], prompt


__all__ = ["Worker", "calibrations", "run"]
