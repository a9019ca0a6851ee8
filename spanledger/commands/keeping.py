"""``keys`` and ``audit``: the audit store's keys, and the audit log."""

from __future__ import annotations

import base64
import contextlib
import getpass
import os
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spanledger.commands.warehouses import opened
from spanledger.errors import ConfigError
from spanledger.settings import Settings

if TYPE_CHECKING:
    from warehouse.vault.keyring import Keyring

Say = Callable[[str], None]


def new_kek(say: Say) -> None:
    """A fresh key-encryption key, for ``SPANLEDGER_KEK`` or a file. It is shown once and kept nowhere."""
    say(base64.b64encode(os.urandom(32)).decode())


def init(settings: Settings, tenant: str, say: Say) -> None:
    """Make a tenant's first key."""
    ring, hashed = _ring(settings, tenant)
    with _recorded(settings, "keys_init", hashed) as detail:
        version = detail["version"] = ring.init(hashed)
    say(f"tenant {hashed}: key {version}")


def rotate(settings: Settings, tenant: str, say: Say) -> None:
    """A new key for new transcripts of a tenant."""
    ring, hashed = _ring(settings, tenant)
    with _recorded(settings, "keys_rotate", hashed) as detail:
        version = detail["version"] = ring.rotate(hashed)
    say(f"tenant {hashed}: key {version}")


def rewrap(settings: Settings, new: str, say: Say) -> None:
    """Wrap every tenant key with another KEK (base64)."""
    from warehouse.vault.keyring import kek_of

    ring, _ = _ring(settings, "")
    kek = kek_of(new)
    with _recorded(settings, "keys_rewrap", "*") as detail:
        n = detail["keys"] = ring.rewrap(kek)
    say(f"{n} keys rewrapped: put the new key-encryption key in place before the next start")


def verify(settings: Settings, say: Say) -> int:
    """Open every key; 1 when one cannot be used."""
    ring, _ = _ring(settings, "")
    states = ring.verify()
    for tenant, state in states.items():
        say(f"{tenant}: {state}")
    say(f"{len(states)} tenants")
    return 0 if all(state in ("ok", "destroyed") for state in states.values()) else 1


def shred(settings: Settings, tenant: str, say: Say) -> None:
    """Destroy all keys of a tenant: its transcripts can never be read again."""
    from spanledger.errors import NotFound

    ring, hashed = _ring(settings, tenant)
    if hashed not in ring.tenants():
        raise NotFound(f"tenant {tenant} has no keys")
    with _recorded(settings, "keys_shred", hashed) as detail:
        n = detail["keys"] = ring.shred(hashed)
    say(f"tenant {hashed}: {n} keys destroyed")


def epoch(settings: Settings, since: str, say: Say) -> None:
    """Announce a new key for the hashes of users and sessions."""
    from collector.identity import announce_epoch

    try:
        at = datetime.fromisoformat(since) if since else None
    except ValueError as exc:
        raise ConfigError(f"not a time: {since} (write 2026-12-01 or 2026-12-01T06:00)") from exc
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    with _recorded(settings, "keys_epoch", "*") as detail:
        begins = announce_epoch(settings.data_dir / "keys", at)
        detail["since"] = begins.isoformat()
    say(f"users and sessions are hashed under a new key from {begins.isoformat()} on; back DIR/keys up before")


def audit_verify(settings: Settings, say: Say) -> int:
    """Check the audit log's chain; 1 when it is broken."""
    from warehouse import audit_log

    with opened(settings) as client:
        checked, fault = audit_log.verify(audit_log.entries(client))
    say(fault or f"{checked} entries: the chain holds")
    return 1 if fault else 0


def audit_read(settings: Settings, trace: str, span: str, reason: str, say: Say) -> None:
    """One transcript, with a reason, on the record. Who can read the data directory and the KEK is an auditor of this machine."""
    import json

    from warehouse.vault.transcripts import read_transcript

    ring, _ = _ring(settings, "")
    try:
        ids = bytes.fromhex(trace), bytes.fromhex(span)
    except ValueError as exc:
        raise ConfigError("trace and span ids are hexadecimal") from exc
    with opened(settings, writing=True) as client:
        say(json.dumps(read_transcript(client, ring, *ids, actor=getpass.getuser(), role="auditor", reason=reason), ensure_ascii=False, indent=1))


def _ring(settings: Settings, tenant: str) -> tuple[Keyring, str]:
    from collector.identity import load_identity_keys
    from warehouse.vault.keyring import Keyring, kek_from

    ring = Keyring(settings.data_dir / "keys" / "tenants", kek_from(settings))
    return ring, load_identity_keys(settings.data_dir / "keys").name("", "tenant", tenant) or "default"


@contextlib.contextmanager
def _recorded(settings: Settings, action: str, subject: str) -> Generator[dict[str, Any]]:
    """What is done inside is in the audit log afterwards, with what it puts into the detail; where the log is out of reach nothing is done."""
    from warehouse import audit_log

    with opened(settings, writing=True) as client:
        detail: dict[str, Any] = {}
        yield detail
        audit_log.append(client, actor=getpass.getuser(), action=action, subject=subject, detail=detail)
