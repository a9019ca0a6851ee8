"""Times as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from spanledger.errors import ConfigError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime) -> datetime:
    """``now``, ``7d`` (that long ago), ``2026-11-01`` or an ISO time, as an aware UTC datetime; what tells no zone is UTC.

    Raises:
        ConfigError: none of these.
    """
    word = text.strip().lower()
    if word == "now":
        return now
    if word == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    if word[:-1].isdigit() and word[-1] in _UNITS:
        try:
            return now - timedelta(**{_UNITS[word[-1]]: int(word[:-1])})
        except OverflowError as exc:
            raise ConfigError(f"{text!r} is too long ago") from exc
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise ConfigError(f"{text!r} is no time: use 7d, 12h, 2026-11-01, 2026-11-01T08:00Z or now") from exc
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def window(since: str, until: str, now: datetime) -> tuple[datetime, datetime]:
    """Half-open ``[since, until)``.

    Raises:
        ConfigError: not times, or the wrong way round.
    """
    start, end = moment(since, now), moment(until, now)
    if end <= start:
        raise ConfigError(f"--until ({end:%Y-%m-%d %H:%M}) must be after --since ({start:%Y-%m-%d %H:%M})")
    return start, end
