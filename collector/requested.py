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
