"""Prototypes: what the spans of one instrumentation say again and again is understood once, then copied.

Spans of one shape differ in ids, times, token counts, people and text; their name, status, models, server, finish reason and routes
come in few combinations. A prototype is the span made of such a combination, by the same code that would make it anew.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any

from spanledger.model import Span, Usage

if TYPE_CHECKING:
    from collector.canonical import Raw
    from collector.plans import Shape

_MAX = 256  # combinations kept for a shape
_PATIENCE = 2_000  # looks after which it is judged whether a shape's combinations repeat


class Prototypes:
    """The prototypes of one shape. Not shared between threads.

    ``worth``: combinations repeat. ``with_attrs``: the other attributes that are kept belong to them; given up where these differ from
    span to span. Where even the rest does not repeat, every span is made anew.
    """

    __slots__ = ("_found", "_known", "_looks", "_names", "with_attrs", "worth")

    def __init__(self, repeating: tuple[str, ...], kept: tuple[str, ...]) -> None:
        self._known: dict[Any, Span] = {}
        self._looks = self._found = 0
        self.worth = self.with_attrs = True
        self._names = repeating, (*repeating, *kept)

    @property
    def names(self) -> frozenset[str]:
        """The attributes that a combination is made of."""
        return frozenset(self._names[True])

    def span(self, raw: Raw, shape: Shape, usage: Usage | None, make: Callable[[Raw, Shape, Usage | None], Span]) -> Span:
        """A new span with everything that ``make`` reads of name, status, repeating attributes and presence of usage."""
        if not self.worth:
            return make(raw, shape, usage)
        attributes = raw.attributes
        values = [attributes[n] for n in self._names[self.with_attrs]]
        key = (raw.name, raw.status, usage if usage is None else usage.empty, *map(_frozen, values), *map(type, values))
        self._looks += 1
        try:
            known = self._known.get(key)
        except TypeError:  # a value that has no hash: a structure
            return make(raw, shape, usage)
        if known is None:
            known = make(raw, shape, usage)
            known.usage = None
            self._remember(key, known)
        else:
            self._found += 1
        span = copy(known)
        span.own = known.own.copy()
        if known.attrs:
            span.attrs = known.attrs.copy()
        return span

    def _remember(self, key: Any, span: Span) -> None:
        if self._looks > _PATIENCE and self._found < self._looks // 2:
            self.worth, self.with_attrs = self.with_attrs, False
            self._looks = self._found = 0
            self._known.clear()
        elif len(self._known) < _MAX:
            self._known[key] = span
        else:
            self._known.clear()


def _frozen(value: Any) -> Any:
    return (*value, *map(type, value)) if type(value) is list else value
