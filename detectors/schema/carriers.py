"""The JSON schema inside the shapes in which requests and telemetry carry one."""

from __future__ import annotations

from typing import Any

import orjson

#: Keys under which request parameters nest a schema: OpenAI chat (`response_format.json_schema.schema`) and responses (`text.format.schema`), Gemini
#: (`generationConfig.responseSchema`), Anthropic (`output_format.schema`, `output_config.format.schema`), Bedrock
#: (`outputConfig.textFormat.structure.jsonSchema.schema`), Mistral (`schema_definition`), Ollama (`format`), vLLM (`extra_body.guided_json`),
#: pydantic-ai (`output_object.json_schema`), Genkit (`output.schema`), tool style (`input_schema`).
_NESTS = (
    "response_format", "responseFormat", "json_schema", "jsonSchema", "text", "format", "textFormat", "structure", "output_format", "output_config",
    "outputConfig", "output_object", "output", "generation_config", "generationConfig", "config", "options", "extra_body", "guided_json",
    "response_schema", "responseSchema", "response_json_schema", "responseJsonSchema", "schema_definition", "input_schema", "schema",
)  # fmt: skip
_VOCABULARY = frozenset(
    ("$schema", "$ref", "$defs", "properties", "required", "items", "enum", "const", "anyOf", "oneOf", "allOf", "not",
     "additionalProperties", "patternProperties", "prefixItems", "if", "pattern")
)  # fmt: skip
_TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))
_MODES = ("json_schema", "json_object", "text")
_MAX_NESTING = 6


def schema_in(value: str | bytes | dict[str, Any] | bool | None) -> dict[str, Any] | bool | None:
    """The schema carried by ``value``, or None when it carries none (``{"type": "json_object"}``, free text, broken JSON)."""
    if isinstance(value, (str, bytes)):
        value = _parsed(value)
        if isinstance(value, str):  # JSON text inside a JSON string
            return schema_in(value)
    if isinstance(value, bool):
        return value
    found = _nested(value, _MAX_NESTING)
    return value if found is None and isinstance(value, dict) and _meant_as_schema(value) else found


def _parsed(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _nested(value: Any, left: int) -> dict[str, Any] | None:
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        value = _parsed(value)
    if not isinstance(value, dict) or left < 0:
        return None
    if _looks_like_schema(value):
        return value
    return next((found for key in _NESTS if key in value and (found := _nested(value[key], left - 1)) is not None), None)


def _looks_like_schema(value: dict[str, Any]) -> bool:
    if not _VOCABULARY.isdisjoint(value) and value.get("type") not in _MODES:
        return True
    kinds = value.get("type")
    return any(isinstance(k, str) and k.lower() in _TYPES for k in (kinds if isinstance(kinds, list) else (kinds,)))


def _meant_as_schema(value: dict[str, Any]) -> bool:
    """Whether it asks for a type that does not exist: a wrong schema is said to be wrong, not overlooked."""
    return isinstance(value.get("type"), (str, list)) and value["type"] not in _MODES and not any(isinstance(value.get(k), dict) for k in _NESTS)
