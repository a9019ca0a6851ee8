"""The detector jobs: judge what the ledger holds and write `scores`. A thin loop around `judging.py`.

Resumable and idempotent: a mark bounds the look back, and an answer is a candidate only while no composite of its evidence's version
exists, so that a pass may be cut off, repeated or run twice. Posting or late documents raise an answer's evidence version, and it is
judged again. Every candidate gets a composite row; without a score it says why. Newest answers come first (`places.py`), ingest
before judging (`pace.py`).
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import structlog

from detectors import judging, metrics, sampling, shifts
from detectors.calibration import Platt, route_map
from detectors.contradiction.sketch import Sketch
from detectors.embeddings import Encoder, open_embedder
from detectors.keys import SketchKeys
from detectors.material import Material, Text, material
from detectors.pace import Pace, journaled
from detectors.peers import Peers
from detectors.places import HOUR_US, Places
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
from warehouse.scoring import Between

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from warehouse.rollups import HourClock

log = structlog.get_logger()

JOB = "detectors"
BATCH = 1_500  # answers in memory at once, with the texts of their traces; finding them costs as much for few as for many
SLICES = 40  # looks into the ledger that one pass takes for answers behind
OVERLAP_US = 30_000_000  # a posting or journal batch may land this much after its number was drawn
COUNT_EVERY_S = 60.0  # between two counts of what waits
SETTLE_US = 2_000_000  # documents of a trace get this long to arrive before its answers are judged
POSTED_S = 8.0  # texts in the window are this old before their calls are looked for
PRESSING_AFTER = 1 / 3  # of the window's time
UNMEASURED = 100.0  # answers a second, until passes have shown how many this machine judges
PRESSING = 2  # thirds of a batch for texts in memory that have waited long
LINKED = 100  # answers of a pass that are linked to evidence by meaning, at most: it takes thirty times as long and changes no score
CALIBRATION_EVERY_S = 600.0
LABELS_DAYS = 90
HOUR_S = 3_600.0
LEASE_S = 120.0  # longer than any batch takes; a dead worker's work is taken over after it


class Done(NamedTuple):
    """One pass: answers judged, answers with a score, and what still waits at the last count."""

    judged: int
    scored: int
    waiting: int
    lag_s: float
    more: bool = False  # whether the next pass has work already


def run(settings: Settings, stop: threading.Event, _tenant_hash: Callable[[str], str]) -> None:
    """Judge until ``stop`` is set; raises what the warehouse raises, and the caller starts it again."""
    policy = PolicyFile(settings.policy_path, settings.tokens_file)
    access = instance.sql_access(settings, wait_s=30)
    window = Window(settings.window_bytes, 60.0 * settings.window_minutes)
    with (
        served(window, lambda: instance.token(settings.data_dir), metrics.exposition) as address,
        closing(connect(access.url, user=access.user, password=access.password)) as client,
    ):
        instance.report(settings.data_dir, "window", {"texts": address, "metrics": address})
        folder = settings.policy_path.parent if settings.policy_path else Path()
        encoder = open_embedder(settings.embeddings, settings.embedding_model)
        writer = JOB if settings.embedded else f"{JOB}-{socket.gethostname()}"  # the same after a restart: it takes over its open hours
        lease = Lease(client, JOB, f"{writer}-{os.getpid()}", ttl_s=LEASE_S)
        worker = Worker(client, policy, writer, folder, encoder, window, SketchKeys(settings.data_dir))
        pace = Pace(lambda: journaled((instance.reported(settings.data_dir, "collector") or {}).get("otlp_http", "")) if settings.embedded else None)
        try:
            _loop(worker, lease, pace, settings.jobs_interval_s, stop)
        finally:
            with contextlib.suppress(SpanledgerError):
                lease.release()


def _loop(worker: Worker, lease: Lease, pace: Pace, interval_s: float, stop: threading.Event) -> None:
    held_until = 0.0
    while not stop.is_set():
        more = False
        if pace.go() or worker.pressing:
            if time.monotonic() >= held_until:
                held_until = time.monotonic() + LEASE_S / 3 if lease.hold() else 0.0
            if held_until:
                done = worker.step(time.time_ns() // 1_000, calm=not pace.busy)
                pace.worked(done.judged, done.more)
                more = done.more
        metrics.resting.set(pace.busy and not more)
        worker.settle()
        if not more or pace.busy:
            stop.wait(min(interval_s, 5.0) if pace.busy or more else interval_s)


class Worker:
    """One detector worker: its client, its places, its hourly budgets, its calibrations."""

    def __init__(
        self,
        client: Client,
        policy: PolicyFile,
        writer: str,
        folder: Path = Path(),
        encoder: Encoder | None = None,
        window: Window | None = None,
        keys: SketchKeys | None = None,
    ) -> None:
        self._client, self._policy, self._folder, self._encoder, self._window = client, policy, folder, encoder, window
        self._peers = Peers(client, window, keys)
        self._detectors = with_schemas(policy.current.detectors, folder)
        self._clock: HourClock = scoring.clock_for(client, writer)
        self._places: Places | None = None
        self._waits, self._counted_at = scoring.Backlog(0, 0), float("-inf")
        self._taken: dict[str, deque[float]] = defaultdict(deque)
        self._pace_s = UNMEASURED  # answers a second of the last large passes, pauses left out
        self._calibrations: judging.Calibrations = {}
        self._calibrated_at = float("-inf")
        self._shifts = shifts.Watch()

    def step(self, now_us: int, *, calm: bool = True) -> Done:
        """Judge one batch of what is known at ``now_us``, write it, move the mark. ``calm``: nothing else needs the machine.

        First what is new, then what is only held in memory and leaves soon, and with what is left of the batch something of what is behind: a
        steady trickle of new answers must not keep the old ones waiting for ever. What is held in memory comes first once it has waited long.
        """
        began, began_at = time.thread_time(), time.monotonic()
        until = now_us - SETTLE_US
        if self._places is None:
            self._places = self._taken_up(until)
        if self._policy.reload():
            self._detectors = with_schemas(self._policy.current.detectors, self._folder)
        found = self._leaving(until, max(1, PRESSING * BATCH // 3)) if self.pressing else []
        for more in (self._new, self._leaving, self._behind):
            if len(found) < BATCH:
                known = {(c["trace_id"], c["span_id"]) for c in found}
                found += [c for c in more(until, BATCH - len(found)) if (c["trace_id"], c["span_id"]) not in known]
        found += self._peers.called_back(found, self._detectors.contradiction_window)
        scored = self._judge(found, self._detectors, now_us, link=calm and len(found) <= LINKED) if found else 0
        if len(found) > LINKED:
            self._pace_s = (self._pace_s + len(found) / max(1e-3, time.monotonic() - began_at)) / 2
        done = self._told(len(found), scored, now_us)
        self._shifts.look(self._client, now_us, behind=done.more, calm=calm)
        metrics.busy_seconds.inc(time.thread_time() - began)
        return done

    def _taken_up(self, until: int) -> Places:
        """Where the last worker stood. What came since is behind, with what may still have been landing; what was taken back is retired now."""
        mark, _ = scoring.mark(self._client, JOB)
        places = Places.read(mark)
        away = places.take_up(until, OVERLAP_US)
        if mark:
            self._arrived(away)
        return places

    def _arrived(self, known: Between) -> Between | None:
        """Starts of the calls that evidence posted then is about; None: nothing was. Scores of entries that were taken back leave every sum."""
        arrived = scoring.arrived(self._client, *known)
        starts = _around(arrived)
        if starts and arrived.withdrawn:
            metrics.retired.inc(scoring.retire(self._client, self._clock, known, starts))
        return starts

    @property
    def pressing(self) -> bool:
        """Whether text that is only in memory has waited long, or is more than can be judged in that time: it is judged before all else, and though
        the collector is busy."""
        window = self._window
        return window is not None and (window.pressing or window.waiting > self._pace_s * window.max_age_s * PRESSING_AFTER)

    def _new(self, until: int, most: int) -> list[dict[str, Any]]:
        """Answers whose evidence came since the last pass."""
        places = self._places or Places()
        known = Between(places.tail - OVERLAP_US, until)
        starts = self._arrived(known)
        found = scoring.candidates(self._client, known, starts, most).to_dicts() if starts else []
        if len(found) == most:
            places.fall_behind(known)
        places.tail = max(places.tail, until)
        return found

    def _leaving(self, until: int, most: int) -> list[dict[str, Any]]:
        """Answers whose text is only in memory, before it goes."""
        traces = self._window.take(most, POSTED_S) if self._window else []
        starts = [t.ts_us for texts in self._window.texts(traces).values() for t in texts] if self._window and traces else []
        if not starts:
            return []
        around = Between(min(starts) - HOUR_US, max(starts) + HOUR_US)
        return scoring.candidates(self._client, Between(0, until), around, BATCH, traces).to_dicts()

    def _behind(self, _until: int, most: int) -> list[dict[str, Any]]:
        """Answers that were known long ago, newest calls first."""
        places = self._places or Places()
        if places.behind is not None and places.cursor is None:
            starts = _around(scoring.arrived(self._client, *places.behind))
            if starts is None:
                places.behind = None
                return []
            places.oldest, places.cursor = starts
        for _ in range(SLICES):
            if places.behind is None:
                return []
            looked = places.slice()
            found = scoring.candidates(self._client, places.behind, looked, most).to_dicts()
            places.walked(looked, len(found) == most, len(found) < BATCH // 4)
            if found:
                return found
        return []

    def _told(self, found: int, scored: int, now_us: int) -> Done:
        """Count what waits from time to time, move the mark, tell the log and the metrics."""
        places = self._places or Places()
        behind = places.behind
        if behind is None:
            self._waits = scoring.Backlog(0, 0)
        elif time.monotonic() - self._counted_at > COUNT_EVERY_S:
            self._waits, self._counted_at = scoring.backlog(self._client, *behind), time.monotonic()
        waits = self._waits
        done = Done(found, scored, waits.answers, (now_us - waits.oldest_us) / 1e6 if waits.answers else 0.0, behind is not None)
        metrics.waiting.set(done.waiting)
        metrics.backlog_age.set(done.lag_s)
        metrics.lag.set(max(0.0, (now_us - places.tail) / 1e6))
        if self._window:
            metrics.tell_window(self._window)
        if found:
            scoring.set_mark(self._client, JOB, places.mark(), orjson.dumps(done._asdict()).decode())
            log.info("answers_judged", **done._asdict())
        return done

    def settle(self) -> None:
        """Tell the rollups which hours are quiet again."""
        self._clock.settle()

    def _judge(self, calls: list[dict[str, Any]], policy: Detectors, now_us: int, *, link: bool) -> int:
        """``link``: also tell evidence by meaning."""
        picked = self._picked(calls, policy)
        answers = self._answers(calls, picked, policy, now_us)
        results = judging.judge(answers, policy, self._calibrated(now_us), self._encoder if link else None)
        scoring.write(self._client, self._clock, score_rows(answers, results, now_us))
        if self._window:
            self._window.judged({c["trace_id"] for c in calls})
        for answer, (verdicts, composite) in zip(answers, results, strict=True):
            closed_book = answer.material is not None and not answer.material.context
            self._peers.judged(answer.call, closed_book, not answer.peers and not answer.sketches)
            if composite.score is None:
                metrics.unscored.labels(judging.why_null(answer, verdicts)).inc()
        scored = sum(composite.score is not None for _, composite in results)
        metrics.judged.inc(len(results))
        metrics.scored.inc(scored)
        return scored

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
        peers: dict[int, tuple[str, ...]] = {}
        sketches: dict[int, tuple[Sketch, ...]] = {}
        if "contradiction" not in policy.disable:
            peers, sketches = self._peers.of(calls, materials, policy.contradiction_window, now_us)
        left = self._window.left_unjudged if self._window else lambda _trace: False
        return [
            judging.Answer(
                call, found, _verdict_of(call, made), peers.get(i, ()), wanted, sketches.get(i, ()), self._peers.key_of(call), left(call["trace_id"])
            )
            for i, (call, found, wanted) in enumerate(zip(calls, materials, picked, strict=True))
        ]

    def _texts(self, traces: list[str]) -> dict[str, list[Text]]:
        """Stored texts of traces, and those that are only held in memory."""
        told = _texts_by_trace(scoring.texts(self._client, traces)) if traces else {}
        for trace, texts in (self._window.texts(traces) if self._window else {}).items():
            told.setdefault(trace, []).extend(texts)
        return told

    def _calibrated(self, now_us: int) -> judging.Calibrations:
        """Platt maps per (app, route), from people's labels; looked up again every few minutes."""
        if time.monotonic() - self._calibrated_at > CALIBRATION_EVERY_S:
            until = datetime.fromtimestamp(now_us / 1e6, UTC)
            self._calibrations = calibrations(scoring.labels(self._client, until - timedelta(days=LABELS_DAYS), until))
            self._calibrated_at = time.monotonic()
        return self._calibrations


def _around(arrived: scoring.Arrived) -> Between | None:
    """Starts of the calls; documents and tool outputs may start some time before or after theirs."""
    apart = HOUR_US if arrived.documents else 0
    return Between(arrived.first - apart, arrived.last + apart + 1) if arrived.entries or arrived.documents else None


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
    """Platt maps of routes with enough labels. A map is of plain scores; a calibrated one whose plain score is not known is left out."""
    by_route: dict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    for row in labelled.iter_rows(named=True):
        told = orjson.loads(row["evidence"] or "{}")
        plain = told.get("plain") if told.get("calibrated") else row["score"]
        if plain is not None:
            by_route[row["app_id"], row["route"]].append((plain, bool(row["hallucinated"])))
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


__all__ = ["Worker", "calibrations", "run"]
