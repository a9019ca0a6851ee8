"""Numbers that an answer works out from the context: sums, differences, products, shares, averages, other units.

Only for contexts with few numbers: among many, anything can be put together by chance. Years and small counts are never worked out, but for units.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable

MAX_NUMBERS = 12  # in the context
FEW = 6  # in a context whose totals of three are known, too
SMALL = 13.0
_FACTORS = (7.0, 12.0, 24.0, 60.0, 1000.0)  # days, months, hours, minutes and seconds, kilo
_ROUNDED, _EXACT = 0.006, 1e-9  # relative


class Arithmetic:
    """What follows from a context's numbers; `knows` takes what an answer says in order, since its later figures may rest on earlier ones."""

    def __init__(self, terms: Iterable[str]) -> None:
        values = {v for t in terms if (v := value(t)) is not None}
        self.base = sorted(values) if len(values) <= MAX_NUMBERS else []
        self.converted = sorted(x for v in self.base for f in _FACTORS for x in (v * f, v / f))
        self.worked = sorted(x for a, b in itertools.combinations(self.base, 2) for x in _of(a, b))
        few = self.base if len(self.base) <= FEW else []
        self.totals = sorted(x for a, b, c in itertools.combinations(few, 3) for x in (a + b + c, a * b + c, a * c + b, b * c + a))

    def knows(self, term: str, own: Iterable[float] = ()) -> bool:
        """Whether the number follows. ``own``: figures of the answer that are known to be right."""
        asked = value(term)
        if asked is None or not self.base:
            return False
        if _near(self.converted, asked):
            return True
        if (asked < SMALL and asked == int(asked)) or (1900 <= asked <= 2100 and asked == int(asked)):
            return False
        if _near(self.totals, asked, _EXACT):
            return True
        return _near(self.worked, asked) or any(_close(x, asked) for a in own for b in self.base for x in _of(a, b))

    def exactly(self, term: str) -> bool:
        """Whether the number follows to the last digit from few: a stricter question, for one that stands where the context has another."""
        asked = value(term)
        if asked is None:
            return False
        from_few = len(self.base) <= FEW and (_near(self.worked, asked, _EXACT) or _near(self.base, asked / 2, _EXACT))
        return from_few or _near(self.converted, asked, _EXACT)


def value(term: str) -> float | None:
    """The number of a term; None for versions, dates and what is not finite."""
    try:
        found = float(term)
    except ValueError:
        return None
    return found if 0 <= found < 1e15 else None


def _of(a: float, b: float) -> tuple[float, ...]:
    low, high = (a, b) if a <= b else (b, a)
    share = low / high if high else 0.0
    change = (high - low) / low if low else 0.0
    return a + b, high - low, a * b, (a + b) / 2, 100 * share, 100 * (1 - share), 100 * change, 1 / share if share else 0.0


def _near(found: list[float], asked: float, by: float = _ROUNDED) -> bool:
    at = bisect_left(found, asked * (1 - by))
    return at < len(found) and _close(found[at], asked, by)


def _close(x: float, asked: float, by: float = _ROUNDED) -> bool:
    return abs(x - asked) <= by * asked
