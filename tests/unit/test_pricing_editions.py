"""Newer price lists: what is taken in, from when it holds, and that it never reaches back."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.types import ModelPrice

from collector.pricing import PriceBook
from collector.pricing.editions import PriceFolder, changes, in_force, keep, kept, parsed
from collector.pricing.names import PRICE_LISTS
from spanledger.commands import price_lists
from spanledger.errors import ConfigError
from spanledger.model import Usage
from spanledger.settings import Settings

DAY = date(2026, 12, 1)
BEFORE, AFTER = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def raw(value: Any) -> Any:
    """The packaged list in the form of the project's data file."""
    if isinstance(value, ModelPrice):
        return {k: raw(v) for k, v in value.__dict__.items() if v is not None}
    if dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {k.rstrip("_"): raw(v) for k, v in fields.items() if v is not None and not k.startswith("_") and k != "extractors"}
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, list | tuple):
        return [raw(v) for v in value]
    return {k: raw(v) for k, v in value.items()} if isinstance(value, dict) else value


@pytest.fixture(scope="module")
def packaged() -> list[dict[str, Any]]:
    return raw(list(PRICE_LISTS.values()))


@pytest.fixture
def newer(packaged: list[dict[str, Any]]) -> bytes:
    """gpt-4o at half price, one new model, one new provider."""
    lists = json.loads(json.dumps(packaged))
    openai = next(p for p in lists if p["id"] == "openai")
    gpt = next(m for m in openai["models"] if m["id"] == "gpt-4o")
    gpt["prices"] = {"input_mtok": 1.25, "cache_read_mtok": 0.625, "output_mtok": 5}
    openai["models"].append({"id": "gpt-9", "match": {"equals": "gpt-9"}, "prices": {"input_mtok": 9, "output_mtok": 90}})
    prices = {"input_mtok": 1, "output_mtok": 2}
    lists.append({"id": "newcomer", "name": "N", "api_pattern": "https://n[.]example", "models": [{"id": "n-1", "match": {"equals": "n-1"},
                  "prices": prices}]})  # fmt: skip
    return json.dumps(lists).encode()


def cost(book: PriceBook, provider: str, model: str, at: datetime) -> tuple[Decimal, str, str]:
    found = book.price(provider=provider, model=model, at=at, usage=Usage(input=1_000_000, output=0))
    return found.total, found.source, found.price_id


def test_the_packaged_list_in_its_file_form_is_the_same_list(packaged: list[dict[str, Any]]) -> None:
    edition = parsed(json.dumps(packaged).encode(), since=DAY, source="x")
    found = changes(edition.lists, PRICE_LISTS)
    assert (found.added, found.gone, found.repriced) == ((), (), ())


def test_an_edition_holds_from_its_day_on_and_never_before(newer: bytes) -> None:
    edition = parsed(newer, since=DAY, source="x")
    book, plain = PriceBook.load(editions=[edition]), PriceBook.load()
    assert cost(book, "openai", "gpt-4o", BEFORE) == cost(plain, "openai", "gpt-4o", BEFORE)
    assert cost(book, "openai", "gpt-4o", AFTER) == (Decimal("1.25"), "computed", f"genai-prices/{edition.version}/openai/gpt-4o/list")
    assert cost(book, "openai", "gpt-9", BEFORE)[1] == "unpriced"
    assert cost(book, "openai", "gpt-9", AFTER)[:2] == (Decimal(9), "computed")
    assert cost(book, "newcomer", "n-1", BEFORE)[1] == "unpriced"
    assert cost(book, "newcomer", "n-1", AFTER)[:2] == (Decimal(1), "computed")


def test_the_latest_edition_that_has_begun_is_in_force(newer: bytes) -> None:
    first, second = (parsed(newer, since=DAY + timedelta(days=d), source="x") for d in (0, 7))
    both = (first, second)
    assert [in_force(both, DAY + timedelta(days=d)) for d in (-1, 0, 6, 7, 400)] == [None, first, first, second, second]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"not json", b'[{"id": 1}]', b"[" * 10_000, b'[{"id": "a", "name": "a", "api_pattern": "a", "models": []}]']
)
def test_what_is_no_full_price_list_is_refused_in_one_line(body: bytes) -> None:
    with pytest.raises(ConfigError) as refused:
        parsed(body, since=DAY, source="some.json")
    assert "some.json" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "prices",
    [
        {"prices": {"input_mtok": -9, "output_mtok": 90}},
        {"prices": {"input_mtok": {"base": 9, "tiers": [{"start": 200_000, "price": -18}]}}},
        {"price_variants": [{"when": {"service_tier": "batch"}, "prices": {"input_mtok": -4.5}}]},
    ],
    ids=["plain", "tiered", "of a variant"],
)
def test_a_negative_price_is_refused(prices: dict[str, Any], newer: bytes) -> None:
    lists = json.loads(newer)
    next(m for p in lists for m in p["models"] if m["id"] == "gpt-9").update(prices)
    with pytest.raises(ConfigError, match="gpt-9 has a price below zero"):
        parsed(json.dumps(lists).encode(), since=DAY, source="x")


def test_what_is_kept_is_read_again_and_a_changed_file_is_noticed(newer: bytes, tmp_path: Any) -> None:
    edition = parsed(newer, since=DAY, source="x")
    path = keep(tmp_path / "prices", newer, edition)
    assert kept(tmp_path / "prices") == (edition,)
    path.write_bytes(path.read_bytes().replace(b"1.25", b"0.01"))
    with pytest.raises(ConfigError, match="changed since"):
        kept(tmp_path / "prices")


def test_a_folder_gives_the_same_tuple_until_it_changes(newer: bytes, tmp_path: Any) -> None:
    folder = PriceFolder(tmp_path / "prices", every_s=0)
    none = folder()
    assert none == ()
    assert folder() is none
    keep(tmp_path / "prices", newer, parsed(newer, since=DAY, source="x"))
    some = folder()
    assert len(some) == 1
    assert folder() is some
    (tmp_path / "prices" / "2027-01-01.json").write_text("rubbish")
    assert folder() is some  # a bad file leaves in force what was
    with pytest.raises(ConfigError):
        PriceFolder(tmp_path / "prices")


def test_refresh_keeps_a_list_from_tomorrow_on_and_says_what_changes(newer: bytes, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "data.json"
    file.write_bytes(newer)
    settings = Settings(data_dir=tmp_path / "data")
    assert price_lists.refresh(settings, str(file), "", dry_run=True, today=DAY) == 0
    assert not (tmp_path / "data" / "prices").exists()
    assert price_lists.refresh(settings, str(file), "", today=DAY) == 0
    said = capsys.readouterr().out
    assert "2 new: newcomer/n-1, openai/gpt-9" in said
    assert "1 other prices: openai/gpt-4o" in said
    (edition,) = kept(tmp_path / "data" / "prices")
    assert edition.since == DAY + timedelta(days=1)
    assert price_lists.refresh(settings, str(file), "", today=DAY + timedelta(days=5)) == 0
    assert "nothing new" in capsys.readouterr().out
    assert len(kept(tmp_path / "data" / "prices")) == 1
    price_lists.listed(settings)
    assert edition.version in capsys.readouterr().out


@pytest.mark.parametrize("since", ["2026-12-01", "2026-11-01", "tomorrow"])
def test_prices_never_begin_today_or_before(since: str, newer: bytes, tmp_path: Any) -> None:
    file = tmp_path / "data.json"
    file.write_bytes(newer)
    with pytest.raises(ConfigError):
        price_lists.refresh(Settings(data_dir=tmp_path / "data"), str(file), since, today=DAY)


@pytest.mark.parametrize("source", ["/no/such/file.json", "ftp://x.example/data.json", "http://127.0.0.1:9/data.json"])
def test_a_source_that_cannot_be_read_is_one_clear_line(source: str, tmp_path: Any) -> None:
    with pytest.raises((ConfigError, price_lists.ListUnavailable)):
        price_lists.refresh(Settings(data_dir=tmp_path), source, "", today=DAY)
