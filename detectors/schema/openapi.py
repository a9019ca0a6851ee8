"""Schemas as Gemini takes and reports them (OpenAPI 3.0 as protobuf JSON), in the words of JSON Schema.

Source: the ``Schema`` message of google.ai.generativelanguage: type names in capitals, ``nullable`` instead of a null type, 64-bit counts as text.
"""

from __future__ import annotations

from typing import Any

_TYPES = frozenset(("OBJECT", "ARRAY", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "NULL"))
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")


def standard(node: Any) -> Any:
    """The same schema, or part of one, in JSON Schema's words; what is in them already stays as it is."""
    if isinstance(node, list):
        return [standard(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: standard(child) for key, child in node.items()}
    kind = node.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        out["type"] = kind.lower()
    elif kind == "TYPE_UNSPECIFIED":
        del out["type"]
    out.update({key: int(out[key]) for key in _COUNTS if isinstance(out.get(key), str) and out[key].isdigit()})
    return {"anyOf": [out, {"type": "null"}]} if node.get("nullable") is True else out
