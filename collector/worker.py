"""A sealing process: exports in over a pipe, fsynced spool files out. It runs an :class:`Intake` of its own and never opens the warehouse.

Messages from the collector are lists of :class:`Asked`; answers are lists of :class:`Ready`, :class:`Durable`, :class:`Done` and
:class:`Counted`. The end of the pipe, also by the death of the collector, ends the process: what nobody was told of is sent again.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from collector import metrics
from collector.intake import Intake, Receipt, Signal
from collector.launch import MOST_WORKERS
from collector.loader import Parts
from collector.sealers import Derived, Sealers, decode_options
from collector.sealing import SchemaCheck
from collector.spool import SpoolEnd
from spanledger.errors import SpanledgerError, WarehouseBusy
from spanledger.policy import PolicyFile
from spanledger.settings import Settings

log = structlog.get_logger(__name__)

_POLICY_S = 2.0


@dataclass(frozen=True, slots=True)
class Hello:
    """How to work; the first message."""

    settings: Settings
    policy_path: Path | None
    index: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One export to make durable."""

    id: int
    signal: Signal
    body: bytes
    json: bool
    encoding: str
    project: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker takes exports, or says why it never will (``problem``)."""

    pid: int
    problem: SpanledgerError | None = None


@dataclass(frozen=True, slots=True)
class Durable:
    """A spool file is on disk; told before the exports it answers."""

    number: int
    rows: int


@dataclass(frozen=True, slots=True)
class Done:
    """An export's end."""

    id: int
    result: Receipt | SpanledgerError


@dataclass(frozen=True, slots=True)
class Counted:
    """What the worker's counters have grown by: metric, labels, how much."""

    growth: list[tuple[str, tuple[str, ...], float]]


@dataclass(frozen=True, slots=True)
class Learned:
    """Tenants that traces have named, for other workers that see the rest of these traces (both directions)."""

    tenants: dict[bytes, str]


class _Announcer:
    """What an :class:`Intake` takes for its loader: the collector's loader learns of the file by name."""

    def __init__(self, answers: queue.Queue[object]) -> None:
        self._answers = answers

    def add(self, number: int, parts: Parts) -> None:
        self._answers.put(Durable(number, parts[-1][1].num_rows))


def copies(pipes: Sequence[Connection]) -> Connection:
    """A process for each of these pipes, this one for the first; gives the pipe of the process that returns.

    To import what sealing needs and to compile its rules takes two seconds of CPU and 100 MB: copies have both from the start.
    To be called before there are threads.
    """
    gc.freeze()  # what they share is never garbage, and is not looked at again
    born: set[int] = set()
    for pipe in pipes[1:]:
        pid = os.fork()
        if not pid:
            _close(pipes, but=pipe)
            return pipe
        born.add(pid)

    def bury(_number: int, _frame: object) -> None:
        for pid in tuple(born):
            with contextlib.suppress(ChildProcessError):  # one such signal may interrupt the handling of another
                if os.waitpid(pid, os.WNOHANG)[0]:
                    born.discard(pid)

    if born:
        signal.signal(signal.SIGCHLD, bury)
    _close(pipes, but=pipes[0])
    return pipes[0]


def _close(pipes: Sequence[Connection], but: Connection) -> None:
    """A pipe ends with the one process that has it."""
    for pipe in pipes:
        if pipe is not but:
            pipe.close()


def work(pipe: Connection, configure: Callable[[Settings], None], schema_check: SchemaCheck | None) -> None:
    """Serve one collector until its pipe ends; ``configure`` is called with its settings first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)  # the collector decides when
    sys.setswitchinterval(0.02)
    gc.set_threshold(100_000, 20, 100)
    try:
        hello: Hello = pipe.recv()
    except (EOFError, OSError):  # the collector could not start
        return
    settings = hello.settings
    configure(settings)
    answers: queue.Queue[object] = queue.Queue()

    def learned(tenants: dict[bytes, str]) -> None:
        answers.put(Learned(tenants))

    try:
        policy = PolicyFile(hello.policy_path, settings.tokens_file)
        sealers = Sealers(settings, policy, schema_check, on_learned=learned if settings.sealing_processes > 1 else None)
    except SpanledgerError as exc:
        pipe.send([Ready(os.getpid(), exc)])
        return
    end = SpoolEnd(settings.data_dir / "spool", settings.spool_bytes)
    intake = Intake(
        sealers,
        Derived(policy, lambda p: decode_options(settings, p)),
        end,
        _Announcer(answers),
        queue_bytes=4 * settings.queue_bytes,  # the collector holds back, over all workers
        batch_rows=settings.batch_rows,
        max_message_bytes=settings.max_message_bytes,
        place=(hello.index, MOST_WORKERS),
        gate=sealers.gate(),
    )
    intake.start()
    answers.put(Ready(os.getpid()))
    threading.Thread(target=_answer, args=(pipe, answers), name="answers", daemon=True).start()
    threading.Thread(target=_follow, args=(policy,), name="policy", daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        while (asked := pipe.recv()) is not None:
            for one in asked:
                if isinstance(one, Learned):
                    sealers.learn(one.tenants)
                else:
                    _take(one, intake, answers)
    intake.close(settings.shutdown_s)
    sealers.close()
    answers.put(None)
    answers.join()


def _take(one: Asked, intake: Intake, answers: queue.Queue[object]) -> None:
    def settled(future: Future[Receipt]) -> None:
        problem = future.exception()
        if problem is None:
            answers.put(Done(one.id, future.result()))
        else:
            answers.put(Done(one.id, problem if isinstance(problem, SpanledgerError) else WarehouseBusy(f"not stored ({type(problem).__name__})")))

    try:
        future = intake.submit(one.signal, one.body, json=one.json, encoding=one.encoding, project=one.project, tenant=one.tenant)
    except SpanledgerError as exc:
        answers.put(Done(one.id, exc))
        return
    future.add_done_callback(settled)


def _answer(pipe: Connection, answers: queue.Queue[object]) -> None:
    """Send what there is to say, all that waits in one message."""
    last = False
    while not last:
        told = [answers.get()]
        with contextlib.suppress(queue.Empty):
            while True:
                told.append(answers.get_nowait())
        last = told[-1] is None
        growth = metrics.growth()
        said = [*([Counted(growth)] if growth else []), *(one for one in told if one is not None)]
        with contextlib.suppress(OSError):  # the collector is gone; so are we, soon
            pipe.send(said)
        for _ in told:
            answers.task_done()


def _follow(policy: PolicyFile) -> None:
    while True:
        time.sleep(_POLICY_S)
        with contextlib.suppress(SpanledgerError, OSError):
            policy.reload()
