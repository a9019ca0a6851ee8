"""`spanledger gate` on a real ledger: exit code, checks, and the same verdict for a program."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from collector.rows import calls_batch
from spanledger import cli
from spanledger.model import Entry
from warehouse import journal
from warehouse.engine import Engine
from warehouse.migrate import migrate
from warehouse.tables import SCORES

NOW_US = time.time_ns() // 1000 - 3_600_000_000


def _entries(
    version: str, n: int, usd: str, *, failed: int = 0, model: str = "gpt-4o", risk: float | None = None
) -> list[tuple[Entry, float | None]]:
    """``n`` calls of a prompt version, of which the first ``failed`` did not end well."""
    found: list[tuple[Entry, float | None]] = []
    for i in range(n):
        identity = f"{version}/{i}".encode().ljust(16, b"\0")
        cost = Decimal(usd) + Decimal(i % 7).scaleb(-5)
        entry = Entry(
            project="default", service="web", ts_us=NOW_US + i, trace_id=identity, span_id=identity[-8:-4] + i.to_bytes(4, "big"), app_id="shop",
            provider="openai", model=model, prompt_version=version, tokens_in=100, tokens_out=10, latency_ms=500.0 + i, cost_source="computed",
            cost_estimate_usd=Decimal(0) if i < failed else cost, cost_in_usd=Decimal(0) if i < failed else cost, billed=i >= failed,
            outcome="error" if i < failed else "success",
        )  # fmt: skip
        found.append((entry, risk))
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory at rest: v1, its equal, a dear one, a failing one, one of few calls, one of another model with invented answers."""
    where = tmp_path_factory.mktemp("gate") / "data"
    both = [
        *_entries("v1", 80, "0.002", risk=0.0),
        *_entries("equal", 80, "0.002", risk=0.0),
        *_entries("dear", 80, "0.004", risk=0.0),
        *_entries("failing", 80, "0.002", failed=20, risk=0.0),
        *_entries("few", 20, "0.002", risk=0.0),
        *_entries("invents", 80, "0.002", model="gpt-4o-mini", risk=0.4),
    ]
    scores = [
        {f.name: getattr(entry, f.name, None) for f in SCORES}
        | {"ts": entry.ts_us, "detector": "composite", "detector_version": "1", "score": risk, "hallucination_score": risk, "flagged": risk > 0.2}
        | {"label": "", "reason": "", "coverage": ["grounding"], "evidence": "{}", "scored_at": entry.ts_us, "ver": 1}
        for entry, risk in both
        if risk is not None
    ]
    with Engine.open(where) as engine:
        client = engine.client()
        migrate(client)
        journal.insert(client, "calls", calls_batch([entry for entry, _ in both], 1))
        journal.insert(client, "scores", pa.Table.from_pylist(scores, schema=SCORES))
        client.close()
    return where


def _gate(data: Path, capsys: Any, candidate: str, *more: str, baseline: str = "v1") -> tuple[int, dict[str, Any]]:
    words = ["gate", "--app", "shop", "--baseline", baseline, "--candidate", candidate, "--data", str(data), "--format", "json", *more]
    code = cli.run(words)
    told = json.loads(capsys.readouterr().out)
    return code, {check["name"]: check for check in told["checks"]} | {"verdict": told["verdict"]}


@pytest.mark.parametrize(
    ("candidate", "code", "failed"),
    [
        ("equal", 0, set[str]()),
        ("dear", 1, {"cost per 1,000 calls"}),
        ("failing", 1, {"failure rate"}),
        ("invents", 1, {"hallucination score"}),
        ("few", 2, set[str]()),
        ("unknown", 2, set[str]()),
    ],
)
def test_the_exit_code_is_the_verdict(data: Path, capsys: Any, candidate: str, code: int, failed: set[str]) -> None:
    got, told = _gate(data, capsys, candidate)
    assert (got, told.pop("verdict")) == (code, ("pass", "fail", "not enough data")[code])
    assert {name for name, check in told.items() if check["verdict"] == "fail"} == failed


def test_a_check_tells_both_sides_and_the_bound(data: Path, capsys: Any) -> None:
    _, told = _gate(data, capsys, "dear")
    cost = told["cost per 1,000 calls"]
    assert (cost["baseline_n"], cost["candidate_n"]) == (80, 80)
    assert (cost["baseline"], cost["candidate"]) == pytest.approx((2.02925, 4.02925))
    assert cost["bound"] == pytest.approx(2.02925 * 1.05)
    assert told["safety violations"]["bound"] == 0
    assert _gate(data, capsys, "dear", "--max-cost-increase", "150%")[0] == 0
    assert _gate(data, capsys, "gpt-4o-mini", "--by", "model", baseline="gpt-4o")[1]["hallucination score"]["verdict"] == "fail"


def test_a_table_for_people_and_plain_words_for_mistakes(data: Path, capsys: Any) -> None:
    words = ["gate", "--app", "shop", "--baseline", "v1", "--candidate", "dear", "--data", str(data)]
    assert cli.run(words) == 1
    said = capsys.readouterr().out
    assert said.rstrip().endswith("fail")
    assert "4.029" in said
    assert cli.run([*words, "--max-cost-increase", "lots"]) == 2
    assert "a share such as 5% or 0.05 is expected" in capsys.readouterr().err
    assert cli.run([*words, "--min-calls", "10"]) == 2
