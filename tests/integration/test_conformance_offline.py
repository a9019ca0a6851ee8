"""Every shared capture: the ledger says what the providers metered, in one piece and in shuffled, repeated single spans."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SPANLEDGER_SHARED") or Path(__file__).parents[2].parent / "shared")
sys.path.insert(0, str(Path(__file__).parent))

pytestmark = pytest.mark.skipif(not (SHARED / "captures").is_dir(), reason="shared data is not beside this repository (SPANLEDGER_SHARED)")


@pytest.mark.parametrize("chaos", [None, 7, 11])
def test_every_captured_export_gives_the_entries_that_providers_metered(chaos: int | None) -> None:
    from conformance_offline import compare_all

    results = compare_all(SHARED / "captures", chaos=chaos)
    assert len(results) > 300
    assert {name: wrong for name, wrong in results.items() if wrong} == {}
