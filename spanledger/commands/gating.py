"""``gate``: may a candidate release take the place of a baseline? Exit code 0 yes, 1 no, 2 not enough data."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from spanledger.commands.warehouses import opened
from spanledger.errors import ConfigError
from spanledger.settings import Settings
from warehouse.gates import By, Check, Limits, gate

EXIT = {"pass": 0, "fail": 1, "not enough data": 2, "not checked": 2}


def run(settings: Settings, app: str, by: By, baseline: str, candidate: str, window: tuple[datetime, datetime], limits: Limits, form: str) -> int:
    """Print every check and the verdict; its exit code."""
    with opened(settings) as client:
        found = gate(client, app, by, baseline, candidate, window, limits)
    if form == "json":
        sys.stdout.write(json.dumps({"app": app, "by": by, "baseline": baseline, "candidate": candidate, **found.told()}) + "\n")
        return EXIT[found.verdict]
    from spanledger.commands.output import table

    heads = ["check", "baseline", "candidate", "bound", "n", "verdict", ""]
    table(heads, [_row(check) for check in found.checks])
    sys.stdout.write(f"{found.verdict}\n")
    return EXIT[found.verdict]


def _row(check: Check) -> list[Any]:
    figures = [_shown(value, check.unit) for value in (check.baseline, check.candidate, check.bound)]
    return [check.name, *figures, f"{check.baseline_n:,} / {check.candidate_n:,}", check.verdict, check.note]


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return {"USD": f"{value:.4f} USD", "ms": f"{value:,.0f} ms", "share": f"{value:.2%}", "score": f"{value:.4f}"}.get(unit, f"{value:g}")


def share(text: str, option: str) -> float:
    """``5%`` or ``0.05``.

    Raises:
        ConfigError: neither, or below zero.
    """
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{option} {text}: a share such as 5% or 0.05 is expected")
    return value
