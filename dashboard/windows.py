"""Time windows that a person or an API caller names: ``7d``, ``2026-11-01``, ``2026-11-01T10:00:00Z``. UTC, half-open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"(\d{1,5})\s*(m|h|d|w)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LONGEST = timedelta(days=366 * 5)

#: What the time picker offers: the word in the URL and on the button -> its length.
PRESETS: dict[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
DEFAULT = "7d"


@dataclass(frozen=True)
class Window:
    """``[since, until)`` in UTC."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        """How long the window is."""
        return self.until - self.since

    @property
    def previous(self) -> Window:
        """The window of equal length before this one: what changes are measured against.

        Moved back by whole days, from half a week on by whole weeks, so that mornings compare with mornings and Mondays with Mondays.
        """
        unit = timedelta(days=7) if self.length > timedelta(days=3.5) else timedelta(days=1) if self.length > timedelta(hours=6) else self.length
        back = unit * -(-self.length // unit)
        return Window(self.since - back, self.until - back)

    @property
    def step(self) -> str:
        """Width of a bar that keeps a chart readable: ``hour`` up to three days, else ``day``."""
        return "hour" if self.length <= timedelta(days=3) else "day"

    @property
    def words(self) -> str:
        """The window as a person reads it, UTC said."""
        if self.step == "hour":
            return f"{self.since:%d %b %H:%M} – {self.until:%d %b %Y %H:%M} UTC"
        return f"{self.since:%d %b} – {self.until:%d %b %Y} UTC"


def moment(text: str, now: datetime) -> datetime:
    """A point in time from ``7d`` (that long before ``now``), a date, or an ISO 8601 time (UTC unless it says otherwise).

    Raises:
        ValueError: with words fit for the caller.
    """
    if text == "now":
        return now
    ago = _AGO.fullmatch(text.strip().lower())
    if ago:
        return now - min(int(ago[1]) * _UNITS[ago[2]], _LONGEST)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ValueError(f"{text!r} is no time: use 30m, 24h, 7d, 4w, a date (2026-11-01) or an ISO 8601 time") from exc
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def window(since: str, until: str, now: datetime) -> Window:
    """The window between two :func:`moment` texts.

    Raises:
        ValueError: it is empty or longer than five years.
    """
    found = Window(moment(since, now), moment(until, now))
    if found.since >= found.until:
        raise ValueError(f"the window is empty: since ({found.since:%Y-%m-%dT%H:%M:%SZ}) must be before until ({found.until:%Y-%m-%dT%H:%M:%SZ})")
    if found.length > _LONGEST:
        raise ValueError("the window is longer than five years")
    return found


def preset(name: str, now: datetime) -> Window:
    """The named window, its end rounded up so that pages opened within one minute share cached answers.

    From a week on it starts at midnight, so that the first bar is a whole day.
    """
    length = PRESETS.get(name, PRESETS["7d"])
    until = (now + timedelta(minutes=1)).replace(second=0, microsecond=0)
    since = until - length
    if length >= timedelta(days=7):
        since = (since + timedelta(days=1)).replace(hour=0, minute=0)
    elif length > timedelta(hours=1):
        since = (since + timedelta(hours=1)).replace(minute=0)
    return Window(since, until)
