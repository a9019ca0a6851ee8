"""The sealing processes of a collector: exports are handed to them, their fsynced files to the loader.

Decoding, redacting and sealing cost most of what an export costs, and Python runs one thread at a time: in processes of their own they
use other cores, and a payload that brings one down takes nobody else with it. Decision 11 has the measurements.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIGKILL

import structlog

from collector import metrics
from collector.intake import Export, Receipt, Signal
from collector.launch import MOST_WORKERS, Command, Sealing, launch
from collector.loader import Loader
from collector.spool import Spool
from collector.worker import Asked, Counted, Done, Durable, Hello, Learned, Ready
from spanledger.errors import ConfigError, SpanledgerError, WarehouseBusy, WarehouseUnavailable
from spanledger.settings import Settings

log = structlog.get_logger(__name__)

_READY_S = 60.0
_BEHIND_S = 3.0  # what is acknowledged is in the ledger within five seconds
_STUCK_S = 15.0  # a ledger so far behind does not move: the spool takes what comes, better than exporters that give up
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _STEADY_S = 0.2, 10.0, 30.0


class Workers:
    """Sealing processes behind the interface of an :class:`~collector.intake.Intake`.

    They are on their way already, beside whatever the collector does next; :meth:`start` waits for them.
    """

    def __init__(self, sealing: Sealing, settings: Settings, policy_path: Path | None) -> None:
        self._settings, self._queue_bytes = settings, settings.queue_bytes
        self._lock = threading.Condition()
        self._bytes = self._last_id = 0
        self._stopping = False
        self._spool: Spool | None = None
        self._loader: Loader | None = None
        self._workers = [_Worker(self, sealing.command, Hello(settings, policy_path, index), *one) for index, one in enumerate(sealing.started)]

    def start(self, spool: Spool, loader: Loader) -> None:
        """Take exports from now on.

        Raises:
            ConfigError, SpanledgerError: what the workers have against the configuration.
        """
        self._spool, self._loader = spool, loader
        for worker in self._workers:
            worker.await_ready(_READY_S)

    @property
    def accepting(self) -> bool:
        """Exports are taken."""
        return not self._stopping and any(w.ready for w in self._workers)

    def submit(self, signal: Signal, body: bytes, *, json: bool, encoding: str, project: str, tenant: str = "") -> Future[Receipt]:
        """As :meth:`collector.intake.Intake.submit`."""
        export = Export(signal, body, json, encoding, project, tenant)
        with self._lock:
            if self._stopping:
                raise WarehouseUnavailable("the collector is stopping", retry_after_s=2)
            if self._bytes + len(body) > self._queue_bytes and self._bytes:
                metrics.refused.labels("queue_full").inc()
                raise WarehouseBusy("the queue is full", retry_after_s=1)
            if self._spool is not None and self._spool.full:
                metrics.refused.labels("spool_full").inc()
                raise WarehouseBusy("the warehouse does not keep up and the spool is full", retry_after_s=5)
            worker = min((w for w in self._workers if w.ready), key=lambda w: w.bytes, default=None)
            if worker is None:
                raise WarehouseBusy("the collector is starting", retry_after_s=1)
            self._last_id += 1
            self._bytes += len(body)
            worker.ask(self._last_id, export)
        metrics.queue_bytes.set(self._bytes)
        return export.done

    def close(self, timeout_s: float) -> None:
        """Refuse what comes now, finish what is queued, end the processes."""
        with self._lock:
            self._stopping = True
        deadline = time.monotonic() + timeout_s
        for worker in self._workers:
            worker.finish()
        for worker in self._workers:
            worker.end(max(0.1, deadline - time.monotonic()))

    # -- called by the workers' threads ----------------------------------------------------------------------------------------------

    @property
    def stopping(self) -> bool:
        """No worker is started again."""
        return self._stopping

    @property
    def behind(self) -> bool:
        """The ledger does not keep up: exports wait here, unacknowledged, rather than in a growing spool."""
        return self._loader is not None and not self._stopping and _BEHIND_S < self._loader.behind_s < _STUCK_S

    def settled(self, exports: Sequence[Export]) -> None:
        """These no longer wait."""
        with self._lock:
            self._bytes -= sum(len(e.body) for e in exports)
        metrics.queue_bytes.set(self._bytes)

    def durable(self, number: int, rows: int) -> None:
        """A file is on the spool."""
        assert self._spool is not None
        assert self._loader is not None
        self._spool.found(number)
        self._loader.found(number, rows)

    def learned(self, by: _Worker, tenants: dict[bytes, str]) -> None:
        """One worker has learned whose traces these are: tell the others."""
        for worker in self._workers:
            if worker is not by:
                worker.tell(Learned(tenants))

    def lost(self, index: int) -> None:
        """A worker died: what it had made durable and not told of is loaded all the same."""
        if self._spool is not None and self._loader is not None:
            for number in self._spool.rescan(index, MOST_WORKERS):
                self._loader.found(number, 0)


class _Worker:
    """One process, the thread that speaks to it and the thread that listens."""

    def __init__(self, owner: Workers, command: Command, hello: Hello, pipe: Connection, process: subprocess.Popen[bytes] | None) -> None:
        self._owner, self._command, self._hello, self._pipe, self._process = owner, command, hello, pipe, process
        self._pid = 0  # until it is ready
        self.ready = False
        self.bytes = 0
        self._problem: SpanledgerError | None = None
        self._was_ready = False
        self._waiting: dict[int, Export] = {}
        self._outbox: list[object] = []
        self._changed = threading.Condition()
        self._finishing = self._gone = False
        self._thread = threading.Thread(target=self._live, name=f"sealing-{hello.index}", daemon=True)
        self._thread.start()

    def ask(self, number: int, export: Export) -> None:
        with self._changed:
            self._waiting[number] = export
            self.bytes += len(export.body)
            self._outbox.append(Asked(number, export.signal, export.body, export.json, export.encoding, export.project, export.tenant))
            self._changed.notify()

    def tell(self, what: object) -> None:
        with self._changed:
            self._outbox.append(what)
            self._changed.notify()

    def await_ready(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self.ready and self._problem is None and time.monotonic() < deadline:
                self._changed.wait(0.2)
        if self._problem is not None:
            raise self._problem
        if not self.ready:
            raise ConfigError("a sealing process does not start; its own words stand above")

    def finish(self) -> None:
        with self._changed:
            self._finishing = True
            self._changed.notify()

    def end(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)  # the pipe ends with the process
        if self._thread.is_alive() and self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, SIGKILL)
            self._thread.join(2)

    def _live(self) -> None:
        """Listen until the process ends; start another unless we are stopping."""
        pause = _FIRST_PAUSE_S
        while True:
            born = time.monotonic()
            speaker = threading.Thread(target=self._speak, name=f"sealing-{self._hello.index}-asks", daemon=True)
            speaker.start()
            self._listen()
            self._bury(speaker)
            if self._owner.stopping or (self._problem is not None and not self._was_ready):
                return
            pause = _FIRST_PAUSE_S if time.monotonic() - born > _STEADY_S else min(2 * pause, _LONGEST_PAUSE_S)
            reason = str(self._problem or (f"exit code {self._process.returncode}" if self._process else "it was ended"))
            log.error("sealing_process_died", index=self._hello.index, reason=reason, restart_s=pause)
            time.sleep(pause)
            self._gone = False
            ((self._pipe, self._process),) = launch(self._command, 1)

    def _listen(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._hear(self._pipe.recv())

    def _hear(self, told: list[object]) -> None:
        done: list[tuple[Export, Receipt | SpanledgerError]] = []
        for one in told:
            match one:
                case Durable(number, rows):
                    self._owner.durable(number, rows)
                case Done(number, result):
                    export = self._waiting.pop(number, None)
                    if export is not None:
                        done.append((export, result))
                case Counted(growth):
                    metrics.grow(growth)
                case Learned(tenants):
                    self._owner.learned(self, tenants)
                case Ready(pid, problem):
                    with self._changed:
                        self._pid, self._problem, self.ready = pid, problem, problem is None
                        self._was_ready |= self.ready
                        self._changed.notify_all()
                case _:
                    log.warning("unknown_answer", kind=type(one).__name__)
        if done:
            with self._changed:
                self.bytes -= sum(len(export.body) for export, _ in done)
            self._owner.settled([export for export, _ in done])
        for export, result in done:
            export.settle(result)

    def _speak(self) -> None:
        with contextlib.suppress(OSError):
            self._pipe.send(self._hello)
            while True:
                with self._changed:
                    while not self._outbox and not self._finishing and not self._gone:
                        self._changed.wait(1.0)
                    if self._gone:
                        return
                    if self._outbox and self._owner.behind:
                        self._changed.wait(0.05)
                        continue
                    said, self._outbox = self._outbox, []
                    last = self._finishing
                if said:
                    self._pipe.send(said)
                if last:
                    self._pipe.send(None)
                    return

    def _bury(self, speaker: threading.Thread) -> None:
        """Nobody may wait for a dead process: the senders keep their data and come back."""
        with self._changed:
            self.ready, self._gone, self._pid = False, True, 0
            left = list(self._waiting.values())
            self._waiting, self._outbox, self.bytes = {}, [], 0
            self._changed.notify_all()
        speaker.join(5)
        self._pipe.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
        self._owner.settled(left)
        self._owner.lost(self._hello.index)
        for export in left:
            export.settle(WarehouseBusy("the collector could not process this export"))
