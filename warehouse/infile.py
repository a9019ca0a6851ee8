"""Rows on their way into the embedded engine: through a file in memory, read by one INSERT.

chDB 26.9 has a streaming insert too, which ends well even when its part could not be written (a full disk, no memory): its rows are lost and
nobody is told. An INSERT FROM INFILE fails aloud.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from warehouse.engine import literal

_BUFFER = 1 << 20
_IN_MEMORY = 64 << 20
_SETTINGS = re.compile(r"\sSETTINGS\s+\w+\s*=", re.IGNORECASE)


def opened(folder: Path) -> IO[bytes]:
    """A file in memory, or in ``folder`` where the system has none such; gone once it is closed."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("insert"), "w+b", buffering=_BUFFER)
    return tempfile.NamedTemporaryFile(dir=folder)  # type: ignore[return-value]


def holding(chunks: Iterable[bytes], folder: Path) -> IO[bytes]:
    """These bytes in a file that is closed by the caller: in memory while they are few, then in ``folder``."""
    file, in_memory = opened(folder), True
    try:
        for chunk in chunks:
            if in_memory and file.tell() + len(chunk) > _IN_MEMORY:
                file, in_memory = _on_disk(file, folder), False
            file.write(chunk)
    except BaseException:
        file.close()
        raise
    return file


def _on_disk(file: IO[bytes], folder: Path) -> IO[bytes]:
    with file:
        disk = tempfile.NamedTemporaryFile(dir=folder)  # noqa: SIM115  the caller's to close
        file.seek(0)
        shutil.copyfileobj(file, disk, _BUFFER)
        return disk  # type: ignore[return-value]


def statement(insert: str, file: IO[bytes], fmt: str) -> str:
    """``INSERT INTO t (…)`` with the rows of ``file``, which is flushed."""
    file.flush()
    path = f"/proc/self/fd/{file.fileno()}" if isinstance(file.name, int) else str(file.name)
    found = _SETTINGS.search(insert)
    head, settings = (insert[: found.start()], insert[found.start() :]) if found else (insert, "")
    return f"{head} FROM INFILE {literal(path)}{settings} FORMAT {fmt}"
