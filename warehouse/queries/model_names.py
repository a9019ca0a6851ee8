"""Whether a call was answered by another model than it asked for: names as providers, gateways and clouds write them, compared."""

from __future__ import annotations

from string import Template

from warehouse.sqlfiles import measure


def switched(asked: str, answered: str) -> str:
    """An SQL condition over two columns of model names; an alias and its dated snapshot, or two spellings of a name, are one model."""
    names = {f"{side}_name": _fill("_model_name", model=column) for side, column in (("asked", asked), ("answered", answered))}
    aliases = {f"{side}_alias": _fill("_model_snapshot", name=f"{side}_") for side in ("asked", "answered")}
    return _fill("_model_switch", asked=asked, answered=answered, **names, **aliases)


def _fill(file: str, **parts: str) -> str:
    return Template(measure(file)).substitute(parts)
