"""Attribute values as senders write them: numbers as text, JSON in strings, Python reprs, quoted JSON strings. Nothing here raises."""

from __future__ import annotations

import ast
import re
from typing import Any

import orjson

MAX_PARSED_BYTES = 4 << 20  # larger texts are never parsed, only stored
_MAX_REPR_BYTES = 256 << 10  # Python's own parser is slow and deep: smaller limit
_ODD_ESCAPE = re.compile(r"\\[^nrt\\]")
_WORD = re.compile(r"\b(?:None|True|False)\b")
_AS_JSON = {"None": "null", "True": "true", "False": "false"}
_NUMBER = re.compile(r"\s*[+-]?\d{1,18}(\.\d*)?([eE][+-]?\d{1,3})?\s*\Z")


_memo: dict[str, Any] = {}  # the last few objects parsed: usage, identity, ids and messages ask for the same ones in turn
_MEMO = 16


def parse(value: Any) -> Any:
    """A list or dict out of JSON text, a Python repr or an already structured value; None when it is neither. Not to be changed."""
    if isinstance(value, dict | list):
        return value
    if not isinstance(value, str) or len(value) > MAX_PARSED_BYTES:
        return None
    if value[:1] == "[" or not 64 <= len(value) <= _MAX_REPR_BYTES:  # lists are messages: asked for once
        return _parse(value)
    found = _memo.get(value, _memo)
    if found is _memo:
        found = _parse(value)
        if len(_memo) >= _MEMO:
            _memo.clear()
        _memo[value] = found
    return found


def _parse(value: str) -> Any:
    head = value[:1]
    if head not in '[{"':
        value = value.lstrip()
        head = value[:1]
    if head == '"':  # a JSON string that holds JSON
        inner = _loads(value)
        return _parse(inner) if isinstance(inner, str) and inner[:1] in ("[", "{") else None
    if head != "[" and head != "{":
        return None
    found = _loads(value)
    return found if found is not None else _from_repr(value)


def _loads(value: str) -> Any:
    try:
        return orjson.loads(value)
    except (orjson.JSONDecodeError, ValueError, RecursionError):
        return None


def _from_repr(value: str) -> Any:
    """A Python literal (``{'completion_tokens': 50, 'audio': None}``); names such as ``<Obj>`` make it unreadable: None."""
    if len(value) > _MAX_REPR_BYTES or value.count("[") + value.count("{") > 2_000:
        return None
    if '"' not in value and not _ODD_ESCAPE.search(value):  # every quote delimits: JSON but for quotes and three words
        parts = value.split("'")
        parts[::2] = [_WORD.sub(lambda m: _AS_JSON[m[0]], p) if "e" in p else p for p in parts[::2]]
        found = _loads('"'.join(parts))
        if found is not None:
            return found
    try:
        found = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return found if isinstance(found, dict | list) else list(found) if isinstance(found, tuple | set) else None


def to_text(value: Any) -> str:
    """One line of text: JSON-quoted strings unquoted, numbers printed, structures as JSON."""
    if isinstance(value, str):
        if len(value) > 1 and value[0] == '"' == value[-1]:
            inner = _loads(value)
            return inner if isinstance(inner, str) else value
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if value is None:
        return ""
    return to_json(value)


def to_json(value: Any) -> str:
    """Compact JSON; bytes as replaced text, keys as text."""
    try:
        return orjson.dumps(value, default=_other, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError, RecursionError):
        return str(value)


def _other(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def to_int(value: Any) -> int | None:
    """Whole number ≥ 0; text and floats are read, nonsense, negatives and NaN are unknown."""
    if type(value) is int:
        return value if 0 <= value < 1 << 53 else None
    found = to_float(value)
    return None if found is None or found < 0 or found >= 1 << 53 else int(found)


def to_float(value: Any) -> float | None:
    """Finite number; text is read."""
    if value is None:
        return None
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = value.strip().strip('"')
        if not _NUMBER.match(value):
            return None
        value = float(value)
    if isinstance(value, int | float) and value == value and abs(value) < 1e300:
        return float(value)
    return None


def to_bool(value: Any) -> bool:
    """True for true, 1 and their spellings as text."""
    if isinstance(value, str):
        return value.strip().strip('"').lower() in ("true", "1", "yes", "on")
    return value is True or value == 1


def first_text(value: Any) -> str:
    """The first element of a list, of a JSON list in text, or the text itself (finish reasons come in all three)."""
    if type(value) is list and value and type(value[0]) is str:
        return value[0]
    if isinstance(value, str):
        if value[:1] == "[":
            value = parse(value)
        else:
            return to_text(value)
    if isinstance(value, list):
        return next((to_text(v) for v in value if v is not None), "")
    return to_text(value)


def names_in(value: Any) -> str:
    """Names of an object's fields in order, without their values; "" for anything else."""
    found = parse(value)
    return "\0".join(sorted(map(str, found)))[:4_096] if isinstance(found, dict) else ""


def dig(value: Any, *path: str | int) -> Any:
    """``value[path0][path1]…`` or None; a step into anything but a dict or list is None."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value
