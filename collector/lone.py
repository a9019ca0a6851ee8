"""Calls that are a family of their own, straight into ledger columns: the same rows as ``calls_batch(post_singles(spans))``.

Calls differ in ids, times, tokens, people and text; everything else comes in few combinations. Where spans are sealed, journal rows of
calls that may be plain get their combination and their own figures beside them (:func:`spooled_batch`). Where they are posted, one call
of each combination is posted in the ordinary way (``posting.singles.plain``); the others take its row, with columns of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from collector.posting import PostingRules
from collector.posting.identity import alone, registered
from collector.posting.singles import common, may_be_plain, plain
from collector.pricing.book import Rates
from collector.pricing.columns import price_rows
from collector.rows import FEW, batch_of, calls_batch, journal_columns, spans_of, usd_of_nanos
from spanledger.model import Entry, Span, Usage
from warehouse.tables import CALLS, SPANS

_DAY_NS = 86_400_000_000_000
_MODELS = 20_000
_U32 = 0xFFFFFFFF

#: What a journal row holds beside the journal's own columns on its way to the poster; ``combination`` is null where a call is not plain.
FIGURES = pa.schema(
    [
        ("combination", pa.binary(16)),
        ("request_id", pa.string()),
        ("prompt_hash", pa.string()),
        ("response_hash", pa.string()),
        ("context_hash", pa.string()),
        ("session_hash", pa.string()),
        ("tokens_cache_read", pa.uint32()),
        ("tokens_cache_write", pa.uint32()),
        ("tokens_cache_write_1h", pa.uint32()),
        ("tokens_reasoning", pa.uint32()),
        ("latency_ms", pa.float64()),
        ("ttft_ms", pa.float64()),
    ]
)
#: Journal rows as they are spooled.
SPOOLED = pa.schema([*SPANS, *FIGURES])

_told = attrgetter(
    "project", "service", "dialect", "scope", "endpoint", "operation", "provider", "model", "model_requested", "finish_reason", "service_tier",
    "stream", "fallback", "retry", "circuit_state", "server", "sampling_ratio", "safety", "safety_types", "usage_estimated", "status", "outcome",
)  # fmt: skip
_ids = attrgetter("request_id", "prompt_hash", "response_hash", "context_hash")
_counts = attrgetter("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning")
_other_units = attrgetter("audio_in", "audio_out", "images", "audio_seconds", "characters")
_NO_UNITS = (None,) * 5
_NO_FIGURES = (None, "", "", "", "", "", 0, 0, 0, 0, 0.0, None)
_PEOPLE = ("user", "session")
_TAKEN = ["ts", "trace_id", "span_id", "parent_span_id", "response_id", "user_hash", "tokens_in", "tokens_out", *FIGURES.names[1:]]
#: What posting reads of every row; the rest, text and facts, only of some.
LOOKED_AT = ["project", "provider", "combination", *_TAKEN]
_COUNTS = ("tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write", "tokens_cache_write_1h")
_COSTS = ("cost_estimate_usd", "cost_in_usd", "cost_cache_read_usd", "cost_cache_write_usd", "cost_out_usd", "cost_other_usd")


def spooled_batch(spans: Sequence[Span], facts: Sequence[bytes], versions: Sequence[int]) -> pa.RecordBatch:
    """Journal rows of these sealed spans with their figures (:data:`SPOOLED`)."""
    known: dict[Hashable, bytes] = {}
    told = [_figures(s, s.usage, known) if s.usage is not None and _may_be(s, s.usage) else _NO_FIGURES for s in spans]
    figures = zip(FIGURES.names, zip(*told, strict=True) if told else [()] * len(FIGURES), strict=True)
    return batch_of({**journal_columns(spans, facts, versions), **dict(figures)}, SPOOLED)


def spooled(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Journal rows read from a spool; one of an earlier version has no figures."""
    if rows.num_columns == len(SPOOLED):
        return rows
    return pa.RecordBatch.from_arrays([*rows.columns, *(pa.nulls(rows.num_rows, f.type) for f in FIGURES)], schema=SPOOLED)


def _may_be(s: Span, u: Usage) -> bool:
    return (
        s.role == "call" and s.status != "error" and not s.cache_hit and s.billed is None and s.cost_usd is None and not s.link
        and not s.gateway_agent and not s.biz and _other_units(u) == _NO_UNITS and "" not in s.own.values()
    )  # fmt: skip


def _figures(s: Span, u: Usage, known: dict[Hashable, bytes]) -> tuple[Any, ...]:
    counts = [n or 0 for n in _counts(u)]
    if not (counts[0] or counts[1]) or max(counts) > _U32 or min(counts) < 0:
        return _NO_FIGURES
    who = _who(s)
    key = _key(s, s.start_ns // _DAY_NS, who)
    combination = known.get(key)
    if combination is None:
        combination = known[key] = _digest(key)
    end = max(s.end_ns, s.start_ns + int(s.latency_ms * 1e6)) if s.latency_ms else s.end_ns
    latency_ms = max(0, end - s.start_ns) / 1e6
    return combination, *_ids(s), who.get("session", ""), *counts[2:], latency_ms, s.ttft_ms


def combination_of(s: Span, day: int) -> bytes:
    """Number of the combination that a plain call of a day (since the epoch) belongs to, by what repeats of it."""
    return _digest(_key(s, day, _who(s)))


def _who(s: Span) -> dict[str, str]:
    return {**s.inherited, **s.own} if s.inherited else s.own


def _key(s: Span, day: int, who: dict[str, str]) -> tuple[Hashable, ...]:
    return (*_told(s), day, *s.attrs.items(), None, *[pair for pair in who.items() if pair[0] not in _PEOPLE])


def _digest(key: tuple[Hashable, ...]) -> bytes:
    return blake2b(_encode(key), digest_size=16).digest()


_encode = msgspec.msgpack.encode


class _Model(NamedTuple):
    """What calls of one combination have in common."""

    entry: Entry
    rates: Rates


class LoneCalls:
    """Ledger rows of plain calls; remembers one call of each combination while the rules stay the same."""

    def __init__(self) -> None:
        self._rules: PostingRules | None = None
        self._models: dict[bytes, _Model] = {}

    def rows(
        self, rows: pa.RecordBatch, at: np.ndarray, rules: PostingRules, whole: pa.RecordBatch | pa.Table
    ) -> tuple[Callable[[int], pa.RecordBatch] | None, np.ndarray]:
        """Ledger rows of the plain ones among the spooled rows ``at``, each a family of its own.

        Args:
            rows: their columns :data:`LOOKED_AT`.
            at: which of them.
            rules: in force.
            whole: the same rows with all their columns.

        Returns:
            (rows under a posting sequence number or None, which of ``at`` they stand for: bool).
        """
        if len(at) < FEW or not may_be_plain(rules):
            return None, np.zeros(len(at), bool)
        if rules is not self._rules or len(self._models) > _MODELS:
            self._rules, self._models = rules, {}
        asked = rows["combination"] if len(at) == rows.num_rows else rows["combination"].take(pa.array(at))
        coded = asked.dictionary_encode()
        index = coded.indices.fill_null(-1).to_numpy()
        models = self._known(whole, at, index, coded.dictionary.to_pylist(), rules)
        taken = np.array([*(m is not None for m in models), False], bool)[index]
        own = rows.select(_TAKEN)
        if not taken.all() or len(at) < rows.num_rows:
            index, own = index[taken], own.take(pa.array(at[taken]))
        costs, priced = _priced(own, index, models)
        if not priced.all():
            index, own, costs = index[priced], own.filter(pa.array(priced)), costs[:, priced]
            taken[taken] = priced
        return (lambda ver: _batch(models, index, own, costs, ver)) if len(index) else None, taken

    def _known(
        self, rows: pa.RecordBatch | pa.Table, at: np.ndarray, index: np.ndarray, combinations: list[bytes], rules: PostingRules
    ) -> list[_Model | None]:
        """The model of each combination; None where a call of it turned out not to be plain."""
        new = [i for i, c in enumerate(combinations) if c not in self._models]
        if new:
            numbers, first = np.unique(index, return_index=True)
            row_of = dict(zip(numbers.tolist(), at[first].tolist(), strict=True))
            asked = np.zeros(rows.num_rows, bool)
            asked[[row_of[i] for i in new]] = True
            for i, (_, span) in zip(sorted(new, key=row_of.__getitem__), spans_of(rows, asked), strict=True):
                if (model := _model(span, rules)) is not None:
                    self._models[combinations[i]] = model
        return [self._models.get(c) for c in combinations]


def _model(s: Span, rules: PostingRules) -> _Model | None:
    who, app = registered(alone(s), rules)
    entry = plain(s, rules, who)
    if entry is not None and app is not None:
        entry = common(s, rules)
    if entry is None:
        return None
    asked = entry.provider, entry.model, entry.model_requested, entry.service_tier, "", s.server, entry.ts_us, entry.tenant_hash, entry.app_id
    return _Model(entry, rules.prices.rates(*asked))


def _priced(rows: pa.RecordBatch, index: np.ndarray, models: list[_Model | None]) -> tuple[np.ndarray, np.ndarray]:
    """Nano-USD per part (6, n), and which rows have a price that plain integer arithmetic gives."""
    counts = {name: rows[name].to_numpy() for name in _COUNTS}
    at = rows["ts"].to_numpy().astype(np.int64)
    costs = np.zeros((6, len(index)), np.int64)
    done = np.zeros(len(index), bool)
    by_rates: dict[int, tuple[Rates, list[int]]] = {}
    for number in np.unique(index).tolist():
        model = models[number]
        assert model is not None
        by_rates.setdefault(id(model.rates), (model.rates, []))[1].append(number)
    for rates, numbers in by_rates.values():
        here = np.flatnonzero(np.isin(index, numbers))
        done[here] = price_rows(rates, here, counts, at, costs)
    return costs, done


def _batch(models: list[_Model | None], index: np.ndarray, own: pa.RecordBatch, costs: np.ndarray, ver: int) -> pa.RecordBatch:
    """The entries' rows, taken by number, under the columns in which calls of one combination differ."""
    at = pa.array((np.cumsum([m is not None for m in models]) - 1)[index])
    columns = {name: own[name].cast(CALLS.field(name).type) for name in _TAKEN} | {name: usd_of_nanos(costs[i]) for i, name in enumerate(_COSTS)}
    columns["members"] = pa.ListArray.from_arrays(pa.array(np.arange(own.num_rows + 1, dtype=np.int32)), own["span_id"])
    few = calls_batch([m.entry for m in models if m is not None], ver)
    shared = {name: _by_number(few[name], at) for name in few.schema.names if name not in columns}
    return pa.RecordBatch.from_pydict({name: columns.get(name, shared.get(name)) for name in few.schema.names})


def _by_number(few: pa.Array, at: pa.Array) -> pa.Array:
    """The values with these numbers; words as a dictionary, which the engine reads as it stores them."""
    if not pa.types.is_string(few.type):
        return few.take(at)
    words = few.dictionary_encode()
    return pa.DictionaryArray.from_arrays(words.indices.take(at), words.dictionary)
