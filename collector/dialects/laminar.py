"""Laminar (lmnr): ``lmnr.*`` beside ``gen_ai.*``; messages may be the provider's raw ``{role, content}``; stream chunks as span events."""

from __future__ import annotations

from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect

LAMINAR = Dialect(
    name="laminar",
    scopes=("lmnr*", "@lmnr-ai/*", "laminar*"),
    marks=("lmnr.*",),
    fields={"cost": ("gen_ai.usage.cost", "gen_ai.usage.total_cost")},
    content={
        "input": ("gen_ai.input.messages", "lmnr.span.input"), "output": ("gen_ai.output.messages", "lmnr.span.output"),
        "tool_input": ("lmnr.span.input",), "tool_output": ("lmnr.span.output",), "schema": ("gen_ai.request.structured_output_schema",),
    },
    kinds=(("lmnr.span.type", OPERATIONS),),
    default_kind="chain",
    authority=2,
)  # fmt: skip
