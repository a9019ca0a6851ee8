"""How numbers are written for people: dollars that never round to zero, compact counts, shares, durations.

Money stays ``Decimal`` up to here. ``DASH`` is what a missing number looks like: unknown is never shown as 0.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

DASH = "–"
_STEPS = ((1_000_000_000_000, "T"), (1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k"))


def usd(amount: Decimal | None, *, compact: bool = False) -> str:
    """US dollars with sensible digits: cents from 1 dollar on, four places below, as many as needed for two figures below a cent.

    ``compact`` drops cents from 1,000 dollars on and shortens from a million on.
    """
    if amount is None:
        return DASH
    size, sign = abs(amount), "-" if amount < 0 else ""
    if compact and size >= 1_000_000:
        return f"{sign}${_shortened(size)}"
    if compact and size >= 1_000:
        return f"{sign}${size:,.0f}"
    return f"{sign}${size:,.{_places(size)}f}"


def _places(size: Decimal) -> int:
    """Decimal places so that a non-zero amount shows at least two figures."""
    if size == 0 or size >= 1:
        return 2
    return max(4, 1 - size.adjusted())


def count(number: float | None) -> str:
    """A whole number with thousands separators."""
    return DASH if number is None else f"{number:,.0f}"


def compact(number: float | None) -> str:
    """A count in three or four characters: 950, 12.4k, 3.1M."""
    if number is None:
        return DASH
    return _shortened(Decimal(str(number))) if abs(number) >= 10_000 else f"{number:,.0f}"


def _shortened(number: Decimal) -> str:
    for step, name in _STEPS:
        if abs(number) >= step:
            scaled = number / step
            return f"{scaled:.{0 if abs(scaled) >= 100 else 1 if abs(scaled) >= 10 else 2}f}{name}"
    return f"{number:,.0f}"


def share(part: float | Decimal | None, whole: float | Decimal | None = 1) -> str:
    """``part / whole`` in per cent; never 100 % while something is missing, never 0 % while something is there."""
    if part is None or not whole:
        return DASH
    ratio = float(part) / float(whole)
    if 0.999 <= ratio < 1:
        return "99.9 %" if ratio < 0.9999 else "> 99.9 %"
    if 0 < ratio < 0.0005:
        return "< 0.1 %"
    return f"{ratio:.0%}".replace("%", " %") if ratio in (0, 1) else f"{ratio:.1%}".replace("%", " %")


def change(now: float | Decimal | None, before: float | Decimal | None) -> float | None:
    """Relative change from ``before`` to ``now``; None when there is nothing to compare with."""
    if now is None or not before:
        return None
    return float(now) / float(before) - 1


def signed_share(ratio: float | None) -> str:
    """A change in per cent with its sign; ``new`` stands for a change from nothing."""
    if ratio is None:
        return DASH
    return f"×{ratio + 1:,.1f}" if ratio >= 9.995 else f"{ratio:+.1%}".replace("%", " %")


def milliseconds(ms: float | None) -> str:
    """A duration as a person would say it: 840 ms, 2.4 s, 3 min 20 s."""
    if ms is None:
        return DASH
    if ms < 1_000:
        return f"{ms:.0f} ms"
    return f"{ms / 1_000:.2g} s" if ms < 9_950 else f"{ms / 1_000:.0f} s" if ms < 120_000 else f"{ms // 60_000:.0f} min {ms % 60_000 / 1_000:.0f} s"


def per_thousand(cost: Decimal | None, calls: int | None) -> Decimal | None:
    """Cost of 1,000 requests in USD, nine places; None without requests."""
    if cost is None or not calls:
        return None
    return (cost * 1_000 / calls).quantize(Decimal("1e-9"), ROUND_HALF_EVEN)


def exact(amount: Decimal | None) -> str | None:
    """The amount as the API says it: plain digits, nothing rounded, no exponent."""
    return None if amount is None else f"{amount:f}"
