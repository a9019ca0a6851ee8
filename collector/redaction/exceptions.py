"""What an organisation wants left alone: whole classes, and values that are nobody's secret."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import re2

from collector.redaction.matching import Span
from collector.redaction.placeholders import DIGITS
from collector.redaction.rules import Rule
from spanledger.errors import ConfigError

_LONGEST = 256  # bytes of an allowed value, and how far around a find one is looked for


class Exceptions:
    """Finds that stay as they are.

    Args:
        own: the built-in rules, whose classes may be disabled.
        disable: classes, such as ``IP_ADDRESS``.
        allow: values, whatever their case, or linear-time patterns between slashes: ``/[a-z]+@status\\.example\\.org/``. A find
            stays if it lies within such a value; one that goes beyond it (``support@example.org.evil.net``) does not.

    Raises:
        ConfigError: no such class, or no such pattern.
    """

    def __init__(self, own: Sequence[Rule] = (), disable: Sequence[str] = (), allow: Sequence[str] = ()) -> None:
        known = {rule.class_name for rule in own} - {"VIEW"} | {"CREDIT_CARD"}
        unknown = sorted(set(disable) - known)
        if unknown:
            raise ConfigError(f"redaction.disable: no class {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        self._disabled = frozenset(disable)
        if {"CREDIT_CARD"} | {rule.class_name for rule in own if "number" in (rule.kind, rule.handler)} <= self._disabled:
            self._disabled |= {DIGITS}  # nothing that they may be is wanted
        self._allowed: Any = _pattern(allow) if allow else None

    def without(self, b: bytes, starts: Sequence[int], ends: Sequence[int], found: list[Span]) -> list[Span]:
        """The finds that do not stay; ``starts`` and ``ends`` are of the texts in ``b``."""
        if self._disabled:
            found = [span for span in found if span[2] not in self._disabled]
        if self._allowed is not None and found:
            found = [span for span in found if not self._within(b, starts, ends, span)]
        return found

    def _within(self, b: bytes, starts: Sequence[int], ends: Sequence[int], span: Span) -> bool:
        i = bisect_right(starts, span[0]) - 1
        first, last = max(starts[i], span[0] - _LONGEST), min(ends[i], span[1] + _LONGEST)
        return any(first + m.start() <= span[0] and span[1] <= first + m.end() for m in self._allowed.finditer(b[first:last]))


def _pattern(allow: Sequence[str]) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    parts: list[str] = []
    for value in sorted(allow, key=len, reverse=True):
        pattern = value[1:-1] if len(value) > 2 and value[0] == value[-1] == "/" else re.escape(value)
        try:
            empty = re2.compile(pattern.encode(), options).search(b"")
        except re2.error as exc:
            raise ConfigError(f"redaction.allow: {value!r} is not a linear-time pattern: {exc}") from exc
        if not value.strip() or empty:
            raise ConfigError(f"redaction.allow: {value!r} would allow everything")
        if len(value.encode()) > _LONGEST:
            raise ConfigError(f"redaction.allow: {value[:40]!r}… is longer than {_LONGEST} bytes")
        parts.append(f"(?:{pattern})")
    return re2.compile("|".join(parts).encode(), options)
