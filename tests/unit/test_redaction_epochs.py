"""Epochs of the identity hashes: one person, one hash within an epoch; a span's own start decides; erasure knows them all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.identity import NOTICE, IdentityKeys, announce_epoch, load_identity_keys
from spanledger.commands.erasing import subjects
from spanledger.errors import ConfigError, DataDirUnusable
from spanledger.policy import Policy

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIRST, SECOND = NOW + timedelta(days=10), NOW + timedelta(days=40)


def ns(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    load_identity_keys(tmp_path)
    announce_epoch(tmp_path, FIRST, NOW)
    announce_epoch(tmp_path, SECOND, NOW)
    return tmp_path


def test_equal_people_have_equal_hashes_within_an_epoch_and_others_in_the_next(folder: Path) -> None:
    keys = load_identity_keys(folder)
    per_epoch = [
        {keys.name("acme", "user", spelling, ns(at)) for spelling in ("Alice", " alice ", "ALICE") for at in span}
        for span in ((NOW, FIRST - timedelta(seconds=1)), (FIRST, SECOND - timedelta(seconds=1)), (SECOND, SECOND + timedelta(days=999)))
    ]
    assert [len(hashes) for hashes in per_epoch] == [1, 1, 1]
    assert len(set.union(*per_epoch)) == 3
    assert set(keys.names("acme", "user", "alice")) == set.union(*per_epoch)
    assert keys.name("acme", "user", "alice", ns(SECOND)) != keys.name("bolt", "user", "alice", ns(SECOND))


def test_the_first_epoch_hashes_as_before_there_were_any(tmp_path: Path) -> None:
    before = load_identity_keys(tmp_path).name("acme", "user", "alice", ns(NOW))
    announce_epoch(tmp_path, FIRST, NOW)
    assert load_identity_keys(tmp_path).name("acme", "user", "alice", ns(NOW)) == before


def test_tenants_identifiers_and_texts_are_no_matter_of_epochs(folder: Path) -> None:
    keys = load_identity_keys(folder)
    for what in ("tenant", "id", "link"):
        assert len({keys.name("acme", what, "x", ns(at)) for at in (NOW, FIRST, SECOND)}) == 1
        assert len(keys.names("acme", what, "x")) == 1


def test_a_running_process_hears_of_an_epoch_before_it_begins(tmp_path: Path) -> None:
    running = load_identity_keys(tmp_path)
    old = running.name("", "user", "alice", ns(FIRST))
    announce_epoch(tmp_path, FIRST, NOW)
    running.refresh()
    assert running.name("", "user", "alice", ns(FIRST)) == load_identity_keys(tmp_path).name("", "user", "alice", ns(FIRST)) != old


@pytest.mark.parametrize("since", [NOW, NOW + NOTICE - timedelta(seconds=1), SECOND - timedelta(seconds=1)])
def test_an_epoch_is_announced_in_time_and_in_order(folder: Path, since: datetime) -> None:
    with pytest.raises(ConfigError, match="an epoch begins"):
        announce_epoch(folder, since, NOW)


def test_by_default_an_epoch_begins_at_midnight(tmp_path: Path) -> None:
    assert announce_epoch(tmp_path, None, NOW) == datetime(2026, 11, 22, tzinfo=UTC)
    other = tmp_path / "late"
    assert announce_epoch(other, None, NOW.replace(hour=23, minute=59)) == datetime(2026, 11, 23, tzinfo=UTC)


def test_a_lost_key_stops_the_start_instead_of_giving_other_hashes(folder: Path) -> None:
    (folder / "hash-1.key").unlink()
    with pytest.raises(DataDirUnusable):
        load_identity_keys(folder)


def test_erasing_a_user_looks_under_every_epoch(folder: Path) -> None:
    keys = load_identity_keys(folder)
    policy = Policy.model_validate({"content": {"tenants": {"acme": "redacted"}}})
    hashes = {user for _, user in subjects(keys, policy, "", "alice")}
    assert hashes == {keys.name(tenant, "user", "alice", ns(at)) for tenant in ("", "acme") for at in (NOW, FIRST, SECOND)}
    assert [t for t, u in subjects(keys, policy, "acme", "")] == [keys.name("", "tenant", "acme")]


@given(st.integers(0, 2**62), st.text(min_size=1).filter(str.strip))
def test_without_epochs_time_means_nothing(at_ns: int, user: str) -> None:
    keys = IdentityKeys(bytes(range(32)))
    assert keys.name("t", "user", user, at_ns) == keys.name("t", "user", user)
