"""One request of the demo as OTLP spans, in the words of the instrumentation that its app uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from spanledger.demo.fleet import App, Model
from spanledger.demo.texts import Exchange

Value = str | int | float | bool | Sequence[str]
Attributes = dict[str, Value]

SERVER = "opentelemetry.instrumentation.fastapi"
GENAI = "opentelemetry.instrumentation.genai.openai"
OPENINFERENCE = "openinference.instrumentation.openai"
TRACELOOP = "opentelemetry.instrumentation.openai.v1"
VERCEL = "ai"
LANGFUSE = "langfuse-sdk"
ANTHROPIC = "com.anthropic.sdk.python"


@dataclass(frozen=True)
class Call:
    """What one provider call was. Times in nanoseconds; ``error``: class of the error, "" when it went well."""

    model: Model
    exchange: Exchange
    start_ns: int
    end_ns: int
    tokens_in: int
    tokens_out: int
    cached: int
    response_id: str
    stream: bool = False
    ttft_ms: float = 0.0
    error: str = ""
    finish: str = "stop"
    extra: tuple[tuple[str, Value], ...] = ()


class Export:
    """Spans on their way, by resource and scope."""

    def __init__(self) -> None:
        self.request = ExportTraceServiceRequest()
        self.spans = 0
        self._scopes: dict[tuple[str, str], ScopeSpans] = {}
        self._resources: dict[str, object] = {}

    def add(self, app: App, region: str, scope: str, span: Span) -> None:
        """Put one span under its resource and scope."""
        key = (f"{app.id}/{region}", scope)
        if key not in self._scopes:
            if key[0] not in self._resources:
                resource = self.request.resource_spans.add()
                described = {"service.name": app.id, "team": app.team, "deployment.environment.name": "production", "cloud.region": region}
                resource.resource.attributes.extend(encoded(described))
                self._resources[key[0]] = resource
            resource_spans = self._resources[key[0]]
            self._scopes[key] = resource_spans.scope_spans.add()  # type: ignore[attr-defined]
            self._scopes[key].scope.name = scope
        self._scopes[key].spans.append(span)
        self.spans += 1


@dataclass
class Trace:
    """One request being written: its identity and where its spans go."""

    app: App
    export: Export
    rnd: Random
    region: str
    trace_id: bytes

    def span(
        self,
        scope: str,
        name: str,
        start_ns: int,
        end_ns: int,
        attributes: Mapping[str, Value],
        *,
        parent: bytes = b"",
        span_id: bytes = b"",
        error: str = "",
        server: bool = False,
    ) -> bytes:
        """Add a span; gives its id, a fresh one unless told."""
        span_id = span_id or self.rnd.randbytes(8)
        kind = Span.SPAN_KIND_SERVER if server else Span.SPAN_KIND_CLIENT
        span = Span(trace_id=self.trace_id, span_id=span_id, parent_span_id=parent, name=name, kind=kind)
        span.start_time_unix_nano, span.end_time_unix_nano = start_ns, end_ns
        span.attributes.extend(encoded(attributes))
        if error:
            span.status.code, span.status.message = Status.STATUS_CODE_ERROR, error
        self.export.add(self.app, self.region, scope, span)
        return span_id


def encoded(attributes: Mapping[str, Value]) -> list[KeyValue]:
    """Attributes on the wire."""
    return [KeyValue(key=key, value=_any(value)) for key, value in attributes.items()]


def _any(value: Value) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=item) for item in value]))


def tell(trace: Trace, dialect: str, call: Call, parent: bytes) -> bytes:
    """Add the spans of one call in a dialect; gives the id of the outermost."""
    return TELLERS[dialect](trace, call, parent)


def genai(trace: Trace, call: Call, parent: bytes, scope: str = GENAI) -> bytes:
    """OTel GenAI semantic conventions, as the official packages send them."""
    told: Attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": call.model.provider, "gen_ai.request.model": call.model.name}
    told["gen_ai.input.messages"] = json.dumps([{"role": "user", "parts": [{"type": "text", "content": call.exchange.user}]}])
    told["gen_ai.system_instructions"] = json.dumps([{"type": "text", "content": call.exchange.system}])
    if call.exchange.schema:
        told["gen_ai.request.response_format"] = _wanted(call.exchange.schema)
    if call.error:
        told["error.type"] = call.error
    else:
        message = {"role": "assistant", "parts": [{"type": "text", "content": call.exchange.answer}], "finish_reason": call.finish}
        told |= {
            "gen_ai.response.model": call.model.answered,
            "gen_ai.response.id": call.response_id,
            "gen_ai.usage.input_tokens": call.tokens_in,
            "gen_ai.usage.output_tokens": call.tokens_out,
            "gen_ai.usage.cache_read.input_tokens": call.cached,
            "gen_ai.response.finish_reasons": [call.finish],
            "gen_ai.output.messages": json.dumps([message]),
        }
        if call.stream:
            told |= {"gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": call.ttft_ms / 1000}
    return trace.span(scope, f"chat {call.model.name}", call.start_ns, call.end_ns, told | dict(call.extra), parent=parent, error=call.error)


def openinference(trace: Trace, call: Call, parent: bytes) -> bytes:
    """OpenInference: the response id stands only in the raw output."""
    told: Attributes = {
        "openinference.span.kind": "LLM",
        "llm.provider": call.model.provider,
        "llm.model_name": call.model.answered if not call.error else call.model.name,
        "llm.invocation_parameters": json.dumps({"model": call.model.name, "stream": call.stream}),
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": call.exchange.system,
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": call.exchange.user,
    }
    if not call.error:
        told |= {
            "llm.token_count.prompt": call.tokens_in,
            "llm.token_count.completion": call.tokens_out,
            "llm.token_count.total": call.tokens_in + call.tokens_out,
            "llm.token_count.prompt_details.cache_read": call.cached,
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": call.exchange.answer,
            "llm.finish_reason": call.finish,
            "output.value": json.dumps({"id": call.response_id, "object": "chat.completion", "model": call.model.answered}),
            "output.mime_type": "application/json",
        }
    return trace.span(OPENINFERENCE, "ChatCompletion", call.start_ns, call.end_ns, told | dict(call.extra), parent=parent, error=call.error)


def openllmetry(trace: Trace, call: Call, parent: bytes) -> bytes:
    """OpenLLMetry: semantic conventions under scopes of its own, with association properties."""
    told: tuple[tuple[str, Value], ...] = (("llm.is_streaming", call.stream), ("traceloop.workflow.name", trace.app.id))
    return genai(trace, replace(call, extra=(*call.extra, *told)), parent, TRACELOOP)


def vercel(trace: Trace, call: Call, parent: bytes) -> bytes:
    """Vercel AI SDK 6: an outer span repeats the usage of the inner ones."""
    usage: Attributes = {} if call.error else {"ai.usage.inputTokens": call.tokens_in, "ai.usage.outputTokens": call.tokens_out}
    shared: Attributes = {"ai.model.id": call.model.name, "ai.model.provider": f"{call.model.provider}.chat"}
    outer: Attributes = {
        "operation.name": "ai.generateText",
        "ai.operationId": "ai.generateText",
        "ai.prompt": json.dumps({"prompt": call.exchange.user}),
    }
    top = trace.span(
        VERCEL, "ai.generateText", call.start_ns - 1_000_000, call.end_ns + 1_000_000, shared | outer | usage, parent=parent, error=call.error
    )
    inner: Attributes = {
        "operation.name": "ai.generateText.doGenerate",
        "ai.operationId": "ai.generateText.doGenerate",
        "gen_ai.system": f"{call.model.provider}.chat",
        "gen_ai.request.model": call.model.name,
        "ai.prompt.messages": json.dumps(
            [{"role": "system", "content": call.exchange.system}, {"role": "user", "content": [{"type": "text", "text": call.exchange.user}]}]
        ),
    }
    if not call.error:
        inner |= {
            "gen_ai.response.id": call.response_id,
            "gen_ai.response.model": call.model.answered,
            "gen_ai.response.finish_reasons": [call.finish],
            "gen_ai.usage.input_tokens": call.tokens_in,
            "gen_ai.usage.output_tokens": call.tokens_out,
            "ai.response.text": call.exchange.answer,
            "ai.response.msToFirstChunk": call.ttft_ms,
        }
    told = shared | inner | usage | dict(call.extra)
    trace.span(VERCEL, "ai.generateText.doGenerate", call.start_ns, call.end_ns, told, parent=top, error=call.error)
    return top


def langfuse(trace: Trace, call: Call, parent: bytes) -> bytes:
    """Langfuse's own attributes; usage in buckets."""
    told: Attributes = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": call.model.answered,
        "langfuse.observation.input": json.dumps(
            [{"role": "system", "content": call.exchange.system}, {"role": "user", "content": call.exchange.user}]
        ),
    }
    if call.error:
        told |= {"langfuse.observation.level": "ERROR", "langfuse.observation.status_message": call.error}
    else:
        usage = {"input": call.tokens_in, "output": call.tokens_out, "total": call.tokens_in + call.tokens_out}
        told |= {
            "langfuse.observation.output": json.dumps({"role": "assistant", "content": call.exchange.answer}),
            "langfuse.observation.usage_details": json.dumps(usage),
        }
    return trace.span(LANGFUSE, "generation", call.start_ns, call.end_ns, told | dict(call.extra), parent=parent, error=call.error)


def twins(trace: Trace, call: Call, parent: bytes) -> bytes:
    """Two instrumentations tell the same call: a framework's span around the provider SDK's own."""
    outer = replace(call, start_ns=call.start_ns - 2_000_000, end_ns=call.end_ns + 2_000_000)
    top = openinference(trace, outer, parent)
    genai(trace, call, top, ANTHROPIC)
    return top


TELLERS: dict[str, Callable[[Trace, Call, bytes], bytes]] = {
    "genai": genai, "openinference": openinference, "openllmetry": openllmetry, "vercel": vercel, "langfuse": langfuse, "twins": twins,
}  # fmt: skip


def retriever(trace: Trace, documents: Sequence[str], query: str, start_ns: int, end_ns: int, parent: bytes) -> None:
    """The retrieval that an answer rests on, in the words of the app's instrumentation."""
    if trace.app.dialect == "openinference":
        told: Attributes = {"openinference.span.kind": "RETRIEVER", "input.value": query}
        told |= {f"retrieval.documents.{i}.document.content": text for i, text in enumerate(documents)}
        trace.span(OPENINFERENCE, "retrieve", start_ns, end_ns, told, parent=parent)
        return
    listed = json.dumps([{"id": str(i), "content": text} for i, text in enumerate(documents)])
    told = {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.query.text": query, "gen_ai.retrieval.documents": listed}
    trace.span(GENAI, "retrieval", start_ns, end_ns, told, parent=parent)


def tool(trace: Trace, name: str, arguments: Mapping[str, object], start_ns: int, end_ns: int, parent: bytes, error: str = "") -> None:
    """A tool call of an agent."""
    told: Attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": f"call_{trace.rnd.getrandbits(48):012x}",
        "gen_ai.tool.call.arguments": json.dumps(arguments),
    }
    trace.span(GENAI, f"execute_tool {name}", start_ns, end_ns, told | ({"error.type": error} if error else {}), parent=parent, error=error)


def guardrail(trace: Trace, triggered: bool, start_ns: int, parent: bytes) -> None:
    """A check of the answer before it goes out."""
    told: Attributes = {"openinference.span.kind": "GUARDRAIL", "guardrail.name": "tone-and-claims", "guardrail.triggered": triggered}
    trace.span(OPENINFERENCE, "guardrail", start_ns, start_ns + 9_000_000, told, parent=parent)


def embedding(trace: Trace, model: Model, text: str, tokens: int, start_ns: int, parent: bytes) -> None:
    """The embedding of a search query."""
    told: Attributes = {
        "openinference.span.kind": "EMBEDDING",
        "embedding.model_name": model.name,
        "llm.provider": model.provider,
        "llm.token_count.prompt": tokens,
        "llm.token_count.total": tokens,
        "embedding.embeddings.0.embedding.text": text,
    }
    trace.span(OPENINFERENCE, "CreateEmbeddings", start_ns, start_ns + 45_000_000, told, parent=parent)


def _wanted(schema: str) -> str:
    return json.dumps({"type": "json_schema", "json_schema": {"name": "answer", "schema": json.loads(schema)}})
