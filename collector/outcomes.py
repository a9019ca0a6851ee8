"""How a call ended: short error class, outcome, safety, provider names. Pure functions of what the sender wrote."""

from __future__ import annotations

import re

from spanledger.model import Outcome

_CLASS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[.:/][A-Za-z_][A-Za-z0-9_]*)*")

_RATE = ("ratelimit", "rate_limit", "rate limit", "toomanyrequests", "too many requests", "throttl", "429", "resource_exhausted",
         "resourceexhausted", "quota", "overloaded")  # fmt: skip
_TIMEOUT = ("timeout", "timed out", "timedout", "deadline", "408", "504")
_CANCELLED = ("cancel", "abort", "interrupted", "disconnect", "generatorexit")
_FILTERED = ("content_filter", "contentfilter", "contentpolicy", "content_policy", "content management policy", "responsibleai",
             "guardrail", "blockedprompt", "safety")  # fmt: skip

#: Finish reasons by which the provider withheld an answer, and the kind of violation told.
FILTERED_REASONS: dict[str, str] = {
    "content_filter": "content_filter", "content-filter": "content_filter", "content_filtered": "content_filter", "safety": "content_filter",
    "prohibited_content": "content_filter", "blocklist": "content_filter", "spii": "content_filter", "recitation": "recitation",
    "image_safety": "content_filter", "refusal": "refusal", "guardrail_intervened": "guardrail", "blocked": "content_filter",
}  # fmt: skip

#: Spellings of finish reasons -> one.
FINISH: dict[str, str] = {
    "end_turn": "stop", "stop_sequence": "stop", "eos": "stop", "complete": "stop", "completed": "stop", "finish_reason_stop": "stop",
    "max_tokens": "length", "max_output_tokens": "length", "model_length": "length", "incomplete": "length", "max_completion_tokens": "length",
    "tool_use": "tool_calls", "tool_call": "tool_calls", "tool-calls": "tool_calls", "function_call": "tool_calls", "tool_calls": "tool_calls",
    "content-filter": "content_filter", "content_filtered": "content_filter",
}  # fmt: skip

PROVIDERS: dict[str, str] = {
    "azure": "azure", "azure.ai.openai": "azure", "az.ai.openai": "azure", "azure.ai.inference": "azure", "az.ai.inference": "azure",
    "azure_openai": "azure", "azure-openai": "azure", "azure_ai": "azure", "azureopenai": "azure", "azure_ai_inference": "azure",
    "az": "azure", "microsoft.foundry": "azure", "microsoft": "azure",
    "aws": "aws", "aws.bedrock": "aws", "aws_bedrock": "aws", "bedrock": "aws", "bedrock_converse": "aws", "amazon-bedrock": "aws",
    "amazon_bedrock": "aws", "awsbedrock": "aws", "amazon": "aws", "sagemaker": "aws",
    "gcp.gemini": "google", "gcp.gen_ai": "google", "gcp.vertex_ai": "google", "gcp.vertexai": "google", "google": "google",
    "gemini": "google", "google_genai": "google", "google-genai": "google", "google_vertexai": "google", "vertex_ai": "google",
    "vertexai": "google", "google-gla": "google", "google-vertex": "google", "google.generative-ai": "google", "google.vertex": "google",
    "google_generativeai": "google", "generativelanguage": "google", "google_ai_studio": "google", "vertex": "google",
    "googleai": "google", "google_ai": "google", "google-ai": "google", "gcp": "google",
    "mistral_ai": "mistral", "mistralai": "mistral", "mistral": "mistral", "x_ai": "x-ai", "xai": "x-ai", "x-ai": "x-ai", "grok": "x-ai",
    "ibm.watsonx.ai": "ibm", "watsonx": "ibm", "together_ai": "together", "togetherai": "together", "fireworks_ai": "fireworks",
    "huggingface_hub": "huggingface", "hf": "huggingface", "moonshot": "moonshotai", "openai_chat": "openai", "open_ai": "openai",
    "text-completion-openai": "openai", "anthropic_vertex": "google", "vertex_ai_beta": "google", "vertex_ai-anthropic_models": "google",
}  # fmt: skip

#: Frameworks and tools that write themselves where a provider belongs.
NOT_PROVIDERS = frozenset({
    "langchain", "langgraph", "langsmith", "strands-agents", "strands", "llama_index", "llamaindex", "crewai", "autogen", "haystack", "dspy",
    "gcp.vertex.agent", "semantic_kernel", "litellm", "litellm_proxy", "unknown", "none", "null", "other", "custom", "_other",
    "openai_agents", "agent_framework", "microsoft.agent_framework", "smolagents", "pydantic-ai", "pydantic_ai", "vercel", "ai", "mcp", "fake",
    "openai-compatible", "openai_compatible", "openai_like", "openailike", "custom_openai", "gateway", "agno", "livekit", "mirascope",
})  # fmt: skip

_MODEL_PROVIDERS = (
    (re.compile(r"^(?:[a-z]{2,6}\.)?(?:anthropic|meta|amazon|cohere|mistral|ai21|deepseek)\.[a-z]"), "aws"),
    (re.compile(r"(^|/)(gpt-|o[1345](-|$)|chatgpt|text-embedding-(3|ada)|text-davinci|davinci|dall-e|whisper|tts-|codex-|computer-use)"), "openai"),
    (re.compile(r"(^|/)claude"), "anthropic"),
    (re.compile(r"(^|/)(gemini|gemma|text-embedding-00|imagen|veo)"), "google"),
    (re.compile(r"(^|/)(mistral|mixtral|codestral|ministral|pixtral|magistral|devstral)"), "mistral"),
    (re.compile(r"(^|/)(command-|embed-(english|multilingual|v4)|rerank-)"), "cohere"),
    (re.compile(r"(^|/)grok"), "x-ai"),
    (re.compile(r"(^|/)deepseek"), "deepseek"),
)


#: What a host (``shop.openai.azure.com``), a class (``ChatBedrockConverse``) or a name with an ending (``openai:responses``) holds -> provider;
#: clouds before the makers of the models that they host.
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = tuple((re.compile(word), provider) for word, provider in (
    ("azure", "azure"), ("microsoft", "azure"), ("bedrock", "aws"), ("amazon", "aws"), ("vertex", "google"), ("google", "google"),
    ("gemini", "google"), ("openai", "openai"), ("anthropic", "anthropic"), ("mistral", "mistral"), ("groq", "groq"), ("deepseek", "deepseek"),
    (r"(?:^|\.)x\.ai", "x-ai"), ("together", "together"), ("cerebras", "cerebras"), ("fireworks", "fireworks"), ("perplexity", "perplexity"),
    ("openrouter", "openrouter"), ("cohere", "cohere"), ("ollama", "ollama"),
))  # fmt: skip
_KNOWN = frozenset({*PROVIDERS.values(), *(provider for _, provider in _WORDS)})


def provider_of(name: str, model: str) -> str:
    """Canonical provider (``openai``, ``anthropic``, ``google``, ``aws``, ``azure``, …) that ``name`` names, begins with or holds.

    By the model's name where none is told, or a framework stands in its place, or a host that tells nothing; an unknown plain name stays.
    """
    low = name.strip().lower()
    head = low.partition(".")[0]  # openai.chat, anthropic.messages, google.generative-ai
    for told in (low, head):
        if told in PROVIDERS:
            return PROVIDERS[told]
        if told in _KNOWN:
            return told
        if not told or told in NOT_PROVIDERS:
            return by_model(model)
    held = next((provider for pattern, provider in _WORDS if pattern.search(low)), "")
    if held:
        return held
    host = low.count(".") > 1 or ":" in low or "/" in low or head.isdigit() or model.lower().startswith(f"{head}.")  # a model's region
    return by_model(model) if host else head


def by_model(model: str) -> str:
    """The provider whose naming the model follows, or ''."""
    low = model.lower()
    return next((provider for pattern, provider in _MODEL_PROVIDERS if pattern.search(low)), "")


def error_class(value: str) -> str:
    """``openai.RateLimitError`` and ``<class 'openai.RateLimitError'>`` → ``RateLimitError``; a message gives ''."""
    value = value.strip().removeprefix("<class '").removesuffix("'>")
    if value.isdigit():
        return value[:8]
    found = _CLASS.fullmatch(value)
    return re.split(r"[.:/]", value)[-1][:80] if found else ""


def ended(error_type: str, message: str, http_status: int, finish: str) -> Outcome:
    """Outcome of a call that failed, from class, message and HTTP status."""
    if http_status == 429:
        return "rate_limited"
    if http_status in (408, 504):
        return "timeout"
    if http_status == 499:
        return "cancelled"
    for text in (error_type.lower(), message.lower()):
        if not text:
            continue
        if any(w in text for w in _RATE):
            return "rate_limited"
        if any(w in text for w in _TIMEOUT):
            return "timeout"
        if any(w in text for w in _FILTERED):
            return "filtered"
        if any(w in text for w in _CANCELLED):
            return "cancelled"
    return "filtered" if finish in FILTERED_REASONS else "error"


def finish_of(value: str) -> str:
    """One spelling per finish reason: stop, length, tool_calls, content_filter, refusal, error…"""
    low = value.partition(",")[0].strip().lower().removeprefix("finishreason.").removeprefix("finish_reason_")[:64]
    return FINISH.get(low, low)


_WITHHELD = (
    ("refusal", re.compile(r"""["']refusal["']\s*:\s*["'](?!["'])|["']type["']\s*:\s*["']refusal["']""")),
    ("content_filter", re.compile(r"""["']filtered["']\s*:\s*[Tt]rue|["'](?:blockReason|block_reason)["']\s*:\s*["']""")),
)


def withheld(output: str) -> str:
    """What a provider's answer object says of an answer that it withheld (``refusal``, ``content_filter``), or ''."""
    if "refusal" in output or "filtered" in output or "lock" in output:
        return next((kind for kind, pattern in _WITHHELD if pattern.search(output)), "")
    return ""
