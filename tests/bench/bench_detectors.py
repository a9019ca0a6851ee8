"""How fast the detectors are on one core, per second of CPU: `python tests/bench/bench_detectors.py [SHARED/data/hallucination]`."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detectors import contradiction, grounding
from detectors.embeddings import open_embedder
from detectors.grounding.link import linked
from detectors.schema import check

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


if __name__ == "__main__":
    main()
