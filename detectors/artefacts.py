"""The trained models that ship with the package: JSON files in `detectors/models`, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).parent / "models"


@cache
def stored(name: str) -> dict[str, Any]:
    """The artefact ``name``.json; the training command writes it, `models/README.md` is its card."""
    return orjson.loads((FOLDER / f"{name}.json").read_bytes())
