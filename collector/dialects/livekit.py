"""LiveKit Agents: ``llm_request`` holds a call's usage, ``llm_request_run`` within it is one attempt, ``llm_node`` around it the turn's step.

The provider is told as the host that was asked (``api.openai.com``); one that nobody knows says nothing, then the model's name does.
"""

from __future__ import annotations

from collector.dialects.table import Dialect

LIVEKIT = Dialect(
    name="livekit",
    scopes=("livekit-agents*", "livekit.agents*"),
    kinds=(("name", {"llm_request": "llm", "llm_request_run": "llm", "llm_node": "llm", "function_tool": "tool"}),),
    default_kind="step",
    authority=1,
)
