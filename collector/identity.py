"""Keyed hashes in place of what identifies people: BLAKE2b under a key per tenant, never the plain value, never an unkeyed hash.

The master key is 32 random bytes in ``DIR/keys/hash.key`` (mode 0600), made at first start; a tenant's key is derived from it, so that
one person has one hash inside a tenant and another in the next. Source: research on redaction §6.

People and sessions are hashed by *epoch*: a further key of 32 random bytes that is in force from a moment on (``hash-epochs.json`` beside
it says when). A span's own start decides which, so that a late or repeated span hashes as it did, in every process and after every restart.
"""

from __future__ import annotations

import json
import os
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from spanledger.errors import ConfigError, DataDirUnusable

_SIZE = 16  # bytes of a hash
_DIGITS = 16  # hexadecimal digits kept of the hashes that stand in every row: people, sessions and texts (64 bits); others keep all 32
_SHORT = frozenset({"user", "session"})  # these alone change with the epoch
NOTICE = timedelta(minutes=2)  # an epoch is announced at least so long before it begins: every process has read of it by then
_TENANTS = 10_000


class IdentityKeys:
    """Hashes of one installation. ``folder``: where later epochs are announced; without it there is one epoch."""

    def __init__(self, master: bytes, folder: Path | None = None) -> None:
        self._master, self._folder = master, folder
        self._masters, self._since, self._read_at = [master], list[int](), -1
        self._tenant_key = lru_cache(maxsize=10_000)(self._derive)
        self._states: dict[tuple[str, str, int], Any] = {}  # hash states that have taken in their key
        self._name = lru_cache(maxsize=200_000)(self._hash_name)

        self.refresh()

    def _derive(self, tenant: str, epoch: int = 0) -> bytes:
        return blake2b(tenant.encode(), key=self._masters[epoch], person=b"spl-tenant", digest_size=32).digest()

    def _hash_name(self, tenant: str, what: str, value: str, epoch: int = 0) -> str:
        plain = value.strip().lower() if value.isascii() else unicodedata.normalize("NFKC", value).strip().casefold()
        state = self._begun(tenant, what, epoch).copy()
        state.update(plain.encode())
        return state.hexdigest()[:_DIGITS] if what in _SHORT else state.hexdigest()

    def redaction_key(self) -> bytes:
        """Key of the hashes in placeholders (``[EMAIL:3f9a…]``)."""
        return blake2b(b"redaction", key=self._master, digest_size=32).digest()

    def name(self, tenant: str, what: str, value: str, at_ns: int = 0) -> str:
        """Hash of an identifier (``what``: user, session, tenant, id, …); equal for equal spelling up to case, width and spaces. "" stays "".

        ``at_ns``: the span's start; users and sessions are hashed under the key of that time.
        """
        if not value:
            return ""
        if self._since and what in _SHORT:
            return self._name(tenant, what, value, bisect_right(self._since, at_ns))
        return self._name(tenant, what, value)

    def hidden_id(self, value: str) -> str:
        """What is stored of an identifier that may not be stored: equal for equal ones, whoever sends them."""
        return "h:" + self.name("", "id", value)

    def names(self, tenant: str, what: str, value: str) -> list[str]:
        """The identifier's hashes under the keys of all epochs: where to look for somebody's rows."""
        epochs = range(len(self._masters)) if what in _SHORT else (0,)
        return [self._name(tenant, what, value, epoch) if epoch else self._name(tenant, what, value) for epoch in epochs] if value else []

    def refresh(self) -> None:
        """Read of epochs that were announced since. Costs a look at one file's date."""
        if self._folder is None:
            return
        path = self._folder / _EPOCHS
        try:
            changed_at = path.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed_at == self._read_at:
            return
        told = json.loads(path.read_text("utf8"))
        masters = [self._master, *(_key_of(self._folder / e["key"]) for e in told)]
        self._masters, self._since, self._read_at = masters, [int(e["since_us"]) * 1000 for e in told], changed_at

    def epochs(self) -> list[datetime]:
        """When each epoch after the first begins."""
        return [datetime.fromtimestamp(ns / 1e9, UTC) for ns in self._since]

    def exact(self, tenant: str, what: str, text: str) -> str:
        """Hash of a text as it is."""
        return self.hasher(tenant, what)(text.encode("utf8", "surrogatepass"))

    def hasher(self, tenant: str, what: str) -> Callable[[bytes], str]:
        """What makes :meth:`exact` hashes of many texts, encoded."""
        begin = self._begun(tenant, what).copy

        def hashed(text: bytes) -> str:
            state = begin()
            state.update(text)
            return state.hexdigest()[:_DIGITS]

        return hashed

    def hashes(self, tenants: Sequence[str], what: str, texts: Sequence[bytes]) -> list[str]:
        """:meth:`exact` hashes of many texts, encoded, each of its tenant."""
        begin = {tenant: self._begun(tenant, what).copy for tenant in set(tenants)}
        made: list[str] = []
        for tenant, text in zip(tenants, texts, strict=True):
            state = begin[tenant]()
            state.update(text)
            made.append(state.hexdigest()[:_DIGITS])
        return made

    def people(self, tenants: Sequence[str], what: str, values: Sequence[str], starts: Sequence[int]) -> list[str]:
        """:meth:`name` of many users or sessions, each of its tenant and time."""
        if not self._since:
            hashed = self._name
            return [hashed(tenant, what, value) if value else "" for tenant, value in zip(tenants, values, strict=True)]
        return [self.name(tenant, what, value, at) for tenant, value, at in zip(tenants, values, starts, strict=True)]

    def _begun(self, tenant: str, what: str, epoch: int = 0) -> Any:
        """A hash that has taken in its key; a copy of it takes the value."""
        begun = self._states.get((tenant, what, epoch))
        if begun is None:
            if len(self._states) > _TENANTS:
                self._states.clear()
            key = self._tenant_key(tenant, epoch)
            begun = self._states[tenant, what, epoch] = blake2b(key=key, person=what.encode(), digest_size=_SIZE)
        return begun


def load_identity_keys(folder: Path) -> IdentityKeys:
    """The installation's keys, made if absent. Raises ``DataDirUnusable`` where the key file cannot be read or written."""
    path = folder / "hash.key"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_key(path)
        return IdentityKeys(_key_of(path), folder)
    except OSError as exc:
        raise DataDirUnusable(f"{path} cannot be used: {exc.strerror}") from exc


def tenant_hasher(folder: Path) -> Callable[[str], str]:
    """What the ledger has for a tenant's name; the keys are read when it is first asked."""
    keys = cache(lambda: load_identity_keys(folder))
    return lambda tenant: keys().name("", "tenant", tenant)


def user_hasher(folder: Path) -> Callable[[str, str], list[str]]:
    """What the ledger has, and has had before the last epoch, for a user of a tenant; the keys are read when it is first asked."""
    keys = cache(lambda: load_identity_keys(folder))

    def hashes(tenant: str, user: str) -> list[str]:
        keys().refresh()
        return keys().names(tenant, "user", user)

    return hashes


def announce_epoch(folder: Path, since: datetime | None = None, now: datetime | None = None) -> datetime:
    """A new key for users and sessions from ``since`` on (the next UTC midnight); when it begins.

    Raises:
        ConfigError: too soon for all processes to hear of it, or before an epoch that is announced already.
        DataDirUnusable: the folder cannot be written.
    """
    now = now or datetime.now(UTC)
    keys = load_identity_keys(folder)
    if since is None:
        since = (now + NOTICE + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    if since < max([now + NOTICE, *keys.epochs()]):
        raise ConfigError(f"an epoch begins at least {NOTICE.seconds // 60} minutes from now, and after those announced already")
    number = len(keys.epochs()) + 1
    path = folder / _EPOCHS
    try:
        _make_key(folder / f"hash-{number}.key")
        told = [
            *(json.loads(path.read_text("utf8")) if path.exists() else []),
            {"key": f"hash-{number}.key", "since_us": int(since.timestamp()) * 1_000_000},
        ]
        part = path.with_suffix(".part")
        with open(part, "w", encoding="utf8") as file:
            json.dump(told, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as exc:
        raise DataDirUnusable(f"{path} cannot be used: {exc.strerror}") from exc
    return since


_EPOCHS = "hash-epochs.json"


def _make_key(path: Path) -> None:
    """32 random bytes, durable, unless the file is there."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(fd, "wb") as file:
        file.write(os.urandom(32))
        file.flush()
        os.fsync(file.fileno())


def _key_of(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != 32:
        raise DataDirUnusable(f"{path} must hold 32 bytes, it holds {len(key)}: restore it from a backup (hashes of other keys do not join)")
    return key
