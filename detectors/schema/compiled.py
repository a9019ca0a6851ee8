"""Compiled schemas: bounded in size and number, offline, with linear-time patterns where possible."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any, NamedTuple

import jsonschema_rs
import orjson

from detectors.schema.openapi import standard

MAX_SCHEMA_BYTES = 256 * 1024
MAX_COMPILED = 512
MAX_DEPTH = 64
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_BACKTRACKS = 100_000


class Compiled(NamedTuple):
    """A validator and the property names that error paths may show; ``refused`` says why there is no validator."""

    validator: Any
    names: frozenset[str]
    top: frozenset[str]  # JSON types the schema asks for at the top; empty = any
    refused: str = ""


_cache: OrderedDict[bytes, Compiled] = OrderedDict()
_lock = Lock()


def compiled(schema: dict[str, Any] | bool) -> Compiled:
    """The validator of a schema, from the cache of the latest `MAX_COMPILED`. Never raises and never fetches."""
    try:
        key = orjson.dumps(schema)
    except TypeError:
        return _refused("not_json")
    with _lock:
        found = _cache.get(key)
        if found is not None:
            _cache.move_to_end(key)
            return found
    made = _refused("too_large") if len(key) > MAX_SCHEMA_BYTES else _compile(schema)
    with _lock:
        _cache[key] = made
        if len(_cache) > MAX_COMPILED:
            _cache.popitem(last=False)
    return made


def cached() -> int:
    """How many compiled schemas are kept."""
    return len(_cache)


def _refused(reason: str) -> Compiled:
    return Compiled(None, frozenset(), frozenset(), reason)


def _compile(schema: dict[str, Any] | bool) -> Compiled:
    names: set[str] = set()
    problem = _walk(schema, names, 0)
    if problem:
        return _refused(problem)
    schema = standard(schema)
    for options in (jsonschema_rs.RegexOptions(), jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS)):
        try:
            validator = jsonschema_rs.validator_for(schema, offline=True, pattern_options=options)
        except Exception:  # noqa: S112 - the library's errors share no base; a look-around pattern needs the second engine
            continue
        return Compiled(validator, frozenset(names), _top_types(schema))
    return _refused("invalid_schema")


def _walk(node: Any, names: set[str], depth: int) -> str:
    """Collect property names; the reason for refusing the schema, or an empty string."""
    if depth > MAX_DEPTH:
        return "too_deep"
    if isinstance(node, list):
        return next((p for item in node if (p := _walk(item, names, depth + 1))), "")
    if not isinstance(node, dict):
        return ""
    for key in _REFERENCES:
        target = node.get(key)
        if isinstance(target, str) and not target.startswith("#"):
            return "remote_reference"
    properties = node.get("properties")
    if isinstance(properties, dict):
        names.update(properties)
    return next((p for child in node.values() if (p := _walk(child, names, depth + 1))), "")


def _top_types(schema: dict[str, Any] | bool) -> frozenset[str]:
    if isinstance(schema, bool):
        return frozenset()
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset((kind,))
    if isinstance(kind, list):
        return frozenset(k for k in kind if isinstance(k, str))
    return frozenset(("object",)) if "properties" in schema else frozenset()
