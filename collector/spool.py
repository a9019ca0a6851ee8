"""The spool: batches on local disk from acknowledgement until the warehouse holds them. Redacted like everything else.

One file a batch (Arrow IPC), named by batch number, fsynced before anybody is told. It lets small exports be acknowledged at disk speed
and inserted in large parts, and it is what takes over while the warehouse is away (docs/decisions/0009-spool.md).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Set
from pathlib import Path

import numpy as np
import pyarrow as pa

from collector import metrics
from spanledger.errors import WarehouseBusy


class Spool:
    """A folder of batches. One thread adds, one takes and removes."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder, self._max = folder, max_bytes
        for left in folder.glob("*.part"):
            left.unlink()  # never acknowledged
        self._lock = threading.Lock()
        self._sizes = {int(p.stem): p.stat().st_size for p in sorted(folder.glob("*.arrow"))}
        self._bytes = sum(self._sizes.values())

    @property
    def empty(self) -> bool:
        """Nothing waits."""
        return not self._sizes

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return self._bytes

    @property
    def full(self) -> bool:
        """Nothing more may be added."""
        return self._bytes >= self._max

    def numbers(self) -> list[int]:
        """Batches that wait, oldest first."""
        with self._lock:
            return sorted(self._sizes)

    def add(self, number: int, batches: list[pa.RecordBatch]) -> None:
        """Write and fsync. Raises ``WarehouseBusy`` when the spool is full or the disk refuses."""
        size = write(self._folder, number, batches, self._max - self._bytes)
        with self._lock:
            self._sizes[number] = size
            self._bytes += size
        metrics.spool_bytes.set(self._bytes)

    def found(self, number: int) -> None:
        """A sealing process has added this file."""
        size = (self._folder / f"{number:020d}.arrow").stat().st_size
        with self._lock:
            self._bytes += size - self._sizes.get(number, 0)
            self._sizes[number] = size
        metrics.spool_bytes.set(self._bytes)

    def rescan(self, index: int, of: int) -> list[int]:
        """Take in what a dead sealing process left: whole files that nobody knows yet are found, parts are removed."""
        for left in self._folder.glob("*.part"):
            if int(left.stem) % of == index:
                left.unlink(missing_ok=True)
        unknown = [n for n in sorted(int(p.stem) for p in self._folder.glob("*.arrow")) if n % of == index and n not in self._sizes]
        for number in unknown:
            self.found(number)
        return unknown

    def has(self, number: int) -> bool:
        """There is a file of this number."""
        return (self._folder / f"{number:020d}.arrow").exists()

    def read(self, number: int) -> list[pa.RecordBatch]:
        """The batches of one number as they were added."""
        payload = pa.memory_map(str(self._folder / f"{number:020d}.arrow")).read_buffer()  # stays readable when the file is removed
        batches: list[pa.RecordBatch] = []
        at = 0
        while at < payload.size:
            size = int.from_bytes(payload.slice(at, 8).to_pybytes(), "little")
            batches.append(pa.ipc.open_stream(payload.slice(at + 8, size)).read_next_batch())
            at += 8 + size
        return batches

    def traces(self, *, tenant_hash: str = "", user_hash: str = "") -> set[bytes]:
        """Traces of which a row names this tenant or user ("" = any)."""
        found: set[bytes] = set()
        for number in self.numbers():
            for batch in self.read(number):
                hit = _is(batch, "tenant_hash", tenant_hash) & _is(batch, "user_hash", user_hash)
                found.update(batch["trace_id"].filter(pa.array(hit)).to_pylist())
        return found

    def erase(self, traces: Set[bytes]) -> int:
        """Take the rows of these traces off; how many. Only while no process loads this spool."""
        gone = 0
        for number in self.numbers():
            batches = self.read(number)
            kept = [batch.filter(pa.array([trace not in traces for trace in batch["trace_id"].to_pylist()], pa.bool_())) for batch in batches]
            lost = sum(batch.num_rows for batch in batches) - sum(batch.num_rows for batch in kept)
            if not lost:
                continue
            gone += lost
            if any(batch.num_rows for batch in kept):  # in the file's place, in one step
                write(self._folder, number, [batch for batch in kept if batch.num_rows], self._max)
                self.found(number)
            else:
                self.remove(number)
        return gone

    def remove(self, number: int) -> None:
        """The batch is in the warehouse."""
        (self._folder / f"{number:020d}.arrow").unlink(missing_ok=True)
        with self._lock:
            self._bytes -= self._sizes.pop(number, 0)
        metrics.spool_bytes.set(self._bytes)


class SpoolEnd:
    """The spool as a sealing process sees it: files are added, who takes them off is another process's business."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder, self._max = folder, max_bytes
        self._bytes, self._looked = 0, 0.0

    def add(self, number: int, batches: list[pa.RecordBatch]) -> None:
        """As :meth:`Spool.add`."""
        if time.monotonic() - self._looked > _LOOK_S:
            self._bytes, self._looked = _bytes_in(self._folder), time.monotonic()
        self._bytes += write(self._folder, number, batches, self._max - self._bytes)

    def has(self, number: int) -> bool:
        """There is a file of this number."""
        return (self._folder / f"{number:020d}.arrow").exists()


_LOOK_S = 0.5


def _bytes_in(folder: Path) -> int:
    size = 0
    for entry in os.scandir(folder):
        with contextlib.suppress(FileNotFoundError):
            size += entry.stat().st_size
    return size


def write(folder: Path, number: int, batches: list[pa.RecordBatch], room: int) -> int:
    """Write one file and fsync it; its bytes. Raises ``WarehouseBusy`` when it needs more than ``room`` or the disk refuses."""
    streams = [_stream(batch) for batch in batches]
    size = sum(8 + len(s) for s in streams)
    if size > room:
        metrics.refused.labels("spool_full").inc()
        raise WarehouseBusy("the warehouse does not keep up and the spool is full", retry_after_s=5)
    part, final = folder / f"{number:020d}.part", folder / f"{number:020d}.arrow"
    try:
        with open(part, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            for stream in streams:
                file.write(len(stream).to_bytes(8, "little"))
                file.write(stream)
            file.flush()
            os.fsync(file.fileno())
        part.rename(final)
        _sync(folder)
    except OSError as exc:
        part.unlink(missing_ok=True)
        metrics.refused.labels("disk").inc()
        raise WarehouseBusy(f"the spool cannot be written: {exc.strerror}", retry_after_s=5) from exc
    return size


def _is(batch: pa.RecordBatch, column: str, value: str) -> np.ndarray:
    """Rows whose column is ``value``; every row when ``value`` is "" (any)."""
    return np.array([not value or v == value for v in batch[column].to_pylist()], bool)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _stream(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue()
