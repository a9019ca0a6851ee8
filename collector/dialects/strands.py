"""AWS Strands agents: ``gen_ai.*`` with messages in span events; agents repeat the sum, and over runs of one object it keeps growing.

Time to first token is in milliseconds under the name that elsewhere means seconds; ``prompt_tokens`` and ``input_tokens`` are twins.
"""

from __future__ import annotations

from collector.dialects.table import Dialect

STRANDS = Dialect(
    name="strands",
    scopes=("strands.*", "strands-agents*", "strands"),
    fields={"ttft_ms": ("gen_ai.server.time_to_first_token",)},
    kinds=(("name", {"model": "llm", "cycle": "step", "tool:": "tool"}),),
    default_kind="step",
    aggregate_rule="cumulative",
    authority=1,
)
