"""Keyed hashes: equal for equal text up to white space and case, stable between versions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from collector.identity import IdentityKeys, announce_epoch, load_identity_keys, user_hasher

_KEYS = IdentityKeys(bytes(range(32)))


def test_known_answers_stay() -> None:
    assert _KEYS.exact("acme", "doc", "Hello  World\n") == "8e8e4adeb7a65018"
    assert _KEYS.name("acme", "user", " Alice ") == _KEYS.name("acme", "user", "alice")


def test_a_user_is_asked_for_by_every_hash_that_the_ledger_may_have(tmp_path: Path) -> None:
    keys, hashes = load_identity_keys(tmp_path), user_hasher(tmp_path)
    assert hashes("acme", "Jo ") == [keys.name("acme", "user", "jo")]
    announce_epoch(tmp_path, now=datetime(2026, 11, 23, tzinfo=UTC))
    keys.refresh()
    later = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1e9)
    assert hashes("acme", "jo") == [keys.name("acme", "user", "jo"), keys.name("acme", "user", "jo", later)]
    assert len({*hashes("acme", "jo"), *hashes("other", "jo")}) == 4
