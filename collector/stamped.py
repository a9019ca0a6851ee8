"""Stamps sealed and laid out in columns: the same rows as sealing and spooling their records one by one.

What a stencil says is sealed once (words redacted, tenant hashed, the JSON of its facts with holes for what varies). For each stamp the
prompt and the answer are fingerprinted and redacted, people are hashed, and the holes are filled. For content modes without an audit store.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from copy import copy
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from collector.fingerprints import PROMPT, PROMPT_EXACT, asked_chars, exact_forms, normal_forms
from collector.identity import IdentityKeys
from collector.ids import odd_ids
from collector.lone import SPOOLED, combination_of
from collector.rows import (
    JOURNAL_WORDS,
    NO_PARENT,
    TEXT_WORDS,
    facts_of,
    journal_words,
    payload_hash,
    prompt_text,
    taken,
    text_words,
    usage_json,
)
from collector.stencils import Stamp, Stencil, record
from spanledger.model import Message, Span, Usage
from warehouse.tables import CONTENTS, SPANS, TS

_DAY_NS = 86_400_000_000_000
_FORMS = 10_000
_COUNTS = {
    "tokens_in": "input", "tokens_out": "output", "tokens_cache_read": "cache_read", "tokens_cache_write": "cache_write",
    "tokens_cache_write_1h": "cache_write_1h", "tokens_reasoning": "reasoning",
}  # fmt: skip
_counts_of = attrgetter(*_COUNTS.values())
_VERSION = np.dtype([("payload", "V6"), ("n_attrs", "<u2"), ("end", "<u8")])

Redact = Callable[[Sequence[str], Sequence[int]], list[str]]


class Stamped(NamedTuple):
    """Rows of table ``spans`` with their figures (``lone.SPOOLED``), and of table ``contents`` (None: their text is not stored)."""

    spans: pa.RecordBatch
    contents: pa.RecordBatch | None


class _Form:
    """A stencil, sealed. ``facts``: the JSON of its spans, cut at the holes of :data:`_HOLES`."""

    __slots__ = ("_combinations", "_span", "contents", "facts", "journal", "n_attrs", "tenant")

    def __init__(self, tenant: str, sealed: Span, example: Stamp) -> None:
        self.tenant, self.n_attrs, self._span = tenant, sealed.n_attrs, sealed
        self.journal, self.contents, self.facts = journal_words(sealed), text_words(sealed), _between_holes(sealed, example)
        self._combinations: dict[int, bytes] = {}

    def combination(self, day: int) -> bytes:
        """Of the calls of a day (since the epoch)."""
        known = self._combinations.get(day)
        if known is None:
            known = self._combinations[day] = combination_of(self._span, day)
        return known


class StampSealer:
    """Belongs to one thread.

    Args:
        keys: for what is hashed.
        seal_models: hashes identity and redacts words of spans, in place.
        redact: as ``Redactor.redact_batch``.
    """

    def __init__(self, keys: IdentityKeys, seal_models: Callable[[list[Span]], None], redact: Redact) -> None:
        self._keys, self._seal_models, self._redact = keys, seal_models, redact
        self._forms: dict[Stencil, _Form] = {}

    def forget(self) -> None:
        """Words are redacted by other rules now."""
        self._forms.clear()

    def seal(self, stamps: Sequence[Stamp], *, texts: bool = True) -> Stamped:
        """Rows of these stamps. Without ``texts`` prompts and answers are hashed and not looked at otherwise."""
        n = len(stamps)
        stencils, traces, ids, parents, starts, ends, usage, response_ids, request_ids, users, sessions, messages, responses = zip(
            *stamps, strict=True
        )
        at: dict[Stencil, int] = {}
        index = np.fromiter((at.setdefault(stencil, len(at)) for stencil in stencils), np.int64, n)
        few = self._formed(at, stamps)
        forms = [few[i] for i in index.tolist()]
        tenants = [f.tenant for f in forms]
        odd = [odd_ids(response_ids), odd_ids(request_ids)]
        prompt, response, told_ids = self._texts(
            *((messages, responses) if texts else ((), ())),
            [values[i] for values, some in zip((response_ids, request_ids), odd, strict=True) for i in some],
        )
        response_ids = self._stored_ids(response_ids, odd[0], told_ids[: len(odd[0])])
        request_ids = self._stored_ids(request_ids, odd[1], told_ids[len(odd[0]) :])
        users, sessions = (self._keys.people(tenants, what, values, starts) for what, values in (("user", users), ("session", sessions)))
        normal = self._keys.hashes(tenants, PROMPT, normal_forms(messages))
        whole = self._keys.hashes(tenants, PROMPT_EXACT, exact_forms(messages))
        answered = self._keys.hashes(tenants, "doc", [text.encode("utf8", "surrogatepass") for text in responses])
        asked = [len(turns[0].text) if len(turns) == 1 else asked_chars(turns) for turns in messages]
        told = zip(
            ends, sessions, users, asked, whole, normal, request_ids, map(len, responses), answered, response_ids, starts,
            map(usage_json, usage), strict=True,
        )  # fmt: skip
        facts = [_filled(f.facts, varying) for f, varying in zip(forms, told, strict=True)]
        begun, ended = np.array(starts, np.int64), np.array(ends, np.int64)
        shared: dict[str, Any] = {
            "ts": pa.array(begun // 1000, TS),
            "trace_id": _fixed(b"".join(traces), 16),
            "span_id": _fixed(b"".join(ids), 8),
            "user_hash": pa.array(users, pa.string()),
            "prompt_hash": pa.array(normal, pa.string()),
            "context_hash": pa.repeat("", n),
            "ver": _versions(facts, parents, index, few, ended),
        }
        spans = {
            **shared,
            **taken(JOURNAL_WORDS, [f.journal for f in few], index, SPANS),
            **{name: [n or 0 for n in column] for name, column in zip(_COUNTS, zip(*map(_counts_of, usage), strict=True), strict=True)},
            "parent_span_id": _fixed(b"".join([parent or NO_PARENT for parent in parents]), 8),
            "end_ts": pa.array(ended // 1000, TS),
            "response_id": response_ids,
            "link": shared["context_hash"],
            "facts": facts,
            "batch": np.zeros(n, np.uint64),
            "combination": [f.combination(day) for f, day in zip(forms, (begun // _DAY_NS).tolist(), strict=True)],
            "request_id": request_ids,
            "response_hash": answered,
            "session_hash": sessions,
            "latency_ms": (ended - begun) / 1e6,
            "ttft_ms": pa.nulls(n, pa.float64()),
        }
        if not texts:
            return Stamped(_batch(spans, SPOOLED), None)
        contents = {
            **shared,
            **taken(TEXT_WORDS, [f.contents for f in few], index, CONTENTS),
            "prompt": prompt,
            "response": response,
            "context": pa.ListArray.from_arrays(pa.array(np.zeros(n + 1, np.int32)), pa.nulls(0, pa.string())),
            "extra": pa.MapArray.from_arrays(pa.array(np.zeros(n + 1, np.int32)), pa.nulls(0, pa.string()), pa.nulls(0, pa.string())),
        }
        return Stamped(_batch(spans, SPOOLED), _batch(contents, CONTENTS))

    def _formed(self, stencils: dict[Stencil, int], stamps: Sequence[Stamp]) -> list[_Form]:
        """The forms of these stencils, in order."""
        known = self._forms
        if len(known) > _FORMS:
            known.clear()
        if new := {stencil for stencil in stencils if stencil not in known}:
            examples = {stamp[0]: stamp for stamp in stamps if stamp[0] in new}
            spans = [record(stamp)[0] for stamp in examples.values()]
            for span in spans:
                span.own.pop("user", None)
                span.own.pop("session", None)
            self._seal_models(spans)
            for (stencil, stamp), span in zip(examples.items(), spans, strict=True):
                known[stencil] = _Form(stencil.tenant, span, stamp)
        return [known[stencil] for stencil in stencils]

    def _stored_ids(self, values: Sequence[str], odd: Sequence[int], redacted: Sequence[str]) -> Sequence[str]:
        """Identifiers as they are stored: one that redaction changes as its keyed hash, so that equal ids stay equal."""
        if not odd:
            return values
        stored = list(values)
        for i, text in zip(odd, redacted, strict=True):
            if text != values[i]:
                stored[i] = self._keys.hidden_id(values[i])
        return stored

    def _texts(self, messages: Sequence[list[Message]], responses: Sequence[str], others: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
        """Prompts and answers as they are stored, and other texts, all redacted in one scan; the messages of one call form a group."""
        texts: list[str] = []
        groups: list[int] = []
        for turns, response in zip(messages, responses, strict=True):
            first = len(texts)
            texts += [m.text for m in turns] if len(turns) > 1 else (turns[0].text,)
            texts.append(response)
            groups += [first] * len(turns)
            groups.append(len(texts) - 1)
        last = len(texts)
        redacted = self._redact(texts + list(others), [*groups, *range(last, last + len(others))])
        if last == 2 * len(messages):  # one turn each
            return [f"{turns[0].role}: {text}" for turns, text in zip(messages, redacted[:last:2], strict=True)], redacted[1:last:2], redacted[last:]
        take = iter(redacted)
        told = [(prompt_text([Message(m.role, next(take)) for m in turns]), next(take)) for turns in messages]
        return [prompt for prompt, _ in told], [response for _, response in told], redacted[last:]


def _fixed(data: bytes, size: int) -> pa.Array:
    """Values of one size, one behind the other."""
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(size), len(data) // size, [None, pa.py_buffer(data)])


def _versions(facts: Sequence[str], parents: Sequence[bytes], index: np.ndarray, few: Sequence[_Form], ended: np.ndarray) -> pa.Array:
    """As ``rows.version_of``, little end first: hash of the payload, number of attributes, end."""
    made = np.empty(len(facts), _VERSION)
    hashes = b"".join([payload_hash(text.encode(), parent) for text, parent in zip(facts, parents, strict=True)])
    made["payload"] = np.frombuffer(hashes, "V6")
    made["n_attrs"] = np.array([f.n_attrs for f in few])[index]
    made["end"] = ended
    return _fixed(made.tobytes(), 16)


def _batch(columns: dict[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [column if isinstance(column := columns[f.name], pa.Array) else pa.array(column, f.type) for f in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _random() -> int:
    return 10**18 + secrets.randbelow(10**17)


#: What varies in a form's facts, in the order of their names, and what stands for it while they are cut; drawn at every start.
_HOLES: dict[str, Any] = {
    "end_ns": _random(),
    "session": secrets.token_hex(16),
    "user": secrets.token_hex(16),
    "prompt_chars": _random(),
    "prompt_exact": secrets.token_hex(16),
    "prompt_hash": secrets.token_hex(16),
    "request_id": secrets.token_hex(16),
    "response_chars": _random(),
    "response_hash": secrets.token_hex(16),
    "response_id": secrets.token_hex(16),
    "start_ns": _random(),
    "usage": Usage(input=_random()),
}


def _between_holes(sealed: Span, example: Stamp) -> tuple[str, ...]:
    """The facts of spans of a sealed stencil, cut at what varies; what its spans do not have is "" and stands between two pieces all the same."""
    span = copy(sealed)
    span.own = {**sealed.own, **{field: _HOLES[field] for field in ("user", "session") if getattr(example, field)}}
    for field, hole in _HOLES.items():
        if field not in ("user", "session") and (field != "request_id" or example.request_id):
            setattr(span, field, hole)
    facts, at = facts_of(span).decode(), 0
    pieces: list[str] = []
    for field, hole in _HOLES.items():
        mark = usage_json(hole) if field == "usage" else str(hole)
        found = facts.find(mark, at)
        pieces.append(facts[at : max(at, found)])
        at = found + len(mark) if found >= 0 else at
    return (*pieces, facts[at:])


def _filled(pieces: tuple[str, ...], told: tuple[Any, ...]) -> str:
    a, b, c, d, e, f, g, h, i, j, k, m, last = pieces
    end, session, user, chars, exact, normal, request, size, answer, response, start, usage = told
    return f"{a}{end}{b}{session}{c}{user}{d}{chars}{e}{exact}{f}{normal}{g}{request}{h}{size}{i}{answer}{j}{response}{k}{start}{m}{usage}{last}"
