"""Exports of real libraries (run against a provider of our own) with what was metered beside them: decoded, posted, priced."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from collector.decode import DecodeOptions, decode_traces
from collector.posting import PostingRules, family_keys, post
from spanledger.model import Entry, Span

EXPORTS = sorted((Path(__file__).parents[1] / "fixtures" / "exports").glob("*.json"))
COUNTS = ("tokens_in", "tokens_cache_read", "tokens_cache_write", "tokens_out", "tokens_reasoning")
RULES = PostingRules()


def entries_of(spans: list[Span]) -> list[Entry]:
    """Entries of all families that share a key."""
    groups: list[tuple[set[bytes], list[Span]]] = []
    for span in spans:
        keys, members = set(family_keys(span)), [span]
        for group in [g for g in groups if g[0] & keys]:
            groups.remove(group)
            keys, members = keys | group[0], group[1] + members
        groups.append((keys, members))
    return [entry for _, members in groups for entry in post(members, RULES)]


@pytest.mark.parametrize("path", EXPORTS, ids=lambda p: p.stem)
def test_the_ledger_says_what_was_metered(path: Path) -> None:
    case = json.loads(path.read_text())
    decoded = decode_traces(json.dumps(case["body"]).encode(), json=True, project="p", options=DecodeOptions())
    spans = [span for span, _ in decoded.records]
    for order in (spans, spans[::-1]):
        entries = [e for e in entries_of(order) if e.billed or any(getattr(e, name) for name in COUNTS)]
        told = sorted((*(getattr(e, name) for name in COUNTS), e.cost_estimate_usd) for e in entries)
        assert told == sorted((*(call[name] for name in COUNTS), Decimal(call["usd"])) for call in case["truth"])
        assert {(e.app_id, e.team) for e in entries} == {(case.get("app", "checkout-bot"), "payments")}
