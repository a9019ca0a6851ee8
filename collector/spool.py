"""Batches on local disk while the warehouse is away: fsynced before the acknowledgement, drained in order, redacted like everything else."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa

from collector import metrics
from spanledger.errors import WarehouseBusy


class Spool:
    """A folder of Arrow IPC files, one a batch, named by batch number. One thread."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder, self._max = folder, max_bytes
        for left in folder.glob("*.part"):
            left.unlink()  # never acknowledged
        self._sizes = {int(p.stem): p.stat().st_size for p in sorted(folder.glob("*.arrow"))}

    @property
    def empty(self) -> bool:
        """Nothing waits."""
        return not self._sizes

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return sum(self._sizes.values())

    def add(self, number: int, rows: pa.RecordBatch, texts: pa.RecordBatch | None) -> None:
        """Write and fsync. Raises ``WarehouseBusy`` when the spool is full or the disk refuses."""
        streams = [_stream(batch) for batch in (rows, texts) if batch is not None]
        payload = b"".join(len(s).to_bytes(8, "little") + s for s in streams)
        if self.bytes + len(payload) > self._max:
            metrics.refused.labels("spool_full").inc()
            raise WarehouseBusy("the warehouse is away and the spool is full", retry_after_s=5)
        part, final = self._folder / f"{number:020d}.part", self._folder / f"{number:020d}.arrow"
        try:
            with open(part, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            part.rename(final)
            self._sync_folder()
        except OSError as exc:
            raise WarehouseBusy(f"the spool cannot be written: {exc.strerror}", retry_after_s=5) from exc
        self._sizes[number] = len(payload)
        metrics.spool_bytes.set(self.bytes)

    def oldest(self) -> tuple[int, pa.RecordBatch, pa.RecordBatch | None]:
        """The batch that came first; it stays until :meth:`remove`."""
        number = min(self._sizes)
        payload = memoryview((self._folder / f"{number:020d}.arrow").read_bytes())
        batches: list[pa.RecordBatch] = []
        while payload:
            end = 8 + int.from_bytes(payload[:8], "little")
            batches.append(pa.ipc.open_stream(payload[8:end]).read_next_batch())
            payload = payload[end:]
        return number, batches[0], batches[1] if len(batches) > 1 else None

    def remove(self, number: int) -> None:
        """The batch is in the warehouse."""
        (self._folder / f"{number:020d}.arrow").unlink(missing_ok=True)
        del self._sizes[number]
        metrics.spool_bytes.set(self.bytes)

    def _sync_folder(self) -> None:
        fd = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _stream(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()
