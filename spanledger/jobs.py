"""The jobs process: detectors and alerts as loops of their own, each restarted with a pause when it fails.

A loop is ``run(settings, stop, tenant_hash)``; it returns only when ``stop`` is set. ``tenant_hash``: what the ledger has for a tenant's name.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from collector.identity import tenant_hasher
from spanledger import memory
from spanledger.errors import SpanledgerError
from spanledger.settings import Settings

log = structlog.get_logger()

Loop = Callable[[Settings, threading.Event, Callable[[str], str]], None]

#: Name → module with ``run(settings, stop, tenant_hash)``.
LOOPS = {"detectors": "detectors.jobs", "spending": "detectors.spending", "alerts": "alerts.jobs"}
LONGEST_PAUSE_S = 60.0
NICE = 10


def run(settings: Settings, policy_path: Path | None, stop: threading.Event, ready: Callable[[dict[str, str]], None]) -> None:
    """Run every loop that is installed until ``stop`` is set; waits for them to end."""
    del policy_path  # loops follow the policy file by themselves, through settings.policy_path
    loops = {name: module for name, module in LOOPS.items() if importlib.util.find_spec(module)}
    threads = [threading.Thread(target=keep_running, args=(name, module, settings, stop), name=name, daemon=True) for name, module in loops.items()]
    for thread in threads:
        thread.start()
    ready({})
    log.info("jobs_started", loops=sorted(loops))
    while not stop.wait(memory.EVERY_S):
        memory.give_back()
    for thread in threads:
        thread.join(timeout=2)


def keep_running(name: str, module: str, settings: Settings, stop: threading.Event) -> None:
    """Call ``module.run`` again and again until ``stop`` is set; a failure is logged and followed by a pause of 1, 2, 4 … 60 s.

    Every loop gives way to whatever else wants the machine: what it imports must not slow down the start of the collector.
    """
    failures = 0
    _step_back()
    while not stop.is_set():
        started = time.monotonic()
        try:
            loop: Loop = importlib.import_module(module).run
            loop(settings, stop, tenant_hasher(settings.data_dir / "keys"))
        except SpanledgerError as exc:
            log.warning("loop_failed", loop=name, reason=str(exc), retryable=exc.retryable)
        except Exception:
            log.exception("loop_crashed", loop=name)
        if stop.is_set():
            return
        failures = 1 if time.monotonic() - started > LONGEST_PAUSE_S else failures + 1
        stop.wait(min(LONGEST_PAUSE_S, 2.0 ** (failures - 1)))


def _step_back() -> None:
    """This thread, and what it starts, has less of the processor than others."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
