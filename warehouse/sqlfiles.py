"""The SQL files of this room by name: ``sql("spend")`` is the text of ``sql/queries/spend.sql``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

QUERIES = Path(__file__).parent / "sql" / "queries"
_COMMENT = re.compile(r"\s*(?<!\S)--( .*|)$", re.M)


@cache
def sql(name: str) -> str:
    """Text of ``sql/queries/<name>.sql`` without its comments; raises ``FileNotFoundError`` for a name that does not exist."""
    text = (QUERIES / f"{name}.sql").read_text(encoding="utf8")
    return _COMMENT.sub("", text).strip() + "\n"
