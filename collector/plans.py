"""Compiled reading plans: a dialect's tables resolved once for each distinct set of attribute names.

Spans of one instrumentation come in few shapes (the tuple of their attribute names). For each (scope, names) pair everything that
depends on names only is decided once and kept: the dialect, which name fills which field, where content and identity are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from collector.callers import CARRIER_FIELDS, resource_names
from collector.dialects import REGISTRY, by_marks, by_scope
from collector.dialects.genai import BASE, fresh_input, usage_class, vendor_model
from collector.dialects.own import PREFIX as OWN
from collector.dialects.table import Dialect, matches
from collector.outcomes import error_class
from collector.prototypes import Prototypes
from collector.values import first_text, names_in, to_bool, to_float, to_int, to_text

#: canonical field -> how its value is read; others are text.
_READERS: dict[str, Callable[[Any], Any]] = {
    "http_status": to_int, "server_port": to_text, "finish_reason": first_text, "stream": to_bool, "ttft_s": to_float, "ttft_ms": to_float,
    "cache_hit": to_bool, "fallback": to_bool, "retry": to_int, "attempt": to_int, "cost": to_float, "provider_cost": to_float,
    "sampling_ratio": to_float, "sample_rate": to_float, "latency_ms": to_float, "error_type": lambda v: error_class(to_text(v)),
    "safety": to_int, "billed": to_bool, "usage_estimated": to_bool,
    "prompt_template": names_in,
}  # fmt: skip

#: Fields and identities that are new in nearly every span; the rest of a reading repeats (``prototypes``).
VARYING = frozenset({
    "response_id", "request_id", "tool_call_id", "ttft_ms", "ttft_s", "latency_ms", "cost", "provider_cost", "sampling_ratio", "sample_rate",
    "error_message", "prompt_template",
})  # fmt: skip
_VARYING_IDENTITY = frozenset({"user", "session"})

#: Names (or prefixes) that hold text of people or models, or much of it: never kept among ``attrs``.
_NEVER_KEPT = (
    "gen_ai.input.", "gen_ai.output.messages", "gen_ai.prompt", "gen_ai.completion", "gen_ai.system_instructions", "gen_ai.tool.call.",
    "gen_ai.tool.definitions", "gen_ai.tool.description", "gen_ai.tool.json_schema", "gen_ai.content.", "gen_ai.retrieval.", "input.", "output.",
    "llm.input_messages", "llm.output_messages", "llm.prompt", "llm.tools", "llm.invocation_parameters", "llm.function_call", "retrieval.",
    "reranker.", "embedding.embeddings", "langfuse.observation.input", "langfuse.observation.output", "langfuse.trace.input",
    "langfuse.trace.output", "langfuse.observation.status_message", "mlflow.", "traceloop.entity.input", "traceloop.entity.output", "lmnr.span.input",
    "lmnr.span.output", "ai.prompt", "ai.response.text", "ai.response.object", "ai.response.toolCalls", "ai.toolCall.args", "ai.toolCall.result",
    "ai.values", "ai.value", "ai.embedding", "ai.response.providerMetadata", "ai.response.reasoning", "ai.response.files", "exception",
    "error.message", "error.stack", "metadata.", "hidden_params", "litellm.provider.error", "litellm.metadata", "llm.request.functions",
    "llm.openai.", "llm.anthropic.", "llm.None.", "gcp.vertex.agent.", "pydantic_ai.", "all_messages", "final_result", "logfire.", "request_data",
    "response_data", "model_request_parameters", "langsmith.metadata.usage", "langsmith.metadata.LANGSMITH", "langsmith.metadata.lc_", "prompt",
    "response", "user_prompt", "request_text", "response_text", "tool_input", "tool_output", "tool_parameters", "arguments", "function_args",
    "url.", "http.url", "http.target", "db.", "code.", "thread.", "process.", "gen_ai.usage.", "llm.token_count", "ai.usage",
        "haystack.component.input",
    "haystack.component.output", "haystack.pipeline.input", "haystack.pipeline.output", "crew_", "task_", "message", "text", "content",
    "gen_ai.evaluation.explanation", "user.email", "gen_ai.aggregated_usage", "http.request.header", "http.response.header", "ai.request.headers",
    "ai.settings", "telemetry.sdk", "service.", "error", "usage.", "baggage_conflict", "decision.", "smolagents.", "agent.task", "body", "query",
    "recipient", "sender", "gen_ai.agent.tools", "gen_ai.agent.description", "github.copilot.context", "tag.tags", "attributes", "extra",
    "mastra.", "template.", "model_dict.", "nodes", "chunks", "embeddings", "str_or_query_bundle", "entity.", "output", "input", "span_id", "id_",
    "timestamp", "class_name", "genkit:path",
)  # fmt: skip
#: Every name that some dialect reads text from.
_TEXTS = frozenset(n for d in REGISTRY for names in d.content.values() for n in names)
#: Prefixes of numbered names (one name per message, document or tool): for a plan, all names of a prefix are one.
_NUMBERED = (
    "llm.input_messages.", "llm.output_messages.", "gen_ai.prompt.", "gen_ai.completion.", "retrieval.documents.", "reranker.input_documents.",
    "reranker.output_documents.", "llm.tools.", "embedding.embeddings.", "llm.request.functions.", "gen_ai.request.tools.", "llm.prompts.",
    "gen_ai.input.messages.", "gen_ai.output.messages.",
)  # fmt: skip
_NUMBERED_SIGNS = frozenset({
    "llm.input_messages.0.message.role", "llm.output_messages.0.message.role", "llm.input_messages.0.message.content", "gen_ai.prompt.0.role",
    "gen_ai.prompt.0.content", "gen_ai.completion.0.role", "gen_ai.completion.0.content", "retrieval.documents.0.document.content",
    "reranker.input_documents.0.document.content", "llm.tools.0.tool.json_schema", "embedding.embeddings.0.embedding.text",
    "embedding.embeddings.0.embedding.vector", "llm.request.functions.0.name", "gen_ai.input.messages.0.message.role",
    "gen_ai.output.messages.0.message.role",
})  # fmt: skip
_OBJECTS = frozenset({"usage", "usage_metadata", "usageMetadata", "token_usage", "tokenUsage", "usage_details", "usageDetails", "usage_object"})
_MAX_SHAPES = 8_192
_MAX_NAMES = 256  # plans of wider spans are not kept


def names_of(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """What a plan is looked up by: the attribute names in order, numbered ones as their prefix, so that long dialogues share a plan."""
    if _NUMBERED_SIGNS.isdisjoint(attributes):
        return tuple(attributes)
    return tuple(dict.fromkeys(_prefix(n) for n in attributes))


def _prefix(name: str) -> str:
    if name.startswith(_NUMBERED) and name not in _KNOWN_FIELDS:
        return next(p for p in _NUMBERED if name.startswith(p))
    return name


_KNOWN_FIELDS = frozenset(n for d in REGISTRY for names in d.fields.values() for n in names)


Field = tuple[str, str, Callable[[Any], Any]]  # canonical field, attribute, how it is read
Names = tuple[str, tuple[tuple[str, str], ...]]  # identity field, present (attribute, key inside it) pairs, best first


class Shape:
    """Everything that attribute names alone decide about a span."""

    __slots__ = (
        "authority",
        "carrier",
        "content",
        "dialect",
        "estimates",
        "exclusive_for",
        "exclusive_input",
        "exclusive_output",
        "fields",
        "genai",
        "headers",
        "identity",
        "keep",
        "kinds",
        "link",
        "miscounts",
        "own_biz",
        "prototypes",
        "reason",
        "strays",
        "usage",
        "usage_objects",
        "varying_fields",
        "varying_identity",
    )  # fmt: skip

    dialect: Dialect
    genai: bool
    carrier: bool
    reason: str
    fields: tuple[Field, ...]
    varying_fields: tuple[Field, ...]
    usage: tuple[tuple[str, str], ...]
    usage_objects: tuple[str, ...]
    kinds: tuple[tuple[str, Mapping[str, str]], ...]
    identity: tuple[Names, ...]
    varying_identity: tuple[Names, ...]
    prototypes: Prototypes
    content: dict[str, tuple[str, ...]]
    headers: str
    keep: tuple[str, ...]
    link: str
    own_biz: tuple[tuple[str, str], ...]
    authority: int
    exclusive_input: bool
    exclusive_for: frozenset[str]
    exclusive_output: bool
    estimates: bool
    miscounts: bool
    strays: Literal["", "known", "nameless"]  # listed, or telling no response id by which another telling could be found


class Plans:
    """The shapes seen so far; bounded, rebuilt from scratch when full. Not shared between threads."""

    def __init__(self, precedence: Mapping[str, Sequence[str]]) -> None:
        self.resource_names = resource_names(precedence)
        self._own = {field: tuple(n for n in names if not n.startswith("resource.")) for field, names in precedence.items()}
        self._carriers = frozenset(n for field in CARRIER_FIELDS for n in self._own.get(field, ()) if "#" not in n)
        self._shapes: dict[tuple[str, tuple[str, ...]], Shape] = {}

    def shape(self, scope: str, names: tuple[str, ...], dialect: Dialect | None = None) -> Shape:
        """The plan for spans of a scope with these attribute names (``dialect``: known already, for log events)."""
        key = (scope if dialect is None else f"{scope}\0{dialect.name}", names)
        found = self._shapes.get(key)
        if found is None:
            found = self._compile(scope, names, dialect)
            if len(names) <= _MAX_NAMES:
                if len(self._shapes) >= _MAX_SHAPES:
                    self._shapes.clear()
                self._shapes[key] = found
        return found

    def _compile(self, scope: str, names: tuple[str, ...], dialect: Dialect | None) -> Shape:
        there = frozenset(names)
        known = dialect or by_scope(scope)
        noisy = known is not None and dialect is None and known.keep_names is not None
        marked = (by_marks(names) or known) if known is None or noisy else known  # what stands out of a noisy sender's spans
        shape = Shape()
        shape.dialect = table = marked or BASE
        own = any(n.startswith(OWN) for n in names)
        shape.genai = known is not None or marked is not None or own
        shape.carrier = not there.isdisjoint(self._carriers)
        shape.reason = "" if shape.genai or shape.carrier else "not_genai"
        fields, identity = list(_fields(table, there)), list(self._identity(there))
        shape.fields = tuple(f for f in fields if f[0] not in VARYING)
        shape.varying_fields = tuple(f for f in fields if f[0] in VARYING)
        shape.usage = tuple(_usage(table, there))
        shape.usage_objects = tuple(n for n in (*table.usage_objects, *BASE.usage_objects) if n in there)
        if shape.usage and not shape.usage_objects:  # an unknown sender's object completes what it tells beside; alone it proves nothing
            shape.usage_objects = tuple(n for n in names if n.rpartition(".")[2] in _OBJECTS)
        shape.kinds = tuple((n, m) for n, m in (*table.kinds, *BASE.kinds) if n in there or n == "name")
        shape.identity = tuple(n for n in identity if not _varies(n))
        shape.varying_identity = tuple(n for n in identity if _varies(n))
        shape.content = dict(_content(table, there, names))
        used = {n for _, n, _ in fields} | {n for _, n in shape.usage} | {n for _, pairs in identity for n, _ in pairs}
        used |= set(shape.usage_objects) | _TEXTS
        shape.keep = tuple(n for n in names if n not in used and not n.startswith((*_NEVER_KEPT, *_NUMBERED, OWN)))[:64]
        shape.prototypes = Prototypes(tuple(_looked_at(shape)), shape.keep)
        shape.link = next((n for n in table.link if n in there), "")
        shape.headers = next((n for n in table.headers if n in there), "")
        shape.own_biz = tuple((n[len(OWN) + 4 :], n) for n in names if n.startswith(OWN + "biz."))
        shape.authority = next((a for p, a in table.authorities.items() if matches((p,), scope)), table.authority)
        shape.exclusive_input = matches(table.exclusive_input, scope) or (known is None and "bedrock" in scope.lower())  # as all others of Bedrock
        shape.exclusive_input = shape.exclusive_input or any(field == "input" and name == fresh_input((name,)) for field, name in shape.usage)
        shape.exclusive_for = frozenset(name for p, names in table.exclusive_for.items() if matches((p,), scope) for name in names)
        shape.exclusive_output = matches(table.exclusive_output, scope)
        shape.estimates = matches(table.estimators, scope)
        shape.miscounts = matches(table.miscounters, scope)
        shape.strays = "known" if matches(table.strays, scope) else "" if any(f[0] == "response_id" for f in fields) else "nameless"
        return shape

    def _identity(self, there: frozenset[str]) -> Iterable[Names]:
        """For each field the present (attribute, key inside it) pairs, best first."""
        for field, names in self._own.items():
            found = []
            for name in names:
                holder, _, key = name.partition("#")
                if holder in there:
                    found.append((holder, key))
            if found:
                yield field, tuple(found)


def _varies(names: Names) -> bool:
    return names[0] in _VARYING_IDENTITY or any(key for _, key in names[1])


def _looked_at(shape: Shape) -> Iterable[str]:
    names = [n for _, n, _ in shape.fields] + [n for n, _ in shape.kinds if n != "name"] + [n for _, pairs in shape.identity for n, _ in pairs]
    return dict.fromkeys(names)


_MODELS = (*BASE.fields["model"], *BASE.fields["model_requested"])


def _fields(table: Dialect, there: frozenset[str]) -> Iterable[Field]:
    for field in {**table.fields, **BASE.fields}:
        names = (OWN + field, *table.fields.get(field, ()), *BASE.fields.get(field, ()))
        name = next((n for n in names if n in there), None)
        if name is not None:
            yield field, name, _READERS.get(field, to_text)
        elif field == "model" and not any(n in there for n in _MODELS) and (own := vendor_model(there)[0]):
            yield field, own, to_text
    for field in ("kind", "role", "outcome", "billed", "usage_estimated", "safety", "latency_ms"):
        if OWN + field in there:
            yield field, OWN + field, _READERS.get(field, to_text)


def _usage(table: Dialect, there: frozenset[str]) -> Iterable[tuple[str, str]]:
    vendor = "" if any(n in there for n in _MODELS) else vendor_model(there)[1]
    unlisted = {usage_class(n, vendor): n for n in sorted(there, reverse=True)}  # of several for one class the first by name
    for field in {**table.usage, **BASE.usage}:
        names = (f"{OWN}usage.{field}", f"{OWN}tokens_{field}", *table.usage.get(field, ()), *BASE.usage.get(field, ()))
        name = next((n for n in names if n in there), None) or unlisted.get(field)
        if name is not None:
            yield field, name
        elif field == "input" and (fresh := fresh_input(there)):
            yield field, fresh


def _content(table: Dialect, there: frozenset[str], names: tuple[str, ...]) -> Iterable[tuple[str, tuple[str, ...]]]:
    for slot in {**table.content, **BASE.content}:
        asked = (*table.content.get(slot, ()), *BASE.content.get(slot, ()))
        found = tuple(n for n in names if n.startswith(asked)) if slot.startswith("indexed_") else tuple(n for n in asked if n in there)
        if found:
            yield slot, found
