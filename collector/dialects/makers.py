"""Providers that are told as a host (``api.openai.com``), a class (``openai_responses_llm``), with an ending (``openai:responses``) or not at all."""

from __future__ import annotations

from collector.outcomes import PROVIDERS, by_model

#: What such a name holds -> provider; clouds before the makers of the models that they host.
_WORDS = (
    ("azure", "azure"), ("bedrock", "aws"), ("amazon", "aws"), ("vertex", "google"), ("google", "google"), ("gemini", "google"), ("openai", "openai"),
    ("anthropic", "anthropic"), ("mistral", "mistral"), ("groq", "groq"), ("deepseek", "deepseek"), ("x.ai", "x-ai"), ("together", "together"),
    ("cerebras", "cerebras"), ("fireworks", "fireworks"), ("perplexity", "perplexity"), ("openrouter", "openrouter"), ("cohere", "cohere"),
    ("ollama", "ollama"),
)  # fmt: skip
_KNOWN = frozenset({*PROVIDERS.values(), *(name for _, name in _WORDS)})


def maker_of(told: str, model: str) -> str:
    """The provider that ``told`` names or holds, else the one whose naming the model follows; else what was told."""
    low = told.lower()
    if low in _KNOWN:
        return low
    return next((name for word, name in _WORDS if word in low), "") or by_model(model) or told
