"""``erase``: everything that names a tenant or a person goes, aggregates stay, and a signed receipt says what went."""

from __future__ import annotations

import base64
import getpass
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from spanledger.errors import ConfigError, WarehouseBusy
from spanledger.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from collector.identity import IdentityKeys
    from spanledger.policy import Policy


def erase(settings: Settings, *, tenant: str, user: str, out: Path | None, say: Callable[[str], None]) -> int:
    """Erase and print (or write) the receipt. A user is erased within ``tenant``, or without one among all tenants of the policy.

    Raises:
        ConfigError: neither a tenant nor a user was named.
    """
    from collector.identity import load_identity_keys
    from spanledger import instance
    from spanledger.commands.warehouses import opened
    from spanledger.policy import load_policy
    from warehouse import audit_log, stored_budgets
    from warehouse.vault.keyring import Keyring

    if not (tenant or user):
        raise ConfigError("erase needs --tenant or --user")
    policy = load_policy(settings.policy_path, settings.tokens_file)
    keys = load_identity_keys(settings.data_dir / "keys")
    erasure = uuid.uuid4().hex
    with opened(settings, writing=True) as client:
        pairs = list(subjects(keys, policy, tenant, user))
        if instance.held(settings.data_dir):
            rows = _gone_while_running(client, settings, erasure, pairs)
        else:
            rows = _gone_at_rest(client, settings, erasure, pairs)
        destroyed = 0
        if tenant and not user:
            rows["budgets"] = stored_budgets.erase(client, tenant)
            ring = Keyring(settings.data_dir / "keys" / "tenants", None)  # destroying takes no KEK
            destroyed = ring.shred(keys.name("", "tenant", tenant))
        subject = {"kind": "user" if user else "tenant", "hash": keys.name(tenant if user else "", "user" if user else "tenant", user or tenant)}
        detail = {"erasure": erasure, "keys_destroyed": destroyed, **rows}
        entry = audit_log.append(client, actor=getpass.getuser(), action="erasure", subject=f"{subject['kind']}:{subject['hash']}", detail=detail)
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


_SETTLED_S = 4.0  # twice what the collector takes to hear of an erasure


def _gone_while_running(client: Client, settings: Settings, erasure: str, pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Rows per table; what the collector had in its spool and memory when the erasure began goes too."""
    _let_in(settings.data_dir / "spool")
    rows = _rows_gone(client, erasure, pairs)
    time.sleep(_SETTLED_S)
    for table, n in _rows_gone(client, erasure, pairs).items():
        rows[table] = max(rows[table], n) if table == "calls" else rows[table] + n
    return rows


def _gone_at_rest(client: Client, settings: Settings, erasure: str, pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Rows per table, and those that wait in files, of every trace in which a row names the subject, whether stored or waiting."""
    from collector.redaction.names import quarantine_of
    from collector.spool import Spool
    from warehouse.vault.erasures import note_traces, traces_of

    spool = Spool(settings.data_dir / "spool", settings.spool_bytes)
    quarantine = quarantine_of(settings) if (settings.data_dir / "quarantine").exists() else None
    note_traces(client, erasure, set().union(*(spool.traces(tenant_hash=t, user_hash=u) for t, u in pairs)))
    rows = _rows_gone(client, erasure, pairs)
    traces = traces_of(client, erasure)
    rows["spool"] = spool.erase(traces)
    if quarantine is not None:
        rows["quarantine"] = quarantine.erase(traces)
    return rows


def _rows_gone(client: Client, erasure: str, pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Rows per table that went; entries, which stay, are counted by the traces of the whole erasure."""
    from warehouse import lifecycle

    rows: dict[str, int] = {}
    for tenant_hash, user_hash in pairs:
        for table, n in lifecycle.erase(client, erasure, tenant_hash=tenant_hash, user_hash=user_hash).items():
            rows[table] = n if table == "calls" else rows.get(table, 0) + n
    return rows


def _let_in(spool: Path) -> None:
    """Wait until what was acknowledged so far is in the warehouse, where it can be found.

    Raises:
        WarehouseBusy: it takes longer than a minute.
    """
    until = time.monotonic() + 60
    waiting = set(spool.glob("*.arrow"))
    while waiting := {path for path in waiting if path.exists()}:
        if time.monotonic() > until:
            raise WarehouseBusy("the collector has not stored what it acknowledged: erase again later")
        time.sleep(0.1)


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
