"""Periods of budgets and quotas: UTC minutes, hours, days, ISO weeks, months, quarters, years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open, whole UTC days. ``name``: 2026-11-23, 2026-W48, 2026-11, 2026-Q4 or 2026."""

    name: str
    begins: date
    ends: date

    @property
    def since(self) -> datetime:
        """Its first moment."""
        return datetime(self.begins.year, self.begins.month, self.begins.day, tzinfo=UTC)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return datetime(self.ends.year, self.ends.month, self.ends.day, tzinfo=UTC)


def period_of(kind: str, on: date) -> Period:
    """The period that a day lies in; ``kind`` as :attr:`Budget.period`."""
    if kind == "day":
        return Period(on.isoformat(), on, on + timedelta(days=1))
    if kind == "week":
        year, week, weekday = on.isocalendar()
        monday = on - timedelta(days=weekday - 1)
        return Period(f"{year}-W{week:02d}", monday, monday + timedelta(days=7))
    months, name = {"month": (1, f"{on:%Y-%m}"), "quarter": (3, f"{on.year}-Q{(on.month + 2) // 3}"), "year": (12, f"{on.year}")}[kind]
    first = (on.month - 1) // months * months + 1
    ends = date(on.year + (first + months > 12), (first + months - 1) % 12 + 1, 1)
    return Period(name, date(on.year, first, 1), ends)


def bounds(kind: str, now: datetime) -> tuple[datetime, datetime]:
    """Begin and end of the period that ``now`` lies in; ``kind`` as :attr:`Quota.period` or :attr:`Budget.period`."""
    at = now.astimezone(UTC)
    if kind in ("minute", "hour"):
        begins = at.replace(second=0, microsecond=0) if kind == "minute" else at.replace(minute=0, second=0, microsecond=0)
        return begins, begins + timedelta(minutes=1 if kind == "minute" else 60)
    period = period_of(kind, at.date())
    return period.since, period.until
