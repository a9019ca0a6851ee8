"""Gateways whose callers are instrumented too: a policy per sender decides which side tells the call; suspects are shown, never merged.

Without a common id or trace the two tellings cannot be known to be one call (research/conventions-agents.md §3.7).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.posting.family import session
from collector.posting.rules import GatewayRule
from collector.pricing import ZERO
from spanledger.model import Entry, Span

SUSPECTED = 4
#: User agents of coding agents that can report their calls themselves.
_TELLS_ITSELF = re.compile(r"claude-cli|claude-code|codex|gemini-?cli|qwen|opencode|copilot", re.IGNORECASE)


def set_aside(entry: Entry, members: Sequence[Span], gateways: Sequence[GatewayRule]) -> None:
    """Apply the gateway policy to an entry: the side that does not tell keeps its row, unbilled and without figures.

    An entry of a gateway for an agent that may report too is marked as suspected when no policy decides.
    """
    served = next((s.gateway_agent for s in members if s.gateway_agent), "")
    agent = any(session(s) for s in members)
    if not (served or agent) or (served and agent):  # told by both sides: one entry already
        return
    fields = {
        "app": entry.app_id, "team": entry.team, "tenant": entry.tenant_hash, "env": entry.env, "route": entry.route, "provider": entry.provider,
        "model": entry.model, "model_tier": entry.model_tier, "prompt_version": entry.prompt_version, "service": entry.service,
    }  # fmt: skip
    rule = next((g for g in gateways if g.fits(fields)), None)
    if rule is None:
        if served and _TELLS_ITSELF.search(served) and entry.billed:
            entry.conflict = entry.conflict or SUSPECTED
        return
    if (rule.policy == "prefer_client" and served) or (rule.policy == "prefer_gateway" and agent):
        _without_figures(entry, rule.policy)


def _without_figures(entry: Entry, policy: str) -> None:
    entry.attrs = entry.attrs | {"set_aside": policy, "set_aside_tokens": str(entry.tokens_in + entry.tokens_out)}
    entry.billed, entry.conflict = False, SUSPECTED
    for name in ("tokens_in", "tokens_cache_read", "tokens_cache_write", "tokens_cache_write_1h", "tokens_out", "tokens_reasoning"):
        setattr(entry, name, 0)
    for name in ("cost_estimate_usd", "cost_in_usd", "cost_cache_read_usd", "cost_cache_write_usd", "cost_out_usd", "cost_other_usd"):
        setattr(entry, name, ZERO)
    entry.cost_source, entry.price_id, entry.usage_source = "computed", "", "reported"
