"""Texts that wait for the name tier, sealed on disk: a killed process loses none of them, and none of them is stored in the clear.

A file is one batch of rows of table ``contents`` as Arrow IPC under the vault's envelope, bound to its own file name, with keys of the
installation's keyring (tenant ``quarantine``). It is fsynced before anybody is told that its spans are durable, and goes when its rows are
in the warehouse. Several processes may add; one reads and removes.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Set
from pathlib import Path

import numpy as np
import pyarrow as pa
import structlog

from collector import metrics
from spanledger.errors import SpanledgerError
from warehouse.vault.envelope import Place, key_version_of, seal, unseal
from warehouse.vault.keyring import Keyring

log = structlog.get_logger(__name__)

TENANT = "quarantine"
MAX_BYTES = 1 << 30
_WRITTEN_S = 600  # a file that is not finished by then has lost its writer
_FILE_BYTES = 16 << 20  # of rows in one file; the envelope opens up to 64 MiB


class Quarantine:
    """A folder of sealed batches.

    Raises:
        KeyUnavailable: no key-encryption key is configured, or it does not fit.
    """

    def __init__(self, folder: Path, ring: Keyring, max_bytes: int = MAX_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder, self._ring, self._max = folder, ring, max_bytes
        ring.key(TENANT, ring.init(TENANT))

    @property
    def bytes(self) -> int:
        """Size on disk; of what another process removes or renames meanwhile, maybe not."""
        total = 0
        with os.scandir(self._folder) as files:
            for file in files:
                with contextlib.suppress(FileNotFoundError):
                    total += file.stat().st_size
        return total

    def add(self, rows: pa.RecordBatch) -> bool:
        """Seal, write and fsync. False: the quarantine is full or has no key, and the text must be dropped."""
        if self.bytes + rows.nbytes > self._max:
            return False
        if rows.nbytes > _FILE_BYTES and rows.num_rows > 1:
            half = rows.num_rows // 2
            return self.add(rows.slice(0, half)) and self.add(rows.slice(half))
        name = f"{time.time_ns():020d}-{os.urandom(4).hex()}"
        try:
            version = self._ring.newest(TENANT)
            sealed = seal(_packed(rows), _place(name), self._ring.key(TENANT, version), version)
        except SpanledgerError as exc:
            log.warning("quarantine_without_key", reason=str(exc)[:200])
            return False
        part = self._folder / f"{name}.part"
        try:
            with open(part, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._folder / f"{name}.sealed")
        except OSError:
            part.unlink(missing_ok=True)
            raise
        _sync(self._folder)
        return True

    def waiting(self) -> list[str]:
        """What waits, oldest first."""
        return sorted(p.stem for p in self._folder.glob("*.sealed"))

    def open(self, name: str) -> pa.RecordBatch:
        """The rows. Raises ``EnvelopeBroken`` for a changed file, ``KeyUnavailable`` while its key is missing."""
        sealed = (self._folder / f"{name}.sealed").read_bytes()
        plain = unseal(sealed, _place(name), self._ring.key(TENANT, key_version_of(sealed)))
        with pa.ipc.open_stream(plain) as stream:
            return stream.read_next_batch()

    def tidy(self) -> None:
        """Remove what a process killed in the middle of :meth:`add` has left: nobody was told of it, and it takes up room."""
        for part in self._folder.glob("*.part"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > _WRITTEN_S:
                    part.unlink()

    def remove(self, name: str) -> None:
        """Its rows are in the warehouse, or gone for good."""
        (self._folder / f"{name}.sealed").unlink(missing_ok=True)

    def erase(self, traces: Set[bytes]) -> int:
        """Take the rows of these traces off; how many. Only while no process reads this folder; a running worker asks the warehouse."""
        gone = 0
        for name in self.waiting():
            rows = self.open(name)
            hit = np.array([trace in traces for trace in rows.column("trace_id").to_pylist()], bool)
            if not hit.any():
                continue
            kept = rows.filter(pa.array(~hit))
            if kept.num_rows and not self.add(kept):
                log.warning("quarantine_lost", rows=kept.num_rows)
                metrics.content_dropped.labels("names_quarantine").inc(kept.num_rows)
            self.remove(name)
            gone += int(hit.sum())
        return gone


class Gate:
    """Where rows with text part: those whose tenants have the name tier wait, the others go on.

    Args:
        quarantine: opens the place where they wait; asked when the first row has to.
        wanted: whose text waits, by tenant hash; ``None`` while nobody has the tier. Asked for every batch, since the policy may change.
    """

    def __init__(self, quarantine: Callable[[], Quarantine], wanted: Callable[[], Callable[[str], bool] | None]) -> None:
        self._make, self._wanted = quarantine, wanted
        self._quarantine: Quarantine | None = None

    def hold(self, rows: pa.RecordBatch) -> pa.RecordBatch | None:
        """Keep what must wait, durably; the rows that may go on, ``None`` if there are none. What cannot be kept is dropped and counted."""
        wanted = self._wanted()
        if wanted is None:
            return rows
        waits = np.array(list(map(wanted, rows.column("tenant_hash").to_pylist())), bool)
        if waits.any():
            held = rows.filter(pa.array(waits))
            if not self._keep(held):
                metrics.content_dropped.labels("names_quarantine").inc(held.num_rows)
        return rows.filter(pa.array(~waits)) if not waits.all() else None

    def _keep(self, rows: pa.RecordBatch) -> bool:
        try:
            self._quarantine = self._quarantine or self._make()
        except SpanledgerError as exc:
            log.warning("no_quarantine", reason=str(exc)[:200])
            return False
        return self._quarantine.add(rows)


def _packed(rows: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_batch(rows)
    return sink.getvalue().to_pybytes()


def _place(name: str) -> Place:
    return Place(TENANT, name.encode(), b"contents")


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
