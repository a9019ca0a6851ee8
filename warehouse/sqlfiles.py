"""The SQL files of this room by name: ``sql("spend")`` is the text of ``sql/queries/spend.sql``, ``measure("_model_name")`` an expression."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

QUERIES = Path(__file__).parent / "sql" / "queries"
MEASURES = Path(__file__).parent / "sql" / "measures"
_COMMENT = re.compile(r"\s*(?<!\S)--( .*|)$", re.M)


@cache
def sql(name: str) -> str:
    """Text of ``sql/queries/<name>.sql`` without its comments; raises ``FileNotFoundError`` for a name that does not exist."""
    text = (QUERIES / f"{name}.sql").read_text(encoding="utf8")
    return _COMMENT.sub("", text).strip() + "\n"


@cache
def measure(name: str) -> str:
    """The one expression of ``sql/measures/<name>.sql``, on one line, without its comment."""
    lines = (MEASURES / f"{name}.sql").read_text(encoding="utf8").splitlines()
    return " ".join(line.strip() for line in lines if not line.startswith("--"))
