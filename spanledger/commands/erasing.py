"""``erase``: everything that names a tenant or a person goes, aggregates stay, and a signed receipt says what went."""

from __future__ import annotations

import base64
import getpass
import json
import os
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from spanledger.errors import ConfigError
from spanledger.settings import Settings

if TYPE_CHECKING:
    from collector.identity import IdentityKeys
    from spanledger.policy import Policy


def erase(settings: Settings, *, tenant: str, user: str, out: Path | None, say: Callable[[str], None]) -> int:
    """Erase and print (or write) the receipt. A user is erased within ``tenant``, or without one among all tenants of the policy.

    Raises:
        ConfigError: neither a tenant nor a user was named.
    """
    from collector.identity import load_identity_keys
    from collector.redaction.names import quarantine_of
    from collector.spool import Spool
    from spanledger import instance
    from spanledger.commands.warehouses import opened
    from spanledger.policy import load_policy
    from warehouse import audit_log, lifecycle
    from warehouse.vault.keyring import Keyring, kek_from

    if not (tenant or user):
        raise ConfigError("erase needs --tenant or --user")
    policy = load_policy(settings.policy_path, settings.tokens_file)
    keys = load_identity_keys(settings.data_dir / "keys")
    erasure = uuid.uuid4().hex
    rows: dict[str, int] = {}
    with opened(settings, writing=True) as client:
        for tenant_hash, user_hash in subjects(keys, policy, tenant, user):
            for table, n in lifecycle.erase(client, erasure, tenant_hash=tenant_hash, user_hash=user_hash).items():
                rows[table] = rows.get(table, 0) + n
            if not instance.held(settings.data_dir):
                spool = Spool(settings.data_dir / "spool", settings.spool_bytes)
                rows["spool"] = rows.get("spool", 0) + spool.erase(tenant_hash=tenant_hash, user_hash=user_hash)
                if (settings.data_dir / "quarantine").exists():
                    rows["quarantine"] = rows.get("quarantine", 0) + quarantine_of(settings).erase(tenant_hash=tenant_hash, user_hash=user_hash)
        destroyed = 0
        if tenant and not user:
            ring = Keyring(settings.data_dir / "keys" / "tenants", kek_from(settings))
            destroyed = ring.shred(keys.name("", "tenant", tenant))
        subject = {"kind": "user" if user else "tenant", "hash": keys.name(tenant if user else "", "user" if user else "tenant", user or tenant)}
        entry = audit_log.append(
            client, actor=getpass.getuser(), action="erasure", subject=f"{subject['kind']}:{subject['hash']}", detail={"erasure": erasure, **rows}
        )
        receipt = {
            "erasure": erasure, "at": datetime.now(UTC).isoformat(), "subject": subject, "rows": rows, "keys_destroyed": destroyed,
            "kept": "ledger entries without identity, and rollups", "audit_entry": {"seq": entry.seq, "hash": entry.hash},
        }  # fmt: skip
        client.insert(
            "erasures",
            [[erasure, getpass.getuser(), subject["kind"], subject["hash"], "done", {k: int(v) for k, v in rows.items()}, ""]],
            column_names=["id", "actor", "subject_kind", "subject_hash", "state", "rows", "detail"],
        )
    text = json.dumps(sign(receipt, settings.data_dir / "keys"), indent=1)
    if out is None:
        say(text)
    else:
        out.write_text(text + "\n", encoding="utf8")
        say(f"receipt written to {out}")
    return 0


def subjects(keys: IdentityKeys, policy: Policy, tenant: str, user: str) -> Iterable[tuple[str, str]]:
    """(tenant hash, user hash) pairs to erase; "" = any. A user's hash depends on the tenant the spans named and on the epoch."""
    if not user:
        yield keys.name("", "tenant", tenant), ""
        return
    named = (
        [tenant]
        if tenant
        else ["", *sorted({a.tenant for a in policy.apps.values()} | {p.tenant for p in policy.projects.values()} | set(policy.content.tenants))]
    )
    for name in dict.fromkeys(named):
        for hashed in keys.names(name, "user", user):
            yield "", hashed


def sign(receipt: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The receipt with an Ed25519 signature over its canonical JSON, and the public key that checks it."""
    key = _signing_key(folder)
    text = json.dumps(receipt, sort_keys=True, separators=(",", ":")).encode()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {**receipt, "signature": base64.b64encode(key.sign(text)).decode(), "public_key": base64.b64encode(public).decode()}


def _signing_key(folder: Path) -> Ed25519PrivateKey:
    path = folder / "receipts.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        with open(path, "xb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(made)
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
