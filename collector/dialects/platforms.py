"""Evaluation platforms whose SDKs speak OTLP in names of their own: Braintrust (Java, Go, Ruby, .NET), DeepEval's Confident AI and
Judgment's judgeval; and Coralogix's llm-tracekit, whose OpenAI Agents spans tell chat completions by their name only.

Braintrust keeps all in JSON: ``braintrust.span_attributes`` (what a span is), ``.metadata`` (model, provider), ``.metrics`` (counts; .NET:
an attribute each). Its ``tokens`` is the total, which tells whether input holds cached tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect
from collector.outcomes import provider_of
from collector.usage import normalise
from collector.values import dig, parse, to_text
from spanledger.model import Kind, Span

_METRICS = "braintrust.metrics"
_COUNTS = {
    "input": "prompt_tokens", "output": "completion_tokens", "total": "tokens", "cache_read": "prompt_cached_tokens",
    "cache_write": "prompt_cache_creation_tokens", "cache_write_1h": "prompt_cache_creation_1h_tokens", "reasoning": "completion_reasoning_tokens",
}  # fmt: skip
_TYPES: dict[str, Kind] = {"llm": "llm", "tool": "tool", "function": "chain", "task": "step", "score": "evaluator", "eval": "workflow"}


def _braintrust(span: Span, attributes: Mapping[str, Any]) -> None:
    metrics, about = parse(attributes.get(_METRICS)), parse(attributes.get("braintrust.metadata"))
    counts = {k: dig(metrics, name) if isinstance(metrics, dict) else attributes.get(f"{_METRICS}.{name}") for k, name in _COUNTS.items()}
    by_age = [dig(metrics, f"prompt_cache_creation_{age}_tokens") for age in ("5m", "1h")]
    if counts["cache_write"] is None and by_age != [None, None]:
        counts["cache_write"] = sum(n for n in by_age if isinstance(n, int))
    model = dig(about, "model") or attributes.get("braintrust.metadata.model")
    if isinstance(model, str):
        span.model_requested = span.model_requested or model[:512]
    usage = normalise(counts)
    kind = _TYPES.get(to_text(dig(parse(attributes.get("braintrust.span_attributes")), "type")).lower())
    if usage is not None or kind is not None:
        span.kind = kind or "llm"
        span.role = "call" if span.kind == "llm" else "none"
        span.usage = (span.usage or usage) if span.role == "call" else None
    if span.role == "call" and not span.provider:
        span.provider = provider_of(to_text(dig(about, "provider") or ""), span.model or span.model_requested)


BRAINTRUST = Dialect(
    name="braintrust",
    scopes=("braintrust*",),
    marks=("braintrust.metrics*", "braintrust.span_attributes", "braintrust.input_json"),
    content={"input": ("braintrust.input_json",), "output": ("braintrust.output_json",), "tool_input": ("braintrust.input_json",),
             "tool_output": ("braintrust.output_json",)},
    default_kind="chain",
    authority=2,
    refine=_braintrust,
)  # fmt: skip

CONFIDENT = Dialect(
    name="confident-ai",
    scopes=("deepeval*",),
    marks=("confident.*",),
    fields={"model_requested": ("confident.llm.model",), "provider": ("confident.span.provider", "confident.llm.provider"),
            "tool_name": ("confident.tool.name",)},
    usage={"input": ("confident.llm.input_token_count",), "output": ("confident.llm.output_token_count",)},
    content={"input": ("confident.span.input",), "output": ("confident.span.output",), "query": ("confident.span.input",),
             "tool_input": ("confident.span.input",), "tool_output": ("confident.span.output",), "documents": ("confident.span.retrieval_context",)},
    kinds=(("confident.span.type", OPERATIONS),),
    default_kind="chain",
    authority=1,
)  # fmt: skip

CORALOGIX = Dialect(
    name="coralogix",
    scopes=("llm_tracekit*",),
    kinds=(("gen_ai.operation.name", OPERATIONS), ("name", {"generationspandata": "llm", "openai.agent": "agent", "agent": "agent", "tool": "tool",
                                                           "handoff": "step"})),
    authority=2,
    authorities={f"llm_tracekit.{name}*": 1 for name in ("langchain", "langgraph", "litellm", "openai_agents", "google_adk", "strands")},
    exclusive_for={"llm_tracekit*": ("anthropic", "aws")},
)  # fmt: skip

JUDGMENT = Dialect(
    name="judgment",
    scopes=("judgeval*",),
    marks=("judgment.*",),
    fields={"model": ("judgment.llm.model",), "provider": ("judgment.llm.provider",), "cost": ("judgment.usage.total_cost_usd",)},
    usage={"input": ("judgment.usage.non_cached_input_tokens",), "output": ("judgment.usage.output_tokens",),
           "cache_read": ("judgment.usage.cache_read_input_tokens",), "cache_write": ("judgment.usage.cache_creation_input_tokens",)},
    usage_objects=("judgment.usage.metadata",),  # the provider's own
    usage_objects_first=True,
    content={"input": ("judgment.input",), "output": ("judgment.output",), "tool_input": ("judgment.input",), "tool_output": ("judgment.output",)},
    kinds=(("judgment.span_kind", OPERATIONS),),
    default_kind="chain",
    authority=2,
    exclusive_input=("judgeval*",),
)  # fmt: skip
