"""The JSON schema inside the shapes in which requests and telemetry carry one."""

from __future__ import annotations

from typing import Any

import orjson

#: Keys under which request parameters nest a schema, outermost first: OpenAI chat (`response_format.json_schema.schema`),
#: OpenAI responses (`text.format.schema`), Gemini (`response_schema`), Anthropic (`output_format.schema`), tool style (`input_schema`).
_NESTS = ("response_format", "json_schema", "text", "format", "output_format", "response_schema", "responseSchema", "response_json_schema", "schema")
_VOCABULARY = frozenset(
    ("$schema", "$ref", "$defs", "properties", "required", "items", "enum", "const", "anyOf", "oneOf", "allOf", "not",
     "additionalProperties", "patternProperties", "prefixItems", "if", "pattern")
)  # fmt: skip
_MAX_NESTING = 6


def schema_in(value: str | bytes | dict[str, Any] | bool | None) -> dict[str, Any] | bool | None:
    """The schema carried by ``value``, or None when it carries none (``{"type": "json_object"}``, free text, broken JSON)."""
    if isinstance(value, (str, bytes)):
        if not value.strip():
            return None
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
        if isinstance(value, str):  # JSON text inside a JSON string
            return schema_in(value)
    if isinstance(value, bool):
        return value
    for _ in range(_MAX_NESTING):
        if not isinstance(value, dict):
            return None
        if _looks_like_schema(value):
            return value
        value = next((value[k] for k in _NESTS if isinstance(value.get(k), dict)), None)
    return None


def _looks_like_schema(value: dict[str, Any]) -> bool:
    if value.get("type") in ("json_schema", "json_object", "text"):
        return False
    if not _VOCABULARY.isdisjoint(value):
        return True
    return isinstance(value.get("type"), (str, list)) and not any(isinstance(value.get(k), dict) for k in _NESTS)
