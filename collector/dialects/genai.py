"""OpenTelemetry GenAI semantic conventions, all versions since 1.27, and the base that every other dialect falls back to.

Sources: open-telemetry/semantic-conventions (``gen_ai.*`` registry 1.27–1.40), semantic-conventions-genai, and the captures of
``opentelemetry-instrumentation-openai-v2``, ``…-genai-*`` 1.3b0, ``@opentelemetry/instrumentation-openai``. All spellings of one
idea are listed once, newest first: a span of a scope nobody knows is understood as long as it uses any of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from collector.dialects.table import Dialect, Event

#: Value of an operation or span-kind attribute, lower case -> canonical kind.
OPERATIONS: dict[str, str] = {
    **dict.fromkeys(
        (
            "chat", "text_completion", "completion", "completions", "acompletion", "atext_completion", "generate_content", "llm_call",
            "responses", "response", "aresponses", "message", "messages", "anthropic_messages", "llm", "chat_model", "generation",
            "generate", "chat_completion", "chatcompletion", "stream", "converse", "fim_completion", "generate_text", "prompt_completion",
            "inference", "call_llm", "text.completion", "chat.completion", "multimodal_completion", "completion.create",
            "chat.completions", "text.completions", "chat.streaming_completions", "text.streaming_completions", "text_completions",
            "agenerate_content", "generate_content_stream", "agenerate_content_stream", "llm_request", "pass_through_endpoint", "textcompletion",
            "generatecontent",
        ),
        "llm",
    ),
    **dict.fromkeys(("embeddings", "embedding", "aembedding", "embed", "embed_content", "embedder"), "embedding"),
    **dict.fromkeys(("rerank", "reranker", "arerank", "reranking"), "rerank"),
    **dict.fromkeys(("image", "images", "image_generation", "aimage_generation", "image_edit", "aimage_edit"), "image"),
    **dict.fromkeys(
        ("audio", "speech", "aspeech", "transcription", "atranscription", "text_to_speech", "speech_to_text", "transcribe"), "audio"
    ),
    **dict.fromkeys(("invoke_agent", "agent", "create_agent", "agent_run", "agent.run", "agent_execution", "invoke_agent_internal",
        "invokeagent"), "agent"),
    **dict.fromkeys(("execute_tool", "tool", "tool_call", "function", "toolcall", "mcp", "mcp_tool", "execute_task_tool",
        "executetool"), "tool"),
    **dict.fromkeys(
        ("retrieval", "retriever", "retrieve", "vectordb", "db", "search_memory", "memory", "query", "search"), "retriever"
    ),
    **dict.fromkeys(("invoke_workflow", "workflow", "crew", "execute_workflow", "session"), "workflow"),
    **dict.fromkeys(
        (
            "execute_event_loop_cycle", "agent_step", "task", "step", "plan", "handoff", "conversation", "operation", "event_loop_cycle", "framework",
            "execute_task", "turn",
        ),
        "step",
    ),
    **dict.fromkeys(
        ("chain", "prompt", "parser", "unknown", "span", "default", "executor", "pipeline", "prompt_template", "runnable", "code"), "chain"
    ),
    **dict.fromkeys(("guardrail", "guardrails", "moderation", "amoderation", "apply_guardrail", "guard"), "guardrail"),
    **dict.fromkeys(("evaluator", "evaluation", "evaluate", "human_evaluator"), "evaluator"),
    **dict.fromkeys(("cache", "cache.get", "cache.set", "cached"), "cache"),
}  # fmt: skip

USAGE: dict[str, tuple[str, ...]] = {
    "input": (
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens",
        "llm.usage.input_tokens", "ai.usage.inputTokens", "ai.usage.promptTokens", "gen_ai.aggregated_usage.input_tokens",
        "gen_ai.usage.input", "llm.prompt_tokens", "gen_ai.usage.promptTokens", "usage.input_tokens", "usage.prompt_tokens",
        "gen_ai.response.input_tokens",
    ),
    "output": (
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "llm.usage.completion_tokens",
        "llm.usage.output_tokens", "ai.usage.outputTokens", "ai.usage.completionTokens", "gen_ai.aggregated_usage.output_tokens",
        "gen_ai.usage.output", "llm.completion_tokens", "gen_ai.usage.completionTokens", "usage.output_tokens", "usage.completion_tokens",
        "gen_ai.response.output_tokens",
    ),
    "total": (
        "gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens", "ai.usage.totalTokens", "ai.usage.tokens",
        "usage.total_tokens",
    ),
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cached_tokens",
        "gen_ai.usage.input_tokens.cached", "gen_ai.usage.cached_input_tokens", "gen_ai.usage.input_cached_tokens",
        "gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cached_tokens", "gen_ai.usage.details.cache_read_input_tokens",
        "gen_ai.usage.prompt_tokens_details.cached_tokens", "gen_ai.usage.input_token_details.cache_read",
        "llm.token_count.prompt_details.cache_read", "llm.usage.cache_read_input_tokens", "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens", "gen_ai.aggregated_usage.cache_read.input_tokens", "gen_ai.usage.prompt_cached_tokens",
        "gen_ai.usage.cached_prompt_text_tokens",
    ),
    "cache_write": (
        "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens", "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.details.cache_creation_input_tokens", "gen_ai.usage.input_token_details.cache_creation",
        "llm.token_count.prompt_details.cache_write", "llm.token_count.prompt_details.cache_creation",
        "llm.usage.cache_creation_input_tokens", "ai.usage.inputTokenDetails.cacheWriteTokens",
        "gen_ai.aggregated_usage.cache_creation.input_tokens", "gen_ai.aggregated_usage.cache_write.input_tokens",
    ),
    "cache_write_1h": (
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",
        "gen_ai.usage.details.ephemeral_1h_input_tokens",
    ),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.output_tokens.reasoning", "gen_ai.usage.reasoning_output_tokens", "gen_ai.usage.thoughts_tokens",
        "gen_ai.usage.completion_tokens_details.reasoning_tokens", "gen_ai.usage.output_token_details.reasoning",
        "gen_ai.usage.details.thoughts_tokens", "llm.token_count.completion_details.reasoning", "llm.usage.reasoning_tokens",
        "ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens", "gen_ai.aggregated_usage.details.reasoning_tokens",
        "gen_ai.usage.thinking_tokens",
    ),
    "audio_in": (
        "llm.token_count.prompt_details.audio", "gen_ai.usage.input_audio_tokens", "gen_ai.usage.details.input_audio_tokens",
        "gen_ai.usage.audio.input_tokens",
    ),
    "audio_out": (
        "llm.token_count.completion_details.audio", "gen_ai.usage.output_audio_tokens", "gen_ai.usage.details.output_audio_tokens",
        "gen_ai.usage.audio.output_tokens",
    ),
    "images": ("gen_ai.usage.images", "gen_ai.usage.image_count", "gen_ai.response.image_count"),
    "audio_seconds": ("gen_ai.usage.audio_seconds", "gen_ai.usage.seconds", "gen_ai.audio.duration"),
    "characters": ("gen_ai.usage.characters", "gen_ai.usage.input_characters"),
}  # fmt: skip

_USAGE_PREFIXES = ("gen_ai.usage.", "gen_ai.response.usage.", "gen_ai.token_usage.", "genai.usage.", "llm.usage.", "llm.token_count.",
    "llm.response.usage.", "llm.token_usage.", "ai.usage.", "gen_ai.aggregated_usage.", "usage.")  # fmt: skip
#: Below a vendor's or framework's own name parts alone are read (``agentscope.usage.cache_input_tokens``): totals there may be anybody's sums.
_VENDOR = re.compile(r"[a-z0-9_-]+\.(?:usage|token_usage|token_count)\.(?=.*token)")
_FRESH = re.compile(r"(?=.*token)(?=.*(?:input|prompt))(?:uncached|non_?cached|not_cached)")
_PARTS = frozenset({"cache_read", "cache_write", "cache_write_1h", "reasoning"})
_USAGE_KNOWN = frozenset(n for names in USAGE.values() for n in names)
#: Words by which a count is no token class of ours: money, settings, parts that no price knows.
_NO_CLASS = ("cost", "price", "usd", "type", "limit", "budget", "ratio", "duration", "partial", "image", "text", "tool", "prediction", "character",
    "units", "streaming", "topics", "summary", "sentiment", "intents", "system", "5m", "_rate", "hitrate", "video", "uncached", "non_cached",
    "non_reasoning", "miss", "estimate", "count_", "context")  # fmt: skip
#: Token class ('' for none of ours), words of which the name must hold one, words of which it must hold another; the first that fits.
_CLASSES = (
    ("", ("audio",), ("cache",)),
    ("cache_write_1h", ("cache",), ("1h",)), ("cache_write", ("cache",), ("write", "creat", "storage")),
    ("cache_read", ("cache",), ("read", "cached", "hit", "cache_input", "cacheinput", "content")), ("", ("cache",), ("",)),
    ("reasoning", ("reason", "think", "thought"), ("",)), ("audio_in", ("audio",), ("input", "prompt")),
    ("audio_out", ("audio",), ("output", "completion", "response")), ("", ("audio",), ("",)), ("total", ("total",), ("",)),
    ("input", ("input", "prompt"), ("",)), ("output", ("output", "completion", "candidate", "generated"), ("",)),
)  # fmt: skip


#: A vendor's own name for the model of a call (``judgment.llm.model``): who names it may tell totals in the same words.
_VENDOR_MODEL = re.compile(r"([a-z0-9_-]+)\.(?:llm|response|request)\.(?:model|model_name|model\.name)")


def vendor_model(names: Iterable[str]) -> tuple[str, str]:
    """Name of an attribute that tells a model in a vendor's own words, and that vendor; of several the first by name."""
    return min(((m[0], m[1]) for n in names if (m := _VENDOR_MODEL.fullmatch(n))), default=("", ""))


def usage_class(name: str, vendor: str = "") -> str:
    """The token class that a name under a usage prefix tells though no table lists it; '' when it is none, or listed.

    Args:
        name: of an attribute.
        vendor: whose totals are this call's own.
    """
    known = name.startswith(_USAGE_PREFIXES)
    theirs = _VENDOR.match(name) if not known and "token" in name else None
    if (not known and theirs is None) or name in _USAGE_KNOWN:
        return ""
    tail = name[theirs.end() if theirs else next(len(p) for p in _USAGE_PREFIXES if name.startswith(p)) :].lower()
    if tail.endswith(("details", ".")) or any(word in tail for word in _NO_CLASS if word != "text" or "cache" not in tail):
        return ""
    found = next((found for found, first, second in _CLASSES if any(w in tail for w in first) and any(w in tail for w in second)), "")
    return found if known or found in _PARTS or (vendor and name.startswith(f"{vendor}.")) else ""


def fresh_input(names: Iterable[str]) -> str:
    """The name of an input count that says of itself that it leaves cached tokens out; '' when there is none."""
    return min((n for n in names if _FRESH.search(n) and (n.startswith(_USAGE_PREFIXES) or _VENDOR.match(n))), default="")


FIELDS: dict[str, tuple[str, ...]] = {
    "provider": (
        "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider", "llm.vendor", "gen_ai.provider",
        "gen_ai.request.provider", "ai.provider",
    ),
    "model": (
        "gen_ai.response.model", "ai.response.model", "llm.response.model", "llm.response.model_name",
        "embedding.model_name", "reranker.model_name", "llm.model_name",
    ),
    "model_requested": (
        "gen_ai.request.model", "llm.request.model", "ai.model.id", "gen_ai.model", "gen_ai.request.model_name", "llm.model", "model_name",
        "llm.request.model_name", "ai.model.name", "ai.model_id", "gen_ai.framework.embedding.model",
    ),
    "response_id": ("gen_ai.response.id", "ai.response.id", "llm.response.id", "gen_ai.response_id", "llm.response_id"),
    "request_id": ("anthropic.request.id", "aws.request_id", "gen_ai.request.id", "openai.request_id", "http.request.header.x-request-id",
        "gen_ai.response.request_id"),
    "operation": ("gen_ai.operation.name", "llm.request.type", "ai.operationId", "openai.api.type", "gen_ai.request.type"),
    "endpoint": ("url.path", "http.target", "http.route"),
    "server_address": ("server.address", "net.peer.name"),
    "server_port": ("server.port", "net.peer.port"),
    "server_url": ("gen_ai.openai.api_base", "gen_ai.request.base_url", "llm.api_base", "openai.api_base", "url.full", "http.url"),
    "error_type": ("error.type", "gen_ai.error.type", "exception.type"),
    "error_message": ("error.message", "exception.message"),
    "http_status": (
        "http.response.status_code", "http.status_code", "gen_ai.response.status_code", "error.code", "litellm.provider.error.code",
    ),
    "finish_reason": (
        "gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "llm.finish_reason", "ai.response.finishReason",
        "gen_ai.completion.0.finish_reason", "anthropic.message.stop_reason", "llm.response.finish_reason", "llm.response.stop_reason",
        "gen_ai.response.stop_reason", "llm.stop_reason", "ai.response.finish_reason", "ai.finish_reason",
    ),
    "stream": ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming", "gen_ai.request.is_stream", "llm.streaming",
        "gen_ai.request.streaming", "gen_ai.response.streaming", "gen_ai.request.llm_is_streaming", "llm.stream", "ai.streaming"),
    "ttft_s": (
        "gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk", "gen_ai.server.time_to_first_token",
        "gen_ai.response.ttft", "gen_ai.response.time_to_first_token", "gen_ai.client.response.time_to_first_token",
    ),
    "prompt_template": ("llm.prompt_template.variables", "traceloop.prompt.template_variables"),
    "ttft_ms": ("ai.response.msToFirstChunk", "ttft_ms", "llm.response.time_to_first_token_ms"),
    "cache_hit": ("gen_ai.response.cache_hit", "llm.cache_hit", "gen_ai.cache.hit", "cache.hit", "cache_hit"),
    "fallback": ("gen_ai.fallback", "llm.fallback", "fallback"),
    "retry": ("gen_ai.request.retry", "retry_attempts", "llm.retry", "retry.count", "http.request.resend_count"),
    "attempt": ("attempt",),
    "circuit_state": ("gen_ai.circuit.state", "circuit_breaker.state", "circuit.state"),
    "service_tier": (
        "gen_ai.openai.response.service_tier", "openai.response.service_tier", "gen_ai.response.service_tier",
        "anthropic.response.service_tier", "gen_ai.openai.request.service_tier", "openai.request.service_tier",
        "gen_ai.request.service_tier",
    ),
    "cost": (
        "gen_ai.cost.total_cost", "litellm.cost.total", "gen_ai.usage.cost", "operation.cost", "llm.cost.total", "gen_ai.cost",
        "llm.usage.cost", "gen_ai.usage.total_cost", "gen_ai.usage.cost_usd", "llm.response.cost",
    ),
    "provider_cost": ("gen_ai.usage.provider_cost", "openrouter.cost", "gen_ai.openrouter.cost"),
    "tool_name": ("gen_ai.tool.name", "tool.name", "ai.toolCall.name", "tool_name", "mcp.tool.name", "function_name"),
    "tool_call_id": ("gen_ai.tool.call.id", "ai.toolCall.id", "tool_call.id", "tool_use_id", "tool.id", "call_id"),
    "sampling_ratio": ("sampling.ratio", "sampling.probability", "sampling_ratio", "otel.sampling.probability"),
    "sample_rate": ("SampleRate", "sample_rate"),
    "guardrail": (
        "gen_ai.guardrail.status", "guardrail_status", "guardrail.status", "gen_ai.guardrail.action", "guardrail.action",
        "gen_ai.guardrail.triggered", "guardrail.triggered", "gen_ai.response.guardrail_action", "gen_ai.guardrail.outcome",
        "gen_ai.prompt_shield.attack_detected", "gen_ai.content_filter.triggered",
    ),
    "gateway_agent": ("metadata.user_agent", "litellm.metadata.user_agent"),
}  # fmt: skip

CONTENT: dict[str, tuple[str, ...]] = {
    "input": ("gen_ai.input.messages", "gen_ai.prompt", "gen_ai.request.messages", "gen_ai.content.prompt", "input.value", "llm.prompts"),
    "output": ("gen_ai.output.messages", "gen_ai.completion", "gen_ai.response.text", "gen_ai.content.completion", "gen_ai.output", "output.value"),
    "system": ("gen_ai.system_instructions", "gen_ai.system.message", "gen_ai.request.instructions"),
    "indexed_input": ("llm.input_messages.", "gen_ai.prompt.", "gen_ai.input.messages."),
    "indexed_output": ("llm.output_messages.", "gen_ai.completion.", "gen_ai.output.messages."),
    "documents": ("gen_ai.retrieval.documents", "retrieval.documents", "gen_ai.retrieved_documents", "gen_ai.response.documents"),
    "indexed_documents": ("retrieval.documents.", "reranker.output_documents."),
    "query": ("gen_ai.retrieval.query.text", "gen_ai.retrieval.query", "db.query.text", "reranker.query"),
    "tool_input": ("gen_ai.tool.call.arguments", "gen_ai.tool.arguments", "gen_ai.tool.input", "tool.parameters", "tool_arguments",
        "gen_ai.tool.args", "input.value"),
    "tool_output": ("gen_ai.tool.call.result", "gen_ai.tool.result", "gen_ai.tool.output", "gen_ai.tool.message", "tool_response",
        "gen_ai.output", "output.value"),
    "tool_definitions": ("gen_ai.tool.definitions", "gen_ai.request.tools", "llm.tools", "gen_ai.agent.tools"),
    "indexed_tools": ("llm.tools.", "llm.request.functions.", "gen_ai.request.tools."),
    "schema": (
        "gen_ai.output.schema", "gen_ai.request.response_format", "gen_ai.openai.request.response_format", "gen_ai.request.json_schema",
        "gen_ai.request.structured_output_schema", "llm.request.response_format", "gen_ai.response_format",
        "gen_ai.response.schema",
    ),
}  # fmt: skip

#: Span events and log events that carry a message each (semconv 1.27–1.36).
MESSAGE_EVENTS: dict[str, str] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.choice": "choice",
    "gen_ai.content.prompt": "prompt",
    "gen_ai.content.completion": "completion",
}
DETAILS_EVENT = "gen_ai.client.inference.operation.details"

BASE = Dialect(
    name="genai",
    scopes=(
        "opentelemetry.instrumentation.openai_v2", "opentelemetry.instrumentation.genai.*", "opentelemetry.util.genai*",
        "@opentelemetry/instrumentation-openai", "opentelemetry.instrumentation.google_genai*", "opentelemetry.instrumentation.vertexai*",
        "opentelemetry.instrumentation.openai_agents_v2", "opentelemetry.instrumentation.weaviate_client", "Experimental.Microsoft.Extensions.AI",
        "Microsoft.Extensions.AI", "OpenAI.ChatClient", "Azure.AI.*", "azure.ai.*", "agent_framework*", "spring-ai*", "org.springframework.ai",
        "genai_otel*", "agentscope",
    ),
    marks=("gen_ai.*",),
    fields=FIELDS,
    usage=USAGE,
    usage_objects=("gen_ai.usage.raw", "gen_ai.usage", "gen_ai.response.usage", "gen_ai.usage_details", "gen_ai.usage_metadata", "llm.usage",
        "llm.response.usage", "ai.response.usage", "ai.usage"),
    content=CONTENT,
    kinds=(
        ("gen_ai.operation.name", OPERATIONS), ("openinference.span.kind", OPERATIONS), ("traceloop.span.kind", OPERATIONS),
        ("llm.request.type", OPERATIONS), ("gen_ai.span.kind", OPERATIONS), ("gen_ai.request.type", OPERATIONS), ("ag2.span.type",
            OPERATIONS), ("agent.span.type", OPERATIONS),
    ),
    authority=2,
    authorities={
        "opentelemetry.instrumentation.genai.langchain": 1, "opentelemetry.instrumentation.genai.openai_agents": 1,
        "opentelemetry.instrumentation.genai.llama*": 1, "opentelemetry.instrumentation.genai.crewai": 1,
        "agent_framework*": 1, "spring-ai*": 1, "org.springframework.ai": 1, "agentscope": 1,
    },
    strays=tuple(f"opentelemetry.instrumentation.{name}" for name in ("genai.openai", "genai.anthropic", "genai.langchain", "openai_v2")),
    exclusive_for={"agentscope": ("anthropic", "aws"), "agent_framework*": ("anthropic", "aws"), "genai_otel*": ("anthropic", "aws")},
    events={
        DETAILS_EVENT: Event("content"),
        **{name: Event("content") for name in MESSAGE_EVENTS},
        "gen_ai.evaluation.result": Event("evaluation", needs=("gen_ai.evaluation.name",)),
    },
)  # fmt: skip
