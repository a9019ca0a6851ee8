"""The JSON Schema that a request asked its answer to follow."""

from __future__ import annotations

from typing import Any

from collector.values import dig, parse, to_json


def schema_of(value: Any) -> str:
    """The JSON Schema inside a ``response_format`` of any provider, as JSON text; '' when only a mode ("json_object") is asked."""
    found = parse(value)
    if not isinstance(found, dict):
        return ""
    for path in (("json_schema", "schema"), ("format", "schema"), ("schema",), ("json_schema",), ("text", "format", "schema")):
        inner = dig(found, *path)
        if isinstance(inner, dict) and inner:
            return to_json(inner)
    return to_json(found) if "properties" in found or "$schema" in found or found.get("type") in ("object", "array") else ""


_ASKED = (
    "response_format",
    "text",
    "output_format",
    "output_config",
    "format",
    "generation_config",
    "generationConfig",
    "config",
    "options",
    "extra_body",
)
_SIGNS = ('response_format"', 'json_schema"', 'response_schema"', 'responseSchema"', 'responseJsonSchema"', "json_schema'", 'output_format"')


def schema_in(request: str) -> str:
    """The schema asked for in a whole request body as JSON or repr text; '' when it asks for none."""
    if not any(sign in request for sign in _SIGNS):
        return ""
    found = parse(request)
    if not isinstance(found, dict):
        return ""
    for key in _ASKED:
        inner = found.get(key)
        if not isinstance(inner, dict):
            continue
        for part in (inner, *(inner.get(k) for k in ("response_schema", "responseSchema", "response_json_schema", "responseJsonSchema", *_ASKED))):
            asked = schema_of(part)
            if asked:
                return asked
    return ""
