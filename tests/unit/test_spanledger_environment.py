"""What the roles are started with."""

from __future__ import annotations

import pytest

from spanledger.supervisor import child_environment


def test_the_collector_keeps_memory_between_batches_and_others_give_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    assert child_environment("collector")["MALLOC_TRIM_THRESHOLD_"] == "67108864"
    assert "MALLOC_TRIM_THRESHOLD_" not in child_environment("dashboard")


def test_what_the_operator_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    assert child_environment("collector")["MALLOC_TRIM_THRESHOLD_"] == "131072"
