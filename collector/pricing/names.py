"""What senders call providers and models, and what the price book calls them.

Instrumentations disagree (``azure.ai.openai``, ``AzureOpenAI``, ``az.ai.inference``; ``us.anthropic.claude-…-v1:0``, ``anthropic/claude-…``,
``models/gemini-…``), some say nothing. :func:`providers_for` gives the price lists to look in, most credible first; :func:`model_names` the
spellings to try there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from genai_prices.data import providers as _PROVIDERS
from genai_prices.types import Provider

#: Price list id → names seen on the wire (``_`` and blanks read as ``-``). Sources: OTel registry, SDKs, LiteLLM, Vercel, LangChain.
_NAMES: dict[str, str] = {
    "openai": "openai open-ai openai-chat openai-responses chatopenai openai-codex codex",
    "azure": "azure azure-openai azureopenai azurechatopenai azure.ai.openai az.ai.openai azure.ai.inference az.ai.inference azure-ai "
    "azure-ai-inference azure.ai.foundry azure-ai-foundry azure-foundry microsoft.foundry azure-openai-responses azure-cognitive-services",
    "anthropic": "anthropic chatanthropic claude anthropic-messages",
    "google": "google gemini gcp gcp.gemini gcp.gen-ai gcp.genai gcp.vertex-ai gcp.vertexai vertex-ai vertexai vertex google-genai "
    "google-generativeai google-generative-ai google.generative-ai google-vertex google.vertex google-vertexai google-gla google-vertex-ai "
    "google-ai-studio google-anthropic-vertex vertex-ai-beta chatvertexai",
    "aws": "aws aws.bedrock aws-bedrock bedrock amazon amazon-bedrock bedrock-converse bedrock-runtime aws-bedrock-runtime chatbedrock",
    "x-ai": "x-ai xai x.ai grok", "mistral": "mistral mistral-ai mistralai codestral", "cohere": "cohere cohere-chat cohereai",
    "groq": "groq chatgroq groqcloud", "deepseek": "deepseek deepseek-ai", "perplexity": "perplexity perplexity-ai pplx",
    "together": "together together-ai togetherai", "fireworks": "fireworks fireworks-ai fireworksai", "openrouter": "openrouter open-router",
    "moonshotai": "moonshot moonshot-ai moonshotai kimi", "zai": "zai z-ai z.ai", "zhipuai": "zhipu zhipuai zhipu-ai bigmodel",
    "minimax": "minimax", "voyageai": "voyage voyageai voyage-ai", "cerebras": "cerebras", "databricks": "databricks",
    "cloudflare": "cloudflare workers-ai cloudflare-workers-ai", "novita": "novita novita-ai", "meta": "meta meta-llama-api llama-api",
    "github-copilot": "github-copilot copilot", "ovhcloud": "ovhcloud ovh", "elevenlabs": "elevenlabs", "avian": "avian",
    "arcee": "arcee arcee-ai", "baseten": "baseten", "doubleword": "doubleword", "modal": "modal",
}  # fmt: skip

#: Providers that run on the caller's own machine: no bill unless the policy states a GPU price.
LOCAL = frozenset({
    "ollama", "ollama-chat", "chatollama", "vllm", "hosted-vllm", "llamacpp", "llama.cpp", "llama-cpp", "llama-cpp-python",
    "lmstudio", "lm-studio", "llamafile", "localai", "tgi", "text-generation-inference", "sglang", "mlx", "mlx-lm", "gpt4all",
    "transformers", "huggingface-local", "local", "self-hosted", "selfhosted", "koboldcpp", "xinference", "jan", "ramalama",
    "docker-model-runner", "foundry-local", "oobabooga", "exllamav2", "tabbyapi", "triton", "tensorrt-llm", "ctransformers",
})  # fmt: skip

#: Names that say how a call was made, not who served it: the model or the server decides.
_THROUGH = frozenset({
    "litellm", "litellm-proxy", "langchain", "llama-index", "llamaindex", "openai-compatible", "openai-like", "openailike",
    "custom", "custom-openai", "custom-llm", "unknown", "other", "none", "gateway", "proxy", "vercel", "portkey", "helicone",
    "instructor", "dspy", "semantic-kernel", "haystack", "crewai", "autogen", "agents", "genai",
})  # fmt: skip

_BY_NAME = {name: key for key, names in _NAMES.items() for name in names.split()}
PRICE_LISTS: dict[str, Provider] = {p.id: p for p in _PROVIDERS}
_API = [(re.compile(p.api_pattern), p.id) for p in _PROVIDERS]

_BEDROCK = re.compile(
    r"^(arn:aws[\w-]*:(bedrock|sagemaker)|"
    r"((us|eu|apac|ap|ca|sa|me|af|il|mx|jp|au|us-gov|global)\.|[a-z]{2}(-gov)?-[a-z]+-\d/)?"
    r"(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|stability|writer|twelvelabs|luma|google|nvidia|minimax|moonshot|zai)\.[a-z])"
    r"|-v\d+:\d+(:\w+)?$"
)
_DATED = re.compile(r"[-@:_]?(20\d{2}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01]))(?=$|-v\d)")
_REGION = re.compile(r"^(us|eu|apac|ap|ca|sa|me|af|il|mx|jp|au|us-gov|global)\.(?=[a-z0-9]+\.)|^[a-z]{2}(-gov)?-[a-z]+-\d/")
_VENDOR = re.compile(r"^(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|google|nvidia|minimax|moonshot|zai)\.(?=[a-z])")
_BEDROCK_VERSION = re.compile(r"-v\d+:\d+(:\w+)?$")
_PREVIEW = re.compile(r"-(latest|001|002|exp)$")


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


@lru_cache(8192)
def price_list_id(provider: str) -> str:
    """Price list of a provider name; ``local``, ``""`` (says nothing about who served) or ``?`` (a provider the book does not know)."""
    key = _key(provider)
    if not key or key in _THROUGH:
        return ""
    if key in LOCAL:
        return "local"
    for name in (key, key.removesuffix(".ai"), key.rsplit(".", 1)[0], key.split(".")[0], key.split("/")[0], key.split(":")[0]):
        if name in _BY_NAME:
            return _BY_NAME[name]
        if name in LOCAL:
            return "local"
    if key.replace("-", "_") in PRICE_LISTS or key in PRICE_LISTS:
        return key if key in PRICE_LISTS else key.replace("-", "_")
    for known in _PROVIDERS:  # the book's own matching, last: it finds `openai` in any name that contains it
        if known.provider_match is not None and known.provider_match.is_match(key):
            return known.id
    return "?"


@lru_cache(8192)
def price_list_of_server(server: str) -> str:
    """Price list of the host a call went to, ``""`` when it is nobody's known API."""
    if not server:
        return ""
    url = server if "://" in server else f"https://{server}"
    return next((key for pattern, key in _API if pattern.match(url)), "")


def _of_model(model: str) -> str:
    """Price list that a bare model name belongs to, ``""`` when it does not say."""
    if _BEDROCK.search(model):
        return "aws"
    for name in (model, model.rsplit("/", 1)[-1]):
        for known in _PROVIDERS:
            if known.model_match is not None and known.model_match.is_match(name):
                return known.id
    return ""


@lru_cache(16384)
def providers_for(provider: str, model: str, server: str) -> tuple[str, ...]:
    """Price lists to look in, most credible first; ``local`` stands for the caller's own machine.

    A client library's own name (``openai`` for anything that speaks its protocol) yields to the host it talked to; a provider that the
    book does not know is never replaced by another one's prices.
    """
    model = model.lower()
    told, host = price_list_id(provider), price_list_of_server(server)
    if told == "?":
        return ()
    found: list[str] = []
    if host and told in ("", "openai", "anthropic", "google"):
        found.append(host)
    if told == "anthropic" and _BEDROCK.search(model):
        found.append("aws")
    if told:
        found.append(told)
    if told in ("", "openai", "azure", "google", "anthropic") and not (told and host and host != told):
        head = model.split("/", 1)[0] if "/" in model else ""
        if head and (of_head := price_list_id(head)) not in ("", "?"):
            found.append(of_head)
        if of_model := _of_model(model):
            found.append(of_model)
    return tuple(dict.fromkeys(found))


def stripped(model: str) -> str:
    """A model name without vendor path, region, Bedrock version and date, for comparing what two instrumentations said of one call."""
    return _stripped(model) if model else ""


@lru_cache(16384)
def _stripped(model: str) -> str:
    name = model.lower().rsplit("/", 1)[-1]
    name = _VENDOR.sub("", _REGION.sub("", name))
    name = _BEDROCK_VERSION.sub("", name)
    return _PREVIEW.sub("", _DATED.sub("", name))


def model_names(model: str) -> Iterator[str]:
    """Spellings of one model name, from as sent to bare; later ones are tried only when earlier ones are not in the list."""
    name = model.strip().lower()
    tried = {""}

    def new(candidate: str) -> bool:
        return candidate not in tried and not tried.add(candidate)  # type: ignore[func-returns-value]

    if new(name):
        yield name
    while "/" in name:
        name = name.split("/", 1)[1]
        if new(name):
            yield name
    for shorter in (_REGION.sub("", name), _VENDOR.sub("", _REGION.sub("", name))):
        for candidate in (shorter, _BEDROCK_VERSION.sub("", shorter), _DATED.sub("", _BEDROCK_VERSION.sub("", shorter))):
            if new(candidate):
                yield candidate
