"""Later editions of the price list: a newer ``genai-prices`` file, checked, kept in the data directory, in force from a UTC day on.

An edition never reaches back: calls of earlier days keep the list that held then, so entries that are posted do not change and ``verify``
finds the same cost again. The packaged snapshot is the edition before all others.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import structlog
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices
from genai_prices.types import _providers_from_raw as providers_from_raw  # pyright: ignore[reportPrivateUsage]  # what its own updater calls
from pydantic import ValidationError

from collector.pricing.names import PRICE_LISTS
from spanledger.errors import ConfigError

log = structlog.get_logger(__name__)
_FORMAT = 1
#: A list that knows fewer than this share of today's models was cut off or is another kind of file.
_LEAST = 0.5
_MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition: ``lists`` by provider id, in force from ``since`` (UTC day); ``version`` is what price ids name."""

    since: date
    version: str
    source: str = ""
    lists: Mapping[str, Provider] = field(default_factory=dict, repr=False, compare=False)

    @property
    def models(self) -> int:
        """How many models it lists."""
        return sum(len(p.models) for p in self.lists.values())


@dataclass(frozen=True, slots=True)
class Changes:
    """What an edition changes against another: model names as ``provider/model``."""

    added: tuple[str, ...]
    gone: tuple[str, ...]
    repriced: tuple[str, ...]


def parsed(body: bytes, *, since: date, source: str) -> Edition:
    """The edition that a ``genai-prices`` data file makes.

    Args:
        body: the file (``prices/new_data/v2/data.json`` of that project), a JSON array of providers.
        since: first UTC day that it is in force.

    Raises:
        ConfigError: it is no such file, lacks much of what is known, or has a price below zero.
    """
    if len(body) > _MAX_BYTES:
        raise ConfigError(f"{source}: larger than {_MAX_BYTES >> 20} MiB is no price list")
    try:
        raw = json.loads(body)
        providers = providers_from_raw(raw) if isinstance(raw, list) else None
    except (ValueError, ValidationError, TypeError, KeyError, RecursionError) as exc:
        reason = f"{exc.error_count()} invalid entries" if isinstance(exc, ValidationError) else str(exc)[:120] or type(exc).__name__
        raise ConfigError(f"{source}: not a genai-prices data file: {reason}") from None
    if providers is None:
        raise ConfigError(f"{source}: not a genai-prices data file: an array of providers is expected")
    lists = {p.id: p for p in providers}
    _check(lists, source)
    digest = blake2b(body, digest_size=4).hexdigest()
    return Edition(since, f"{since.isoformat()}.{digest}", source, lists)


def _check(lists: Mapping[str, Provider], source: str) -> None:
    known, found = (sum(len(p.models) for p in of.values()) for of in (PRICE_LISTS, lists))
    if found < known * _LEAST:
        raise ConfigError(f"{source}: lists {found} models where {known} are known: cut off, or not a full price list")
    for key in ("openai", "anthropic", "google", "aws", "azure"):
        if key not in lists or not lists[key].models:
            raise ConfigError(f"{source}: has no prices of {key}")
    for key, provider in lists.items():
        for model in provider.models:
            if any(rate < 0 for rate in _all_rates(model)):
                raise ConfigError(f"{source}: {key}/{model.id} has a price below zero")


def _all_rates(model: ModelInfo) -> list[Decimal]:
    """Every rate of a model: of all days and times, of all tiers and of its variants (batch, priority …)."""
    prices = [model.prices] if isinstance(model.prices, ModelPrice) else [c.prices for c in model.prices]
    prices += [variant.prices for variant in model.price_variants or ()]
    found: list[Decimal] = []
    for price in prices:
        for value in price.__dict__.values():
            found += [value.base, *(t.price for t in value.tiers)] if isinstance(value, TieredPrices) else [value] if value is not None else []
    return found


def changes(new: Mapping[str, Provider], old: Mapping[str, Provider]) -> Changes:
    """What differs between two lists."""
    now, before = ({f"{key}/{m.id}": m for key, p in of.items() for m in p.models} for of in (new, old))
    both = sorted(now.keys() & before.keys())
    repriced = tuple(n for n in both if now[n].prices != before[n].prices or now[n].price_variants != before[n].price_variants)
    return Changes(tuple(sorted(now.keys() - before.keys())), tuple(sorted(before.keys() - now.keys())), repriced)


def keep(folder: Path, body: bytes, edition: Edition) -> Path:
    """Write an edition (atomic, fsynced); one that begins on the same day gives way to it.

    Raises:
        ConfigError: the folder cannot be written.
    """
    held = {"format": _FORMAT, "since": edition.since.isoformat(), "version": edition.version, "source": edition.source}
    path = folder / f"{edition.since.isoformat()}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(json.dumps(held).encode() + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as exc:
        raise ConfigError(f"{folder} cannot be written: {exc.strerror}") from None
    return path


def kept(folder: Path) -> tuple[Edition, ...]:
    """The editions of a folder, earliest first; empty when there are none.

    Raises:
        ConfigError: a file there is no edition.
    """
    found: list[Edition] = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        head, _, body = path.read_bytes().partition(b"\n")
        try:
            held = json.loads(head)
            since, source = date.fromisoformat(held["since"]), str(held.get("source", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"{path}: not a price list kept by `spanledger prices refresh`") from None
        edition = parsed(body, since=since, source=path.name)
        if edition.version != held.get("version"):
            raise ConfigError(f"{path}: changed since it was kept")
        found.append(Edition(since, edition.version, source, edition.lists))
    return tuple(found)


class PriceFolder:
    """The editions of a folder, read again when it changes; the same tuple as long as it does not.

    The folder is looked at no more often than ``every_s``. A file that turns bad while in use leaves what was read before in force.
    """

    def __init__(self, folder: Path, every_s: float = 10) -> None:
        self._folder, self._every_s = folder, every_s
        self._seen, self._editions = _state(folder), kept(folder)
        self._looked = time.monotonic()

    def __call__(self) -> tuple[Edition, ...]:
        """The editions as they are now, earliest first."""
        if time.monotonic() - self._looked >= self._every_s:
            self._looked = time.monotonic()
            now = _state(self._folder)
            if now != self._seen:
                self._seen = now
                try:
                    self._editions = kept(self._folder)
                except (ConfigError, OSError) as exc:
                    log.warning("price_list_unusable", reason=str(exc))
        return self._editions


def _state(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(f"{e.name} {e.stat().st_mtime_ns}" for e in os.scandir(folder) if e.name.endswith(".json")))
    except OSError:
        return ()


def in_force(editions: Sequence[Edition], day: date) -> Edition | None:
    """The edition that a call of this UTC day is priced by; None: the packaged snapshot."""
    return next((e for e in reversed(editions) if e.since <= day), None)
