"""Layouts: spans of one scope with the same fields and attribute names in the same order, read in step (:mod:`collector.alike`).

Of hundreds of spans it is told by the bytes of what repeats which combination each is of, and only what varies is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import astuple

from collector.alike import ATTRIBUTE, Alike, Which
from collector.callers import NOTHING
from collector.canonical import Raw, usage_of
from collector.plain_texts import Answers, Turns
from collector.stencils import PEOPLE, Model, Stamp, Stencil
from spanledger.model import Span, Usage

if TYPE_CHECKING:
    from collector.plans import Shape

Key = tuple[bytes, ...]

_MAX_NAMES, _MAX_BYTES = 128, 4_096  # of a combination: attributes, bytes of those that repeat
_MAX_COUNT, _MAX_TIME = 0xFFFFFFFF, 1 << 62
_ZERO_TRACE, _ZERO_SPAN = bytes(16), bytes(8)
# tags of OTLP's Span
_TRACE, _SPAN, _STATE, _PARENT, _NAME = 0x0A, 0x12, 0x1A, 0x22, 0x2A
_KIND, _START, _END, _EVENT, _STATUS = 0x30, 0x39, 0x41, 0x5A, 0x7A
_REPEATING = frozenset({_NAME, _KIND, _STATUS})
_IDS = ("response_id", "request_id")  # that vary and are read as they are
_ERRORS = frozenset({"error.message", "error.stack_trace", "litellm.provider.error.stack_trace"})
_DIALOGUE = {"input", "output"}
_COUNTS = frozenset({"input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "total"})
_OUTPUT = "gen_ai.output.messages"  # the one output that holds neither usage nor an id of its own


def layout_of(shape: Shape, group: Alike, names: tuple[str, ...]) -> Layout | None:
    """The layout of spans with these attributes; None where they hold what only the ordinary way reads."""
    tags = group.tags
    if len(names) > _MAX_NAMES or len(names) != tags.count(ATTRIBUTE) or not _ERRORS.isdisjoint(names) or not _may_stencil(shape):
        return None
    if _STATE in tags or _EVENT in tags or any(tags.count(tag) != 1 for tag in (_TRACE, _SPAN, _START)):
        return None
    return None if any(tags.count(tag) > 1 for tag in (_PARENT, _END, *_REPEATING)) else Layout(shape, group, names)


class Layout:
    """Which attributes of such spans repeat, and which vary. ``known``: the combinations met."""

    def __init__(self, shape: Shape, group: Alike, names: tuple[str, ...]) -> None:
        tags = group.tags
        at = dict(zip(names, (i for i, tag in enumerate(tags) if tag == ATTRIBUTE), strict=True))
        self.names, self.known = names, dict[Key, Model]()
        self._trace, self._span, self._start = tags.index(_TRACE), tags.index(_SPAN), tags.index(_START)
        self._parent, self._end = (tags.index(tag) if tag in tags else -1 for tag in (_PARENT, _END))
        words = [(field, name) for field, name, _ in shape.varying_fields] + [(field, pairs[0][0]) for field, pairs in shape.varying_identity]
        asking = shape.content["input"][0]
        self._words = {field: at[name] for field, name in words}
        self._counts, self._usage = {field: at[name] for field, name in shape.usage}, _usage_by(shape)
        self._asking, self._answering = (at[asking], Turns()), (at[_OUTPUT], Answers())
        looked_at, varying = shape.prototypes.names, {asking, _OUTPUT, *(name for _, name in (*words, *shape.usage))}
        self._runs = _runs([i for i, tag in enumerate(tags) if tag in _REPEATING] + [at[n] for n in names if n in looked_at])
        self._skipped = [at[n] for n in names if n not in looked_at and n not in varying]

    def keys(self, group: Alike) -> list[Key]:
        """What decides of each span which model it is like: all that repeats, as it came."""
        return list(zip(*(group.bytes_of(first, last) for first, last in self._runs), strict=True))

    def learn(self, key: Key, raw: Raw, shape: Shape, span: Span) -> bool:
        """A span has been read in the ordinary way: spans with the same key say the same, if it is in order. Is it?"""
        fits = _may_be(span) and not raw.status_message and shape.prototypes.with_attrs and tuple(raw.attributes) == self.names
        if fits and sum(map(len, key)) <= _MAX_BYTES:
            self.known[key] = Model(span)
            return True
        return False

    def stamps(self, group: Alike, stencils: Sequence[Stencil]) -> tuple[list[Stamp], list[int]]:
        """Stamps of those of the spans that are in order, each of its stencil; which these are."""
        start = group.fixed(self._start)
        end = np.maximum(group.fixed(self._end), start) if self._end >= 0 else start
        counts = {field: group.ints(i) for field, i in self._counts.items()}
        texts = {field: group.texts(i) for field, i in self._words.items()}
        prompts, answers = group.texts(self._asking[0]), group.texts(self._answering[0])
        fits = self._plain(group) & (start > 0) & (end < _MAX_TIME)
        for column in counts.values():
            fits &= column >= 0
        for begin, close in (*texts.values(), prompts, answers):
            fits &= (begin >= 0) & (begin < close)
        rows = np.flatnonzero(fits)
        told = {field: group.latin(begin[rows], close[rows]) for field, (begin, close) in texts.items()}
        parents = group.payloads(self._parent, rows) if self._parent >= 0 else [b""] * len(rows)
        if _ZERO_SPAN in parents:
            parents = [b"" if parent == _ZERO_SPAN else parent for parent in parents]
        nothing = [""] * len(rows)
        at = rows.tolist()
        columns = (
            [stencils[i] for i in at], group.payloads(self._trace, rows), group.payloads(self._span, rows), parents, start[rows].tolist(),
            end[rows].tolist(), self._usage({field: column[rows].tolist() for field, column in counts.items()}),
            *(told.get(field, nothing) for field in (*_IDS, *PEOPLE)),
            self._asking[1].of(group.slices(*(column[rows] for column in prompts))),
            self._answering[1].of(group.slices(*(column[rows] for column in answers))),
        )  # fmt: skip
        taken = [
            trace != _ZERO_TRACE and span != _ZERO_SPAN and usage is not None and turns is not None and answer != ""
            for trace, span, usage, turns, answer in zip(columns[1], columns[2], columns[6], columns[-2], columns[-1], strict=True)
        ]
        for field, values in told.items():
            if not all(map(_ID, values) if field in _IDS else map(_name, values)):
                taken = [fit and bool(_ID(value) if field in _IDS else _name(value)) for fit, value in zip(taken, values, strict=True)]
        made = map(_made, zip(*columns, strict=True))
        return (list(made), at) if all(taken) else (list(compress(made, taken)), list(compress(at, taken)))

    def _plain(self, group: Alike) -> Which:
        """Ids of the right length, and a value in every attribute that is not read."""
        fits = (group.sizes(self._trace) == 16) & (group.sizes(self._span) == 8)
        if self._parent >= 0:
            fits &= group.sizes(self._parent) == 8
        for field in self._skipped:
            fits &= ~group.blank(field)
        return fits


_made = partial(tuple.__new__, Stamp)


def _runs(fields: list[int]) -> list[tuple[int, int]]:
    """Fields that follow each other, as first and last."""
    runs: list[tuple[int, int]] = []
    for field in sorted(fields):
        if runs and runs[-1][1] == field - 1:
            runs[-1] = runs[-1][0], field
        else:
            runs.append((field, field))
    return runs


def _may_stencil(shape: Shape) -> bool:
    """Do these attribute names leave nothing that only the ordinary way reads?"""
    dialect, content = shape.dialect, shape.content
    return (
        shape.genai and dialect.refine is None and dialect.text is None and not dialect.loses_context
        and (shape.authority == 2 or not shape.strays) and not shape.link and not shape.own_biz
        and not shape.usage_objects and not shape.exclusive_for and bool(shape.usage) and _COUNTS.issuperset(field for field, _ in shape.usage)
        and content.keys() == _DIALOGUE and len(set(content["input"])) == 1 and set(content["output"]) == {_OUTPUT}
        and len(shape.prototypes.names) > 1 and set(_IDS).issuperset(told := {field for field, _, _ in shape.varying_fields})
        and "response_id" in told
        and all(field in PEOPLE and not pairs[0][1] for field, pairs in shape.varying_identity)
    )  # fmt: skip


def _may_be(span: Span) -> bool:
    """A call in order: all that hangs on more than its repeating attributes is as it nearly always is."""
    return (
        span.role == "call" and span.usage is not None and not span.usage.empty and bool(span.response_id) and bool(span.finish_reason)
        and span.outcome != "cancelled" and not span.safety and span.status != "error" and not span.cache_hit and span.billed is None
        and span.cost_usd is None and not span.gateway_agent and not span.biz and span.sampling_ratio == 1.0
        and span.kind not in ("embedding", "tool", "retriever") and not span.link
    )  # fmt: skip


def _name(value: str) -> bool:
    """A name that identity takes as it is (others take the ordinary way)."""
    return _PLAIN_NAME(value) is not None and value not in NOTHING


#: An identifier that is taken as it is, and stands in JSON as it is.
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:/+=-]{0,199}").fullmatch
_PLAIN_NAME = re.compile(r"[0-9A-Za-z][!-~]{0,62}").fullmatch


def _usage_by(shape: Shape) -> Callable[[Mapping[str, list[int]]], list[Usage | None]]:
    """Makes usage of columns of counts; None where it is for the ordinary way."""
    if {field for field, _ in shape.usage} == {"input", "output"}:
        return lambda told: [Usage(given, out) if given or out else None for given, out in zip(told["input"], told["output"], strict=True)]
    names = dict(shape.usage)

    def usage(counts: dict[str, int]) -> Usage | None:
        found = usage_of(shape, counts)
        if found is None or found.empty or (found.reasoning and found.cache_read is None):
            return None
        return found if max(filter(None, astuple(found))) <= _MAX_COUNT else None

    return lambda told: [usage(dict(zip((names[f] for f in told), row, strict=True))) for row in zip(*told.values(), strict=True)]
