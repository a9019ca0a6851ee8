"""The verdict on one structured answer.

Scores (research §5, §6.1; proposals, not measured): valid 0, a valid payload in a wrapper 0.3, an extra key 0.6, an enum, range
or pattern 0.8, a missing key or wrong type 1.0, nothing parseable 1.0.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import orjson

from detectors.schema.carriers import schema_in
from detectors.schema.compiled import Compiled, compiled
from detectors.schema.recover import parse, recover

MAX_RESPONSE_CHARS = 4_000_000
MAX_ERRORS = 20

_CUT_REASONS = frozenset(("length", "max_tokens", "max_output_tokens", "model_length", "incomplete", "token_limit"))
_FILTER_REASONS = frozenset(("content_filter", "safety", "refusal", "recitation", "blocklist", "prohibited_content", "guardrail_intervened"))
_REFUSAL = re.compile(
    r"\b(?:i'm|i am|we're|we are) (?:very |so |really )?(?:sorry|unable|not able)|\bas an ai\b|\bapologi[sz]e|\bunable to\b"
    r"|\bi (?:can't|cannot|can not|won't|will not|must decline)|\b(?:do|does|did)(?:n't| not) (?:contain|mention|include|provide|have)"
    r"|\bno (?:relevant )?information\b|\bnot (?:enough|sufficient)\b",
    re.I,
)
_SEVERITY = {"additionalProperties": 0.6, "unevaluatedProperties": 0.6, "required": 1.0, "type": 1.0}
_OTHER_SEVERITY = 0.8
WRAPPED = 0.3


class SchemaVerdict(NamedTuple):
    """What became of one structured answer; holds nothing of its text.

    Attributes:
        score: 0 (kept the schema) … 1 (unusable).
        strict_valid: a strict parser accepts the whole text and the schema, if any, holds.
        recoverable: one payload could be parsed strictly, as it stands or after taking off fences and prose; the schema may still fail.
        class_: valid, empty, refusal, filtered, truncated, fenced, prose, several_values, double_encoded, repairable_syntax, violation, not_json.
        error_path: JSON pointer of the first schema error of the (recovered) payload; names the schema does not know read ``*``. None without one.
        recovered_valid: the recovered payload keeps the schema.
        schema_state: used, none, or why the schema was refused (too_large, too_deep, remote_reference, invalid_schema, not_json).
    """

    score: float
    strict_valid: bool
    recoverable: bool
    class_: str
    error_path: str | None = None
    recovered_valid: bool = False
    schema_state: str = "none"

    def to_json(self) -> str:
        """Compact JSON with the keys of ``spanledger eval schema``."""
        return orjson.dumps(self.to_dict()).decode()

    def to_dict(self) -> dict[str, Any]:
        """The verdict under its public names (`class` for ``class_``)."""
        row = self._asdict()
        row["class"] = row.pop("class_")
        return row


def check(response: str, schema: str | dict[str, Any] | bool | None, finish_reason: str | None = None) -> SchemaVerdict:
    """Judge one answer. ``schema``: in any carrier shape, or None for a parse check only. Never raises on any text."""
    wanted = schema_in(schema)
    rules = compiled(wanted) if wanted is not None else None
    state = "none" if rules is None else rules.refused or "used"
    if rules is not None and rules.validator is None:
        rules = None
    ok, value = parse(response) if len(response) <= MAX_RESPONSE_CHARS else (False, None)
    if ok:
        return _parsed(value, rules, state)
    return _unparsed(response, rules, state, (finish_reason or "").lower())


def _parsed(value: Any, rules: Compiled | None, state: str) -> SchemaVerdict:
    if rules is None or rules.validator.is_valid(value):
        return SchemaVerdict(0.0, True, True, "valid", None, True, state)
    if value is None or value in ([], {}, ""):
        return SchemaVerdict(1.0, False, False, "empty", "", False, state)
    if isinstance(value, str) and not _accepts_text(rules):
        nested, inner = parse(value)
        if nested and isinstance(inner, (dict, list)):
            return SchemaVerdict(1.0, False, False, "double_encoded", "", False, state)
        return SchemaVerdict(1.0, False, False, "refusal" if _REFUSAL.search(value) else "violation", "", False, state)
    severity, path = _errors(rules, value)
    return SchemaVerdict(severity, False, True, "violation", path, False, state)


def _accepts_text(rules: Compiled) -> bool:
    return not rules.top or "string" in rules.top


def _unparsed(response: str, rules: Compiled | None, state: str, finish: str) -> SchemaVerdict:
    def lost(name: str) -> SchemaVerdict:
        return SchemaVerdict(1.0, False, False, name, None, False, state)

    text = response.strip()
    if not text:
        return lost("filtered" if finish in _FILTER_REASONS else "empty")
    if len(text) > MAX_RESPONSE_CHARS:
        return lost("not_json")
    found = recover(text, rules.top if rules else frozenset())
    if found.how in ("fenced", "prose"):
        severity, path = (0.0, None) if rules is None else _errors(rules, found.payload)
        return SchemaVerdict(max(WRAPPED, severity), False, True, found.how, path, severity == 0.0, state)
    if finish in _FILTER_REASONS:
        return lost("filtered")
    if finish in _CUT_REASONS:
        return lost("truncated")
    if found.how == "none":
        return lost("refusal" if _REFUSAL.search(text[:2000].replace("’", "'")) else "not_json")
    return lost(found.how)


def _errors(rules: Compiled, value: Any) -> tuple[float, str | None]:
    """The worst severity of the first errors, and the first one's path; (0.0, None) when valid."""
    worst, first = 0.0, None
    for number, error in enumerate(rules.validator.iter_errors(value)):
        if number >= MAX_ERRORS:
            break
        if first is None:
            first = _pointer(error.instance_path, rules.names)
        keyword = error.schema_path[-1] if error.schema_path else ""
        worst = max(worst, _SEVERITY.get(str(keyword), _OTHER_SEVERITY))
    return worst, first


def _pointer(path: list[str | int], names: frozenset[str]) -> str:
    return "".join(f"/{part if isinstance(part, int) or part in names else '*'}" for part in path)
