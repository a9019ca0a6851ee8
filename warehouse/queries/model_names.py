"""Whether a call was answered by another model than it asked for: names as providers, gateways and clouds write them, compared."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parents[1] / "sql" / "measures"


def switched(asked: str, answered: str) -> str:
    """An SQL condition over two columns of model names; an alias and its dated snapshot, or two spellings of a name, are one model."""
    names = {f"{side}_name": _fill("_model_name", model=column) for side, column in (("asked", asked), ("answered", answered))}
    aliases = {f"{side}_alias": _fill("_model_snapshot", name=f"{side}_") for side in ("asked", "answered")}
    return _fill("_model_switch", asked=asked, answered=answered, **names, **aliases)


def _fill(file: str, **parts: str) -> str:
    return Template(_text(file)).substitute(parts)


@cache
def _text(file: str) -> str:
    """The expression, on one line, without its comment."""
    lines = (_FOLDER / f"{file}.sql").read_text(encoding="utf8").splitlines()
    return " ".join(line.strip() for line in lines if not line.startswith("--"))
