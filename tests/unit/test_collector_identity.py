"""Keyed hashes: equal for equal text up to white space and case, stable between versions."""

from __future__ import annotations

import unicodedata
from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from collector.identity import IdentityKeys

_KEYS = IdentityKeys(bytes(range(32)))


def _slow(tenant: str, what: str, text: str) -> str:
    plain = " ".join((text if text.isascii() else unicodedata.normalize("NFKC", text)).split()).casefold()
    return blake2b(
        plain.encode("utf8", "surrogatepass"),
        key=_KEYS._derive(tenant),
        person=what.encode(),
        digest_size=16,
    ).hexdigest()[:16]


@given(st.text(st.characters() | st.sampled_from(" \t\n\r\x0b\x0c\x1c\x1f ABab")), st.sampled_from(["", "acme"]), st.sampled_from(["prompt", "doc"]))
def test_the_quick_ways_hash_as_the_definition_says(text: str, tenant: str, what: str) -> None:
    assert _KEYS.text(tenant, what, text) == _slow(tenant, what, text)


def test_known_answers_stay() -> None:
    assert _KEYS.text("", "prompt", "Hello  World\n") == _KEYS.text("", "prompt", "hello world") == "72520652aeb47d35"
    assert _KEYS.exact("acme", "doc", "Hello  World\n") == "8e8e4adeb7a65018"
    assert _KEYS.name("acme", "user", " Alice ") == _KEYS.name("acme", "user", "alice")
