"""``python -m detectors.train --data SHARED/data/hallucination``: make the shipped models again and print cross-validated figures.

Reproducible: the same data, seed and library versions give the same files. Writes `detectors/models/*.json` unless ``--dry-run``.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from detectors.artefacts import FOLDER
from detectors.grounding.features import Weights
from detectors.text.context import joined
from detectors.training import contradiction, grounding, metrics
from detectors.training.data import GROUNDING_SETS, PUBLIC_SETS, REPORT_ONLY, Labelled, labelled, read, term_weights

SEED = 2026
_CURVE = (0.1, 0.2, 0.33, 0.5, 0.7)
_IDF_ONLY = ("wice_tokens",)


def main() -> None:
    """Train, report, write."""
    options = _options()
    table, unknown = term_weights(r["context"] for n in (*PUBLIC_SETS, *REPORT_ONLY, *_IDF_ONLY) for r in read(options.data, n))
    weigh = Weights(table, unknown)
    sets = {name: labelled(options.data, name, weigh) for name in (*GROUNDING_SETS, *REPORT_ONLY)}
    learned = {name: sets[name] for name in GROUNDING_SETS}
    couples = contradiction.labelled(options.data, weigh)
    if options.left_out:
        _report_left_out(sets)
    if not options.no_cv:
        for seed in range(options.seed, options.seed + options.repeats):
            _report_grounding(learned, weigh, options.folds, seed)
            _report_pairs(couples, options.folds, seed)
    model = grounding.fit(learned, weigh, options.seed)
    pair_model = contradiction.fit(couples, options.seed)
    for name in REPORT_ONLY:
        _line(f"{name} (never learned from)", sets[name], grounding.report(model, sets[name]), model.threshold)
    _say(f"floors: grounding {model.floor}, contradiction {pair_model.floor}")
    if not options.dry_run:
        _write("weights", {"unknown": unknown, "terms": _by_weight(table)})
        _write("grounding", model.to_dict())
        _write("contradiction", pair_model.to_dict() | {"sketch": contradiction.fit_sketches(couples, options.seed).to_dict()})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the labelled JSON Lines files")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1, help="cross-validations, each with its own split")
    parser.add_argument("--left-out", action="store_true", help="how well each set is ranked by what was learned from all the others")
    parser.add_argument("--no-cv", action="store_true", help="only train")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    return parser.parse_args()


def _report_grounding(sets: dict[str, Labelled], weigh: Weights, k: int, seed: int) -> None:
    _say(f"grounding, {k}-fold cross-validation by source, seed {seed}, threshold {grounding.THRESHOLD:.3f}")
    held = grounding.cross_validated(sets, weigh, k, seed)
    for name, data in sets.items():
        _line(name, data, held[name], grounding.THRESHOLD)
    rag = sets["ragtruth_qa"]
    for name, data in sets.items():
        _curve(name, data.y, held[name])
    by_odds = _nested_f1(rag, held["ragtruth_qa"], k, seed, lambda _y, p: metrics.expected_threshold(p))
    by_labels = _nested_f1(rag, held["ragtruth_qa"], k, seed, metrics.best_threshold)
    _say(f"  ragtruth_qa F1, threshold from the other folds' probabilities {by_odds:.3f}, best for the other folds' labels {by_labels:.3f}")


def _report_left_out(sets: dict[str, Labelled]) -> None:
    """Leave one source out: a set is ranked by regressions that saw no row of it."""
    _say("grounding, each set ranked by what was learned from other sets only: from all / from the written answers / from those to passages")
    for name, data in sets.items():
        ranked = [metrics.auroc(data.y, p) for p in grounding.left_out(name, sets)]
        _say(f"  {name:<34} AUROC {' / '.join(f'{v:.3f}' for v in ranked)}")


def _curve(name: str, y: Any, p: Any) -> None:
    """The operating curve: what each threshold flags."""
    for threshold in _CURVE:
        flag = p > threshold
        precision = float(y[flag].mean()) if flag.any() else float("nan")
        recall, wrongly = float(flag[y == 1].mean()), float(flag[y == 0].mean())
        _say(f"    {name:<20} threshold {threshold:.2f}  recall {recall:.2f}  clean flagged {wrongly:.2f}  precision {precision:.2f}")


def _nested_f1(data: Labelled, p: Any, k: int, seed: int, pick: Callable[[Any, Any], float]) -> float:
    """F1 where each fold is decided at the threshold that ``pick(y, p)`` gives of the others."""
    fold = metrics.folds(data.groups, k, seed)
    flag = np.zeros(len(p), bool)
    for part in range(k):
        flag[fold == part] = p[fold == part] >= pick(data.y[fold != part], p[fold != part])
    return metrics.f1(data.y, flag)


def _line(name: str, data: Labelled, p: Any, threshold: float) -> None:
    y, flag = data.y, p > threshold
    baseline = np.array([metrics.absent_share(joined(r["context"]), r["response"]) for r in data.rows])
    _say(
        f"  {name:<34} n {len(y):>5}  AUROC {metrics.auroc(y, p):.3f} (baseline {metrics.auroc(y, baseline):.3f})  F1 {metrics.f1(y, flag):.3f}"
        f"  balanced accuracy {metrics.balanced_accuracy(y, flag):.3f}  flagged {flag.mean():.2f}  Brier {metrics.brier(y, p):.3f}"
    )


def _report_pairs(data: contradiction.Pairs, k: int, seed: int) -> None:
    p = contradiction.cross_validated(data, k, seed)
    _say(f"contradiction, {k}-fold cross-validation by prompt, seed {seed}")
    public = np.array([s != contradiction.WRITTEN for s in data.source])
    for name in ("refchecker", *sorted(set(data.source))):
        at = np.array([name == s for s in data.source]) if name != "refchecker" else public
        _pair_line(name, data.y[at], p[at])
    _curve("refchecker pairs", data.y[public], p[public])
    p = contradiction.cross_validated_sketches(data, k, seed)
    _pair_line("refchecker, from keyed sketches", data.y[public], p[public])
    _pair_line("written, from keyed sketches", data.y[~public], p[~public])


def _pair_line(name: str, y: Any, p: Any) -> None:
    flag = p > contradiction.THRESHOLD
    _say(
        f"  {name:<34} n {len(y):>5}  AUROC {metrics.auroc(y, p):.3f}  F1 {metrics.f1(y, flag):.3f}"
        f"  balanced accuracy {metrics.balanced_accuracy(y, flag):.3f}  Brier {metrics.brier(y, p):.3f}"
    )


def _by_weight(table: dict[str, float]) -> dict[str, str]:
    """Terms of equal weight on one line: a third of the size, and a diff that can be read."""
    grouped: dict[float, list[str]] = defaultdict(list)
    for term, weight in table.items():
        grouped[weight].append(term)
    return {str(weight): " ".join(sorted(grouped[weight])) for weight in sorted(grouped)}


def _write(name: str, content: dict[str, Any]) -> None:
    path = FOLDER / f"{name}.json"
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE))
    _say(f"wrote {path.name}, {path.stat().st_size / 1024:.0f} KiB")


def _say(*lines: str | Iterable[str]) -> None:
    sys.stdout.write(" ".join(map(str, lines)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
