"""Keyed hashes: equal for equal text up to white space and case, stable between versions."""

from __future__ import annotations

from collector.identity import IdentityKeys

_KEYS = IdentityKeys(bytes(range(32)))


def test_known_answers_stay() -> None:
    assert _KEYS.exact("acme", "doc", "Hello  World\n") == "8e8e4adeb7a65018"
    assert _KEYS.name("acme", "user", " Alice ") == _KEYS.name("acme", "user", "alice")
