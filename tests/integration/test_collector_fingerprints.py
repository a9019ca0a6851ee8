"""Prompt fingerprints on their way from an export into the warehouse: also where no text is kept, and never the names of variables."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TOLD = "SELECT prompt_exact, prompt_template, position(facts, 'customer_name') FROM spanledger.spans ORDER BY ts"


def export(*prompts: str) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    for i, prompt in enumerate(prompts):
        span = resource.scope_spans.add().spans.add(
            trace_id=(i + 1).to_bytes(16, "big"), span_id=(i + 1).to_bytes(8, "big"), name="chat m",
            start_time_unix_nano=time.time_ns() - 1_000_000_000 + i * 1_000_000, end_time_unix_nano=time.time_ns(),
        )  # fmt: skip
        told = {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-4o-mini", "prompt.version": "v3",
            "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": prompt}]}]),
            "llm.prompt_template.variables": json.dumps({"customer_name": prompt, "city": "Rome"}),
        }  # fmt: skip
        for name, value in told.items():
            span.attributes.add(key=name).value.string_value = value
    return request.SerializeToString()


@pytest.mark.parametrize("mode", ["redacted", "none"])
def test_each_span_tells_all_three_fingerprints(start_collector: Callable[..., Any], mode: str) -> None:
    one = start_collector(f"content:\n  default: {mode}\n")
    body = export("Refund order 7", "refund  ORDER 7", "refund order 8")
    assert httpx.post(one.url("/v1/traces"), content=body, headers={"content-type": "application/x-protobuf"}, timeout=60).status_code == 200
    assert one.settled("SELECT count() FROM spanledger.ledger", 3) == 3
    rows = one.query(TOLD)
    assert len({exact for exact, _, _ in rows}) == 3
    assert {len(exact) for exact, _, _ in rows} == {16}
    assert len({template for _, template, _ in rows}) == 1
    assert len(rows[0][1]) == 32
    assert {named for _, _, named in rows} == {0}
    assert [n for (n,) in one.query("SELECT count() FROM spanledger.ledger WHERE prompt_hash != '' GROUP BY prompt_hash ORDER BY 1")] == [1, 2]
