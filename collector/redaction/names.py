"""The name tier put together from settings and policy: the gate of the sealing processes, the worker of the collector.

The gate follows the policy as it is reloaded; a model is loaded at start only. Text that waits while no worker runs keeps waiting.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa

from collector.identity import IdentityKeys
from collector.redaction.ner import Tier
from collector.redaction.ner_process import NamesProcess
from collector.redaction.ner_worker import NamesWorker
from collector.redaction.quarantine import Gate, Quarantine
from spanledger.errors import ConfigError
from spanledger.policy import Policy
from spanledger.settings import Settings
from warehouse import journal
from warehouse.vault.erasures import erased_among
from warehouse.vault.keyring import Keyring, KeyUnavailable, kek_from

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def quarantine_of(settings: Settings, ring: Keyring | None = None) -> Quarantine:
    """Where texts of this installation wait. Raises ``KeyUnavailable`` without a key-encryption key."""
    return Quarantine(settings.data_dir / "quarantine", ring or Keyring(settings.data_dir / "keys" / "tenants", kek_from(settings)))


def gate_of(settings: Settings, policy: Callable[[], Policy], keys: IdentityKeys) -> Gate:
    """What every batch of ``contents`` passes before it is durable."""

    def wanted() -> Callable[[str], bool] | None:
        tier = policy().redaction.ner
        if tier is None:
            return None
        held = {"", *(keys.name("", "tenant", tenant) for tenant in tier.tenants)}
        return held.__contains__ if tier.tenants else lambda _tenant: True

    return Gate(lambda: quarantine_of(settings), wanted)


@contextlib.contextmanager
def reading_names(settings: Settings, policy: Policy, client: Callable[[], Client]):
    """While this is open, what waits is read by the policy's model and goes on to ``contents``. Nothing where the policy has no such tier.

    Raises:
        ConfigError: the model cannot be used, or there is no key to keep waiting texts under.
    """
    told = policy.redaction.ner
    if told is None:
        yield
        return
    try:
        waiting = quarantine_of(settings)
    except KeyUnavailable as exc:
        raise ConfigError(f"redaction.ner: texts wait encrypted, and {exc}") from exc
    with contextlib.closing(client()) as own:

        def insert(rows: pa.RecordBatch) -> None:
            journal.insert(own, "contents", rows)

        worker = NamesWorker(
            waiting, NamesProcess(Tier(str(told.model), dict(told.labels), told.threshold)), insert, lambda traces: erased_among(own, traces)
        )
        worker.start()
        try:
            yield
        finally:
            worker.close(10.0)
