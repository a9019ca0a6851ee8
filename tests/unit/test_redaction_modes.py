"""Opt-out comes before the scan: of a tenant in mode ``none`` no text reaches the engine, unless it is lent to the detectors."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from collector.identity import IdentityKeys
from collector.metrics import registry
from collector.redaction import Redactor
from collector.sealing import Record, Sealer
from spanledger.model import Content, Message, Span
from spanledger.policy import parse_policy
from warehouse.vault.keyring import Keyring, LocalKek


class Listening(Redactor):
    """A redactor that remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def redact_batch(self, texts: Sequence[str], groups: Sequence[int] | None = None) -> list[str]:
        self.shown += texts
        return super().redact_batch(texts, groups)


def _record(tenant: str, n: int, **own: str) -> Record:
    own = {"tenant": tenant, **own}
    span = Span(project="p", service="s", trace_id=bytes([n]) * 16, span_id=b"i" * 8, start_ns=1, end_ns=2, kind="llm", role="call", own=own)
    word = f"zebra{tenant}"
    content = Content(
        messages=[Message("user", f"{word} asks")], system=f"{word} system", response=f"{word} answers", tool_input=f"{word} in",
        tool_output=f"{word} out", context=[f"{word} passage"], extra={f"{word} name": f"{word} value"},
    )  # fmt: skip
    return span, content


def _sealer(policy: str, engine: Redactor, ring: Keyring | None = None) -> Sealer:
    parsed = parse_policy(policy)
    return Sealer(engine, IdentityKeys(bytes(32)), lambda: parsed, ring=ring)


def test_of_an_opted_out_tenant_nothing_is_scanned_and_nothing_kept() -> None:
    engine = Listening()
    sealer = _sealer("content: {default: redacted, tenants: {acme: none}}", engine)
    (opted_out, nothing), (_, kept) = sealer.seal([_record("acme", 1), _record("bolt", 2)])
    assert not any("zebraacme" in text for text in engine.shown)
    assert sum("zebrabolt" in text for text in engine.shown) == 8
    assert nothing is None
    assert kept is not None
    assert opted_out.prompt_hash
    assert opted_out.response_hash
    assert opted_out.prompt_chars == len("zebraacme asks")
    assert "zebraacme" not in repr(opted_out)


def test_where_everybody_is_opted_out_the_engine_sees_words_of_spans_only() -> None:
    engine = Listening()
    records = _sealer("content: {default: none}", engine).seal([_record("acme", 1), _record("", 2)])
    assert [content for _, content in records] == [None, None]
    assert not any("zebra" in text for text in engine.shown)


def test_a_span_without_tenant_is_opted_out_as_the_one_that_its_trace_has_named() -> None:
    engine = Listening()
    records = _sealer("content: {default: redacted, tenants: {acme: none}}", engine).seal([_record("acme", 1), _record("", 1)])
    assert [content for _, content in records] == [None, None]
    assert not any("zebra" in text for text in engine.shown)


def _dropped() -> float:
    return registry.get_sample_value("spanledger_content_dropped_total", {"reason": "audit_key_unavailable"}) or 0.0


@pytest.mark.parametrize("fault", ["no ring", "no KEK", "another KEK", "shredded"])
def test_a_transcript_that_cannot_be_sealed_is_dropped_and_counted(fault: str, tmp_path: Path) -> None:
    keys = IdentityKeys(bytes(32))
    tenant = keys.name("", "tenant", "acme")
    ring: Any = None
    if fault != "no ring":
        good = Keyring(tmp_path, LocalKek(b"k" * 32))
        good.init(tenant)
        if fault == "shredded":
            good.shred(tenant)
        ring = {"no KEK": Keyring(tmp_path, None), "another KEK": Keyring(tmp_path, LocalKek(b"x" * 32)), "shredded": good}[fault]
    sealer = _sealer("content: {default: audit}", Redactor(), ring)
    before = _dropped()
    ((_, content),) = sealer.seal([_record("acme", 1)])
    assert sealer.transcripts() == []
    assert _dropped() == before + 1
    assert content is not None
    assert content.response == "zebraacme answers"
    assert not any(base64.b64encode(b"zebra")[:6] in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
