"""``prices refresh`` and ``prices list``: newer list prices without a newer program."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import typer

from spanledger.errors import ConfigError, SpanledgerError
from spanledger.settings import Settings

FOLDER = "prices"
_MAX_BYTES = 64 << 20
_SHOWN = 12


class ListUnavailable(SpanledgerError):
    """The address of a price list does not answer."""

    retryable = True
    exit_code = 3


def refresh(settings: Settings, source: str, since: str, *, dry_run: bool = False, today: date | None = None) -> int:
    """Check a newer ``genai-prices`` data file and keep it in the data directory, in force from a later UTC day on.

    Args:
        settings: whose data directory.
        source: path or http(s) address; '' takes the address of the price list project itself.
        since: first UTC day, ISO; '' is tomorrow. Never today or before: posted entries keep their prices.
        dry_run: only say what would change.
    """
    from collector.pricing.book import BUNDLED
    from collector.pricing.editions import changes, in_force, keep, kept, parsed

    today = today or datetime.now(UTC).date()
    day = _day(since) if since else today + timedelta(days=1)
    if day <= today:
        raise ConfigError(f"--from {day}: new prices begin on a later UTC day than today ({today}); entries that are posted keep theirs")
    body, name = _read(source)
    edition = parsed(body, since=day, source=name)
    folder = settings.data_dir / FOLDER
    editions = kept(folder)
    before = in_force(editions, day) or BUNDLED
    same = before.version.rpartition(".")[2] == edition.version.rpartition(".")[2] and before is not BUNDLED
    differs = changes(edition.lists, before.lists)
    typer.echo(f"{name}: {len(edition.lists)} providers, {edition.models} models; against {before.version}:")
    for what, models in (("new", differs.added), ("other prices", differs.repriced), ("no longer listed", differs.gone)):
        shown = ", ".join(models[:_SHOWN]) + (", …" if len(models) > _SHOWN else "")
        typer.echo(f"  {len(models):>5} {what}{': ' + shown if models else ''}")
    if same or not (differs.added or differs.gone or differs.repriced):
        typer.echo("nothing new: kept as it is")
        return 0
    if dry_run:
        return 0
    path = keep(folder, body, edition)
    typer.echo(f"in force from {day} 00:00 UTC as {edition.version} ({path}); calls before that day keep their prices")
    return 0


def listed(settings: Settings) -> int:
    """Print the editions of the price list, the packaged one first."""
    from collector.pricing.book import BUNDLED
    from collector.pricing.editions import in_force, kept

    editions = kept(settings.data_dir / FOLDER)
    now = in_force(editions, datetime.now(UTC).date()) or BUNDLED
    for edition in (BUNDLED, *editions):
        begins = "always" if edition is BUNDLED else str(edition.since)
        typer.echo(f"{'*' if edition is now else ' '} {begins:<10}  {edition.version:<22}  {edition.models} models  {edition.source}")
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--from {text}: a day such as 2026-12-01 is expected") from None


def _read(source: str) -> tuple[bytes, str]:
    """The file and what to call it: no credentials of an address are repeated."""
    if source and "://" not in source:
        path = Path(source)
        try:
            return path.read_bytes(), path.name
        except OSError as exc:
            raise ConfigError(f"{source}: {exc.strerror}") from None
    from genai_prices.update_prices import DEFAULT_UPDATE_URL

    address = source or DEFAULT_UPDATE_URL
    scheme, _, rest = address.partition("://")
    if scheme not in ("http", "https"):
        raise ConfigError(f"{scheme}://: prices are read from a file, http or https")
    name = rest.rpartition("@")[2].partition("?")[0]
    try:
        with urllib.request.urlopen(address, timeout=30) as reply:  # noqa: S310 - scheme checked above
            return reply.read(_MAX_BYTES + 1), name
    except (OSError, ValueError, urllib.error.URLError) as exc:
        reason = getattr(exc, "reason", None) or exc
        raise ListUnavailable(f"{name}: {reason}; a file works without a network: `spanledger prices refresh FILE`") from None
