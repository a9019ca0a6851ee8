"""Calls that are a family of their own, straight into ledger columns: the same rows as ``calls_batch(post_singles(spans))``.

Calls differ in ids, times, tokens, people and text; everything else comes in few combinations. For one call of each combination the
entry is posted in the ordinary way (``posting.singles.plain``); the others take its row, with columns of their own where they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from collector.posting import PostingRules
from collector.posting.identity import alone, registered
from collector.posting.singles import common, may_be_plain, plain
from collector.pricing.book import Rates
from collector.pricing.columns import price_rows
from collector.rows import calls_batch, combinations, micros, usd_of_nanos
from spanledger.model import Entry, Span

_NO_PARENT = b"\0" * 8
_DAY_NS, _DAY_US = 86_400_000_000_000, 86_400_000_000
_FEWEST = 64  # below, the ordinary way is as quick
_U32 = 0xFFFFFFFF

_told = attrgetter(
    "project", "service", "dialect", "scope", "endpoint", "operation", "provider", "model", "model_requested", "finish_reason", "service_tier",
    "stream", "fallback", "retry", "circuit_state", "server", "sampling_ratio", "safety", "safety_types", "usage_estimated", "role", "status",
    "cache_hit", "billed", "outcome", "gateway_agent", "cost_usd", "biz",
)  # fmt: skip
_PEOPLE = ("user", "session")
_COUNTS = {
    "tokens_in": "input", "tokens_out": "output", "tokens_cache_read": "cache_read", "tokens_cache_write": "cache_write",
    "tokens_cache_write_1h": "cache_write_1h", "tokens_reasoning": "reasoning",
}  # fmt: skip
_counts = attrgetter(*_COUNTS.values())
_other_units = attrgetter("audio_in", "audio_out", "images", "audio_seconds", "characters")
_NO_UNITS = (None,) * 5
_COSTS = ("cost_estimate_usd", "cost_in_usd", "cost_cache_read_usd", "cost_cache_write_usd", "cost_out_usd", "cost_other_usd")


def lone_calls(spans: Sequence[Span], rules: PostingRules) -> tuple[Callable[[int], pa.RecordBatch] | None, list[Span], list[Span]]:
    """Ledger rows of the plain ones among these spans, each a family of its own.

    Returns:
        (rows under a posting sequence number or None, the spans they stand for, the spans that have to take the ordinary way).
    """
    if len(spans) < _FEWEST or not may_be_plain(rules):
        return None, [], list(spans)
    who = [{**s.inherited, **s.own} for s in spans]
    quick = [i for i, s in enumerate(spans) if _may_be(s)]
    index, first = combinations([_key(spans[i], who[i]) for i in quick])
    models = [_model(spans[quick[i]], rules) for i in first]
    good = np.array([m is not None for m in models], bool)[index] if quick else np.zeros(0, bool)
    rows, index = np.array(quick, np.int64)[good], index[good]
    if not len(rows):
        return None, [], list(spans)
    chosen = [spans[i] for i in rows.tolist()]
    counts, costs, done = _priced(chosen, index, models, rules)
    if not done.all():
        rows, index, costs = rows[done], index[done], costs[:, done]
        counts = {name: column[done] for name, column in counts.items()}
        chosen = [spans[i] for i in rows.tolist()]
    if not chosen:
        return None, [], list(spans)
    taken = np.zeros(len(spans), bool)
    taken[rows] = True
    left = [spans[i] for i in np.flatnonzero(~taken).tolist()]
    own = _own_columns(chosen, [who[i] for i in rows.tolist()], counts, costs)
    return lambda ver: _batch(models, index, own, ver), chosen, left


def _may_be(s: Span) -> bool:
    u = s.usage
    return u is not None and not s.link and not s.biz and s.cost_usd is None and _other_units(u) == _NO_UNITS and "" not in s.own.values()


def _key(s: Span, who: dict[str, str]) -> tuple[Any, ...]:
    kept = tuple(s.attrs.items()) if s.attrs else ()
    return (*_told(s)[:-1], s.start_ns // _DAY_NS, kept, *[pair for pair in who.items() if pair[0] not in _PEOPLE])


def _model(s: Span, rules: PostingRules) -> Entry | None:
    """The entry that calls of this combination are copied from, or None when they are not plain."""
    who, app = registered(alone(s), rules)
    entry = plain(s, rules, who)
    return entry if entry is None or app is None else common(s, rules)


def _priced(
    spans: list[Span], index: np.ndarray, models: list[Entry | None], rules: PostingRules
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Token columns, nano-USD per part (6, n), and which rows have a price that plain integer arithmetic gives."""
    told = np.array([[n or 0 for n in _counts(s.usage)] for s in spans], np.int64).T
    counts = dict(zip(_COUNTS, told, strict=True))
    at = np.fromiter((s.start_ns // 1000 for s in spans), np.int64, len(spans))
    costs = np.zeros((6, len(spans)), np.int64)
    done = np.zeros(len(spans), bool)
    by_rates: dict[int, tuple[Rates, list[int]]] = {}
    for number in np.unique(index).tolist():
        entry = models[number]
        assert entry is not None
        span = spans[int(np.argmax(index == number))]
        rates = rules.prices.rates(
            entry.provider, entry.model, entry.model_requested, entry.service_tier, "", span.server, entry.ts_us, entry.tenant_hash, entry.app_id
        )
        by_rates.setdefault(id(rates), (rates, []))[1].append(number)
    for rates, numbers in by_rates.values():
        rows = np.flatnonzero(np.isin(index, numbers))
        done[rows] = price_rows(rates, rows, counts, at, costs)
    done &= (counts["tokens_in"] + counts["tokens_out"] > 0) & (told <= _U32).all(axis=0)
    return counts, costs, done


def _own_columns(spans: list[Span], who: list[dict[str, str]], counts: dict[str, np.ndarray], costs: np.ndarray) -> dict[str, Any]:
    """The columns in which calls of one combination differ."""
    n = len(spans)
    start = np.fromiter((s.start_ns for s in spans), np.int64, n)
    end = np.fromiter((s.end_ns for s in spans), np.int64, n)
    told = [s.latency_ms for s in spans]
    if any(told):
        end = np.maximum(end, start + np.fromiter((int(t * 1e6) if t else 0 for t in told), np.int64, n))
    ids = pa.array([s.span_id for s in spans], pa.binary(8))
    return {
        "ts": micros(start),
        "trace_id": [s.trace_id for s in spans],
        "span_id": ids,
        "parent_span_id": [s.parent_id or _NO_PARENT for s in spans],
        **{name: list(map(attrgetter(name), spans)) for name in ("response_id", "request_id", "prompt_hash", "response_hash", "context_hash")},
        "user_hash": [w.get("user", "") for w in who],
        "session_hash": [w.get("session", "") for w in who],
        **counts,
        "latency_ms": np.maximum(0, end - start) / 1e6,
        "ttft_ms": [s.ttft_ms for s in spans],
        **{name: usd_of_nanos(costs[i]) for i, name in enumerate(_COSTS)},
        "members": pa.ListArray.from_arrays(pa.array(np.arange(n + 1, dtype=np.int32)), ids),
    }


def _batch(models: list[Entry | None], index: np.ndarray, own: dict[str, Any], ver: int) -> pa.RecordBatch:
    at = np.cumsum([m is not None for m in models]) - 1
    rows = calls_batch([m for m in models if m is not None], ver).take(pa.array(at[index]))
    columns = [
        rows.column(i) if f.name not in own else own[f.name] if isinstance(own[f.name], pa.Array) else pa.array(own[f.name], f.type)
        for i, f in enumerate(rows.schema)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=rows.schema)
