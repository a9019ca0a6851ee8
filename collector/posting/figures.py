"""The usage of one call out of all that tell it: per token class the figure of the most detailed member, the provider's own client first."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from collector.posting.calls import counted_here
from spanledger.model import Span, Usage, UsageSource

_NATIVE = 3
#: Classes that are part of input or of output: taken from another member only where that total agrees.
_IN_PARTS = ("cache_read", "cache_write", "cache_write_1h", "audio_in")
_OUT_PARTS = ("reasoning", "audio_out")
_ALONE = ("images", "audio_seconds", "characters")


def ranked(members: Sequence[Span], *, session: bool) -> list[Span]:
    """Members from the one whose figures rule to the one whose figures count least; of equals the innermost first.

    ``session``: the call is an agent's, whose log event rules over its spans.
    """
    return [*members] if len(members) == 1 else sorted(members, key=lambda s: _rank(s, session))


def _rank(s: Span, session: bool) -> tuple[bool, bool, bool, bool, int, int, int]:
    """What decides, in this order; of equals the one that began last, which is the innermost: it is the closest to the wire."""
    u = s.usage
    empty, detail = u is None or u.empty, 0 if u is None else u.detail
    return session and s.signal != "log", empty, counted_here(s), s.authority != _NATIVE, -detail, -s.authority, -s.start_ns


def usage_of(order: Sequence[Span], sums: Sequence[Usage] = ()) -> tuple[Usage | None, UsageSource, bool]:
    """Usage, its source, and whether members that reported disagree on input or output.

    Args:
        order: members as :func:`ranked` gives them.
        sums: what aggregates around say whose only call this is: they complete it, where their totals agree.
    """
    tellers = [s for s in order if s.usage is not None and not s.usage.empty]
    if not tellers:
        return None, "missing", False
    first = tellers[0]
    usage: Usage = first.usage  # type: ignore[assignment]
    reported = [s.usage for s in tellers if not counted_here(s) and s.usage is not None]
    if len(tellers) == 1:
        return _filled(usage, sums) if sums else usage, "estimated" if first.usage_estimated else "reported", False
    usage = _whole(_filled(usage, [*(s.usage for s in tellers[1:] if s.usage is not None), *sums]), reported)
    return usage, "estimated" if first.usage_estimated else "reported", any(_differs(usage, u) for u in reported)


def _whole(usage: Usage, reported: Sequence[Usage]) -> Usage:
    """Input with the cached tokens that its teller left out, output with the reasoning, where another member's word says that it did."""
    for total, parts in (("input", ("cache_read", "cache_write")), ("output", ("reasoning",))):
        mine, own = getattr(usage, total), sum(getattr(usage, part) or 0 for part in parts)
        for other in reported:
            theirs, left_out = getattr(other, total), sum(getattr(other, part) or 0 for part in parts)
            if mine is None or theirs is None or theirs <= mine:
                continue
            if own and theirs == mine + own:
                usage = structs.replace(usage, **{total: theirs})
                break
            if left_out and not own and total == "input" and theirs == mine + left_out:
                usage = structs.replace(usage, **{total: theirs}, **{part: getattr(other, part) for part in parts})
                break
    return usage


def _differs(usage: Usage, other: Usage) -> bool:
    """Does another member tell another total, that neither's own parts explain?"""
    for name, parts in (("input", ("cache_read", "cache_write")), ("output", ("reasoning",))):
        mine, theirs = getattr(usage, name), getattr(other, name)
        own, left_out = (sum(getattr(u, part) or 0 for part in parts) for u in (usage, other))
        if theirs and mine not in (theirs, theirs + left_out, theirs + own):
            return True
    return False


def _filled(usage: Usage, others: Sequence[Usage]) -> Usage:
    """The first member's figures, completed by those of the others that fit to them."""
    found = {name: getattr(usage, name) for name in usage.__struct_fields__}
    for other in others:
        for name in ("input", "output", *_ALONE):
            if not found[name] and getattr(other, name) is not None:
                found[name] = getattr(other, name)
        for total, parts in (("input", _IN_PARTS), ("output", _OUT_PARTS)):
            if _same_total(found[total], total, other):
                for name in parts:
                    if not found[name] and getattr(other, name) is not None:
                        found[name] = getattr(other, name)
    return Usage(**found)


def _same_total(total: int | None, name: str, other: Usage) -> bool:
    """Does another member tell this total, read with or without its own parts?"""
    theirs = getattr(other, name)
    left_out = (other.cache_read or 0) + (other.cache_write or 0) if name == "input" else other.reasoning or 0
    return theirs == total or (theirs is not None and theirs + left_out == total)


def estimate(prompt_chars: int, response_chars: int) -> Usage | None:
    """Tokens guessed from text length, four characters a token; None without any text."""
    if not prompt_chars and not response_chars:
        return None
    return Usage(input=-(-prompt_chars // 4), output=-(-response_chars // 4))


_RESIDUAL = ("input", "output", "cache_read", "cache_write", "reasoning")


def residual(own: Usage, explained: Sequence[Usage]) -> Usage | None:
    """``max(0, own - sum)`` per token class; None when nothing is left. Parts never exceed the total they belong to."""
    left = {name: max(0, (getattr(own, name) or 0) - sum(getattr(u, name) or 0 for u in explained)) for name in _RESIDUAL}
    left["cache_read"] = min(left["cache_read"], left["input"])
    left["cache_write"] = min(left["cache_write"], left["input"] - left["cache_read"])
    left["reasoning"] = min(left["reasoning"], left["output"])
    return Usage(**left) if any(left.values()) else None


def added(a: Usage, b: Usage) -> Usage:
    """Sum of two usages in the classes that residuals have."""
    return Usage(**{name: (getattr(a, name) or 0) + (getattr(b, name) or 0) for name in _RESIDUAL})
