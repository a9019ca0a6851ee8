"""Tenant keys: 32 random bytes a version, wrapped by a key-encryption key (KEK), one small file a tenant.

Wrap = AES-256-GCM with a random nonce, bound to tenant and version. The KEK comes from the environment, a file or a command (the last
is how a KMS or Vault is asked); whatever it is, only ``Kek.wrap`` and ``Kek.unwrap`` touch it. Destroying a tenant's file is erasure:
without it no object of the tenant can be opened, from a backup of the warehouse either.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import subprocess
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from spanledger.errors import ConfigError, NotFound, SpanledgerError
from spanledger.settings import Settings


class KeyUnavailable(SpanledgerError):
    """A key is missing, destroyed, or does not fit the KEK: content is dropped and counted, never stored in the clear."""


class Kek(Protocol):
    """Something that wraps keys: a local key, a KMS, Vault's transit engine."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """The key, sealed; ``context`` must be given again to unwrap it."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The key. Raises ``KeyUnavailable`` when this is not the KEK it was wrapped with."""
        ...


class LocalKek:
    """A KEK held in memory."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ConfigError(f"the key-encryption key must be 32 bytes (base64), it is {len(key)}")
        self._aead = AESGCM(key)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Nonce and ciphertext."""
        nonce = os.urandom(12)
        return nonce + self._aead.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Inverse of :meth:`wrap`."""
        try:
            return self._aead.decrypt(wrapped[:12], wrapped[12:], context)
        except (InvalidTag, ValueError) as exc:
            raise KeyUnavailable("this key-encryption key does not open the tenant key") from exc


def kek_from(settings: Settings) -> LocalKek | None:
    """The KEK of the settings, or ``None`` where none is configured. Raises ``ConfigError`` for one that cannot be used."""
    if settings.kek is not None:
        text = settings.kek.get_secret_value()
    elif settings.kek_file is not None:
        try:
            text = settings.kek_file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"SPANLEDGER_KEK_FILE {settings.kek_file} cannot be read") from exc
    elif settings.kek_command:
        try:
            text = subprocess.run(settings.kek_command, shell=True, check=True, capture_output=True, text=True, timeout=30).stdout  # noqa: S602  the operator's own command
        except (subprocess.SubprocessError, OSError) as exc:
            raise ConfigError(f"SPANLEDGER_KEK_COMMAND failed: {type(exc).__name__}") from exc
    else:
        return None
    return kek_of(text)


def kek_of(text: str) -> LocalKek:
    """The KEK that this base64 text tells. Raises ``ConfigError`` for one that cannot be used."""
    try:
        return LocalKek(base64.b64decode(text.strip(), validate=True))
    except ValueError as exc:  # also what is not ASCII
        raise ConfigError("the key-encryption key is not base64") from exc


class Keyring:
    """The tenant keys in a folder. Unwrapped keys stay in memory for five minutes at most."""

    def __init__(self, folder: Path, kek: Kek | None) -> None:
        self._folder, self._kek = folder, kek
        self._cache: dict[tuple[str, int], tuple[float, bytes]] = {}

    def tenants(self) -> list[str]:
        """Tenant hashes that have, or had, keys."""
        return sorted(p.stem for p in self._folder.glob("*.json")) if self._folder.is_dir() else []

    def init(self, tenant: str) -> int:
        """Make the first key of a tenant if it has none; its newest version."""
        try:
            return self.newest(tenant)
        except NotFound:
            pass
        with self._alone():  # another process may have made it meanwhile
            try:
                return self.newest(tenant)
            except NotFound:
                return self._rotate(tenant)

    def rotate(self, tenant: str) -> int:
        """A new version for new objects; older ones still open older objects."""
        with self._alone():
            return self._rotate(tenant)

    def _rotate(self, tenant: str) -> int:
        if self._kek is None:
            raise KeyUnavailable("no key-encryption key is configured (SPANLEDGER_KEK, SPANLEDGER_KEK_FILE or SPANLEDGER_KEK_COMMAND)")
        state = self._read(tenant) or {"tenant": tenant, "versions": {}}
        if state.get("destroyed_at"):
            raise KeyUnavailable("the keys of this tenant were destroyed")
        if not self._fits(tenant):
            raise KeyUnavailable("this key-encryption key does not open the keys that there are (was `spanledger keys rewrap` left out?)")
        version = max((int(v) for v in state["versions"]), default=0) + 1
        wrapped = self._kek.wrap(os.urandom(32), _context(tenant, version))
        state["versions"][str(version)] = {"wrapped": base64.b64encode(wrapped).decode(), "created_at": datetime.now(UTC).isoformat()}
        self._write(tenant, state)
        return version

    def _fits(self, tenant: str) -> bool:
        """Is this the KEK that wrapped this tenant's newest key, or for its first that of any other? No ring under two KEKs."""
        others = [name for name in self.tenants() if name != tenant]
        tried = False
        for name in (tenant, *others):
            try:
                self.key(name, self.newest(name))
            except NotFound:
                continue
            except KeyUnavailable:
                tried = tried or not self._destroyed(name)
                if name == tenant:
                    return False
                continue
            return True
        return not tried

    def _destroyed(self, tenant: str) -> bool:
        try:
            return bool((self._read(tenant) or {}).get("destroyed_at"))
        except KeyUnavailable:
            return False

    def rewrap(self, new: Kek) -> int:
        """Wrap every tenant key with another KEK (KEK rotation); how many keys. Objects are untouched."""
        n = 0
        with self._alone():
            for tenant in self.tenants():
                state = self._read(tenant)
                if state is None or state.get("destroyed_at"):
                    continue
                for version, entry in state["versions"].items():
                    context = _context(tenant, int(version))
                    entry["wrapped"] = base64.b64encode(new.wrap(self._unwrap(entry, context), context)).decode()
                    n += 1
                self._write(tenant, state)
        self._kek = new
        self._cache.clear()
        return n

    def newest(self, tenant: str) -> int:
        """Raises ``NotFound`` for a tenant without keys, ``KeyUnavailable`` where they were destroyed."""
        state = self._read(tenant)
        if state is None or not (state["versions"] or state.get("destroyed_at")):
            raise NotFound(f"tenant {tenant} has no key")
        if state.get("destroyed_at"):
            raise KeyUnavailable(f"the keys of tenant {tenant} were destroyed at {state['destroyed_at']}")
        return max(int(v) for v in state["versions"])

    def key(self, tenant: str, version: int) -> bytes:
        """One version of a tenant's key. Raises ``KeyUnavailable``."""
        cached = self._cache.get((tenant, version))
        if cached is not None and time.monotonic() - cached[0] < 300:
            return cached[1]
        state = self._read(tenant)
        entry = (state or {"versions": {}})["versions"].get(str(version))
        if entry is None:
            raise KeyUnavailable(f"key {version} of tenant {tenant} is missing or was destroyed")
        key = self._unwrap(entry, _context(tenant, version))
        self._cache[tenant, version] = (time.monotonic(), key)
        return key

    def verify(self) -> dict[str, str]:
        """Tenant → ``ok``, ``destroyed`` or why its keys cannot be used: the escrow drill."""
        result: dict[str, str] = {}
        for tenant in self.tenants():
            try:
                for version in range(1, self.newest(tenant) + 1):
                    self.key(tenant, version)
                result[tenant] = "ok"
            except SpanledgerError as exc:
                result[tenant] = "destroyed" if self._destroyed(tenant) else str(exc)
        return result

    def shred(self, tenant: str) -> int:
        """Destroy all keys of a tenant, for good; how many there were. A tombstone stays, unless it never had any."""
        path = self._path(tenant)
        with self._alone():
            if not path.exists():
                return 0
            try:
                state = self._read(tenant) or {"versions": {}}
            except KeyUnavailable:  # noise that a shredding cut short has left
                state = {"versions": {}}
            with open(path, "r+b") as file:  # overwrite before the file is replaced, so that the old blocks do not keep it
                file.write(os.urandom(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            self._write(tenant, {"tenant": tenant, "versions": {}, "destroyed_at": datetime.now(UTC).isoformat()})
        for held in [k for k in self._cache if k[0] == tenant]:
            del self._cache[held]
        return len(state["versions"])

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """No other process changes keys meanwhile."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _unwrap(self, entry: dict[str, str], context: bytes) -> bytes:
        if self._kek is None:
            raise KeyUnavailable("no key-encryption key is configured")
        return self._kek.unwrap(base64.b64decode(entry["wrapped"]), context)

    def _path(self, tenant: str) -> Path:
        if not tenant.isalnum():
            raise KeyUnavailable("not a tenant hash")
        return self._folder / f"{tenant}.json"

    def _read(self, tenant: str) -> dict | None:  # type: ignore[type-arg]
        try:
            return json.loads(self._path(tenant).read_text(encoding="utf8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as exc:
            raise KeyUnavailable(f"the key file of tenant {tenant} cannot be read") from exc

    def _write(self, tenant: str, state: dict) -> None:  # type: ignore[type-arg]
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._path(tenant).with_suffix(".part")
        with open(part, "w", encoding="utf8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            json.dump(state, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path(tenant))
        fd = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _context(tenant: str, version: int) -> bytes:
    return b"spl-tenant-key-v1|" + tenant.encode() + b"|" + str(version).encode()
