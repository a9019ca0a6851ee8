"""Keyed hashes in place of what identifies people: BLAKE2b under a key per tenant, never the plain value, never an unkeyed hash.

The master key is 32 random bytes in ``DIR/keys/hash.key`` (mode 0600), made at first start; a tenant's key is derived from it, so that
one person has one hash inside a tenant and another in the next. Source: research on redaction §6.
"""

from __future__ import annotations

import os
import unicodedata
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from spanledger.errors import DataDirUnusable

_SIZE = 16  # bytes of a hash
_DIGITS = 16  # hexadecimal digits kept of the hashes that stand in every row: people, sessions and texts (64 bits); others keep all 32
_SHORT = frozenset({"user", "session"})
_TENANTS = 10_000
_ODD_SPACES = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f"  # what str.split splits at in ASCII, but for the space


class IdentityKeys:
    """Hashes of one installation."""

    def __init__(self, master: bytes) -> None:
        self._master = master
        self._tenant_key = lru_cache(maxsize=10_000)(self._derive)
        self._begun: dict[tuple[str, str], Any] = {}  # hash states that have taken in their key
        self._name = lru_cache(maxsize=200_000)(self._hash_name)

    def _derive(self, tenant: str) -> bytes:
        return blake2b(tenant.encode(), key=self._master, person=b"spl-tenant", digest_size=32).digest()

    def _hash_name(self, tenant: str, what: str, value: str) -> str:
        plain = unicodedata.normalize("NFKC", value).strip().casefold().encode()
        digits = blake2b(plain, key=self._tenant_key(tenant), person=what.encode(), digest_size=_SIZE).hexdigest()
        return digits[:_DIGITS] if what in _SHORT else digits

    def redaction_key(self) -> bytes:
        """Key of the hashes in placeholders (``[EMAIL:3f9a…]``)."""
        return blake2b(b"redaction", key=self._master, digest_size=32).digest()

    def name(self, tenant: str, what: str, value: str) -> str:
        """Hash of an identifier (``what``: user, session, tenant, id, …); equal for equal spelling up to case, width and spaces. "" stays ""."""
        return self._name(tenant, what, value) if value else ""

    def text(self, tenant: str, what: str, text: str) -> str:
        """Hash of a text, equal whatever its white space and letter case; numbers, punctuation and negation count."""
        if text.isascii():
            single = "  " not in text and not any(map(text.__contains__, _ODD_SPACES))
            plain = (text.strip(" ") if single else " ".join(text.split())).lower()
        else:
            plain = " ".join(unicodedata.normalize("NFKC", text).split()).casefold()
        return self._digest(tenant, what, plain)

    def exact(self, tenant: str, what: str, text: str) -> str:
        """Hash of a text as it is."""
        return self._digest(tenant, what, text)

    def _digest(self, tenant: str, what: str, text: str) -> str:
        begun = self._begun.get((tenant, what))
        if begun is None:
            if len(self._begun) > _TENANTS:
                self._begun.clear()
            begun = self._begun[tenant, what] = blake2b(key=self._tenant_key(tenant), person=what.encode(), digest_size=_SIZE)
        state = begun.copy()
        state.update(text.encode("utf8", "surrogatepass"))
        return state.hexdigest()[:_DIGITS]


def load_identity_keys(folder: Path) -> IdentityKeys:
    """The installation's keys, made if absent. Raises ``DataDirUnusable`` where the key file cannot be read or written."""
    path = folder / "hash.key"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(fd, "wb") as file:
                file.write(os.urandom(32))
                file.flush()
                os.fsync(file.fileno())
        master = path.read_bytes()
    except OSError as exc:
        raise DataDirUnusable(f"{path} cannot be used: {exc.strerror}") from exc
    if len(master) != 32:
        raise DataDirUnusable(f"{path} must hold 32 bytes, it holds {len(master)}: restore it from a backup (hashes of other keys do not join)")
    return IdentityKeys(master)
