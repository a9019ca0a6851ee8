"""What waits for the name tier: sealed on disk, within bounds, and gone with its keys or its tenant."""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import SecretStr

from collector import metrics
from collector.identity import load_identity_keys
from collector.redaction.names import gate_of
from collector.redaction.quarantine import TENANT, Gate, Quarantine
from spanledger.policy import Policy
from spanledger.settings import Settings
from warehouse.vault.keyring import Keyring, KeyUnavailable

Rows = Callable[..., pa.RecordBatch]


def test_nothing_of_a_waiting_text_is_on_disk_in_the_clear(rows: Rows, quarantine: Quarantine, tmp_path: Path) -> None:
    assert quarantine.add(rows("user: Okafor sent the order", "user: Okafor"))
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert any(p.suffix == ".sealed" for p in files)
    assert not any(b"Okafor" in p.read_bytes() or b"refund" in p.read_bytes() for p in files)


def test_erasing_takes_rows_out_of_the_quarantine(rows: Rows, quarantine: Quarantine) -> None:
    assert quarantine.add(rows("user: Ana", tenant="aa"))
    assert quarantine.add(rows("user: Berg", "user: Marta", tenant="bb"))
    assert quarantine.add(rows("user: Ana", "user: Jan", "user: Eva", tenant="bb"))  # traces 0, 1 and 2
    assert quarantine.erase({bytes([1]) * 16, bytes([2]) * 16}) == 3
    assert [quarantine.open(n).column("prompt").to_pylist() for n in quarantine.waiting()] == [["user: Ana"], ["user: Berg"], ["user: Ana"]]


def test_several_may_add_and_measure_while_one_removes(rows: Rows, quarantine: Quarantine, tmp_path: Path, ring: Keyring) -> None:
    ended = threading.Event()

    def take() -> None:
        while not ended.is_set():
            for name in quarantine.waiting():
                quarantine.remove(name)

    taker = threading.Thread(target=take)
    taker.start()
    try:
        with ThreadPoolExecutor(3) as pool:
            others = [Quarantine(tmp_path / "quarantine", ring) for _ in range(3)]
            kept = list(pool.map(lambda n: others[n % 3].add(rows("user: Ana")), range(200)))
    finally:
        ended.set()
        taker.join()
    assert all(kept)


def test_a_file_whose_writer_was_killed_takes_up_no_room_for_ever(rows: Rows, quarantine: Quarantine, tmp_path: Path) -> None:
    lost, in_work = (tmp_path / "quarantine" / f"{n}.part" for n in (1, 2))
    for part in (lost, in_work):
        part.write_bytes(b"x" * 1_000)
    hour_ago = time.time() - 3_600
    os.utime(lost, (hour_ago, hour_ago))
    assert quarantine.add(rows("user: Ana"))
    quarantine.tidy()
    assert (lost.exists(), in_work.exists(), len(quarantine.waiting())) == (False, True, 1)


def test_only_texts_of_tenants_with_the_tier_wait(rows: Rows, quarantine: Quarantine) -> None:
    gate = Gate(lambda: quarantine, lambda: {"aa", ""}.__contains__)
    assert gate.hold(rows("user: Ana", tenant="aa")) is None
    assert gate.hold(rows("user: Ana", tenant="")) is None
    free = gate.hold(rows("user: Ana", tenant="bb"))
    assert free is not None
    assert free.num_rows == 1
    assert sum(quarantine.open(n).num_rows for n in quarantine.waiting()) == 2
    assert Gate(lambda: quarantine, lambda: None).hold(rows("user: Ana")) is not None


def test_the_policy_says_whose_text_waits_and_text_of_nobody_known_waits_too(rows: Rows, tmp_path: Path) -> None:
    keys = load_identity_keys(tmp_path / "keys")
    settings = Settings(data_dir=tmp_path, kek=SecretStr(base64.b64encode(b"k" * 32).decode()))
    policies = [Policy(), Policy.model_validate({"redaction": {"ner": {"model": "/m", "tenants": ["acme"]}}})]
    gate = gate_of(settings, lambda: policies[-1], keys)
    of_acme, of_others = rows("user: Ana", tenant=keys.name("", "tenant", "acme")), rows("user: Ana", tenant=keys.name("", "tenant", "bolt"))
    assert gate.hold(of_acme) is None
    assert gate.hold(rows("user: Ana", tenant="")) is None
    assert gate.hold(of_others) is not None
    policies.append(Policy.model_validate({"redaction": {"ner": {"model": "/m"}}}))
    assert gate.hold(of_others) is None
    policies.append(policies[0])
    assert gate.hold(of_acme) is not None


def test_text_that_cannot_be_kept_is_dropped_and_counted(rows: Rows, tmp_path: Path, ring: Keyring) -> None:
    def dropped() -> float:
        return metrics.registry.get_sample_value("spanledger_content_dropped_total", {"reason": "names_quarantine"}) or 0.0

    before = dropped()
    full = Quarantine(tmp_path / "small", ring, max_bytes=100)
    assert Gate(lambda: full, lambda: lambda _: True).hold(rows("user: Ana", "user: Berg")) is None
    assert full.waiting() == []
    keyless = gate_of(
        Settings(data_dir=tmp_path / "data"), lambda: Policy.model_validate({"redaction": {"ner": {"model": "/m"}}}), load_identity_keys(tmp_path)
    )
    assert keyless.hold(rows("user: Ana")) is None
    assert dropped() == before + 3


def test_without_a_key_there_is_no_quarantine(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="key-encryption key"):
        Quarantine(tmp_path / "quarantine", Keyring(tmp_path / "keys", None))


def test_shredded_keys_drop_text_instead_of_storing_it(rows: Rows, quarantine: Quarantine, ring: Keyring) -> None:
    ring.shred(TENANT)
    assert not quarantine.add(rows("user: Ana"))
