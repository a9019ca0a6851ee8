"""A policy file that changes under a running collector: taken over when valid, and on the record."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_changed_policy_is_in_the_audit_log_and_an_invalid_one_is_not_taken(start_collector: Callable[..., Any], tmp_path: Path) -> None:
    policy = tmp_path / "data" / "spanledger.yaml"
    policy.parent.mkdir()
    policy.write_text("content: {default: none}\n")
    one = start_collector(follow=policy)
    policy.write_text("content: {default: nonsense}\n")
    entry = "SELECT count() FROM spanledger.audit_log WHERE action = 'config_changed'"
    time.sleep(3)  # longer than the collector's look at the file
    assert one.query(entry) == [(0,)]
    policy.write_text("content: {default: redacted}\n# changed\n")
    assert one.settled(entry, 1) == 1
