"""`spanledger keys …` and `spanledger audit verify` as a user runs them: what each does, says, refuses, and leaves in the audit log."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from collector.identity import load_identity_keys
from spanledger.cli import run
from warehouse.audit_log import entries
from warehouse.engine import Engine


def _kek(byte: int = 1) -> str:
    return base64.b64encode(bytes([byte]) * 32).decode()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """``keys(exit_code, *words, **environment)``: run it on one data directory and give what it said."""

    def command(wanted: int, *words: str, **env: str) -> str:
        for name in ("KEK", "KEK_FILE", "KEK_COMMAND", "WAREHOUSE"):
            monkeypatch.delenv(f"SPANLEDGER_{name}", raising=False)
        for name, value in (env or {"SPANLEDGER_KEK": _kek()}).items():
            monkeypatch.setenv(name, value)
        code = run([*words, "--data", str(tmp_path / "data")])
        out, err = capsys.readouterr()
        assert code == wanted, out + err
        assert "Traceback" not in err
        assert not wanted or len((out + err).strip().splitlines()) <= 2
        return out + err

    return command


@pytest.fixture
def logged(tmp_path: Path) -> Callable[[], list[tuple[str, str, dict[str, Any]]]]:
    """The audit log: (action, subject, detail)."""

    def read() -> list[tuple[str, str, dict[str, Any]]]:
        with Engine.open(tmp_path / "data") as engine, closing(engine.client()) as client:
            return [(entry.action, entry.subject, json.loads(entry.detail)) for entry in entries(client)]

    return read


def test_each_operation_is_done_told_and_on_the_record(keys: Any, logged: Any, tmp_path: Path) -> None:
    assert "key 1" in keys(0, "keys", "init", "--tenant", "acme")
    assert "key 2" in keys(0, "keys", "rotate", "--tenant", "acme")
    assert ": ok" in keys(0, "keys", "verify")
    assert "2 keys rewrapped" in keys(0, "keys", "rewrap", _kek(2))
    assert "does not open" in keys(1, "keys", "verify")
    assert ": ok" in keys(0, "keys", "verify", SPANLEDGER_KEK=_kek(2))
    assert "from 2999-01-01T00:00:00+00:00 on" in keys(0, "keys", "epoch", "--since", "2999-01-01")
    assert "2 keys destroyed" in keys(0, "keys", "shred", "--tenant", "acme")
    assert ": destroyed" in keys(0, "keys", "verify")
    assert "destroyed" in keys(1, "keys", "init", "--tenant", "acme")
    acme = load_identity_keys(tmp_path / "data" / "keys").name("", "tenant", "acme")
    assert logged() == [
        ("keys_init", acme, {"version": 1}),
        ("keys_rotate", acme, {"version": 2}),
        ("keys_rewrap", "*", {"keys": 2}),
        ("keys_epoch", "*", {"since": "2999-01-01T00:00:00+00:00"}),
        ("keys_shred", acme, {"keys": 2}),
    ]
    assert "5 entries" in keys(0, "audit", "verify")


def test_what_is_refused_changes_nothing_and_is_said_in_one_line(keys: Any, logged: Any, tmp_path: Path) -> None:
    keys(0, "keys", "init", "--tenant", "acme")
    ring = tmp_path / "data" / "keys" / "tenants"
    before = {path.name: path.read_bytes() for path in ring.iterdir()}
    nothing = {"SPANLEDGER_KEK_COMMAND": "printf ''"}
    assert "must be 32 bytes" in keys(2, "keys", "rotate", "--tenant", "acme", **nothing)
    assert "cannot be read" in keys(2, "keys", "verify", SPANLEDGER_KEK_FILE=str(tmp_path / "none"))
    assert "COMMAND failed" in keys(2, "keys", "verify", SPANLEDGER_KEK_COMMAND="exit 3")
    assert "not base64" in keys(2, "keys", "verify", SPANLEDGER_KEK="not base64 é")
    assert "not base64" in keys(2, "keys", "rewrap", "!!")
    assert "must be 32 bytes" in keys(2, "keys", "rewrap", "YWJj")
    assert "does not open" in keys(1, "keys", "rotate", "--tenant", "acme", SPANLEDGER_KEK=_kek(3))
    assert "does not open" in keys(1, "keys", "init", "--tenant", "bolt", SPANLEDGER_KEK=_kek(3)), "one ring under two keys opens with neither"
    assert "has no keys" in keys(1, "keys", "shred", "--tenant", "acme ltd")
    assert "not a time" in keys(2, "keys", "epoch", "--since", "tomorrow")
    assert "an epoch begins" in keys(2, "keys", "epoch", "--since", "2020-01-01")
    assert {path.name: path.read_bytes() for path in ring.iterdir()} == before
    assert [action for action, _, _ in logged()] == ["keys_init"]


def test_the_key_encryption_key_comes_from_environment_file_or_command(keys: Any, tmp_path: Path) -> None:
    file = tmp_path / "kek"
    file.write_text(_kek() + "\n")
    sources = [
        {"SPANLEDGER_KEK": _kek()},
        {"SPANLEDGER_KEK_FILE": str(file)},
        {"SPANLEDGER_KEK_COMMAND": f"{sys.executable} -c \"print('{_kek()}')\""},
    ]
    for number, source in enumerate(sources, 1):
        assert f"key {number}" in keys(0, "keys", "init" if number == 1 else "rotate", "--tenant", "acme", **source)
    for source in sources:
        assert ": ok" in keys(0, "keys", "verify", **source)


def test_a_new_key_encryption_key_is_shown_and_kept_nowhere(spanledger: Callable[..., Any], tmp_path: Path) -> None:
    shown = [spanledger("keys", "new-kek", SPANLEDGER_DATA_DIR=str(tmp_path / "data")).stdout.strip() for _ in range(2)]
    assert [len(base64.b64decode(one)) for one in shown] == [32, 32]
    assert shown[0] != shown[1]
    assert not (tmp_path / "data").exists()


def test_where_the_log_cannot_be_written_no_key_is_touched(keys: Any, tmp_path: Path) -> None:
    """A server that nobody answers for: the operation would leave no entry."""
    elsewhere = {"SPANLEDGER_KEK": _kek(), "SPANLEDGER_WAREHOUSE": "clickhouse://default@127.0.0.1:9/spanledger"}
    keys(3, "keys", "init", "--tenant", "acme", **elsewhere)
    assert not list((tmp_path / "data" / "keys" / "tenants").glob("*.json"))
    assert os.listdir(tmp_path / "data" / "keys") == ["hash.key"]


def test_a_tampered_log_ends_with_1(keys: Any, tmp_path: Path) -> None:
    keys(0, "keys", "init", "--tenant", "acme")
    keys(0, "keys", "rotate", "--tenant", "acme")
    with Engine.open(tmp_path / "data") as engine, closing(engine.client()) as client:
        client.command("ALTER TABLE audit_log UPDATE actor = 'nobody' WHERE seq = 1 SETTINGS mutations_sync = 1")
    assert "entry 1 was changed" in keys(1, "audit", "verify")
