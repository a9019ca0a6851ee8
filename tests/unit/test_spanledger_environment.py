"""What the roles are started with."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spanledger import memory
from spanledger.supervisor import child_environment

#: Prints how much of what was freed is still resident, before and after it is given back: pieces in use hold the heap's end.
HELD = """
from spanledger import memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

empty = resident()
pieces = [bytes(2_000) for _ in range(40_000)]
full = resident() - empty
pieces = pieces[::500]
held = resident() - empty
memory.give_back()
print(held / full, (resident() - empty) / full)
"""


def test_the_collector_keeps_memory_between_batches_and_others_give_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    assert child_environment("collector")["MALLOC_TRIM_THRESHOLD_"] == "67108864"
    assert "MALLOC_TRIM_THRESHOLD_" not in child_environment("dashboard")


def test_what_the_operator_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    assert child_environment("collector")["MALLOC_TRIM_THRESHOLD_"] == "131072"


@pytest.mark.skipif(memory._trim() is None or not sys.platform.startswith("linux"), reason="another C library")
def test_what_is_free_within_a_heap_goes_back_to_the_system() -> None:
    ran = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True)
    held, after = map(float, ran.stdout.split())
    assert held > 0.6
    assert after < held / 2
