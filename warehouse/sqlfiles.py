"""The SQL files of this room by name: ``sql("spend")`` is the text of ``sql/queries/spend.sql``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_QUERIES = Path(__file__).parent / "sql" / "queries"


@cache
def sql(name: str) -> str:
    """Text of ``sql/queries/<name>.sql``; raises ``FileNotFoundError`` for a name that does not exist."""
    return (_QUERIES / f"{name}.sql").read_text(encoding="utf8")
