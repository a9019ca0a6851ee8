"""OpenLLMetry (Traceloop), Python and JavaScript: ``gen_ai.*`` on client spans, ``traceloop.*`` on workflows, tasks, agents and tools.

JavaScript 0.27: Anthropic input leaves cached tokens out; OpenAI streams carry token counts made locally, unmarked. Python Anthropic
streams may say one output token too many (the ``message_start`` value is added): the SDK's own span wins by authority.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect
from spanledger.model import Span

_CONTENT = {
    "input": ("gen_ai.input.messages", "traceloop.entity.input"), "output": ("gen_ai.output.messages", "traceloop.entity.output"),
    "tool_input": ("gen_ai.tool.call.arguments", "traceloop.entity.input"), "tool_output": ("gen_ai.tool.call.result", "traceloop.entity.output"),
}  # fmt: skip
_FIELDS = {"tool_name": ("gen_ai.tool.name", "traceloop.entity.name")}
#: Calls that say nothing but their span's name (streams of Bedrock up to 0.53, embeddings, failures).
_NAMES = {
    **{f"{client}.{call}": "llm" for client in ("openai", "anthropic", "bedrock", "cohere", "mistralai", "groq", "ollama", "together", "gemini",
        "vertexai", "watsonx", "writer", "replicate", "alephalpha") for call in ("chat", "completion", "response", "converse", "converse_stream",
        "invoke_model",
        "generate", "generate_content", "generate_content_stream", "chat_stream")},
    **{f"{client}.{call}": "embedding" for client in ("openai", "cohere", "mistralai", "ollama", "voyageai") for call in ("embeddings", "embed")},
    "cohere.rerank": "rerank", "openai.image_generate": "image",
}  # fmt: skip
_KINDS = (("traceloop.span.kind", OPERATIONS), ("gen_ai.operation.name", OPERATIONS), ("llm.request.type", OPERATIONS), ("name", _NAMES))


OPENLLMETRY = Dialect(
    name="openllmetry",
    scopes=(*tuple(f"opentelemetry.instrumentation.{name}" for name in ("openai", "openai.*", "anthropic", "bedrock", "cohere",
        "mistralai", "groq", "ollama", "langchain", "llamaindex", "crewai", "haystack", "together", "replicate", "alephalpha", "watsonx",
        "google_generativeai", "transformers", "sagemaker", "writer", "agno", "chromadb", "pinecone", "qdrant", "milvus", "lancedb",
        "marqo", "mcp", "openai_agents", "voyageai")), "traceloop.*", "traceloop-sdk*"),
    marks=("traceloop.*",),
    fields=_FIELDS,
    content=_CONTENT,
    kinds=_KINDS,
    default_kind="chain",
    authority=2,
    authorities={f"opentelemetry.instrumentation.{n}": 1 for n in ("langchain", "llamaindex", "crewai", "haystack", "openai_agents", "agno", "mcp")},
    exclusive_input=("opentelemetry.instrumentation.bedrock",),
    headers=("gen_ai.headers", "llm.headers"),
    strays=("opentelemetry.instrumentation.openai*", "opentelemetry.instrumentation.anthropic", "opentelemetry.instrumentation.langchain"),
    miscounters=("opentelemetry.instrumentation.anthropic",),
)  # fmt: skip


def _maybe_counted_here(span: Span, attributes: Mapping[str, Any]) -> None:
    """No attribute says whether it was a stream: then its counts may be the instrumentation's own."""
    if span.scope == "@traceloop/instrumentation-openai" and span.usage is not None and not span.usage_estimated:
        span.attrs["usage_possibly_estimated"] = "true"


TRACELOOP_JS = Dialect(
    name="traceloop-js",
    scopes=("@traceloop/*",),
    fields=_FIELDS,
    content=_CONTENT,
    kinds=_KINDS,
    default_kind="chain",
    authority=2,
    authorities={"@traceloop/instrumentation-langchain": 1, "@traceloop/instrumentation-llamaindex": 1, "@traceloop/node-server-sdk": 1},
    exclusive_input=("@traceloop/instrumentation-anthropic", "@traceloop/instrumentation-bedrock"),
    estimators=("@traceloop/instrumentation-openai",),
    refine=_maybe_counted_here,
)
