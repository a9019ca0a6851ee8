"""FOCUS rows of a month: what the specification's table of columns says, and to the last decimal what `spend` says."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from collector.rows import calls_batch
from spanledger import cli
from spanledger.commands import exporting
from spanledger.errors import ConfigError
from spanledger.model import Entry
from spanledger.settings import Settings
from warehouse import journal
from warehouse.engine import Engine
from warehouse.migrate import migrate

SPEC = json.loads((Path(__file__).parents[1] / "fixtures" / "focus_1_2.json").read_text())["columns"]
TYPES = {"decimal": pl.Decimal, "datetime": pl.Datetime, "string": pl.String, "json": pl.String}


def _entry(number: int, at: datetime, usd: tuple[str, str, str, str, str], **more: Any) -> Entry:
    """A call with its cost parts: input, cached, cache write, output, other."""
    parts = dict(
        zip(("cost_in_usd", "cost_cache_read_usd", "cost_cache_write_usd", "cost_out_usd", "cost_other_usd"), map(Decimal, usd), strict=True)
    )
    told: dict[str, Any] = {
        "provider": "openai", "model": "gpt-4o", "app_id": "shop", "team": "growth", "model_tier": "premium", "cost_source": "computed",
        "tokens_in": 1000, "tokens_cache_read": 400, "tokens_out": 100, "cost_estimate_usd": sum(parts.values()),
    }  # fmt: skip
    ids = {"trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big")}
    return Entry(project="default", service="web", ts_us=int(at.timestamp() * 1e6), **ids, **parts, **(told | more))


FIRST, LAST = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
NOTHING = ("0", "0", "0", "0", "0")
ENTRIES = [
    _entry(1, FIRST, ("0.001500000", "0.000500001", "0", "0.001000003", "0")),
    _entry(2, LAST, ("0.000000001", "0", "0.000000002", "0.000000003", "0.04"), team="", app_id="", tenant_hash="ab", tokens_cache_write=9),
    _entry(3, LAST, NOTHING, cost_source="unpriced", model="unheard-of"),
    _entry(4, LAST, NOTHING, cost_source="partial", usage_source="missing", tokens_in=0, tokens_cache_read=0, tokens_out=0, app_id="quiet"),
    _entry(5, LAST, NOTHING, billed=False, outcome="error", tokens_in=0, tokens_cache_read=0, tokens_out=0, app_id="failed"),
    _entry(6, LAST, ("0.25", "0", "0", "0", "0"), entry_kind="unattributed", billed=False, tokens_cache_read=0, tokens_out=0),
    _entry(7, datetime(2026, 11, 1, tzinfo=UTC), ("5", "0", "0", "0", "0")),
    _entry(8, datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC), ("7", "0", "0", "0", "0")),
]
TOTAL = Decimal("0.293000010")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory at rest with October's calls, and one each of the months beside it."""
    where = tmp_path_factory.mktemp("focus") / "data"
    with Engine.open(where) as engine:
        client = engine.client()
        migrate(client)
        journal.insert(client, "calls", calls_batch(ENTRIES, 1))
        client.close()
    return where


def _export(data: Path, out: Path, *more: str) -> int:
    return cli.run(["export", "focus", "--month", "2026-10", "--out", str(out), "--data", str(data), *more])


def test_rows_are_what_the_specification_says_and_sum_to_what_was_spent(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("apps: {shop: {team: growth, cost_centre: CC-7}}\n")
    out = tmp_path / "october.parquet"
    assert _export(data, out, "--config", str(policy)) == 0
    said = capsys.readouterr()
    rows = pl.read_parquet(out)
    assert [name for name in rows.columns if not name.startswith("x_") and name not in SPEC] == []
    assert [name for name, column in SPEC.items() if column["level"] == "mandatory" and name not in rows.columns] == []
    for name in (name for name in rows.columns if name in SPEC):
        column = SPEC[name]
        assert isinstance(rows.schema[name], TYPES[column["type"]]), name
        if column["null"] in ("never", "unless usage"):  # every row of ours is usage, none a correction
            assert rows[name].null_count() == 0, name
        if "values" in column:
            assert set(rows[name].drop_nulls()) <= set(column["values"]), name
        if column["type"] == "json":
            assert all(isinstance(json.loads(told), dict) for told in rows[name].drop_nulls()), name
    assert (rows["ChargeClass"].null_count(), set(rows["ChargeCategory"])) == (rows.height, {"Usage"})
    assert rows["BilledCost"].sum() == TOTAL
    for other in ("EffectiveCost", "ListCost", "ContractedCost"):  # without unit prices they must match
        assert rows[other].to_list() == rows["BilledCost"].to_list()
    assert cli.run(["spend", "--by", "app", "--since", "2026-10-01", "--until", "2026-11-01", "--format", "json", "--data", str(data)]) == 0
    spent = json.loads(capsys.readouterr().out)["data"]
    assert sum(Decimal(row["cost_usd"]) for row in spent) == TOTAL
    assert "50.0% of 4 billed calls have a price" in said.err
    assert "1 stand with cost 0 because no price is known" in said.err
    assert f"{TOTAL} USD, FOCUS 1.2" in said.out


def test_a_charge_is_a_day_a_model_a_payer_and_a_meter(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "october.parquet"
    assert _export(data, out) == 0
    rows = pl.read_parquet(out)
    first = rows.filter(pl.col("ChargePeriodStart") == FIRST)
    told = [tuple(row) for row in first.select("SkuMeter", "ConsumedQuantity", "PricingUnit", "BilledCost").rows()]
    assert sorted(told) == [
        ("Cached Input Tokens", Decimal(400), "Tokens", Decimal("0.000500001")),
        ("Input Tokens", Decimal(600), "Tokens", Decimal("0.0015")),
        ("Output Tokens", Decimal(100), "Tokens", Decimal("0.001000003")),
    ]
    assert set(first["ChargePeriodEnd"]) == {datetime(2026, 10, 2, tzinfo=UTC)}
    nobody = rows.filter(pl.col("x_TenantHash") == "ab")
    assert nobody["SubAccountId"].null_count() == nobody.height
    assert set(nobody.filter(pl.col("SkuMeter") == "Requests")["BilledCost"]) == {Decimal("0.04")}
    unpriced = rows.filter(pl.col("x_CostSource") == "unpriced")
    assert (set(unpriced["BilledCost"]), set(unpriced["x_Model"])) == ({Decimal(0)}, {"unheard-of"})
    assert rows.filter(pl.col("x_App") == "quiet")["SkuMeter"].to_list() == ["Requests"]  # a billed call without usage is not left out
    assert rows.filter(pl.col("x_App") == "failed").is_empty()  # what was never charged for is


def test_csv_says_the_same_with_every_digit(data: Path, tmp_path: Path) -> None:
    table, text = tmp_path / "october.parquet", tmp_path / "october.csv"
    assert (_export(data, table), _export(data, text)) == (0, 0)
    rows = list(csv.DictReader(io.StringIO(text.read_text())))
    told = pl.read_parquet(table)
    assert list(rows[0]) == told.columns
    assert [Decimal(row["BilledCost"]) for row in rows] == told["BilledCost"].to_list()
    assert {row["BillingPeriodEnd"] for row in rows} == {"2026-11-01T00:00:00Z"}
    assert not [row for row in rows if "e" in row["BilledCost"].lower()]


def test_a_file_is_whole_or_not_there_and_is_not_replaced_unasked(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "october.csv"
    out.write_text("mine")
    assert _export(data, out) == 2
    assert "--force" in capsys.readouterr().err
    whole = exporting.write

    def half(table: pl.DataFrame, file: Any, suffix: str) -> None:
        whole(table.head(1), file, suffix)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "write", half)
    assert _export(data, out, "--force") == 2
    assert "No space left" in capsys.readouterr().err
    assert (out.read_text(), list(tmp_path.iterdir())) == ("mine", [out])
    monkeypatch.undo()
    assert _export(data, out, "--force") == 0
    assert out.read_text() != "mine"


@pytest.mark.parametrize(
    ("month", "name", "more", "why"),
    [
        ("2026-13", "x.csv", (), "--month 2026-13"),
        ("october", "x.csv", (), "such as 2026-11"),
        ("2026-10", "x.txt", (), "must end in .csv or .parquet"),
        ("2026-10", "x.csv", ("--version", "1.0"), "FOCUS 1.2 is written"),
        ("2999-01", "x.csv", (), "has not begun"),
    ],
)
def test_what_can_not_be_written_is_said(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], month: str, name: str, more: tuple[str, ...], why: str
) -> None:
    assert cli.run(["export", "focus", "--month", month, "--out", str(tmp_path / name), "--data", str(data), *more]) == 2
    assert why in capsys.readouterr().err


def test_a_month_that_is_not_over_says_so(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings, now = Settings(data_dir=data), datetime(2026, 10, 20, 12, tzinfo=UTC)
    assert exporting.focus(settings, "2026-10", tmp_path / "x.csv", "1.2", force=False, now=now) == 0
    assert "2026-10 is not over: figures until 2026-10-20 12:00 UTC" in capsys.readouterr().err
    with pytest.raises(ConfigError):
        exporting.focus(settings, "2026-11", tmp_path / "y.csv", "1.2", force=False, now=now)
