"""Provider response ids recovered from output text, before redaction can hide them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import re2

from collector.values import dig

_TOP = re.compile(r"""^\s*\{\s*["']id["']\s*:\s*["']([A-Za-z0-9_.:/-]{6,200})["']""")
_RESPONSE = re.compile(r"""["'](?:id|responseId|response_id)["']\s*:\s*["']((?:chatcmpl|resp|cmpl|gen|batch_req)[-_][A-Za-z0-9_.:-]{4,200})["']""")
_MESSAGE = re.compile(r"""["'](?:id|responseId|response_id)["']\s*:\s*["'](msg_[A-Za-z0-9_.:-]{4,200})["']""")
_GEMINI = re.compile(r"""["'](?:responseId|response_id)["']\s*:\s*["']([A-Za-z0-9_-]{8,200})["']""")
#: What frameworks call their own runs: no provider made these.
_OWN = ("run-", "run_", "lc_", "lc-", "call_", "toolu_", "tool_", "trace", "tr-", "span")
#: A part of a Responses answer, whose ``msg_…`` is not the answer's own id.
_ITEM = "output_text"
_SCANNED = 200_000

_PLAIN = (
    r"(?:chatcmpl|cmpl|resp|msg|req|gen|run|call|toolu|embd)[-_][0-9A-Za-z_-]{6,80}"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
#: Identifiers as providers make them: a known prefix or a UUID, no run of digits that could be a number of somebody.
plain_id = re.compile(rf"(?!.*[0-9]{{12}})(?:{_PLAIN})").fullmatch
_plain_lines = re2.compile(rf"(?:(?:{_PLAIN})?\n)*").fullmatch
_numbers = re2.compile(r"[0-9]{12}").finditer


def odd_ids(values: Sequence[str]) -> list[int]:
    """Which of these are neither a :data:`plain_id` nor empty."""
    lines = "\n".join((*values, ""))
    if lines.count("\n") > len(values) or not _plain_lines(lines):
        return [i for i, value in enumerate(values) if value and not plain_id(value)]
    ends = [*accumulate(len(value) + 1 for value in values)]
    return sorted({bisect_right(ends, number.start()) for number in _numbers(lines)})


def recover(output: Any) -> str:
    """``chatcmpl-…``, ``resp_…``, ``msg_…`` of an output object or its JSON or repr text; '' when there is none.

    A Responses body names its own id first and its messages' ids (``msg_…``) below: the former is looked for first.
    """
    if isinstance(output, dict):
        found = output.get("id") or output.get("responseId") or output.get("response_id") or dig(output, "response", "id")
        return found if isinstance(found, str) and len(found) > 5 and not found.startswith(_OWN) else ""
    if not isinstance(output, str) or len(output) < 12:
        return ""
    head = output[:_SCANNED]
    top = _TOP.match(head)
    if top and not top[1].startswith((*_OWN, "msg_")):
        return top[1]
    for pattern in (_RESPONSE, _MESSAGE, _GEMINI):
        found = pattern.search(head)
        if found and not (pattern is _MESSAGE and _ITEM in head):
            return found[1]
    return ""
