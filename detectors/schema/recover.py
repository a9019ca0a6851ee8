"""The JSON payload inside an answer that is not JSON as a whole: fences, prose, thinking blocks.

Only unwrapping counts as recovery. Broken syntax (trailing commas, Python literals, comments) is told apart but never
repaired: what a caller's strict parser rejects is not a payload.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import orjson

from detectors.schema.loose import loose

MAX_CANDIDATES = 64

_THINKING = re.compile(r"<(think|thinking|reasoning|scratchpad)>.*?</\1>", re.S | re.I)
_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*[\w+-]*[ \t]*\r?\n?")

_OPENS_OBJECT = "\"'/#"
_OPENS_ARRAY = "\"'/#{["


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_decoder = json.JSONDecoder(parse_constant=_no_constant)
_lenient = json.JSONDecoder(strict=False)


class Found(NamedTuple):
    """What unwrapping gave: ``payload`` counts only when ``how`` is `fenced` or `prose`."""

    how: str  # fenced, prose, several_values, truncated, repairable_syntax, none
    payload: Any = None


def parse(text: str) -> tuple[bool, Any]:
    """Strict JSON (RFC 8259: no NaN, no trailing comma), surrounding white space allowed."""
    try:
        return True, orjson.loads(text)
    except orjson.JSONDecodeError:
        return False, None


def recover(text: str, want: frozenset[str]) -> Found:
    """Unwrap ``text``. ``want``: top-level JSON types that the schema asks for, empty for any container."""
    body = _THINKING.sub(" ", text) if "<" in text else text
    blocks, unclosed = _blocks(body) if "```" in body or "~~~" in body else ([], False)
    fenced = [(ok, value) for ok, value in map(parse, blocks)]
    good = [value for ok, value in fenced if ok and isinstance(value, (dict, list))]
    if len(good) == 1:
        return Found("fenced", good[0])
    if len(good) > 1:
        return Found("several_values")
    found = _in_prose(body, want)
    if len(found) == 1:
        return Found("fenced" if unclosed or blocks else "prose", found[0])
    if len(found) > 1:
        return Found("several_values")
    start = next((i for i, c in enumerate(body) if c in "{["), -1)
    if start < 0:
        return Found("none")
    candidate = blocks[0] if blocks else body[start:]
    if _repairable(candidate):
        return Found("repairable_syntax")
    return Found("truncated" if _unclosed(candidate) else "none")


def _blocks(text: str) -> tuple[list[str], bool]:
    """Contents of Markdown fences, and whether the last one never closes."""
    out: list[str] = []
    at = 0
    while opening := _FENCE.search(text, at):
        closing = re.compile(rf"\s*{re.escape(opening.group(1))}").search(text, opening.end())
        while closing and not parse(text[opening.end() : closing.start()])[0]:  # a fence inside a string is no end
            later = re.compile(rf"\s*{re.escape(opening.group(1))}").search(text, closing.end())
            if later is None:
                break
            inner = text[opening.end() : later.start()]
            if not parse(inner)[0]:
                break
            closing = later
        if closing is None:
            return out, True
        out.append(text[opening.end() : closing.start()])
        at = closing.end()
    return out, False


def _in_prose(text: str, want: frozenset[str]) -> list[Any]:
    """Objects and arrays that stand whole in the text, outermost only; asides such as ``[3]`` and ``{}`` do not count."""
    found: list[tuple[int, Any]] = []
    at = tries = 0
    while tries < MAX_CANDIDATES:
        start = min((i for i in (text.find("{", at), text.find("[", at)) if i >= 0), default=-1)
        if start < 0:
            break
        tries += 1
        try:
            value, end = _decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            if _container_opens(text, start):
                break  # a payload begins here but is broken: what is inside it is not the answer
            at = start + 1
            continue
        found.append((end - start, value))
        at = end
    whole = [(n, v) for n, v in found if not _aside(v)]
    if want and len(whole) > 1:
        fitting = [(n, v) for n, v in whole if ("object" in want and isinstance(v, dict)) or ("array" in want and isinstance(v, list))]
        whole = fitting or whole
    return [v for _, v in whole]


def _container_opens(text: str, start: int) -> bool:
    """Whether the bracket looks like the start of real JSON, perhaps commented: ``{"key"``, ``[{``, ``["``, or nothing before it."""
    if not text[:start].strip():
        return True
    after = text[start + 1 : start + 40].lstrip()[:1]
    return bool(after) and after in (_OPENS_OBJECT if text[start] == "{" else _OPENS_ARRAY)


def _aside(value: Any) -> bool:
    """A citation or a placeholder rather than a payload."""
    if isinstance(value, dict):
        return not value
    return len(value) <= 3 and all(isinstance(v, (int, float)) for v in value)


def _repairable(text: str) -> bool:
    """Whether usual repairs (commas, quotes, literals, comments, raw newlines) would make it JSON."""
    end = max(text.rfind("}"), text.rfind("]"))
    if end < 0:
        return False
    text = text[text.index("{") if text.find("{") >= 0 and (text.find("[") < 0 or text.find("{") < text.find("[")) else text.find("[") : end + 1]
    if loose(text):
        return True
    try:
        _lenient.decode(text)  # line breaks and tabs within strings
    except (ValueError, RecursionError):
        return False
    return True


def _unclosed(text: str) -> bool:
    """Whether brackets or a string stay open at the end."""
    depth, string, escaped = 0, False, False
    for c in text:
        if string:
            if escaped:
                escaped = False
            elif c == "\\":
                escaped = True
            elif c == '"':
                string = False
        elif c == '"':
            string = True
        elif c in "{[":
            depth += 1
        elif c in "}]":
            depth -= 1
    return string or depth > 0
