"""What the audit log is told without anybody's command: the policy in force, and tenant keys that a first transcript has made."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from spanledger.policy import Policy, PolicyFile
from spanledger.settings import Settings
from warehouse import audit_log
from warehouse.sqlfiles import sql
from warehouse.vault.keyring import Keyring

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class OnRecord:
    """Compares what is with what the log says: nothing is forgotten over a restart, a change while nothing ran, or a busy warehouse."""

    def __init__(self, policy: PolicyFile, settings: Settings) -> None:
        self._policy, self._settings = policy, settings
        self._folder = settings.data_dir / "keys" / "tenants"
        self._noted: tuple[Policy | None, int | None] = None, None

    @property
    def behind(self) -> bool:
        """Something may be missing from the log."""
        return self._noted[0] is not self._policy.current or self._noted[1] != self._now()[1]

    def step(self, client: Client) -> None:
        """Write what is missing."""
        now = self._now()
        self._note_policy(client)
        self._note_keys(client)
        self._noted = now

    def _now(self) -> tuple[Policy, int | None]:
        return self._policy.current, self._folder.stat().st_mtime_ns if self._folder.is_dir() else None

    def _note_policy(self, client: Client) -> None:
        files = {"sha256": self._settings.policy_path, "tokens_sha256": self._settings.tokens_file}
        told = {name: sha256(path.read_bytes() if path and path.exists() else b"").hexdigest() for name, path in files.items()}
        last = client.query(sql("audit_log_policy")).result_rows
        known = json.loads(last[0][0]) if last else {}
        if all(known.get(name) == digest for name, digest in told.items()):
            return
        path: Path | None = self._settings.policy_path
        action = "config_changed" if last else "config_loaded"
        audit_log.append(client, actor="policy file", action=action, subject=path.name if path else "no policy file", detail=told)

    def _note_keys(self, client: Client) -> None:
        known = {str(row[0]) for row in client.query(sql("audit_log_key_tenants")).result_rows}
        for tenant in Keyring(self._folder, None).tenants():
            if tenant not in known:
                audit_log.append(client, actor="collector", action="keys_init", subject=tenant, detail={"by": "first transcript"})
