"""What a dialect is: a declarative table from one convention's wire names to the canonical span."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from spanledger.model import Content, Span

#: canonical field -> attribute names, the first one present wins
Names = Mapping[str, tuple[str, ...]]

#: Called last for the few things a table cannot say: (span, all attributes) -> None, changes the span.
Refine = Callable[[Span, Mapping[str, Any]], None]

#: What a log event is: it tells a call, a failed call, a tool's work, an evaluation, or text of a span.
Tells = Literal["call", "failure", "tool", "evaluation", "content"]


@dataclass(frozen=True, slots=True)
class Event:
    """A log event worth keeping. Without the attributes of ``needs`` and the values of ``only``, a record of this name is noise."""

    tells: Tells
    needs: tuple[str, ...] = ()
    only: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """One convention. Every mapping is tried before the common one (``genai.BASE``), which stays as fallback.

    ``scopes`` and the other scope lists are exact names, or prefixes when they end in ``*``. ``marks`` are attribute names
    (or prefixes) by which the dialect is known under a foreign scope. ``kinds`` are pairs of an attribute (or ``name``, the
    span's name or its first word) and a map from its lower-case value to a canonical kind.
    """

    name: str
    scopes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    fields: Names = field(default_factory=dict)
    usage: Names = field(default_factory=dict)
    usage_objects: tuple[str, ...] = ()  # attributes that hold a whole usage object (JSON or Python repr), best first
    usage_objects_first: bool = False  # the object rules over single attributes
    content: Names = field(default_factory=dict)
    kinds: tuple[tuple[str, Mapping[str, str]], ...] = ()
    default_kind: str = ""  # for spans of this dialect's scopes that tell nothing else
    aggregate_rule: Literal["sum", "cumulative", "last", "unknown"] = "sum"
    authority: int = 1
    authorities: Mapping[str, int] = field(default_factory=dict)  # scope -> authority, where the dialect has several
    exclusive_input: tuple[str, ...] = ()  # scopes whose input count leaves cached tokens out
    exclusive_for: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # scope -> providers for which it does (what they say is passed on)
    exclusive_output: tuple[str, ...] = ()  # scopes whose output count leaves reasoning out
    estimators: tuple[str, ...] = ()  # scopes that count the tokens of streams themselves, unmarked
    miscounters: tuple[str, ...] = ()  # scopes whose counts of streams are off a little: whoever else tells the call knows better
    keep_names: tuple[str, ...] | None = None  # noisy senders: only spans of these names (or with usage) are kept
    link: tuple[str, ...] = ()  # attributes that hold an agent's session, shared by its logs and spans
    events: Mapping[str, Event] = field(default_factory=dict)  # log event name -> what it is
    metrics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # metric -> its ``type`` value -> usage class
    loses_context: bool = False  # its spans may stand in a trace of their own, away from the request that they served
    strays: tuple[str, ...] = ()  # scopes that often tell a call outside the trace in which another instrumentation tells it
    headers: tuple[str, ...] = ()  # the request's own headers: their ``traceparent`` tells whether a telling stands around it in another trace
    own_events: tuple[str, ...] = ()  # span events whose attributes are read as the span's own
    refine: Refine | None = None
    text: Callable[[Content, Span, Mapping[str, Any]], None] | None = None  # content that a table cannot say


def matches(patterns: tuple[str, ...], scope: str) -> bool:
    """Is ``scope`` named by one of the patterns (exact, or prefix with ``*``)?"""
    return any(scope.startswith(p[:-1]) if p.endswith("*") else scope == p for p in patterns)
