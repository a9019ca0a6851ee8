"""Keys of sketches, one per tenant, derived from the installation's hash key; without that file there are no sketches."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path


class SketchKeys:
    """``DIR/keys/hash.key`` is made by the collector (mode 0600); a process that may not read it makes no sketches."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "keys" / "hash.key"
        self._master = b""
        self._derived = lru_cache(maxsize=10_000)(self._derive)

    def of(self, tenant: str) -> bytes:
        """32 bytes, or nothing."""
        if not self._master:
            try:
                self._master = self._file.read_bytes()
            except OSError:
                return b""
        return self._derived(tenant) if self._master else b""  # an empty file would make hashes without a key

    def _derive(self, tenant: str) -> bytes:
        return blake2b(tenant.encode(), key=self._master, person=b"spl-sketches", digest_size=32).digest()
