"""MLflow tracing exported over OTLP: every value is JSON (``mlflow.spanType`` = ``"CHAT_MODEL"`` in quotes), usage in ``mlflow.chat.tokenUsage``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.dialects.genai import OPERATIONS
from collector.dialects.table import Dialect
from collector.outcomes import provider_of
from collector.usage import from_object, normalise
from collector.values import dig, parse, to_text
from spanledger.model import Span


def _refine(span: Span, attributes: Mapping[str, Any]) -> None:
    asked = parse(attributes.get("mlflow.spanInputs"))
    model = dig(asked, "model") or dig(parse(attributes.get("invocation_params")), "model")
    if span.role == "call" and isinstance(model, str):
        span.model_requested = span.model_requested or model[:512]
        span.provider = span.provider or provider_of(to_text(dig(parse(attributes.get("metadata")), "ls_provider")), model)
    if span.model_requested[:1] in ("{", "<"):  # an agent's model is an object, written down
        told = parse(span.model_requested)
        span.model_requested = to_text(dig(told, "_model_name") or dig(told, "model_name") or dig(told, "id"))[:512]
    if span.role == "call" and span.usage is None and ("._prepare" in span.name or _prepared(attributes)):
        span.kind, span.role = "chain", "none"  # LlamaIndex: the making of a request is traced like the request
    if dig(asked, "stream") is True or to_text(attributes.get("stream")) == "true":
        span.stream = True
    if span.role == "call" and to_text(attributes.get("mlflow.message.format")) == "anthropic":
        own = from_object(dig(parse(attributes.get("mlflow.spanOutputs")), "usage"))  # the provider's object: exclusive, completed there
        if own:
            span.usage = normalise(own)


def _prepared(attributes: Mapping[str, Any]) -> bool:
    """The same under OpenTelemetry's names, which leave the span's own out: it tells what the model can do, but not its settings."""
    return "model_dict" not in attributes and "is_chat_model" in to_text(attributes.get("invocation_params"))


MLFLOW = Dialect(
    name="mlflow",
    scopes=("mlflow.*", "mlflow"),
    marks=("mlflow.spanType", "mlflow.spanInputs"),
    fields={"model": ("mlflow.llm.model",), "model_requested": ("model",), "provider": ("mlflow.llm.provider",), "stream": ("stream",)},
    usage_objects=("mlflow.chat.tokenUsage",),
    usage_objects_first=True,
    content={
        "input": ("mlflow.spanInputs",), "output": ("mlflow.spanOutputs",), "tool_input": ("mlflow.spanInputs",),
        "tool_output": ("mlflow.spanOutputs",), "query": ("mlflow.spanInputs",), "tool_definitions": ("mlflow.chat.tools",),
    },
    kinds=(("mlflow.spanType", OPERATIONS),),
    default_kind="chain",
    authority=2,
    refine=_refine,
)  # fmt: skip
