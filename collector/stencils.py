"""Stencils: plain calls of one source, read without being understood again.

Calls that one instrumentation of one service sends differ in ids, times, counts, people and text; all else comes byte for byte in a few
dozen combinations. The first span of each is read in the ordinary way and becomes a stencil; of the others only what varies is read
(:class:`Stamp`). Whatever is out of the ordinary (events, errors, odd values, content of another shape) is no stamp: it goes the ordinary
way, which is also the definition of what a stamp says (:func:`record`, held to it by a property test).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import copy
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from msgspec.structs import astuple

from collector import outcomes, wire
from collector.callers import NOTHING
from collector.canonical import Raw, Source, usage_of
from collector.messages import plain_answer, plain_turns
from collector.rows import tenant_of
from collector.values import MAX_PARSED_BYTES
from spanledger.model import Content, Message, Span, Usage

if TYPE_CHECKING:
    from collector.plans import Shape

_MAX = 10_000  # stencils, models and sources kept
_PATIENCE = 500  # combinations of a source after which it is judged whether they repeat
_MAX_NAMES, _MAX_BYTES = 128, 4_096  # of a combination: attributes, bytes of those that repeat
_LAYOUTS = 4  # kept of one source and number of attributes
_MAX_COUNT = 0xFFFFFFFF
_ZERO_TRACE, _ZERO_SPAN = bytes(16), bytes(8)
_FIELDS = frozenset({"response_id", "request_id"})  # that vary and are read as they are
_ROLES = frozenset({"user", "assistant", "system", "tool"})  # others are words of the sender, to be redacted the ordinary way
_PEOPLE = frozenset({"user", "session"})
_ERRORS = frozenset({"error.message", "error.stack_trace", "litellm.provider.error.stack_trace"})
_DIALOGUE = {"input", "output"}
_COUNTS = frozenset({"input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "total"})
_OUTPUT = "gen_ai.output.messages"  # the one output that holds neither usage nor an id of its own


class _Model:
    """What spans of one combination say, whoever sends them."""

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span = model = copy(span)
        model.own = {field: value for field, value in span.own.items() if field not in _PEOPLE}
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


class _Layout:
    """The attributes of spans that have the same names in the same order: which repeat, and which vary."""

    __slots__ = ("known", "names", "repeating", "skipped", "texts", "usage", "varying")

    def __init__(self, shape: Shape, names: Sequence[str]) -> None:
        at = {name: i for i, name in enumerate(names)}
        told = [(field, name) for field, name, _ in shape.varying_fields]
        told += [(field, pairs[0][0]) for field, pairs in shape.varying_identity]
        told += shape.usage
        self.names, self.varying = tuple(names), tuple((at[name], field, name) for field, name in told)
        texts = (shape.content["input"][0], _OUTPUT)
        self.texts = tuple((at[name], wire.opening(name)) for name in texts)
        looked_at, varying = shape.prototypes.names, {*texts, *(name for _, name in told)}
        self.repeating: Callable[[Sequence[bytes]], Any] = itemgetter(*(at[n] for n in names if n in looked_at))
        self.skipped = tuple((at[n], wire.opening(n)) for n in names if n not in looked_at and n not in varying)
        self.usage = _plain_usage if {field for field, _ in shape.usage} == {"input", "output"} else _usage_by(shape)
        self.known: dict[Any, _Model] = {}

    def model(self, s: Any, raws: Sequence[bytes]) -> _Model | None:
        """What spans with these attributes have in common."""
        return self.known.get((s.name, s.kind, s.status.code, *self.repeating(raws)))

    def remember(self, s: Any, raws: Sequence[bytes], span: Span) -> bool:
        """Spans with the same repeating attributes say the same as this one; is that new?"""
        key = (s.name, s.kind, s.status.code, *self.repeating(raws))
        return self.known.setdefault(key, model := _Model(span)) is model


class Stencils:
    """The stencils of one source: what those of its scope say, under its own name. Not shared between threads."""

    def __init__(self, source: Source, layouts: dict[int, list[_Layout]], grown: Callable[[], None]) -> None:
        self._source, self._layouts, self._grown = source, layouts, grown
        self._own: dict[_Model, Stencil] = {}
        self._worth = _PEOPLE.isdisjoint(source.inherited)  # whom a resource names is hashed by each span's time
        self._learned = self._found = 0

    def stamp(self, s: Any) -> Stamp | None:
        """What a span says, if it is of a known stencil and in order (``s``: a ``wire`` span)."""
        raws = s.attributes
        layouts = self._layouts.get(len(raws))
        if layouts is None or not self._worth:
            return None
        raws = list(raws)
        for layout in layouts:
            model = layout.model(s, raws)
            if model is not None:
                self._found += 1
                stencil = self._own.get(model)
                if stencil is None:
                    stencil = self._own[model] = Stencil(model.span, self._source)
                    self._grown()
                return _stamp(s, raws, layout, stencil)
        return None

    def learn(self, s: Any, raw: Raw, shape: Shape, span: Span) -> None:
        """A span has been read in the ordinary way: keep what others may share. A source whose combinations do not repeat is given up."""
        if not (self._worth and _may_be(span) and may_stencil(shape) and _in_order(s) and shape.prototypes.with_attrs):
            return
        names, raws = tuple(raw.attributes), list(s.attributes)
        if len(raws) != len(names) or len(names) > _MAX_NAMES or not _ERRORS.isdisjoint(names):
            return  # a name twice, or a value that says nothing
        layouts = self._layouts.setdefault(len(names), [])
        layout = next((known for known in layouts if known.names == names), None)
        if layout is None:
            if len(layouts) >= _LAYOUTS:
                return
            layouts.append(layout := _Layout(shape, names))
        if sum(map(len, layout.repeating(raws))) <= _MAX_BYTES and layout.remember(s, raws, span):
            self._grown()
            self._learned += 1
            self._worth = self._learned < _PATIENCE or self._found > self._learned


class Sources:
    """The stencils of every source, bounded: all are forgotten when there are too many."""

    def __init__(self) -> None:
        self._known: dict[Any, Stencils] = {}
        self._scopes: dict[str, dict[int, list[_Layout]]] = {}
        self._size = 0

    def of(self, source: Source) -> Stencils:
        """Those of one source."""
        key = (source.project, source.service, source.scope, tuple(source.inherited.items()))
        found = self._known.get(key)
        if found is None:
            self._grown()
            found = self._known[key] = Stencils(source, self._scopes.setdefault(source.scope, {}), self._grown)
        return found

    def _grown(self) -> None:
        self._size += 1
        if self._size > _MAX:
            self._known, self._scopes, self._size = {}, {}, 1


def may_stencil(shape: Shape) -> bool:
    """Do these attribute names leave nothing that only the ordinary way reads?"""
    dialect, content = shape.dialect, shape.content
    return (
        shape.genai and dialect.refine is None and dialect.text is None and not dialect.loses_context and not shape.link and not shape.own_biz
        and not shape.usage_objects and not shape.exclusive_for and bool(shape.usage) and _COUNTS.issuperset(field for field, _ in shape.usage)
        and content.keys() == _DIALOGUE and len(set(content["input"])) == 1 and set(content["output"]) == {_OUTPUT}
        and len(shape.prototypes.names) > 1 and _FIELDS.issuperset(told := {field for field, _, _ in shape.varying_fields}) and "response_id" in told
        and all(field in _PEOPLE and not pairs[0][1] for field, pairs in shape.varying_identity)
    )  # fmt: skip


def _may_be(span: Span) -> bool:
    """A call in order: all that hangs on more than its repeating attributes is as it nearly always is."""
    return (
        span.role == "call" and span.usage is not None and not span.usage.empty and bool(span.response_id) and bool(span.finish_reason)
        and span.outcome != "cancelled" and not span.safety and span.status != "error" and not span.cache_hit and span.billed is None
        and span.cost_usd is None and not span.gateway_agent and not span.biz and span.sampling_ratio == 1.0
        and span.kind not in ("embedding", "tool", "retriever")
    )  # fmt: skip


def _in_order(s: Any) -> bool:
    return not (s.events or s.trace_state or s.status.message)


def _stamp(s: Any, raws: Sequence[bytes], layout: _Layout, stencil: Stencil) -> Stamp | None:
    trace_id, span_id, parent_id, start = s.trace_id, s.span_id, s.parent_span_id, s.start_time_unix_nano
    if (
        len(trace_id) != 16 or trace_id == _ZERO_TRACE or len(span_id) != 8 or span_id == _ZERO_SPAN or not 0 < start < 1 << 62
        or s.events or s.trace_state or s.status.message
    ):  # fmt: skip
        return None
    if parent_id == _ZERO_SPAN:
        parent_id = b""
    elif parent_id and len(parent_id) != 8:
        return None
    for i, opening in layout.skipped:
        if not raws[i].startswith(opening) or raws[i][len(opening) :] in wire.EMPTY:  # another attribute, or one without a value
            return None
    told: dict[str, Any] = {}
    for i, field, name in layout.varying:
        found = wire.pair(raws[i])
        if found is None or found[0] != name:
            return None
        told[field] = found[1]
    usage = layout.usage(told)
    response_id, request_id, user, session = told["response_id"], told.get("request_id", ""), told.get("user", ""), told.get("session", "")
    if usage is None or not _id(response_id) or (request_id and not _id(request_id)) or not _name(user) or not _name(session):
        return None
    (i, asking), (k, answering) = layout.texts
    asked, output = _text(raws[i], asking), _text(raws[k], answering)
    messages, answered = plain_turns(_json(asked)), plain_answer(_json(output))
    if not messages or answered is None or not answered[0] or output is None or _withheld(output) or not any(map(_text_of, messages)):
        return None
    if not _ROLES.issuperset(map(_role_of, messages)):
        return None
    end = s.end_time_unix_nano
    if end >= 1 << 62:
        return None
    end = end if end > start else start
    return Stamp(stencil, trace_id, span_id, parent_id, start, end, usage, response_id, request_id, user, session, messages, answered[0])


_text_of, _role_of = attrgetter("text"), attrgetter("role")


def _text(raw: bytes, opening: bytes) -> bytes | None:
    return wire.text_bytes(raw, len(opening)) if raw.startswith(opening) else None


def _json(text: bytes | None) -> Any:
    """The list that a text is, else None."""
    if text is None or len(text) > MAX_PARSED_BYTES:
        return None
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if type(found) is list else None


def _withheld(output: bytes) -> bool:
    if b"refusal" in output or b"filtered" in output or b"lock" in output:
        return bool(outcomes.withheld(output.decode()))
    return False


def _id(value: Any) -> bool:
    """An identifier that is taken as it is, and stands in JSON as it is."""
    return type(value) is str and _ID(value) is not None


def _name(value: Any) -> bool:
    """Absent, or a name that identity takes as it is (others take the ordinary way)."""
    return value == "" or (type(value) is str and _NAME(value) is not None and value not in NOTHING)


_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:/+=-]{0,199}").fullmatch
_NAME = re.compile(r"[0-9A-Za-z][!-~]{0,62}").fullmatch


def _plain_usage(told: dict[str, Any]) -> Usage | None:
    """Of spans that tell input and output alone."""
    given, out = told["input"], told["output"]
    if type(given) is int and type(out) is int and 0 <= given <= _MAX_COUNT and 0 <= out <= _MAX_COUNT and (given or out):
        return Usage(input=given, output=out)
    return None


def _usage_by(shape: Shape) -> Callable[[dict[str, Any]], Usage | None]:
    def usage(told: dict[str, Any]) -> Usage | None:
        found = usage_of(shape, {name: told[field] for field, name in shape.usage})
        if found is None or found.empty or (found.reasoning and found.cache_read is None):
            return None
        return found if max(filter(None, astuple(found))) <= _MAX_COUNT else None

    return usage
