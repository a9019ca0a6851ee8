"""Who calls: attribute names that tell each identity field, most trusted first, and how their values are read.

A name may be ``resource.NAME`` (an attribute of the resource) or ``HOLDER#KEY`` (a key inside an attribute that holds JSON or a Python
repr). Span names win over resource names by construction: they fill ``Span.own``, resource names fill ``Span.inherited``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from collector.values import to_text

_ASSOCIATION = ("traceloop.association.properties.", "lmnr.association.properties.")
_METADATA = (*_ASSOCIATION, "ai.telemetry.metadata.", "langsmith.metadata.", "langfuse.trace.metadata.", "langfuse.observation.metadata.")
_HOLDERS = (
    "metadata",
    "langfuse.trace.metadata",
    "langfuse.observation.metadata",
    "metadata.requester_metadata",
    "ai.telemetry.metadata",
    "mlflow.trace.metadata",
)


def _everywhere(first: Iterable[str], plain: Iterable[str], last: Iterable[str] = ()) -> tuple[str, ...]:
    """``first``, then every metadata prefix and holder with each plain name, then ``last``."""
    plain = tuple(plain)
    return (*first, *(p + n for p in _METADATA for n in plain), *(f"{h}#{n}" for h in _HOLDERS for n in plain), *last)


#: identity field -> names. The order is DESIGN §4: our own dialect, the plain names, the dialects' names, the resource.
DEFAULT_PRECEDENCE: dict[str, tuple[str, ...]] = {
    "app": _everywhere(
        ("spanledger.app", "spanledger.app_id", "app.id", "app_id"), ("app.id", "app_id", "appId", "application"),
        ("resource.spanledger.app", "resource.service.name", "resource.app.id"),
    ),
    "team": _everywhere(
        ("spanledger.team", "team", "team.id", "team.name"), ("team", "team_id", "teamId"),
        (
            "metadata.user_api_key_team_alias", "litellm.team.alias", "litellm.metadata.user_api_key_team_alias", "metadata.team_alias",
            "litellm.team_alias", "metadata#user_api_key_team_alias", "metadata.user_api_key_team_id", "litellm.team.id", "litellm.team_id",
            "metadata#user_api_key_team_id", "metadata.team_id", "resource.spanledger.team", "resource.team",
            "resource.team.name", "resource.service.namespace",
        ),
    ),
    "tenant": _everywhere(
        ("spanledger.tenant", "tenant.id", "tenant", "tenant_id", "enduser.tenant"), ("tenant", "tenant_id", "tenantId", "tenant.id"),
        ("organization.id", "metadata.user_api_key_org_id", "litellm.org.id", "resource.spanledger.tenant", "resource.tenant.id", "resource.tenant"),
    ),
    "user": _everywhere(
        ("spanledger.user", "user.id", "enduser.id", "user_id", "gen_ai.user.id", "gen_ai.user", "langfuse.user.id"),
        ("user_id", "userId", "user.id", "user"),
        (
            "gen_ai.request.user", "llm.user", "llm.openai.user", "metadata.user_api_key_end_user_id", "metadata.user_api_key_user_id",
            "litellm.metadata.user_api_key_user_id", "metadata#user_api_key_end_user_id", "metadata#user_api_key_user_id",
            "mlflow.trace.user", "resource.spanledger.user", "resource.user.id",
        ),
    ),
    "session": _everywhere(
        ("spanledger.session", "session.id", "langfuse.session.id", "session_id"), ("session_id", "sessionId", "session.id", "thread_id"),
        (
            "gen_ai.conversation.id", "conversation.id", "gen_ai.session.id", "genkit:sessionId",
             "mlflow.trace.session", "langgraph.thread_id", "gcp.vertex.agent.session_id",
            "resource.spanledger.session", "resource.session.id",
        ),
    ),
    "prompt_id": _everywhere(
        ("spanledger.prompt_id", "prompt.name", "gen_ai.prompt.name", "langfuse.observation.prompt.name", "llm.prompt_template.name"),
        ("prompt_name", "promptName", "prompt.name", "prompt_id"), ("traceloop.prompt.key", "ai.telemetry.functionId"),
    ),
    "prompt_version": _everywhere(
        (
            "spanledger.prompt_version", "prompt.version", "gen_ai.prompt.version", "langfuse.observation.prompt.version",
            "llm.prompt_template.version", "traceloop.prompt.version",
        ),
        ("prompt_version", "promptVersion", "prompt.version"), ("langfuse.version",),
    ),
    "route": ("spanledger.route", "route", "gen_ai.route", "http.route", "metadata.user_api_key_request_route", "next.route"),
    "env": (
        "spanledger.env", "deployment.environment.name", "deployment.environment",
        "resource.spanledger.env", "resource.deployment.environment.name", "resource.deployment.environment", "resource.env",
        "resource.langfuse.environment",
    ),
    "region": ("spanledger.region", "region", "cloud.region", "geo.region", "resource.spanledger.region", "resource.cloud.region", "resource.region"),
    "device_class": ("spanledger.device_class", "device.class", "device_class", "device.type", "resource.device.class", "resource.device.type"),
}  # fmt: skip

#: Routes of LLM interfaces: where a call went, not what it was for; a server span of such a route is a gateway's door.
LLM_ROUTES = (
    "/chat/completions", "/completions", "/responses", "/messages", "/embeddings", "/rerank", "/api/chat", "/api/generate",
    "/images/generations", "/audio/transcriptions", "/audio/speech", "/converse", "/converse-stream", "/invoke", "/invoke-with-response-stream",
    ":generateContent", ":streamGenerateContent",
)  # fmt: skip

#: The attributes by which a span of no dialect is known as a carrier: ancestors that pass an identity on.
CARRIER_FIELDS = ("app", "team", "tenant", "user", "session", "prompt_id", "prompt_version")
#: What stands for no value.
NOTHING = frozenset({"None", "null", "undefined", "<REDACTED>", "[REDACTED]"})


def identity_value(raw: Any) -> str:
    """A usable identity value: unquoted, at most 256 characters; '' for scrubbed, redacted and empty ones."""
    if type(raw) is str and len(raw) < 64 and raw.isprintable() and raw[:1].isalnum() and raw not in NOTHING:
        return raw.strip()
    value = to_text(raw).strip()
    if not value or value in NOTHING or value.startswith(("[Scrubbed", "{", "[")):
        return ""
    return value[:256]


def resource_names(precedence: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The resource attributes that tell each identity field, of a precedence list."""
    return {field: tuple(n[9:] for n in names if n.startswith("resource.")) for field, names in precedence.items()}


def from_resource(attributes: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Identity fields that a resource tells, by :func:`resource_names`."""
    found: dict[str, str] = {}
    for field, candidates in names.items():
        for name in candidates:
            value = identity_value(attributes[name]) if name in attributes else ""
            if value and not (field == "app" and value.startswith("unknown_service")):
                found[field] = value
                break
    return found
