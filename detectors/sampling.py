"""Which answers are judged: all, a fixed share, the riskiest looking, none. Deterministic, so that a repeated pass chooses the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from spanledger.policy.quality import Sampling

#: What makes an answer look risky before it is judged, with its weight. Plain facts of the call; no text is read.
_HINTS: tuple[tuple[str, float], ...] = (("fallback", 2.0), ("retry", 1.0), ("safety", 2.0))
_CHEAP_TIERS = frozenset(("free", "local", "free/local", "standard"))
_GOOD_ENDINGS = frozenset(("", "stop", "end_turn", "completed", "tool_calls", "tool_use"))


def share(trace_id: str) -> float:
    """A trace's fixed place in [0, 1): all its answers are judged, or none."""
    return int.from_bytes(blake2b(trace_id.encode(), digest_size=7).digest(), "big") / 2**56


def hint(call: Mapping[str, Any]) -> float:
    """How risky a call looks: cut off, on a cheap model, after a fallback, long, without retrieved documents."""
    score = sum(weight for name, weight in _HINTS if call.get(name))
    score += 2.0 if str(call.get("finish_reason") or "").lower() not in _GOOD_ENDINGS else 0.0
    score += 1.0 if call.get("model_tier") in _CHEAP_TIERS else 0.0
    score += 1.0 if not call.get("context_hash") else 0.0
    return score + min(1.0, int(call.get("tokens_out") or 0) / 2000)


def chosen(calls: Sequence[Mapping[str, Any]], policy: Sampling, left: int | None = None) -> list[bool]:
    """Which of one app's calls to judge; ``left``: how many more this hour (None: no limit)."""
    if policy.mode == "none":
        return [False] * len(calls)
    ratio = 1.0 if policy.mode == "all" else float(policy.ratio)
    if policy.mode == "risk_first":
        most = round(ratio * len(calls))
        most = most if left is None else min(most, left)
        order = sorted(range(len(calls)), key=lambda i: (-hint(calls[i]), share(calls[i]["trace_id"])))
        kept = set(order[:most])
        return [i in kept for i in range(len(calls))]
    out, taken = [], 0
    for call in calls:
        take = (ratio >= 1.0 or share(call["trace_id"]) < ratio) and (left is None or taken < left)
        taken += take
        out.append(take)
    return out
