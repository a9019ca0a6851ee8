"""Usage that stands only inside the text of an answer: many instrumentations keep the provider's object there and drop it elsewhere.

Read before redaction, and only for what attributes do not tell: a whole usage where there is none, cached and reasoning tokens where
the totals told agree. An answer with several different usage objects (the chunks of a stream, a batch) tells none.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import structs

from collector.usage import Counts, from_object, normalise
from collector.values import dig, parse, to_int
from spanledger.model import Usage

_USAGE = re.compile(r"""["'](?:usage|usage_metadata|usageMetadata|token_usage|tokenUsage|billed_units|billedUnits)["']\s*:\s*(?=\{)""")
_WORDS = ("usage", "Usage", "billed")  # without one of them the pattern finds nothing
_OPENS = frozenset('{["')  # answers that are plain text hold no usage object
_CLASSES = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "audio_in", "audio_out")
_MAX_OBJECT = 2_000
_MAX_FOUND = 64


def completed(usage: Usage | None, output: Any) -> Usage | None:
    """``usage`` with what an answer's own usage object adds to it.

    Args:
        usage: as the attributes tell it; an object with other totals adds nothing.
        output: the answer as sent; anything but text tells nothing here.
    """
    if usage is not None and usage.cache_read is not None and usage.reasoning is not None:
        return usage
    if type(output) is not str or output[:1] not in _OPENS or not any(word in output for word in _WORDS):
        return usage
    counts = usage_in(output)
    if counts and ("billed_units" in output or "billedUnits" in output):
        return normalise(counts)  # Cohere bills less than it reads
    return merged(usage, counts) if counts else usage


def merged(usage: Usage | None, counts: Counts) -> Usage | None:
    """``usage`` with what a usage object read elsewhere adds: what is not told, where the totals told agree."""
    found = normalise(counts)
    if found is None or found.empty:
        return usage
    if usage is None or usage.empty:
        return found
    cached = (found.cache_read or 0) + (found.cache_write or 0)
    if cached and usage.input == (found.input or 0) + cached and (usage.output, usage.cache_read) == (found.output, found.cache_read):
        return structs.replace(usage, input=found.input)  # taken for a count beside its cached tokens, which it holds already
    if usage.output not in (None, found.output) or usage.input not in (None, found.input, (found.input or 0) - cached):
        return usage
    more = {name: getattr(found, name) for name in _CLASSES if getattr(found, name) and not getattr(usage, name)}
    return structs.replace(usage, **{**more, "input": found.input}) if more else usage


def usage_in(output: str) -> Counts | None:
    """Counts of the usage that an answer's text holds; None when it holds none, or several that differ."""
    found: dict[tuple[int | None, int | None], Counts] = {}
    for n, match in enumerate(_USAGE.finditer(output)):
        if n >= _MAX_FOUND:
            return None
        text = _object_at(output, match.end())
        told = parse(text) if text else None
        counts = from_object(told)
        if not counts:
            continue
        if counts.get("reasoning") is None:  # pydantic-ai keeps a provider's own names apart
            counts["reasoning"] = to_int(dig(told, "details", "reasoning_tokens"))
        key = to_int(counts.get("input")), to_int(counts.get("output"))
        if not any(key) and not counts.get("total"):
            continue
        kept = found.setdefault(key, {})
        kept.update({k: v for k, v in counts.items() if v is not None and not kept.get(k)})
    return next(iter(found.values())) if len(found) == 1 else None


def _object_at(text: str, start: int) -> str:
    """The object (``{…}``) that begins at ``start``; '' when it does not end soon."""
    depth = 0
    for at in range(start, min(len(text), start + _MAX_OBJECT)):
        sign = text[at]
        if sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if not depth:
                return text[start : at + 1]
    return ""
