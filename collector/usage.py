"""Token counts as billed: input holds cached tokens, output holds reasoning, whatever the sender's habit.

Semantics per source: research of 940 captured cases (docs/dialects.md). A provider's own usage object says by its names how it
counts: OpenAI and LiteLLM (``prompt_tokens``) inclusive, Anthropic (``cache_read_input_tokens`` beside ``input_tokens``) and Bedrock
Converse exclusive, Gemini output without thoughts, LangChain ``usage_metadata`` inclusive, Langfuse buckets as their total says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.values import dig, parse, to_float, to_int
from spanledger.model import Usage

Counts = dict[str, int | float | None]


def normalise(counts: Mapping[str, Any], *, exclusive_input: bool = False, exclusive_output: bool = False) -> Usage | None:
    """:class:`Usage` of raw counts by class (plus ``total``), or None when nothing is told.

    Input is exclusive of cache when the caller says so, when more was cached than there is input, or when the sender's own
    total only adds up with the cached tokens counted beside. Output is exclusive of reasoning when the caller says so, when there was
    more of it than output, or when the total only adds up with it (Gemini, xAI), whether it is told apart or not.
    """
    if len(counts) == 2 and type(given := counts.get("input")) is int and type(out := counts.get("output")) is int and given >= 0 <= out:
        return Usage(input=given, output=out)
    told = {name: to_int(value) for name, value in counts.items() if value is not None and name != "audio_seconds"}
    given, out, read, write = told.get("input"), told.get("output"), told.get("cache_read"), told.get("cache_write")
    reasoning, total = told.get("reasoning"), told.pop("total", None)
    cached = (read or 0) + (write or 0)
    if given is None:
        if total is not None:
            told["input"] = max(0, total - (out or 0))
    elif cached and (exclusive_input or cached > given or total == given + cached + (out or 0)):
        told["input"] = given + cached
    if out is not None and reasoning and (exclusive_output or reasoning > out):
        told["output"] = out + reasoning
    elif given and out is not None and total is not None and 0 < (hidden := total - told["input"] - out) == (reasoning or hidden):  # type: ignore[operator]
        told["output"], told["reasoning"] = out + hidden, hidden  # the sender's total tells of thoughts that its output leaves out
    seconds = to_float(counts.get("audio_seconds"))
    if seconds is None and not any(value is not None for value in told.values()):
        return None
    return Usage(**told, audio_seconds=seconds)  # type: ignore[arg-type]


def from_object(raw: Any) -> Counts | None:
    """Inclusive counts by class out of a usage object: dict, JSON text or Python repr; None when it is no usage object."""
    found = parse(raw)
    if not isinstance(found, dict):
        return None
    if _cohere(found) is not None:
        return _cohere(found)
    for inner in ("usage", "token_usage", "usageMetadata", "usage_metadata", "tokens"):
        if isinstance(found.get(inner), dict):
            found = found[inner]
            break
    for reader in (_gemini, _openai, _bedrock, _cohere, _ollama, _langchain, _anthropic, _buckets, _details):
        counts = reader(found)
        if counts is not None:
            return counts
    return None


def _openai(u: dict[str, Any]) -> Counts | None:
    """``prompt_tokens``/``completion_tokens`` (chat, embeddings, LiteLLM), or Responses with ``*_tokens_details``: inclusive."""
    given, out = to_int(u.get("prompt_tokens")), to_int(u.get("completion_tokens"))
    ins, outs = u.get("prompt_tokens_details"), u.get("completion_tokens_details")
    if given is None and out is None:
        if not isinstance(u.get("input_tokens_details"), dict) and not isinstance(u.get("output_tokens_details"), dict):
            return None
        given, out, ins, outs = (
            to_int(u.get("input_tokens")),
            to_int(u.get("output_tokens")),
            u.get("input_tokens_details"),
            u.get("output_tokens_details"),
        )
    thoughts = to_int(u.get("thoughts_token_count"))  # Gemini's parts beside OpenAI's totals (Haystack)
    if thoughts and given is not None and out is not None and to_int(u.get("total_tokens")) == given + out + thoughts:
        out += thoughts
    read = dig(ins, "cached_tokens")
    write = dig(ins, "cache_creation_tokens") or dig(ins, "cache_write_tokens")
    return {
        "input": given,
        "output": out,
        "total": to_int(u.get("total_tokens")) if given is None else None,
        "cache_read": _first(read, u.get("cache_read_input_tokens"), u.get("prompt_cache_hit_tokens"), u.get("cached_content_token_count")),
        "cache_write": _first(write, u.get("cache_creation_input_tokens")),
        "cache_write_1h": _first(dig(ins, "cache_creation_token_details", "ephemeral_1h_input_tokens")),
        "reasoning": _first(dig(outs, "reasoning_tokens"), u.get("reasoning_tokens"), thoughts),
        "audio_in": _first(dig(ins, "audio_tokens")),
        "audio_out": _first(dig(outs, "audio_tokens")),
    }


def _gemini(u: dict[str, Any]) -> Counts | None:
    """``usageMetadata`` (camel or snake case): prompt holds cached, candidates leave thoughts out."""
    given = _first(u.get("promptTokenCount"), u.get("prompt_token_count"))
    if given is None:
        return None
    thoughts = _first(u.get("thoughtsTokenCount"), u.get("thoughts_token_count"))
    out = _first(u.get("candidatesTokenCount"), u.get("candidates_token_count"), u.get("responseTokenCount"))
    tools = _first(u.get("toolUsePromptTokenCount"), u.get("tool_use_prompt_token_count"))
    return {
        "input": given + (tools or 0),
        "output": None if out is None and thoughts is None else (out or 0) + (thoughts or 0),
        "cache_read": _first(u.get("cachedContentTokenCount"), u.get("cached_content_token_count")),
        "reasoning": thoughts,
    }


def _bedrock(u: dict[str, Any]) -> Counts | None:
    """Converse ``usage``: ``inputTokens`` leaves cached tokens out."""
    given, out = to_int(u.get("inputTokens")), to_int(u.get("outputTokens"))
    if given is None and out is None:
        return None
    read = _first(u.get("cacheReadInputTokens"), u.get("cacheReadInputTokenCount"), u.get("cachedInputTokens"))
    write = _first(u.get("cacheWriteInputTokens"), u.get("cacheWriteInputTokenCount"))
    inclusive = "cachedInputTokens" in u or "inputTokenDetails" in u  # the Vercel AI SDK uses the same two names, inclusive
    return {
        "input": given if inclusive or given is None else given + (read or 0) + (write or 0),
        "output": out,
        "cache_read": read,
        "cache_write": write,
        "reasoning": _first(u.get("reasoningTokens")),
    }


def _cohere(u: dict[str, Any]) -> Counts | None:
    """``billed_units`` are what is billed; ``tokens`` is larger."""
    billed = u.get("billed_units") or u.get("billedUnits")
    if not isinstance(billed, dict):
        return None
    return {
        "input": _first(billed.get("input_tokens"), billed.get("inputTokens")),
        "output": _first(billed.get("output_tokens"), billed.get("outputTokens")),
    }


def _ollama(u: dict[str, Any]) -> Counts | None:
    given = to_int(u.get("prompt_eval_count"))
    return None if given is None else {"input": given, "output": to_int(u.get("eval_count"))}


def _langchain(u: dict[str, Any]) -> Counts | None:
    """LangChain ``usage_metadata`` (``input_token_details``): inclusive."""
    ins, outs = u.get("input_token_details"), u.get("output_token_details")
    if not isinstance(ins, dict) and not isinstance(outs, dict):
        return None
    return {
        "input": to_int(u.get("input_tokens")),
        "output": to_int(u.get("output_tokens")),
        "cache_read": _first(dig(ins, "cache_read"), dig(ins, "cached_tokens")),
        "cache_write": _first(dig(ins, "cache_creation"), dig(ins, "cache_write")) or _ephemeral(ins),
        "cache_write_1h": _first(dig(ins, "ephemeral_1h_input_tokens")),
        "reasoning": _first(dig(outs, "reasoning")),
        "audio_in": _first(dig(ins, "audio"), dig(ins, "audio_tokens")),
        "audio_out": _first(dig(outs, "audio")),
    }


def _ephemeral(parts: Any) -> int | None:
    """Cache writes of both ages, where the sender splits them up and leaves the sum at 0 (LangChain)."""
    found = [to_int(dig(parts, f"ephemeral_{age}_input_tokens")) for age in ("5m", "1h")]
    return None if found == [None, None] else sum(n or 0 for n in found)


#: Cached tokens in other words than Anthropic's.
_READS = ("cache_read_tokens", "cached_tokens", "cached_input_tokens", "input_cached_tokens", "cache_read")
_WRITES = ("cache_write_tokens", "cache_creation_tokens", "cache_write_input_tokens", "cache_write", "cache_creation")


def _anthropic(u: dict[str, Any]) -> Counts | None:
    """``input_tokens`` beside ``cache_read_input_tokens``: exclusive, unless a ``total_tokens`` beside adds up without (MLflow), or with thoughts."""
    given, out = to_int(u.get("input_tokens")), to_int(u.get("output_tokens"))
    if given is None and out is None:
        return None
    read, write = _first(u.get("cache_read_input_tokens")), _first(u.get("cache_creation_input_tokens"))
    others = read is None and write is None  # in other words than Anthropic's: somebody has counted anew, inclusively
    if others:
        read, write = _first(*(u.get(n) for n in _READS)), _first(*(u.get(n) for n in _WRITES))
    total, cached = to_int(u.get("total_tokens")), (read or 0) + (write or 0)
    plain = (given or 0) + (out or 0)
    inclusive = cached <= (given or 0) and (others if total is None else total >= plain and total != plain + cached)
    hidden = total - plain if total is not None and out is not None and (inclusive or not cached) else 0  # thoughts that output leaves out
    return {
        "input": given if inclusive or given is None else given + cached,
        "output": out + hidden if out is not None and given and hidden > 0 else out,
        "cache_read": read,
        "cache_write": write,
        "cache_write_1h": _first(dig(u, "cache_creation", "ephemeral_1h_input_tokens")),
        "reasoning": _first(u.get("reasoning_tokens"), u.get("reasoning_output_tokens"), hidden if given and hidden > 0 else None),
    }


_INPUT_PARTS = {"cache_read": ("cache_read", "cached_tokens", "cached", "cache_read_tokens", "cache_read_input_tokens"),
                "cache_write": ("cache_creation", "cache_write", "cache_creation_input_tokens", "cache_creation_tokens"),
                "audio_in": ("audio", "audio_tokens")}  # fmt: skip
_OUTPUT_PARTS = {"reasoning": ("reasoning", "reasoning_tokens", "thoughts"), "audio_out": ("audio", "audio_tokens")}


def _buckets(u: dict[str, Any]) -> Counts | None:
    """Langfuse ``usage_details``: ``input``, ``input_cached_tokens``, ``output_reasoning``…, bucketed or inclusive as the total says."""
    given, out, total = to_int(u.get("input")), to_int(u.get("output")), to_int(u.get("total"))
    if given is None and out is None and total is None:
        return None
    counts: Counts = {}
    for side, parts in (("input", _INPUT_PARTS), ("output", _OUTPUT_PARTS)):
        for name, spellings in parts.items():
            counts[name] = _first(*(u.get(f"{side}_{s}") for s in spellings), *(u.get(s) for s in spellings if s.startswith("cache_")))
    ephemeral = {k: v for k, v in u.items() if "ephemeral" in k}  # Anthropic's writes by age: the parts of cache_creation, or in its stead
    counts["cache_write_1h"] = _first(*(v for k, v in ephemeral.items() if "1h" in k))
    whole = bool(counts["cache_write"])
    if ephemeral and not whole:
        counts["cache_write"] = sum(to_int(v) or 0 for v in ephemeral.values())
    ins = sum(to_int(v) or 0 for k, v in u.items() if k.startswith(("input_", "cache_")) and k != "input_tokens" and not (whole and k in ephemeral))
    outs = sum(to_int(v) or 0 for k, v in u.items() if k.startswith("output_") and k != "output_tokens")
    plain = (given or 0) + (out or 0)
    if (ins or outs) and (total is None or total > plain):  # buckets: what is in a part is not in the whole
        out = None if out is None else out + outs
        given = None if given is None else max(given, total - (out or 0)) if total is not None else given + ins
    if given is None and out is None:
        given = total
    return {"input": given, "output": out, **counts}


def _details(u: dict[str, Any]) -> Counts | None:
    """Only the parts (``{'cache_read': 768, 'audio': 0}``): completes counts told elsewhere."""
    found: Counts = {"cache_read": _first(*(u.get(n) for n in _READS)), "cache_write": _first(*(u.get(n) for n in _WRITES)),
                     "reasoning": _first(u.get("reasoning"), u.get("reasoning_tokens"))}  # fmt: skip
    return found if any(v is not None for v in found.values()) else None


def _first(*values: Any) -> int | None:
    for value in values:
        found = to_int(value)
        if found is not None:
            return found
    return None
