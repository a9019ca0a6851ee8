"""Figures of a call that stand in its span events are read as if they were the span's own attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector.dialects.genai import BASE, usage_class
from collector.dialects.table import Dialect

#: Listed names by which any event gives itself away as one that tells usage, and the other names that it may tell beside.
_USAGE = frozenset(n for names in BASE.usage.values() for n in names) | frozenset(BASE.usage_objects)
_BESIDE = frozenset(n for field in ("model", "response_id", "finish_reason") for n in BASE.fields[field])


def lift(attributes: dict[str, Any], events: Sequence[tuple[str, int, dict[str, Any]]], dialect: Dialect) -> bool:
    """Add to ``attributes`` what events tell that it lacks; True when anything was added.

    Events that the dialect calls its own give all; others only where they tell usage, and then usage and what names the answer.
    Of several that tell the same, the last one counts: running figures end with the whole.
    """
    found: dict[str, Any] = {}
    for name, _, told in events:
        if name in dialect.own_events:
            found.update(told)
        elif counts := [n for n in told if n in _USAGE or usage_class(n)]:
            found.update((n, told[n]) for n in (*counts, *_BESIDE.intersection(told)))
    new = {n: v for n, v in found.items() if n not in attributes}
    attributes.update(new)
    return bool(new)
