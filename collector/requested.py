"""The JSON Schema that a request asked its answer to follow."""

from __future__ import annotations

from typing import Any

from collector.values import parse, to_json

#: Keys whose value is a schema, or an object that names one.
_SCHEMAS = (
    "schema", "json_schema", "jsonSchema", "response_schema", "responseSchema", "response_json_schema", "responseJsonSchema", "schema_definition",
    "guided_json",
)  # fmt: skip
#: Keys of request parameters under which such keys stand: OpenAI chat (``response_format``) and Responses (``text.format``), Gemini
#: (``generationConfig``, ``config``), Anthropic (``output_format``, ``output_config.format``), Bedrock (``outputConfig.textFormat.structure``),
#: Ollama (``format``), vLLM (``extra_body``), pydantic-ai (``output_object``), Genkit (``output``).
_HOLDERS = (
    "response_format", "responseFormat", "text", "output_format", "output_config", "outputConfig", "textFormat", "structure", "format",
    "generation_config", "generationConfig", "config", "output_object", "output", "options", "extra_body",
)  # fmt: skip
_SIGNS = ('schema"', "schema'", 'Schema"', 'format"', 'schema_definition"', 'guided_json"')
_DEPTH = 6


def schema_of(value: Any) -> str:
    """The JSON Schema inside a ``response_format`` of any provider, as JSON text; '' when only a mode ("json_object") is asked."""
    found = _schema(value, _DEPTH)
    return to_json(found) if found else ""


def schema_in(request: str) -> str:
    """The schema asked for in a whole request body, or its parameters, as JSON or repr text; '' when it asks for none."""
    found = parse(request) if any(sign in request for sign in _SIGNS) else None
    nested = _nested(found, _DEPTH) if isinstance(found, dict) else None
    return to_json(nested) if nested else ""


def _schema(value: Any, left: int) -> dict[str, Any] | None:
    found = parse(value)
    if not isinstance(found, dict) or left < 0:
        return None
    return found if _is_schema(found) else _nested(found, left)


def _nested(found: dict[str, Any], left: int) -> dict[str, Any] | None:
    for key in (*_SCHEMAS, *_HOLDERS):
        inner = found.get(key)
        if inner and (below := _schema(inner, left - 1)):
            return below
        if key in _SCHEMAS and isinstance(inner, dict) and inner:
            return inner  # named a schema, whatever it says
    return None


def _is_schema(found: dict[str, Any]) -> bool:
    kind = found.get("type")
    return "properties" in found or "$schema" in found or (isinstance(kind, str) and kind.lower() in ("object", "array"))
