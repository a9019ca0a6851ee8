"""Frameworks whose own tracers need only a scope name and a few kinds (AG2: its calls told twice, too); everything else is the common base.

Semantic Kernel, AutoGen (core and AgentChat), AG2, VoltAgent, CrewAI's own telemetry, smolagents, DSPy, Haystack, LlamaIndex, TanStack AI,
LangWatch's SDK, NeMo Agent Toolkit, Opik's OTLP form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect, Event
from collector.outcomes import by_model
from collector.values import to_text
from spanledger.model import Kind, Span

SEMANTIC_KERNEL = Dialect(
    name="semantic-kernel",
    scopes=("semantic_kernel*", "Microsoft.SemanticKernel*"),
    usage={"input": ("gen_ai.response.prompt_tokens",), "output": ("gen_ai.response.completion_tokens",)},  # .NET before 1.40
    kinds=(("gen_ai.operation.name", {**OPERATIONS, "auto_function_invocation_loop": "step"}),
           ("name", {"autofunctioninvocationloop": "step", "chat.completions": "llm", "text.completions": "llm"})),
    content={"tool_input": ("gen_ai.tool.call.arguments",), "tool_output": ("gen_ai.tool.call.result",)},
    default_kind="step",
    authority=1,
    events={"gen_ai.prompt": Event("content"), "gen_ai.completion": Event("content")},
)  # fmt: skip

AUTOGEN = Dialect(
    name="autogen",
    scopes=("autogen*", "ag2*"),
    kinds=(("messaging.operation", dict.fromkeys(("create", "send", "publish", "receive", "intercept", "process", "ack"), "step")),
           ("name", {"autogen": "step", "invoke_agent": "agent", "create_agent": "step", "execute_tool": "tool"})),
    default_kind="step",
    authority=1,
)  # fmt: skip


def _ag2(span: Span, attributes: Mapping[str, Any]) -> None:
    """AG2 1 repeats every call in a ``record_usage`` span beside it; what it calls to compact its memory is told there alone."""
    kind, usage = attributes.get("ag2.usage.kind"), span.usage
    if usage is not None and (span.role == "call" or kind == "subtask"):
        key = f"{span.trace_id.hex()}:{span.parent_id.hex()}:{span.model}:{usage.input}:{usage.output}"
        if kind is None or kind == "model_call":
            span.role, span.companion_of = "companion" if kind else "call", key
        elif kind == "subtask":
            span.kind, span.role, span.aggregate_rule = "agent", "aggregate", "sum"


AG2 = Dialect(
    name="ag2",
    scopes=("opentelemetry.instrumentation.ag2*",),
    marks=("ag2.*",),
    exclusive_for={"opentelemetry.instrumentation.ag2*": ("anthropic", "aws")},
    kinds=(("ag2.span.type", {**OPERATIONS, "usage": "llm", "human_input": "step", "envelope": "step",
                              "channel": "workflow", "multi_agent": "workflow",
                              "speaker_selection": "step", "code_execution": "tool", "agent_lifetime": "step", "agent_event": "step"}),),
    default_kind="step",
    authority=1,
    refine=_ag2,
)  # fmt: skip

VOLTAGENT = Dialect(
    name="voltagent",
    scopes=("@voltagent/*", "voltagent*"),
    marks=("voltagent.*",),
    content={"input": ("llm.messages", "input"), "output": ("output",), "tool_input": ("input",), "tool_output": ("output",)},
    kinds=(("span.type", {**OPERATIONS, "summary": "step", "memory": "step"}), ("entity.type", {"agent": "agent", "workflow": "workflow"})),
    default_kind="step",
    authority=1,
)  # fmt: skip

CREWAI = Dialect(
    name="crewai",
    scopes=("crewai*",),
    kinds=(("name", {"crew": "workflow", "crew created": "workflow", "task": "step", "task created": "step", "task execution": "step", "tool": "tool",
                     "tool usage": "tool", "agent": "agent", "flow": "workflow", "flow creation": "workflow"}),),
    default_kind="step",
    authority=1,
)  # fmt: skip

SMOLAGENTS = Dialect(name="smolagents", scopes=("smolagents*",), marks=("smolagents.*",), default_kind="step", authority=1)

DSPY = Dialect(
    name="dspy", scopes=("dspy*",), marks=("dspy.*",), kinds=(("name", {"lm.__call__": "llm", "lm": "llm"}),), default_kind="chain", authority=1
)

#: Components by the end of their type, those that run in the caller's own process, and makers that the model's name does not tell.
_COMPONENTS: tuple[tuple[str, Kind], ...] = (("generator", "llm"), ("embedder", "embedding"), ("retriever", "retriever"))
_LOCAL = ("sentencetransformers", "huggingfacelocal", "fastembed", "llamacpp", "optimum")
_MAKERS = (("azure", "azure"), ("amazonbedrock", "aws"), ("ollama", "ollama"))
_ANSWERS = ("haystack.component.output", "haystack.agent.step.llm.output")  # Haystack 3's agents run no component
_MODEL = re.compile(r"""["']model["']\s*:\s*["']([^"']{1,200})["']""")


def _haystack(span: Span, attributes: Mapping[str, Any]) -> None:
    """A component is known by its type; what model answered stands only in the answer."""
    made = to_text(attributes.get("haystack.component.type")).lower()
    kind: Kind | None = next((kind for end, kind in _COMPONENTS if made.endswith(end)), None)
    if kind is not None and not made.startswith(_LOCAL):
        span.kind, span.role = kind, "none" if kind == "retriever" else "call"
    if span.role == "call" and not span.model:
        models = set(_MODEL.findall(to_text(next((attributes[n] for n in _ANSWERS if n in attributes), None))))
        span.model = models.pop() if len(models) == 1 else ""
        span.provider = span.provider or next((name for start, name in _MAKERS if made.startswith(start)), "") or by_model(span.model)


HAYSTACK = Dialect(
    name="haystack",
    scopes=("haystack*",),
    marks=("haystack.*",),
    fields={"tool_name": ("haystack.tool.name",)},
    usage_objects=("haystack.component.usage", "haystack.model.usage"),
    content={"input": ("haystack.component.input", "haystack.agent.step.llm.input"), "output": _ANSWERS, "query": ("haystack.component.input",),
             "documents": ("haystack.component.output",), "tool_input": ("haystack.agent.step.tool.input",),
             "tool_output": ("haystack.agent.step.tool.output",)},
    kinds=(
        ("haystack.component.type", {"agent": "agent", "toolinvoker": "step"}),
        ("name", {"haystack.pipeline.run": "workflow", "haystack.async_pipeline.run": "workflow", "haystack.component.run": "step",
                  "haystack.agent.run": "agent", "haystack.agent.step.llm": "llm", "haystack.agent.step.tool": "tool"}),
    ),
    default_kind="step",
    refine=_haystack,
    authority=1,
)  # fmt: skip


TANSTACK = Dialect(  # the application names the scope
    name="tanstack", marks=("tanstack.ai.*",), exclusive_for={"*": ("anthropic",)}, kinds=(("gen_ai.operation.name", {**OPERATIONS,
    "video_generation": "image", "audio_generation": "audio", "voice_generation": "audio", "summarize": "llm"}),), default_kind="step", authority=1,
)  # fmt: skip


def _mirascope(span: Span, attributes: Mapping[str, Any]) -> None:
    """The interface stands behind the model's name: ``openai/o4-mini:responses``."""
    span.model, span.model_requested = (m.removesuffix(":responses").removesuffix(":completions") for m in (span.model, span.model_requested))


MIRASCOPE = Dialect(name="mirascope", scopes=("mirascope.llm",), usage_objects=("mirascope.response.usage",), authority=2, refine=_mirascope)

LLAMA_INDEX = Dialect(
    name="llama-index", scopes=("llama_index*", "llamaindex*", "@llamaindex/*"), marks=("llamaindex.*",), default_kind="chain", authority=1
)

LANGWATCH = Dialect(
    name="langwatch",
    scopes=("langwatch*",),
    marks=("langwatch.*",),
    usage_objects=("langwatch.metrics",),
    content={"input": ("langwatch.input",), "output": ("langwatch.output",), "tool_input": ("langwatch.input",), "tool_output": ("langwatch.output",),
             "query": ("langwatch.input",), "documents": ("langwatch.rag_contexts", "langwatch.contexts")},
    kinds=(("langwatch.span.type", {**OPERATIONS, "rag": "retriever", "component": "chain", "module": "chain", "server": "chain"}),),
    default_kind="chain",
    authority=1,
)  # fmt: skip


def _nemo(span: Span, attributes: Mapping[str, Any]) -> None:
    """A call's span is called like its model."""
    if span.role == "call" and not span.model and not span.model_requested:
        span.model_requested = to_text(attributes.get("nat.subspan.name") or attributes.get("aiq.subspan.name") or span.name)[:512]
        span.provider = span.provider or by_model(span.model_requested)


NEMO = Dialect(
    name="nemo-agent-toolkit",
    scopes=("nat", "aiq"),
    marks=("nat.event_type", "aiq.event_type"),
    content={"input": ("input.value",), "output": ("output.value",)},
    kinds=(("nat.span.kind", {**OPERATIONS, "function": "chain"}), ("aiq.span.kind", {**OPERATIONS, "function": "chain"})),
    default_kind="chain",
    refine=_nemo,
    authority=1,
)  # fmt: skip

OPIK = Dialect(
    name="opik",
    scopes=("opik*",),
    marks=("opik.*",),
    fields={"model": ("opik.model",), "provider": ("opik.provider",), "operation": ("gen_ai.operation.name", "opik.type")},
    usage_objects=("opik.usage",),
    content={"input": ("opik.input",), "output": ("opik.output",), "tool_input": ("opik.input",), "tool_output": ("opik.output",)},
    kinds=(("opik.type", {**OPERATIONS, "general": "chain"}),),
    default_kind="chain",
    authority=1,
)  # fmt: skip
