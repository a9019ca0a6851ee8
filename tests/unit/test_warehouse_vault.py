"""The audit store's envelope and keys: what was sealed opens only where, and with what, it was sealed."""

from __future__ import annotations

import base64
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanledger.errors import NotFound, SpanledgerError
from warehouse.vault.envelope import FRAME, EnvelopeBroken, Place, key_version_of, seal, unseal
from warehouse.vault.keyring import Keyring, KeyUnavailable, LocalKek

KEY = bytes(range(32))
HERE = Place("acme", b"t" * 16, b"s" * 8)


@settings(deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 2**32 - 1))
def test_a_sealed_text_opens_in_its_place(text: bytes, version: int) -> None:
    sealed = seal(text, HERE, KEY, version)
    assert key_version_of(sealed) == version
    assert unseal(sealed, HERE, KEY) == text
    assert len(text) < 32 or text not in sealed


def test_the_first_version_opens_for_ever() -> None:
    """Known answers of envelope v1: this object was sealed on 2026-11-21 and must open in every later version."""
    known = base64.b64decode(KNOWN)
    assert unseal(known, HERE, KEY) == b"the quick brown fox"
    assert seal(b"the quick brown fox", HERE, KEY, 7, object_id=b"o" * 16)[:60] == known[:60]


def test_a_change_of_any_byte_is_noticed() -> None:
    sealed = seal(b"a transcript", HERE, KEY, 1)
    for at in range(len(sealed)):
        for bit in (0x01, 0x80):
            changed = bytearray(sealed)
            changed[at] ^= bit
            if 8 <= at < 12:
                continue  # the key version picks the key; another version is another key (below), and the header is bound
            with pytest.raises(EnvelopeBroken):
                unseal(bytes(changed), HERE, KEY)
    for at in range(8, 12):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(EnvelopeBroken):
            unseal(bytes(changed), HERE, KEY)


@pytest.mark.parametrize("place", [Place("other", b"t" * 16, b"s" * 8), Place("acme", b"u" * 16, b"s" * 8), Place("acme", b"t" * 16, b"x" * 8)])
def test_an_object_moved_to_another_tenant_or_row_does_not_open(place: Place) -> None:
    with pytest.raises(EnvelopeBroken):
        unseal(seal(b"x", HERE, KEY, 1), place, KEY)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(EnvelopeBroken):
        unseal(seal(b"x", HERE, KEY, 1), HERE, os.urandom(32))


def test_frames_cannot_be_cut_swapped_or_added() -> None:
    text = os.urandom(3 * FRAME)  # does not compress
    sealed = seal(text, HERE, KEY, 1)
    assert unseal(sealed, HERE, KEY) == text
    frame = 4 + FRAME + 16
    head, first, second, rest = sealed[:60], sealed[60 : 60 + frame], sealed[60 + frame : 60 + 2 * frame], sealed[60 + 2 * frame :]
    for broken in (head + first, head + second + first + rest, head + first + rest, sealed + first, sealed[:-1], head, sealed[:30]):
        with pytest.raises(EnvelopeBroken):
            unseal(broken, HERE, KEY)


def test_no_two_objects_share_a_key_and_nonce() -> None:
    ids = {seal(b"same", HERE, KEY, 1)[12:28] for _ in range(2000)}
    assert len(ids) == 2000


def _ring(folder: Path, kek: bytes = b"k" * 32) -> Keyring:
    return Keyring(folder, LocalKek(kek))


def test_keys_survive_a_restart_and_older_versions_still_open(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    assert ring.init("acme") == ring.init("acme") == 1
    first = ring.key("acme", 1)
    assert ring.rotate("acme") == 2
    again = _ring(tmp_path)
    assert (again.key("acme", 1), again.newest("acme")) == (first, 2)
    assert again.key("acme", 2) != first
    assert first.hex() not in (tmp_path / "acme.json").read_text()
    assert (tmp_path / "acme.json").stat().st_mode & 0o077 == 0


def test_another_kek_opens_nothing_and_says_so(tmp_path: Path) -> None:
    _ring(tmp_path).init("acme")
    with pytest.raises(KeyUnavailable):
        _ring(tmp_path, b"x" * 32).key("acme", 1)
    assert _ring(tmp_path, b"x" * 32).verify()["acme"] != "ok"
    assert _ring(tmp_path).verify() == {"acme": "ok"}


def test_rotating_the_kek_rewraps_keys_only(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    ring.init("acme")
    key = ring.key("acme", 1)
    assert ring.rewrap(LocalKek(b"n" * 32)) == 1
    assert _ring(tmp_path, b"n" * 32).key("acme", 1) == key
    with pytest.raises(KeyUnavailable):
        _ring(tmp_path).key("acme", 1)


def test_shredded_keys_are_gone_for_good(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    ring.init("acme")
    sealed = seal(b"secret", HERE, ring.key("acme", 1), 1)
    assert ring.shred("acme") == 1
    for someone in (ring, _ring(tmp_path)):
        with pytest.raises(SpanledgerError):
            unseal(sealed, HERE, someone.key("acme", 1))
        with pytest.raises(KeyUnavailable):
            someone.init("acme")
        assert someone.verify() == {"acme": "destroyed"}


def test_a_shredding_that_was_cut_short_can_be_finished(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    ring.init("acme")
    path = tmp_path / "acme.json"
    path.write_bytes(os.urandom(path.stat().st_size))  # killed between overwriting and the tombstone
    ring.shred("acme")
    assert _ring(tmp_path).verify() == {"acme": "destroyed"}


@pytest.mark.parametrize("meanwhile", ["shred", "rewrap"])
def test_a_key_made_meanwhile_undoes_no_change_of_another_process(tmp_path: Path, meanwhile: str) -> None:
    wrapping = threading.Event()

    class Slow(LocalKek):
        def wrap(self, key: bytes, context: bytes) -> bytes:
            wrapping.set()
            time.sleep(0.2)
            return super().wrap(key, context)

    ring = _ring(tmp_path)
    ring.init("acme")
    maker = threading.Thread(target=Keyring(tmp_path, Slow(b"k" * 32)).rotate, args=("acme",))
    maker.start()
    assert wrapping.wait(10)
    changed = ring.shred("acme") if meanwhile == "shred" else ring.rewrap(LocalKek(b"n" * 32))
    maker.join()
    assert changed == 2
    assert _ring(tmp_path, b"n" * 32).verify() == {"acme": "destroyed" if meanwhile == "shred" else "ok"}


def test_without_a_kek_nothing_is_made(tmp_path: Path) -> None:
    ring = Keyring(tmp_path, None)
    with pytest.raises(KeyUnavailable):
        ring.rotate("acme")
    with pytest.raises(NotFound):
        ring.newest("acme")


KNOWN = (
    "U1BMQQEBAAAHAAAAb29vb29vb29vb29vb29vbycWW+8r98XkkhLa4ZOwmTTCwkjd90EY59ww6AUxkxr4UAAAgOvzpMW5GvYU4ncTmxACR8eekH"
    "pamD2aUKbJwe0OIjfW6O2Sc/RzAsfylAYn6yL+KtXsR/GB4RBO+2K6DpNVHb0mOJfc7pYANOhW7LPppb1o"
)
