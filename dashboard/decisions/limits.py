"""What budgets and quotas say to one call: how much is left, and ``allow``, ``warn``, ``throttle`` or ``deny``. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from spanledger.policy import Budget, Decisions, Policy, Quota
from spanledger.policy.money import Answer
from spanledger.policy.periods import bounds
from warehouse.matching import sole
from warehouse.quotas import Usage, Used

Measure = Literal["cost_usd", "tokens", "requests"]
ANSWERS: tuple[Answer, ...] = ("allow", "warn", "throttle", "deny")
_FULL = Decimal(1)


@dataclass(frozen=True, slots=True)
class Meter:
    """What is counted: a budget's or a quota's calls. Its limits share the figures.

    ``window``: sliding; None: from the beginning of each ``period``. ``team``: the one team that it is about; "" for more than one.
    """

    kind: Literal["budget", "quota"]
    name: str
    of: Budget | Quota
    per: str
    window: timedelta | None
    period: str
    team: str

    @property
    def key(self) -> tuple[str, str]:
        """Its name among all meters."""
        return self.kind, self.name


@dataclass(frozen=True, slots=True)
class Limit:
    """So much of one measure, and what is answered when it is used up or nearly so."""

    meter: Meter
    measure: Measure
    most: Decimal | int
    action: Answer
    warn_at: Decimal
    advised_tier: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a meter's calls have used, read at ``at``, of the time from ``since`` on; ``until``: the period's end, None for a sliding window."""

    at: datetime
    since: datetime
    until: datetime | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class Standing:
    """What one limit says. ``used`` and what follows are None where that is not known; ``held``: of it, reserved."""

    limit: Limit
    answer: Answer
    used: Decimal | int | None = None
    held: Decimal | int = 0
    remaining: Decimal | int | None = None
    share: float = 0.0
    resets_at: datetime | None = None
    retry_after_s: int | None = None
    age_s: float | None = None


def meters(policy: Policy) -> list[Meter]:
    """Everything that is to be counted."""
    budgets = [Meter("budget", one.name, one, "all", None, one.period, sole(one.match, "team")) for one in policy.budgets]
    quotas = [
        Meter("quota", one.name, one, one.per, one.window if one.period is None else None, one.period or "", sole(one.match, "team"))
        for one in policy.quotas
    ]
    return [*budgets, *quotas]


def limits(meter: Meter) -> Iterator[Limit]:
    """A budget is one limit; a quota as many as it has measures."""
    of = meter.of
    if isinstance(of, Budget):
        steps = [step for step in sorted(set(of.steps)) if step < 1]
        yield Limit(meter, "cost_usd", of.limit_usd, of.on_exceeded, (steps[1:] or steps or [_FULL])[0], of.advised_tier)
        return
    measures: tuple[tuple[Measure, Decimal | int | None], ...] = (("cost_usd", of.cost_usd), ("tokens", of.tokens), ("requests", of.requests))
    for measure, most in measures:
        if most is not None:
            yield Limit(meter, measure, most, of.action, of.warn_at, of.advised_tier)


def window_of(meter: Meter, now: datetime) -> tuple[datetime, datetime | None]:
    """From when on use counts, and when it begins anew (None: never at once)."""
    return (now - meter.window, None) if meter.window is not None else bounds(meter.period, now)


def standing(limit: Limit, known: Known | None, keys: Sequence[str], held: Used, asked: Used, now: datetime, terms: Decisions) -> Standing:
    """What a limit says to a call.

    Args:
        known: what is used, None: not read yet.
        keys: under which names the caller's use is counted (a user has had several hashes).
        held: reserved, and not in ``known``.
        asked: what the call is expected to use, which must still fit; at least one request.
    """
    if known is None or now - known.at > terms.stale_after:
        age = (now - known.at).total_seconds() if known is not None else None
        return Standing(limit, terms.when_unknown, age_s=age)
    over = known.until is not None and now >= known.until  # another period has begun since
    resets_at = bounds(limit.meter.period, now)[1] if known.until is not None else known.at + (limit.meter.window or timedelta())
    posted = Used() if over else _sum(known.usage, keys)
    used, reserved, wanted = (getattr(one, limit.measure) for one in (posted, held, asked))
    taken = used + reserved
    share = float(taken) / float(limit.most) if limit.most else math.inf
    exceeded = taken >= limit.most or taken + wanted > limit.most
    answer: Answer = limit.action if exceeded else "warn" if share >= limit.warn_at else "allow"
    wait = _wait(limit, taken + wanted, resets_at, now) if exceeded and limit.action != "warn" else None
    age = max(0.0, (now - known.at).total_seconds())
    return Standing(limit, answer, used, reserved, max(limit.most - taken, type(taken)(0)), share, resets_at, wait, age)


def _sum(usage: Usage, keys: Sequence[str]) -> Used:
    total = Used()
    for key in keys:
        total = total.plus(usage.of.get(key, usage.rest))
    return total


def _wait(limit: Limit, wanted: Decimal | int, resets_at: datetime, now: datetime) -> int:
    """Seconds until it is worth asking again: to the period's end; in a sliding window until so much has left it, if use was even."""
    whole = (limit.meter.window or timedelta()).total_seconds()
    if limit.meter.window is None or not limit.most:
        return max(1, math.ceil((resets_at - now).total_seconds()))
    return max(1, math.ceil(min(whole, whole * float(wanted - limit.most) / float(limit.most))))


def worst(standings: Sequence[Standing]) -> Standing | None:
    """The one that decides: the gravest answer, of equal ones that of which most is used; None for none."""
    return max(standings, key=lambda one: (ANSWERS.index(one.answer), one.share), default=None)


def tier_of(policy: Policy, model: str, provider: str, seen: Mapping[str, str]) -> str:
    """A model's tier: by the policy's rules about models and providers, else the one that its calls had; "" unknown."""
    from fnmatch import fnmatchcase

    about = {"model": model.lower(), "provider": provider.lower()}
    for rule in policy.tiers.rules:
        patterns = rule.match.patterns()
        if set(patterns) <= set(about) and all(any(fnmatchcase(about[k], p.lower()) for p in told) for k, told in patterns.items()):
            return rule.tier
    return seen.get(model, "")
