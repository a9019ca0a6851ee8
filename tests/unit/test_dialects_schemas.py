"""Where requests and telemetry tell the schema that an answer is to follow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collector.decode import DecodeOptions, decode_traces
from collector.requested import schema_in, schema_of

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
_TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}}}


def schema_told(scope: str, attributes: dict[str, str]) -> str:
    """The schema in the content of one span with these attributes."""
    told = {
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "00000000000000a1", "name": "chat",
        "startTimeUnixNano": "1795248042000000000", "endTimeUnixNano": "1795248043000000000",
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in attributes.items()],
    }  # fmt: skip
    body = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": scope}, "spans": [told]}]}]}
    [(_, content)] = decode_traces(json.dumps(body).encode(), json=True, project="p", options=DecodeOptions()).records
    return content.schema if content is not None else ""


def test_a_schema_is_found_in_every_providers_place_for_it() -> None:
    for asked in (
        {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}, {"format": {"type": "json_schema", "schema": SCHEMA}}, SCHEMA,
        {"schema": SCHEMA},
    ):  # fmt: skip
        assert json.loads(schema_of(asked)) == SCHEMA
    assert schema_of({"type": "json_object"}) == ""


@pytest.mark.parametrize(
    "asked",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
        {"text": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {"config": {"response_mime_type": "application/json", "response_schema": SCHEMA}},
        {"generationConfig": {"responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}},
        {"response_json_schema": SCHEMA},
        {"output_format": {"type": "json_schema", "schema": SCHEMA}},
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(SCHEMA)}}}}},
        {"format": SCHEMA},
        {"extra_body": {"guided_json": SCHEMA}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema_definition": SCHEMA}}},
    ],
)
def test_a_schema_is_found_in_every_providers_request(asked: dict[str, Any]) -> None:
    found = json.loads(schema_in(json.dumps({"model": "m", "tools": [_TOOL], **asked})))
    assert found.get("type", "").lower() == "object"
    assert list(found["properties"]) == ["a"]
    told = {"openinference.span.kind": "LLM", "llm.invocation_parameters": json.dumps(asked), "output.value": "{}"}
    assert json.loads(schema_told("openinference.x", told)) == found


@pytest.mark.parametrize("asked", [{"tools": [_TOOL]}, {"response_format": {"type": "json_object"}}, {"format": "json"}, {"text": 'schema"'}])
def test_a_request_without_a_schema_asks_for_none(asked: dict[str, Any]) -> None:
    assert schema_in(json.dumps({"model": "m", **asked})) == ""


@pytest.mark.parametrize(
    ("scope", "attributes"),
    [
        ("pydantic-ai", {"model_request_parameters": json.dumps({"output_mode": "native", "output_object": {"json_schema": SCHEMA}})}),
        ("langfuse-sdk", {"langfuse.observation.model.parameters": json.dumps({"response_format": {"json_schema": {"schema": SCHEMA}}})}),
        ("genkit-tracer", {"genkit:input": json.dumps({"messages": [], "output": {"format": "json", "schema": SCHEMA}})}),
        ("langsmith", {"langsmith.metadata.ls_structured_output_format": json.dumps({"kwargs": {"method": "x"}, "schema": SCHEMA})}),
    ],
)
def test_a_schema_is_found_where_each_dialect_tells_it(scope: str, attributes: dict[str, Any]) -> None:
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.output.messages": "{}", **attributes}
    assert json.loads(schema_told(scope, told)) == SCHEMA
