"""Which functions a reader may call: ``functions.txt``, with aliases and aggregate combinators resolved."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

#: Part of the language rather than of ``system.functions``.
SYNTAX = frozenset({"lambda", "grouping", "exists", "notExists", "interval", "all", "untuple"})

TABLE_FUNCTIONS = frozenset({"numbers", "numbers_mt", "zeros", "zeros_mt", "generate_series", "generateSeries", "values"})

#: Their first argument names an aggregate function.
BY_NAME = frozenset({"arrayReduce", "arrayReduceInRanges", "initializeAggregation"})

_COMBINATOR = re.compile(r"(If|Array|Map|SimpleState|State|MergeState|Merge|ForEach|Distinct|OrDefault|OrNull|Resample|ArgMin|ArgMax)$")


@cache
def reviewed() -> dict[str, str]:
    """Allowed functions: name -> category."""
    found: dict[str, str] = {}
    category = ""
    for line in (resources.files("warehouse.endpoint") / "functions.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            category = line.strip("[]")
        elif not line.startswith("#"):
            found.update(dict.fromkeys(line.split(), category))
    return found


class Functions:
    """The allow-list as one engine names it.

    Args:
        known: rows of ``system.functions``: name, alias_to (or empty), case_insensitive.
    """

    def __init__(self, known: Iterable[tuple[str, str, bool]]) -> None:
        self._known: dict[str, str] = {}
        self._folded: dict[str, str] = {}
        for name, alias_to, case_insensitive in known:
            self._known[name] = alias_to or name
            if case_insensitive:
                self._folded[name.lower()] = alias_to or name
        self._aggregates = {n for n, category in reviewed().items() if category == "Aggregate Functions"}

    def resolve(self, written: str) -> str | None:
        """The engine's own name of a function as written in SQL, ``None`` if there is none (combinators not considered)."""
        return self._known.get(written) or self._folded.get(written.lower())

    def allowed(self, written: str) -> bool:
        """Whether a reader may call the function that ``written`` names."""
        if written in SYNTAX:
            return True
        name = self.resolve(written)
        if name is not None:
            return name in reviewed()
        return self.allowed_aggregate(written)

    def allowed_aggregate(self, written: str) -> bool:
        """Whether ``written`` is an allowed aggregate function, combinators included (``sumIf``, ``uniqMergeIf``)."""
        base = written
        while (name := self.resolve(base)) is None:
            shorter = _COMBINATOR.sub("", base)
            if shorter == base:
                return False
            base = shorter
        return name in self._aggregates

    def forbidden_reference(self, identifier: str) -> bool:
        """Whether a bare identifier names a function that is not allowed: ``arrayMap(file, …)`` calls it by name."""
        return "." not in identifier and self.resolve(identifier) is not None and not self.allowed(identifier)
