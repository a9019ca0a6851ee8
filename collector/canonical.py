"""One OTLP record and its reading plan → one canonical span. The hot path: nothing here is decided twice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec import structs

from collector import outcomes
from collector.callers import LLM_ROUTES, identity_value
from collector.dialects.answers import completed
from collector.ids import recover
from collector.plans import Field, Names, Shape
from collector.usage import from_object, normalise
from collector.values import parse, to_text
from spanledger.model import AGGREGATE_KINDS, CALL_KINDS, Span, Usage

#: Fields of a plan that go onto the span as they are.
_DIRECT = frozenset({
    "model", "model_requested", "response_id", "request_id", "operation", "endpoint", "finish_reason", "stream", "cache_hit", "fallback",
    "circuit_state", "service_tier", "tool_name", "tool_call_id", "gateway_agent", "error_type", "ttft_ms", "latency_ms", "kind", "role",
    "outcome", "billed", "usage_estimated", "prompt_template",
})  # fmt: skip
_STATUS = ("unset", "ok", "error")
_TRIPPED = frozenset(
    {"true", "1", "blocked", "intervened", "guardrail_intervened", "tripped", "fail", "failed", "failure", "deny", "denied", "flagged", "violation"}
)
_KINDS = CALL_KINDS | AGGREGATE_KINDS | {"tool", "retriever", "guardrail", "evaluator", "cache", "carrier"}
#: Span events that mark the first token of a stream (OpenInference, AgentOps, Vercel, OpenLLMetry, Laminar, MLflow).
_FIRST_TOKEN = frozenset({
    "First Token Stream Event", "first_token_received", "ai.stream.firstChunk", "gen_ai.content.completion.chunk",
    "llm.content.completion.chunk", "mlflow.chunk.item.0", "first_token",
})  # fmt: skip
#: Providers whose output always holds reasoning and thinking.
_HOLDS_THOUGHTS = frozenset({"openai", "azure", "anthropic", "aws"})
_HOUR_NS = 3_600_000_000_000
_DAY_S = 86_400
_MOMENT_NS = 4_000_000_000
_STRAY_NS = 2_000_000_000
_TRACEPARENT = re.compile(r"""traceparent["']{0,2}\s*[:=]\s*["']?00-([0-9a-f]{32})-""", re.IGNORECASE)
_SESSION = 8  # a session key is at least this long: Codex says its threads' numbers under the same name
_MAX_TEXT, _MAX_KEPT, _MAX_KEPT_VALUE = 512, 4_096, 256
_lower: dict[str, str] = {}


@dataclass(slots=True)
class Source:
    """What all records of one (resource, scope) share."""

    project: str
    service: str
    inherited: dict[str, str]
    scope: str
    instance: str = ""  # service.instance.id: one process


@dataclass(slots=True)
class Raw:
    """One record before it is understood, whatever encoding it came in. Times in nanoseconds since the epoch."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    status: int = 0
    status_message: str = ""
    events: list[tuple[str, int, dict[str, Any]]] | None = None
    trace_state: str = ""
    signal: str = "span"
    kind: int = 0  # OTLP's: 2 server, 3 client, 4 producer


def build(source: Source, raw: Raw, shape: Shape) -> Span:
    """The canonical span of ``raw``. Pure: the same payload and project give the same span."""
    attributes, dialect = raw.attributes, shape.dialect
    usage = usage_of(shape, attributes) if shape.genai else None
    span = shape.prototypes.span(raw, shape, usage, _repeated)
    span.project, span.service, span.scope, span.inherited = source.project, source.service, source.scope[:_MAX_TEXT], source.inherited.copy()
    span.trace_id, span.span_id, span.parent_id = raw.trace_id, raw.span_id, raw.parent_id
    span.start_ns, span.end_ns = raw.start_ns, max(raw.end_ns, raw.start_ns)
    span.n_attrs = len(attributes)
    if shape.varying_identity:
        _identity(span.own, shape.varying_identity, attributes)
    if raw.signal == "log":
        span.signal = "log"
    if raw.trace_state:
        span.sampling_ratio = sampling_of(raw.trace_state)
    if not shape.prototypes.with_attrs:
        span.attrs = kept(shape, attributes)
    if not shape.genai:
        _moment(source, span)
        return span
    span.usage = usage
    if shape.exclusive_for and usage is not None and span.provider in shape.exclusive_for:
        span.usage = usage = usage_of(shape, attributes, exclusive_input=True)
    if usage is not None and usage.reasoning and usage.cache_read is None and span.provider in _HOLDS_THOUGHTS:
        span.usage = _cached_beyond(shape, usage, span.provider)
    _individual(span, raw, _fill(span, shape.varying_fields, attributes) if shape.varying_fields else {})
    if shape.link:
        value = identity_value(attributes[shape.link])
        span.link = f"{dialect.name}:{value}" if len(value) >= _SESSION else ""
    if shape.own_biz:
        span.biz = {name: float(v) for name, n in shape.own_biz if isinstance(v := attributes[n], int | float)}
    if dialect.refine is not None:
        span.attrs = span.attrs or {}  # an empty one belongs to the prototype as well: what is added is this span's alone
        dialect.refine(span, attributes)
    if span.role == "call" and "output" in shape.content:
        _from_answer(span, shape, attributes)
    if span.outcome == "cancelled" and span.billed is None and (span.response_id or span.ttft_ms is not None):
        span.billed = True  # the provider had begun to answer
    if dialect.loses_context and span.role == "call":
        _moment(source, span)
        if not span.link and not span.response_id:  # nothing else finds what another callback tells of this call
            span.link, span.link_kind = f"instant:{span.scope}:{span.start_ns}:{span.end_ns}", "instant"
    if shape.strays and span.kind == "llm" and not span.link:
        _stray(source, span, shape.strays == "known", bool(shape.headers) and _sent_within(span, attributes[shape.headers]))
    return span


def _sent_within(span: Span, headers: Any) -> bool:
    """Do a request's headers name a span of another trace as the one it was sent in?"""
    found = _TRACEPARENT.search(to_text(headers))
    return found is not None and found[1] != span.trace_id.hex()


def _stray(source: Source, span: Span, known: bool, within: bool) -> None:
    """What finds another telling of this call in another trace: its counts and about when it began.

    The time alone for roots that may lack counts, of scopes ``known`` to tell calls elsewhere. ``within``: another telling is known to be there.
    """
    if not within and span.authority == 2 and span.response_id and not span.stream and span.ttft_ms is None:
        return  # a client's plain call is found by its id
    if not known and span.parent_id and span.authority != 1:
        return
    usage = span.usage
    counts = (usage.input, usage.output) if usage is not None else (0, 0)
    uncounted = span.provider in ("", "openai", "azure") and source.scope.startswith("@")  # OpenInference for JavaScript reads no stream's usage
    if all(counts) and not (uncounted and not span.parent_id):
        told = f"{counts[0]}:{counts[1]}:{span.start_ns // _MOMENT_NS}"
    elif known and not span.parent_id:
        told = str(span.start_ns // _STRAY_NS)
    else:
        return
    span.link, span.link_kind = f"stray:{source.service}:{source.instance}:{told}", "stray"


def _repeated(raw: Raw, shape: Shape, usage: Usage | None) -> Span:
    """What a span says by its name, status, repeating attributes and by whether it tells usage: nothing else is looked at."""
    attributes, dialect = raw.attributes, shape.dialect
    span = Span(project="", service="", trace_id=b"", span_id=b"", start_ns=0, end_ns=0, name=raw.name[:_MAX_TEXT])
    span.status = _STATUS[raw.status] if 0 <= raw.status < 3 else "unset"
    _identity(span.own, shape.identity, attributes)
    if shape.prototypes.with_attrs:
        span.attrs = kept(shape, attributes)
    if not shape.genai:
        return span
    span.dialect, span.authority, span.usage = dialect.name, shape.authority, usage
    rest = _fill(span, shape.fields, attributes)
    if span.kind not in _KINDS or span.kind == "carrier":
        span.kind = _kind(shape, attributes, raw.name, span)  # type: ignore[assignment]
    if span.role == "none":
        span.role = _role(span)
    if span.role == "aggregate":
        span.aggregate_rule = dialect.aggregate_rule
    span.provider = outcomes.provider_of(rest.get("provider", ""), span.model or span.model_requested)
    _how(span, rest)
    if shape.estimates and span.stream and usage is not None:
        span.usage_estimated = True
    if shape.miscounts and span.stream:
        span.authority = 0
    return span


def _from_answer(span: Span, shape: Shape, attributes: Mapping[str, Any]) -> None:
    """What only the answer's text tells, read before redaction: the provider's id and usage, and that it withheld something."""
    for name in shape.content["output"]:
        output = attributes[name]
        if name != "gen_ai.output.messages":  # semconv's messages hold no usage
            span.usage = completed(span.usage, output)
        if not span.response_id:
            span.response_id = recover(output)
        if type(output) is str and not span.safety and (kind := outcomes.withheld(output)):
            span.safety, span.safety_types = 1, (kind,)
            if span.outcome == "":
                span.outcome = "filtered"


def _moment(source: Source, span: Span) -> None:
    """Lets posting find the request that an orphan call belonged to: root spans of one instance, one user and the same four seconds."""
    user = span.own.get("user")
    if user and not span.parent_id and not span.link and source.instance:
        span.link, span.link_kind = f"moment:{source.instance}:{user}:{span.start_ns // _MOMENT_NS}", "moment"


def _identity(found: dict[str, str], names: Sequence[Names], attributes: Mapping[str, Any]) -> None:
    holders: dict[str, Any] = {}
    for field, pairs in names:
        for name, key in pairs:
            if not key:
                value = identity_value(attributes[name])
            else:
                if name not in holders:
                    holders[name] = parse(attributes[name])
                held = holders[name]
                value = identity_value(held.get(key)) if isinstance(held, dict) and key in held else ""
            if value and not (field == "route" and value.endswith(LLM_ROUTES)):
                found[field] = value
                break


def _fill(span: Span, fields: Sequence[Field], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Set the direct fields; give back the others."""
    rest: dict[str, Any] = {}
    for field, name, read in fields:
        value = attributes[name]
        if read is not to_text or type(value) is not str or value[0] == '"':
            value = read(value)
            if value is None or value == "":
                continue
        if field in _DIRECT:
            setattr(span, field, value[:_MAX_TEXT] if type(value) is str else value)
        else:
            rest[field] = value
    return rest


def usage_of(shape: Shape, attributes: Mapping[str, Any], *, exclusive_input: bool = False) -> Usage | None:
    """Usage of a record by its plan: single attributes, completed (or overruled) by a usage object."""
    if not shape.usage and not shape.usage_objects:
        return None
    counts: dict[str, Any] = {field: attributes[name] for field, name in shape.usage}
    for name in shape.usage_objects:
        found = from_object(attributes[name])
        if not found:
            continue
        whole = found.get("input") is not None or found.get("output") is not None or found.get("total") is not None
        if whole and (shape.dialect.usage_objects_first or ("input" not in counts and "output" not in counts)):
            counts = {**counts, **{k: v for k, v in found.items() if v is not None}}
            if found.get("input") is not None:
                counts.pop("total", None)
            return normalise(counts)  # an object's counts are inclusive already
        for field, value in found.items():
            if value is not None and field not in ("input", "output", "total"):
                counts.setdefault(field, value)
        if whole:
            break
    return normalise(counts, exclusive_input=exclusive_input or shape.exclusive_input, exclusive_output=shape.exclusive_output)


def _cached_beyond(shape: Shape, usage: Usage, provider: str) -> Usage:
    """Their output holds its reasoning: what only a total tells beyond input and output are cached tokens (Bedrock Converse, Ax)."""
    if any(field == "reasoning" for field, _ in shape.usage) or shape.usage_objects:
        return usage
    hidden = usage.reasoning or 0
    read = hidden if provider in ("openai", "azure") else None  # elsewhere it may have been written as well as read
    return structs.replace(usage, input=(usage.input or 0) + hidden, output=(usage.output or 0) - hidden, reasoning=None, cache_read=read)


def _kind(shape: Shape, attributes: Mapping[str, Any], name: str, span: Span) -> str:
    for key, kinds in shape.kinds:
        if key == "name":
            found = kinds.get(name.lower()) or kinds.get(name.partition(" ")[0].lower())
        else:
            value = attributes[key]
            if type(value) is not str:
                continue
            low = _lower.get(value)
            if low is None:
                low = to_text(value).lower()
                if len(_lower) < 10_000 and len(value) < 200:
                    _lower[value] = low
            found = kinds.get(low)
        if found:
            return found
    model = (span.model or span.model_requested).lower()
    if span.usage is not None or model:
        return "embedding" if "embed" in model else "rerank" if "rerank" in model else "llm"
    if span.tool_name or span.tool_call_id:
        return "tool"
    return shape.dialect.default_kind or ("carrier" if shape.carrier else "chain")


def _role(span: Span) -> Any:
    if span.kind in CALL_KINDS:
        return "call"
    told = span.usage is not None and not span.usage.empty
    return "aggregate" if told and span.kind != "evaluator" else "none"


def _how(span: Span, rest: dict[str, Any]) -> None:
    """Where it went, how often, and what its finish reason and guardrails say."""
    if "server_address" in rest:
        span.server = f"{rest['server_address']}:{rest['server_port']}" if "server_port" in rest else rest["server_address"]
    elif "server_url" in rest:
        span.server = _host(rest["server_url"])
    retry = rest.get("retry") or (rest.get("attempt", 1) - 1)
    if retry > 0:
        span.retry = min(retry, 255)
    if "http_status" in rest and rest["http_status"] < 1000:
        span.http_status = rest["http_status"]
    if span.finish_reason:
        span.finish_reason = outcomes.finish_of(span.finish_reason)
        violation = outcomes.FILTERED_REASONS.get(span.finish_reason)
        if violation:
            span.safety, span.safety_types = 1, (violation,)
            span.outcome = span.outcome or "filtered"
    _guarded(span, rest)


def _individual(span: Span, raw: Raw, rest: dict[str, Any]) -> None:
    """How long it took, what it cost and how it ended."""
    if rest:
        if span.ttft_ms is None and "ttft_s" in rest:
            span.ttft_ms = round(rest["ttft_s"] * 1000 if rest["ttft_s"] < _DAY_S else rest["ttft_s"] / 1e6, 3)  # LoongSuite: nanoseconds
        if "provider_cost" in rest:
            span.cost_usd, span.cost_is_provider = Decimal(str(rest["provider_cost"])), True
        elif rest.get("cost"):
            span.cost_usd = Decimal(str(rest["cost"]))
        if 0 < rest.get("sampling_ratio", 0) <= 1:
            span.sampling_ratio = rest["sampling_ratio"]
        elif rest.get("sample_rate", 0) >= 1:
            span.sampling_ratio = 1 / rest["sample_rate"]
    if raw.events or raw.status or span.error_type or span.http_status >= 400 or raw.status_message:
        _failed(span, raw, rest)
    if span.finish_reason == "error" and not span.outcome and not span.response_id and (span.usage is None or span.usage.empty):
        span.outcome = "error"  # a status of success notwithstanding (Mastra)
    if span.cache_hit and span.billed is None and span.role == "call":
        span.billed = False


def _guarded(span: Span, rest: Mapping[str, Any]) -> None:
    if rest.get("safety"):
        span.safety = max(span.safety, min(rest["safety"], 65_535))
        span.safety_types = span.safety_types or ("policy",)
    verdict = str(rest.get("guardrail", "")).lower()
    if verdict in _TRIPPED:
        span.safety = max(span.safety, 1)
        span.safety_types = tuple(sorted({*span.safety_types, "guardrail"}))


def _failed(span: Span, raw: Raw, rest: Mapping[str, Any]) -> None:
    message = raw.status_message or str(rest.get("error_message", ""))
    for name, at_ns, attributes in raw.events or ():
        if name in _FIRST_TOKEN and 0 <= at_ns - raw.start_ns < _HOUR_NS and span.role == "call":
            span.stream = True
            if span.ttft_ms is None:
                span.ttft_ms = round((at_ns - raw.start_ns) / 1e6, 3)
        if name == "exception":
            kind = outcomes.error_class(to_text(attributes.get("exception.type", "")))
            span.error_type = span.error_type or kind
            message = message or to_text(attributes.get("exception.message", ""))
            if span.status == "unset" and (span.usage is None or span.usage.empty):
                span.status = "error"
    if span.status == "unset" and (span.error_type or span.http_status >= 400) and (span.usage is None or span.usage.empty):
        span.status = "error"
    if span.status == "error" and not span.outcome:
        span.outcome = outcomes.ended(span.error_type, message, span.http_status, span.finish_reason)
        if span.outcome == "filtered" and not span.safety:
            span.safety, span.safety_types = 1, ("content_filter",)


def kept(shape: Shape, attributes: Mapping[str, Any]) -> dict[str, str]:
    """Other attributes as text: at most 64 and 4 KB, each at most 256 characters; names that carry content are not in the plan."""
    found: dict[str, str] = {}
    size = 0
    for name in shape.keep:
        value = attributes[name]
        text = value if type(value) is str else to_text(value)
        if 0 < len(text) <= _MAX_KEPT_VALUE:
            size += len(name) + len(text)
            if size > _MAX_KEPT:
                break
            found[name] = text
    return found


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2][:_MAX_TEXT] if "://" in url else url.partition("/")[0][:_MAX_TEXT]


def sampling_of(trace_state: str) -> float:
    """Sampling ratio of a W3C trace state with OpenTelemetry's threshold (``ot=th:c``); 1 when it says nothing."""
    for member in trace_state.split(","):
        key, _, value = member.strip().partition("=")
        if key == "ot":
            for part in value.split(";"):
                name, _, digits = part.partition(":")
                if name == "th" and 0 < len(digits) <= 14:
                    try:
                        return 1 - int(digits.ljust(14, "0"), 16) / (1 << 56)
                    except ValueError:
                        return 1.0
    return 1.0
