"""Stencils: plain calls of one source, read without being understood again.

Calls that one instrumentation of one service sends differ in ids, times, counts, people and text; all else comes byte for byte in a few
dozen combinations. The first span of each is read in the ordinary way and becomes a stencil; of the others only what varies is read
(:class:`Stamp`). Whatever is out of the ordinary is no stamp and goes the ordinary way, which is also the definition of what a stamp
says (:func:`record`, held to it by a property test).
"""

from __future__ import annotations

from copy import copy
from typing import NamedTuple

from collector.canonical import Source
from collector.rows import tenant_of
from spanledger.model import Content, Message, Span, Usage

#: Identity that a span says of itself and that varies within a stencil.
PEOPLE = ("user", "session")


class Model:
    """What spans of one combination say, whoever sends them."""

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span = model = copy(span)
        model.own = {field: value for field, value in span.own.items() if field not in PEOPLE}
        model.attrs = span.attrs.copy()
        model.trace_id = model.span_id = model.parent_id = b""
        model.start_ns = model.end_ns = 0
        model.usage, model.response_id, model.request_id = None, "", ""


class Stencil:
    """What the stamps of one combination and source have in common. ``span``: all of it, without what varies; never changed."""

    __slots__ = ("app", "span", "tenant")

    def __init__(self, model: Span, source: Source) -> None:
        self.span = span = copy(model)
        span.project, span.service, span.inherited = source.project, source.service, source.inherited.copy()
        self.tenant = tenant_of(span)
        self.app = span.own.get("app") or span.inherited.get("app") or ""


class Stamp(NamedTuple):
    """A plain call: a stencil and what varies. ``messages`` and ``response`` are its whole content."""

    stencil: Stencil
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    start_ns: int
    end_ns: int
    usage: Usage
    response_id: str
    request_id: str
    user: str
    session: str
    messages: list[Message]
    response: str


def record(stamp: Stamp) -> tuple[Span, Content]:
    """The canonical span and text of a stamp, as the ordinary way makes them."""
    known = stamp.stencil.span
    span = copy(known)
    span.own, span.inherited, span.attrs = known.own.copy(), known.inherited.copy(), known.attrs.copy()
    span.trace_id, span.span_id, span.parent_id = stamp.trace_id, stamp.span_id, stamp.parent_id
    span.start_ns, span.end_ns, span.usage = stamp.start_ns, stamp.end_ns, stamp.usage
    span.response_id, span.request_id = stamp.response_id, stamp.request_id
    if stamp.user:
        span.own["user"] = stamp.user
    if stamp.session:
        span.own["session"] = stamp.session
    return span, Content(messages=stamp.messages, response=stamp.response)
