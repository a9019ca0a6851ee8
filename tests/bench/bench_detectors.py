"""How fast the detectors are on one core, per second of CPU: `python tests/bench/bench_detectors.py [SHARED/data/hallucination]`."""

from __future__ import annotations

import importlib.util
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from detectors import contradiction, grounding
from detectors.embeddings import open_embedder
from detectors.grounding.link import linked
from detectors.schema import check
from warehouse import queries
from warehouse.engine import Engine
from warehouse.migrate import migrate
from warehouse.queries.ask import Scope
from warehouse.tables import SCORES as SCORES_SCHEMA

Rows = Sequence[dict[str, Any]]


def rows_of(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one shared file."""
    return [json.loads(line) for line in (folder / f"{name}.jsonl").open(encoding="utf8")]


def per_second(what: str, n: int, work: Callable[[], object]) -> None:
    """Print how many of ``n`` were done per CPU second, once warm."""
    work()
    started = time.process_time()
    work()
    print(f"{what:<44} {n / (time.process_time() - started):>10,.0f} /s")


SCORES = 200_000  # composites of one day
ASKED = 40


def objective() -> None:
    """Print how long "average hallucination_score over 30 minutes" takes, embedded engine, a day of `SCORES` answers, fresh parts."""
    if importlib.util.find_spec("chdb") is None:
        return
    now = datetime.now(UTC).replace(microsecond=0)
    rnd = np.random.default_rng(2026)
    risk = np.maximum(0, rnd.normal(-0.5, 0.4, SCORES)).astype("float32")
    with tempfile.TemporaryDirectory() as folder, Engine.open(Path(folder) / "data") as engine:
        client = engine.client()
        migrate(client)
        for at in range(0, SCORES, 20_000):
            rows = [
                {
                    **dict.fromkeys(SCORES_SCHEMA.names, ""), "ts": now - timedelta(seconds=86_400 * i / SCORES), "trace_id": i.to_bytes(16),
                    "span_id": i.to_bytes(8), "project": "p", "service": f"s{i % 9}", "app_id": f"app{i % 9}", "detector": "composite",
                    "score": float(risk[i]), "hallucination_score": float(risk[i]), "flagged": bool(risk[i] > 0.3), "coverage": ["grounding"],
                    "scored_at": now, "ver": 1,
                }
                for i in range(at, at + 20_000)
            ]  # fmt: skip
            client.insert_arrow("scores", pa.Table.from_pylist(rows, schema=SCORES_SCHEMA))
        scope = Scope(now - timedelta(minutes=30), now)
        took = []
        for _ in range(ASKED):
            started = time.perf_counter()
            found = queries.quality_objective(client, scope)
            took.append((time.perf_counter() - started) * 1e3)
        print(f"{'objective over 30 minutes, median / p90, ms':<44} {np.median(took):>6.1f} / {np.quantile(took, 0.9):.1f}   (n = {found.scored:,})")


def main() -> None:
    """Measure on the shared data."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[3] / "shared" / "data" / "hallucination"
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}; per CPU second of one core")
    schemas = rows_of(folder, "schema_failures")
    valid = [r for r in schemas if r["strict_valid"]]
    for name, chosen in (("schema, failures and all", schemas), ("schema, valid answers", valid)):
        per_second(
            name, len(chosen) * 20, lambda rows=chosen: [check(r["response"], r["schema"], r["finish_reason"]) for _ in range(20) for r in rows]
        )
    for name in ("ragtruth_qa", "begin", "halueval_summary", "wice"):
        asked = [(r["context"], r["question"], r["response"]) for r in rows_of(folder, name)[:300]]
        per_second(f"grounding, {name}", len(asked), lambda texts=asked: list(grounding.score_many(texts)))
    couples = [("", r["answer_a"], r["answer_b"]) for r in rows_of(folder, "pairs_refchecker")]
    per_second("contradiction, pairs", len(couples), lambda: list(contradiction.pairs(couples)))
    embedder = open_embedder("auto")
    if embedder is not None:
        asked = [(r["context"], r["question"], r["response"]) for r in rows_of(folder, "ragtruth_qa")]
        verdicts = list(grounding.score_many(asked))
        embedder.encode(["warm up"])
        started = time.process_time()
        linked(asked, verdicts, embedder)
        print(f"{'links by meaning, ragtruth_qa, nothing cached':<44} {len(asked) / (time.process_time() - started):>10,.0f} /s")
    objective()


if __name__ == "__main__":
    main()
