"""Where to put a detector's threshold, from a user's own labelled answers: operating curve, advice, and how sure one can be of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.calibration import route_map
from detectors.training.metrics import auroc, balanced_accuracy, f1

Array = NDArray[np.float64]

MIN_LABELLED = 20
FEW = 50  # below it the advice is a first guess
_CURVE = (0.05, 0.1, 0.2, 1 / 3, 0.5, 0.7, 0.9)
_RESAMPLES, _SEED = 1_000, 2026


class Point(NamedTuple):
    """What flagging over one threshold does."""

    threshold: float
    recall: float
    clean_flagged: float
    precision: float | None
    f1: float
    balanced_accuracy: float


class Advice(NamedTuple):
    """Attributes:
    n, bad: labelled answers that could be scored, and how many of them are labelled bad; ``unscored``: those that could not be.
    auroc: with a 90 % interval by resampling; 0.5 says nothing, 1 all.
    now: at the threshold in force; ``best_f1``, ``best_balance``: at the thresholds that suit these labels best.
    expected_f1: of choosing so, each answer judged by a threshold chosen without it: what to expect of new answers.
    """

    n: int
    bad: int
    unscored: int
    auroc: float
    auroc_low: float
    auroc_high: float
    now: Point
    best_f1: Point
    best_balance: Point
    expected_f1: float
    curve: tuple[Point, ...]
    calibrated: bool

    def told(self) -> dict[str, Any]:
        """For JSON."""
        points = {name: getattr(self, name)._asdict() for name in ("now", "best_f1", "best_balance")}
        return {**self._asdict(), **points, "curve": [p._asdict() for p in self.curve]}


def advise(scores: Sequence[float | None], labels: Sequence[bool], threshold: float) -> Advice:
    """Judge a detector on labelled answers.

    Raises:
        ValueError: fewer than `MIN_LABELLED` scored answers, or all of one kind.
    """
    kept = [(s, bool(y)) for s, y in zip(scores, labels, strict=True) if s is not None]
    p, y = np.array([s for s, _ in kept]), np.array([float(label) for _, label in kept])
    if len(kept) < MIN_LABELLED or not 0 < y.sum() < len(y):
        raise ValueError(
            f"label at least {MIN_LABELLED} answers, good and bad ones: {len(kept)} could be scored, {int(y.sum())} of them labelled bad"
        )
    low, high = _interval(p, y)
    return Advice(
        len(kept), int(y.sum()), len(scores) - len(kept), auroc(y, p), low, high,
        point(p, y, threshold), point(p, y, _best(p, y, f1)), point(p, y, _best(p, y, balanced_accuracy)), _left_out(p, y),
        tuple(point(p, y, t) for t in _CURVE), route_map(p.tolist(), [bool(v) for v in y]) is not None,
    )  # fmt: skip


def point(p: Array, y: Array, threshold: float) -> Point:
    """What flagging scores over ``threshold`` does."""
    flag = p > threshold
    precision = float(y[flag].mean()) if flag.any() else None
    return Point(
        round(float(threshold), 4), float(flag[y == 1].mean()), float(flag[y == 0].mean()), precision, f1(y, flag), balanced_accuracy(y, flag)
    )


def _best(p: Array, y: Array, measure: Any) -> float:
    """Half-way between the two scores where flagging those above is best; the highest of equals: it flags least."""
    values = np.unique(p)
    cuts = np.concatenate([(values[:-1] + values[1:]) / 2, values[:1] / 2])
    return max((measure(y, p > cut), cut) for cut in cuts)[1]


def _left_out(p: Array, y: Array) -> float:
    rest = ~np.eye(len(y), dtype=bool)
    fits = [0 < y[keep].sum() < len(y) - 1 for keep in rest]
    flag = np.array([p[i] > _best(p[keep], y[keep], f1) if fit else False for i, (keep, fit) in enumerate(zip(rest, fits, strict=True))])
    return f1(y, flag)


def _interval(p: Array, y: Array) -> tuple[float, float]:
    rnd = np.random.default_rng(_SEED)
    drawn = [auroc(y[at], p[at]) for at in rnd.integers(0, len(y), (_RESAMPLES, len(y))) if 0 < y[at].sum() < len(y)]
    low, high = np.quantile(drawn, (0.05, 0.95))
    return float(low), float(high)


def report(kind: str, found: Advice) -> str:
    """The advice in words."""
    now, best, balance = found.now, found.best_f1, found.best_balance
    lines = [
        f"{found.n} labelled answers, {found.bad} of them bad" + (f"; {found.unscored} could not be scored" if found.unscored else ""),
        f"ranking: AUROC {found.auroc:.2f} (90 % interval {found.auroc_low:.2f} to {found.auroc_high:.2f}; 0.5 is chance)",
        "",
        "threshold  bad found  clean flagged  right when flagged  F1    balanced accuracy",
        *(_line(p) for p in sorted({*found.curve, now, best, balance}, key=lambda p: p.threshold)),
        "",
        f"in force: {now.threshold:.2f} (F1 {now.f1:.2f})",
        f"advice:   {best.threshold:.2f} for the best F1 ({best.f1:.2f} here; {found.expected_f1:.2f} is what to expect of new answers),"
        f" {balance.threshold:.2f} when both mistakes cost the same per class",
    ]
    if found.auroc_low < 0.6:
        lines.append("caution:  the ranking is not clearly better than chance on these answers; no threshold will help, label more or look at them")
    if found.n < FEW:
        lines.append(f"caution:  fewer than {FEW} labels: take this as a first guess")
    lines += ["", "in the policy file:", "detectors:", f"  thresholds: {{{kind}: {best.threshold:.2f}}}"]
    return "\n".join(lines) + "\n"


def _line(p: Point) -> str:
    precision = "-" if p.precision is None else f"{p.precision:.2f}"
    return f"{p.threshold:>9.2f}  {p.recall:>9.2f}  {p.clean_flagged:>13.2f}  {precision:>18}  {p.f1:.2f}  {p.balanced_accuracy:>17.2f}"
