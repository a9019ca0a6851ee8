"""Dialects: one small declarative table per instrumentation convention, each to the one canonical span.

How to add one: write a module with a :class:`~collector.dialects.table.Dialect` and name it in ``_MODULES`` below, before any more
general one; put an export of it under ``tests/fixtures/dialects/`` with the canonical spans that it should give. That is all: a table
and its fixtures, nothing else. A table says

- ``scopes``: the instrumentation scope names it uses (``*`` at the end for a prefix), and ``marks``: attribute names that give it away
  under a foreign scope;
- ``fields``, ``usage``, ``content``: canonical name → attribute names, best first, only where they differ from ``genai.BASE``, which
  lists every spelling known of every ``gen_ai.*``, ``llm.*`` and ``ai.*`` attribute and is always the fallback;
- ``kinds``: which attribute's values tell what a span is about;
- money: ``exclusive_input`` (scopes whose input count leaves cached tokens out; ``exclusive_for``: of some providers' calls),
  ``exclusive_output`` (… whose output leaves reasoning out), ``usage_objects``, ``aggregate_rule``, ``authority`` (3 the provider's own SDK,
  2 a client instrumentation, 1 a framework, 0 a gateway or agent), ``estimators``, ``miscounters``;
- agents: ``link`` (the session shared by logs and spans), ``events`` (which log event tells a call), ``metrics``, ``keep_names``;
- ``own_events``: span events whose attributes are read as the span's own (any event that tells ``gen_ai.usage.*`` is);
- ``refine`` and ``text``: a function each, for what a table cannot say. Most dialects have none.

Meaning of every canonical field: ``spanledger/model.py``. What each convention sends: ``docs/dialects.md``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from collector.dialects.table import Dialect, matches

#: Module, dialects in it. Order matters only for marks: the more telling first, the common base last.
_MODULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("own", ("OWN",)),
    ("claude_code", ("CLAUDE_CODE",)),
    ("codex", ("CODEX",)),
    ("gemini_cli", ("GEMINI_CLI", "QWEN_CODE")),
    ("copilot", ("COPILOT",)),
    ("opencode", ("OPENCODE",)),
    ("anthropic_sdk", ("ANTHROPIC_SDK",)),
    ("provider_sdks", ("MISTRAL_SDK", "XAI_SDK")),
    ("vercel", ("VERCEL",)),
    ("strands", ("STRANDS",)),
    ("frameworks", ("TANSTACK",)),  # tells its text under Langfuse's names too
    ("langfuse", ("LANGFUSE",)),
    ("mlflow", ("MLFLOW",)),
    ("langsmith", ("LANGSMITH",)),
    ("litellm", ("LITELLM",)),
    ("logfire", ("LOGFIRE", "PYDANTIC_AI")),
    ("traceai", ("TRACEAI",)),
    ("mastra", ("MASTRA",)),
    ("openinference", ("OPENINFERENCE",)),
    ("openlit", ("OPENLIT",)),
    ("laminar", ("LAMINAR",)),
    ("agentops", ("AGENTOPS",)),
    ("openllmetry", ("OPENLLMETRY", "TRACELOOP_JS")),
    ("bedrock", ("BEDROCK",)),
    ("google_adk", ("GOOGLE_ADK",)),
    ("livekit", ("LIVEKIT",)),
    ("genkit", ("GENKIT",)),
    ("monocle", ("MONOCLE",)),
    ("llama_index", ("LLAMA_INDEX_OTEL",)),
    ("frameworks", ("SEMANTIC_KERNEL", "AUTOGEN", "AG2", "VOLTAGENT", "CREWAI", "SMOLAGENTS", "DSPY", "HAYSTACK", "MIRASCOPE", "LLAMA_INDEX")),
    ("frameworks", ("LANGWATCH", "NEMO", "OPIK")),
    ("platforms", ("BRAINTRUST", "CONFIDENT", "JUDGMENT", "CORALOGIX")),
    ("genai", ("BASE",)),
)

REGISTRY: tuple[Dialect, ...] = tuple(getattr(importlib.import_module(f"collector.dialects.{m}"), name) for m, names in _MODULES for name in names)

_scopes: dict[str, Dialect | None] = {}


def by_scope(scope: str) -> Dialect | None:
    """The dialect of an instrumentation scope: an exact name before any prefix, the longest prefix before shorter ones."""
    if scope in _scopes:
        return _scopes[scope]
    found = next((d for d in REGISTRY if scope in d.scopes), None)
    if found is None:
        prefixes = [(len(p), d) for d in REGISTRY for p in d.scopes if p.endswith("*") and scope.startswith(p[:-1])]
        found = max(prefixes, key=lambda pair: pair[0])[1] if prefixes else None
    if len(_scopes) < 10_000 and len(scope) < 256:
        _scopes[scope] = found
    return found


def by_marks(names: Iterable[str]) -> Dialect | None:
    """The dialect that a record's attribute names give away."""
    names = tuple(names)
    return next((d for d in REGISTRY if d.marks and any(matches(d.marks, n) for n in names)), None)


__all__ = ["REGISTRY", "Dialect", "by_marks", "by_scope", "matches"]
