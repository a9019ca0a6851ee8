"""Domain types that the rooms hand to each other: spans (evidence), contents (text), entries (the ledger's rows).

No I/O and no wire names here. ``collector/dialects`` makes a :class:`Span` of every relevant OTLP record,
``collector/posting`` makes :class:`Entry` rows of a family of spans, ``warehouse/tables.py`` says how both are stored.
They never refer to each other in circles, so the garbage collector need not look at them (``gc=False``: a third of the decoding time).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

#: What a span is about. ``carrier``: kept only because descendants inherit identity from it (a service's own request span).
Kind = Literal[
    "llm", "embedding", "rerank", "image", "audio", "agent", "chain", "workflow", "step",
    "tool", "retriever", "guardrail", "evaluator", "cache", "carrier",
]  # fmt: skip

#: Kinds that stand for one provider call (when they do: see ``Span.role``).
CALL_KINDS: frozenset[str] = frozenset({"llm", "embedding", "rerank", "image", "audio"})

#: Kinds whose usage, if any, repeats or sums that of the calls below.
AGGREGATE_KINDS: frozenset[str] = frozenset({"agent", "chain", "workflow", "step"})

#: Identity fields that flow down a trace: span, nearest ancestor, resource (DESIGN §4).
IDENTITY: tuple[str, ...] = (
    "app", "team", "tenant", "user", "session", "prompt_id", "prompt_version", "route", "env", "region", "device_class",
)  # fmt: skip

Outcome = Literal["success", "error", "timeout", "rate_limited", "filtered", "cancelled"]
UsageSource = Literal["reported", "aggregate", "estimated", "missing"]
CostSource = Literal["provider", "supplied", "computed", "partial", "unpriced"]


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Billable units of one call, already normalised: ``input`` holds cached tokens, ``output`` holds reasoning.

    A class that the sender did not report is ``None`` (unknown), never 0. Units: tokens, but ``images`` (count),
    ``audio_seconds`` and ``characters``.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None  # part of cache_write that is kept one hour
    reasoning: int | None = None
    audio_in: int | None = None
    audio_out: int | None = None
    images: int | None = None
    audio_seconds: float | None = None
    characters: int | None = None

    @property
    def detail(self) -> int:
        """How many classes are told: the more, the more detailed the member (DESIGN §4, posting 2)."""
        return sum(getattr(self, name) is not None for name in self.__struct_fields__)

    @property
    def empty(self) -> bool:
        """True when neither tokens nor any other unit above zero is told."""
        return not any(msgspec.structs.astuple(self))


class Span(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One canonical journal row: an OTLP span, or a log event that tells a call. Text content is kept apart (:class:`Content`).

    Everything here is derived from the payload and the credential, nothing from arrival.
    """

    project: str
    service: str  # resource service.name as sent ("" when absent)
    trace_id: bytes  # 16 bytes; derived from the event's hash when a log event carries none
    span_id: bytes  # 8 bytes
    parent_id: bytes = b""  # 8 bytes or empty
    start_ns: int
    end_ns: int
    signal: Literal["span", "log", "metric"] = "span"  # metric: a session told by metrics alone (collector/points.py)
    scope: str = ""
    name: str = ""
    dialect: str = ""
    kind: Kind = "carrier"
    #: ``call``: may tell a provider call. ``aggregate``: repeats calls below. ``companion``: same-scope second half of a stream
    #: (merged into the call by the dialect's rule, ``companion_of``). ``none``: tells no call.
    role: Literal["call", "aggregate", "companion", "none"] = "none"
    #: For aggregates: does own usage sum the calls below (``sum``), grow over runs (``cumulative``), repeat the last (``last``)?
    aggregate_rule: Literal["sum", "cumulative", "last", "unknown"] = "unknown"
    companion_of: str = ""  # key shared by the spans of one call by dialect rule (same scope), "" = none
    usage: Usage | None = None
    usage_estimated: bool = False  # counted by the instrumentation, not by the provider
    #: How close to the wire the teller is: 3 provider SDK's own, 2 client instrumentation, 1 framework, 0 gateway/agent/unknown.
    authority: int = 0
    provider: str = ""  # canonical: openai, anthropic, google, aws, azure, mistral, ...
    model: str = ""  # as answered
    model_requested: str = ""
    response_id: str = ""
    request_id: str = ""
    operation: str = ""  # chat, text_completion, embeddings, responses, generate_content, rerank, image, ...
    endpoint: str = ""
    server: str = ""  # server.address[:port] or base URL host
    status: Literal["ok", "error", "unset"] = "unset"
    outcome: Outcome | Literal[""] = ""  # "" = derive from status
    error_type: str = ""
    http_status: int = 0
    finish_reason: str = ""
    stream: bool = False
    ttft_ms: float | None = None
    latency_ms: float | None = None  # only when told apart from end - start (log events)
    cache_hit: bool = False  # answered from a response cache: not billed
    fallback: bool = False
    retry: int = 0
    circuit_state: str = ""
    service_tier: str = ""  # batch, flex, priority, standard, ...
    cost_usd: Decimal | None = None  # as sent along
    cost_is_provider: bool = False  # the provider's own figure (not a client's estimate)
    sampling_ratio: float = 1.0
    n_attrs: int = 0  # attributes the record came with: of two versions with equal end, the one with more wins
    billed: bool | None = None  # None = derive; False = the sender says no provider call was paid
    safety: int = 0  # violations told by this span (content filter, guardrail, policy check, refusal)
    safety_types: tuple[str, ...] = ()
    tool_name: str = ""
    tool_call_id: str = ""
    link: str = ""  # agent session key: families of one session choose log events over spans (conventions-agents §3)
    #: ``moment``: no session, but what one user did in one process within seconds: an orphaned call finds its request by it (docs/posting.md);
    #: ``instant``: neither, but what a library measured once and tells in several traces.
    link_kind: Literal["session", "moment", "instant", "stray"] = "session"
    gateway_agent: str = ""  # user agent that a gateway served
    own: dict[str, str] = {}  # identity fields on the span itself (keys of IDENTITY; user/session/tenant hashed before storage)
    inherited: dict[str, str] = {}  # identity fields of the resource
    prompt_hash: str = ""  # keyed fingerprints, hexadecimal (collector/fingerprints.py): normalised,
    prompt_exact: str = ""  # byte by byte,
    prompt_template: str = ""  # of the template's name, version and variables (before sealing: the variables' names)
    response_hash: str = ""
    context_hash: str = ""
    prompt_chars: int = 0
    response_chars: int = 0
    schema_verdict: str = ""  # JSON of the schema detector's verdict, made before redaction
    biz: dict[str, float] = {}
    attrs: dict[str, str] = {}  # other attributes worth keeping, as text


class Message(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One turn of a conversation: role as sent (system, user, assistant, tool), its text parts joined."""

    role: str
    text: str


class Content(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """Text of one span; redacted before anything is stored."""

    messages: list[Message] = []  # input, in order
    system: str = ""
    response: str = ""  # output text
    context: list[str] = []  # retrieved documents
    tool_input: str = ""
    tool_output: str = ""
    tool_definitions: str = ""
    schema: str = ""  # JSON schema of the requested output
    extra: dict[str, str] = {}  # exception stack traces, other long text, by canonical name

    @property
    def empty(self) -> bool:
        """True when there is no text at all."""
        return not (self.messages or self.system or self.response or self.context or self.tool_input or self.tool_output or self.schema or self.extra)


class Entry(msgspec.Struct, kw_only=True, gc=False):
    """One row of ``calls``: a provider call (or an unattributed residual), posted from its family. Field = column.

    Money is ``Decimal`` USD with nine places. Keyed by (project, service, hour of ``ts``, trace_id, span_id of the earliest member).
    """

    project: str
    service: str
    ts_us: int  # start, microseconds since the epoch (column ts)
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes = b"\0" * 8
    entry_kind: Literal["call", "aggregate", "unattributed"] = "call"
    dialect: str = ""
    scope: str = ""
    app_id: str = ""
    team: str = ""
    tenant_hash: str = ""
    env: str = ""
    region: str = ""
    device_class: str = ""
    route: str = ""
    endpoint: str = ""
    operation: str = ""
    provider: str = ""
    model: str = ""
    model_requested: str = ""
    model_tier: str = ""
    response_id: str = ""
    request_id: str = ""
    prompt_id: str = ""
    prompt_version: str = ""
    prompt_hash: str = ""
    response_hash: str = ""
    context_hash: str = ""
    user_hash: str = ""
    session_hash: str = ""
    billed: bool = True
    outcome: Outcome = "success"
    error_type: str = ""
    finish_reason: str = ""
    service_tier: str = ""
    stream: bool = False
    cache_hit: bool = False
    fallback: bool = False
    retry: int = 0
    circuit_state: str = ""
    tokens_in: int = 0
    tokens_cache_read: int = 0
    tokens_cache_write: int = 0
    tokens_cache_write_1h: int = 0
    tokens_out: int = 0
    tokens_reasoning: int = 0
    tokens_audio_in: int = 0
    tokens_audio_out: int = 0
    images: int = 0
    audio_seconds: float = 0.0
    characters: int = 0
    usage_source: UsageSource = "reported"
    latency_ms: float = 0.0
    ttft_ms: float | None = None
    cost_estimate_usd: Decimal = Decimal(0)
    cost_in_usd: Decimal = Decimal(0)  # uncached input
    cost_cache_read_usd: Decimal = Decimal(0)
    cost_cache_write_usd: Decimal = Decimal(0)
    cost_out_usd: Decimal = Decimal(0)
    cost_other_usd: Decimal = Decimal(0)  # audio, images, requests, ...
    cost_supplied_usd: Decimal | None = None
    cost_source: CostSource = "unpriced"
    price_id: str = ""
    biz_metric: dict[str, float] = {}
    attrs: dict[str, str] = {}
    sampling_ratio: float = 1.0
    #: 0 none; else a reason: 1 shards unsettled, 2 usage disagrees, 3 late after close, 4 suspected gateway duplicate, 5 sent cost differs over 1 %
    conflict: int = 0
    safety: int = 0
    safety_types: tuple[str, ...] = ()
    tool_calls: int = 0
    members: tuple[bytes, ...] = ()  # span ids that tell this call
