"""One small export per dialect and what must be understood of it. A new dialect is a table and a file here."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.decode import DecodeOptions, decode_logs, decode_traces
from collector.dialects import REGISTRY
from spanledger.model import Content, Span

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "dialects").glob("*.json"))
CONTENT = set(Content.__struct_fields__)
OPTIONS = DecodeOptions()


def told(span: Span, content: Content | None, field: str) -> Any:
    """A canonical field in the form that fixtures write it."""
    if field in CONTENT:
        content = content or Content()
        value = getattr(content, field)
        return [[m.role, m.text] for m in value] if field == "messages" else value
    value = getattr(span, field)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return value


@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: p.stem)
def test_an_export_is_understood(path: Path) -> None:
    fixture = json.loads(path.read_text())
    decode = {"traces": decode_traces, "logs": decode_logs}[fixture["signal"]]
    decoded = decode(json.dumps(fixture["body"]).encode(), json=True, project="p", options=OPTIONS)
    assert not decoded.rejected
    assert dict(decoded.let_go) == fixture.get("let_go", {})
    assert len(decoded.records) == len(fixture["want"])
    for (span, content), want in zip(decoded.records, fixture["want"], strict=True):
        usage = want.pop("usage", ...)
        if usage is not ...:
            assert (None if span.usage is None else {k: v for k, v in msgspec.structs.asdict(span.usage).items() if v is not None}) == usage
        assert {field: told(span, content, field) for field in want} == want


def test_every_dialect_has_a_fixture_or_is_covered_by_the_shared_captures() -> None:
    in_captures = {"anthropic-sdk", "openinference", "openllmetry", "traceloop-js", "mlflow", "openlit", "pydantic-ai", "logfire", "vercel-ai"}
    in_families = {"smolagents", "llama-index", "spanledger", "opencode"}  # little more than a scope name; see test_dialects_money
    wanted = {d.name for d in REGISTRY} - in_captures - in_families
    found = {want.get("dialect") for path in FIXTURES for want in json.loads(path.read_text())["want"]}
    assert wanted <= found
