"""Rates of one model and what they make of a call's usage: exact integers of 1e-9 USD where possible, exact decimals elsewhere.

The arithmetic is that of ``genai_prices`` (leaf classes: what is cached, audio or reasoning is taken out of input or output before these
are priced, and only where it has a rate of its own); a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from genai_prices.types import ModelPrice, TieredPrices

from spanledger.model import Usage

#: Rate names, USD per million tokens but for the last four (USD per second, per character, per image, per request).
CLASSES = (
    "input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "audio_in", "audio_out",
    "audio_second", "character", "image", "request",
)  # fmt: skip

_OF_BOOK = {
    "input": "input_mtok", "output": "output_mtok", "cache_read": "cache_read_mtok", "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok", "reasoning": "output_reasoning_mtok", "audio_in": "input_audio_mtok",
    "audio_out": "output_audio_mtok",
}  # fmt: skip
_PER_TOKEN = tuple(_OF_BOOK)
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_NANO = Decimal("1e-9")
ZERO = Decimal("0E-9")

#: nano-USD: total, uncached input, cache read, cache write, output, other; then whether something told had no rate.
Nanos = tuple[int, int, int, int, int, int, bool]


def usd(nanos: int) -> Decimal:
    """Integer of 1e-9 USD as a Decimal with nine places."""
    return Decimal(nanos).scaleb(-9) if nanos else ZERO


@dataclass(slots=True)
class Band:
    """Rates of one input-length tier. ``told``: class → rate; a class that is missing has no rate of its own."""

    told: Mapping[str, Decimal]
    start: int = -1  # applies to calls with more input tokens than this
    nano: tuple[int, int, int | None, int | None, int | None] | None = field(init=False)

    def __post_init__(self) -> None:
        self.nano = self._nano()

    def _nano(self) -> tuple[int, int, int | None, int | None, int | None] | None:
        """Whole nano-USD per token for the five common classes, or None when a rate is finer or the arithmetic is not plain."""
        if "input" not in self.told or self.told.keys() & {"request", "reasoning"}:
            return None
        scaled = {name: rate * 1000 for name, rate in self.told.items() if name in _PER_TOKEN}
        if any(rate != rate.to_integral_value() for rate in scaled.values()):
            return None
        whole = {name: int(rate) for name, rate in scaled.items()}
        return whole["input"], whole.get("output", -1), whole.get("cache_read"), whole.get("cache_write"), whole.get("cache_write_1h")

    def cost(self, usage: Usage, *, min_audio_s: float = 0.0) -> Nanos:
        """Cost of one call under these rates."""
        plain = usage.audio_in is None and usage.audio_out is None and usage.images is None and usage.audio_seconds is None
        if plain and self.nano is not None and usage.characters is None:
            quick = self._quick(usage.input or 0, usage.output or 0, usage.cache_read or 0, usage.cache_write or 0, usage.cache_write_1h or 0)
            if quick is not None:
                return quick
        return self._exact(usage, min_audio_s)

    def _quick(self, n_in: int, n_out: int, read: int, write: int, write_1h: int) -> Nanos | None:
        r_in, r_out, r_read, r_write, r_write_1h = self.nano  # type: ignore[misc]
        if n_out and r_out < 0:
            return None
        c_read = c_write = 0
        rest = n_in
        if read and r_read is not None:
            rest -= read
            c_read = read * r_read
        if write and r_write is not None:
            rest -= write
            c_write = write * r_write
            if write_1h and r_write_1h is not None:
                c_write += write_1h * (r_write_1h - r_write)
                if write_1h > write:
                    return None
        if rest < 0:
            return None
        c_in, c_out = rest * r_in, n_out * r_out
        return c_in + c_read + c_write + c_out, c_in, c_read, c_write, c_out, 0, False

    def _exact(self, usage: Usage, min_audio_s: float) -> Nanos:
        with localcontext(_EXACT):
            parts, partial = self._parts(usage, min_audio_s)
            return (*rounded(parts), partial)

    def _parts(self, u: Usage, min_audio_s: float) -> tuple[list[Decimal], bool]:
        """USD per part (input, cache read, cache write, output, other), unrounded; and whether something told had no rate."""
        rates, partial, other = self.told, False, Decimal(0)
        rest_in, rest_out = u.input or 0, u.output or 0
        read, write, write_1h = u.cache_read or 0, u.cache_write or 0, min(u.cache_write_1h or 0, u.cache_write or 0)
        partial = (u.cache_write_1h or 0) > (u.cache_write or 0)
        c_read = c_write = c_thought = Decimal(0)
        if "cache_read" in rates:
            rest_in -= read
            c_read = read * rates["cache_read"]
        if "cache_write" in rates:
            rest_in -= write
            long = write_1h if "cache_write_1h" in rates else 0
            c_write = (write - long) * rates["cache_write"] + long * rates.get("cache_write_1h", Decimal(0))
        for n, name in ((u.audio_in or 0, "audio_in"), (u.audio_out or 0, "audio_out")):
            if n and name in rates:
                other += n * rates[name]
                rest_in, rest_out = (rest_in - n, rest_out) if name == "audio_in" else (rest_in, rest_out - n)
            elif n:
                partial = True
        if u.reasoning and "reasoning" in rates:
            rest_out -= u.reasoning
            c_thought = u.reasoning * rates["reasoning"]
        partial = partial or rest_in < 0 or rest_out < 0
        rest_in, rest_out = max(rest_in, 0), max(rest_out, 0)
        partial = partial or (rest_in > 0 and "input" not in rates) or (rest_out > 0 and "output" not in rates)
        by_token = rest_in * rates.get("input", Decimal(0)), c_read, c_write, rest_out * rates.get("output", Decimal(0)) + c_thought, other
        parts = [p / 1_000_000 for p in by_token]
        units, missing = self._units(u, min_audio_s)
        parts[4] += units
        return parts, partial or missing

    def _units(self, u: Usage, min_audio_s: float) -> tuple[Decimal, bool]:
        """USD of what is not counted in tokens, and whether such a unit had no rate though nothing else pays for it."""
        rates, total, missing = self.told, Decimal(0), False
        tokens = bool((u.input and "input" in rates) or (u.output and "output" in rates) or u.audio_in or u.audio_out)
        seconds = max(u.audio_seconds, min_audio_s) if u.audio_seconds else 0
        for n, name in ((seconds, "audio_second"), (u.characters or 0, "character"), (u.images or 0, "image")):
            if n and name in rates:
                total += Decimal(repr(n)) * rates[name]
            elif n and not tokens:
                missing = True
        return total + rates.get("request", Decimal(0)), missing


def rounded(parts: list[Decimal]) -> tuple[int, int, int, int, int, int]:
    """Nano-USD of total and parts: the total rounds half-even, a rounding difference goes to the largest part."""
    total = int((sum(parts) / _NANO).to_integral_value(ROUND_HALF_EVEN))
    nanos = [int((p / _NANO).to_integral_value(ROUND_HALF_EVEN)) for p in parts]
    nanos[max(range(5), key=lambda i: parts[i])] += total - sum(nanos)
    return total, nanos[0], nanos[1], nanos[2], nanos[3], nanos[4]


def bands_of(price: ModelPrice) -> tuple[Band, ...]:
    """Rates of a book entry, one band per input-length tier, longest first (the whole call is priced at its tier: a cliff)."""
    stored = {name: value for name, value in price.__dict__.items() if value is not None}
    starts = sorted({t.start for v in stored.values() if isinstance(v, TieredPrices) for t in v.tiers}, reverse=True)
    return tuple(Band(_flat(stored, start), start) for start in (*starts, -1))


def _flat(stored: Mapping[str, Decimal | TieredPrices], start: int) -> dict[str, Decimal]:
    told: dict[str, Decimal] = {}
    for name, key in _OF_BOOK.items():
        value = stored.get(key)
        if isinstance(value, TieredPrices):
            value = next((t.price for t in reversed(value.tiers) if start >= t.start), value.base)
        if value is not None:
            told[name] = value
    for key, name, per in (
        ("audio_hours", "audio_second", 3600), ("input_audio_hours", "audio_second", 3600), ("input_mchars", "character", 1_000_000),
        ("requests_kcount", "request", 1000),
    ):  # fmt: skip
        value = stored.get(key)
        if isinstance(value, Decimal):
            with localcontext(_EXACT):
                told.setdefault(name, value / per)
    return told
