"""``compare``: how often two releases of an app contradict each other on the same questions."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from detectors.releases import compared
from spanledger.commands.warehouses import opened
from spanledger.commands.windows import window
from spanledger.settings import Settings
from warehouse import scores, scoring

ANSWERS = 5_000  # of each release


def compare(settings: Settings, app: str, by: str, baseline: str, candidate: str, since: str, until: str) -> int:
    """Print the comparison as JSON and keep it for gates; exit code 0, or 2 when the releases answered no question in common."""
    start, end = window(since, until, datetime.now(UTC))
    with opened(settings, writing=True) as client:
        rows = scoring.releases(client, app, baseline, candidate, start, end, by_model=by == "model", rows=ANSWERS)
        told = compared(rows.iter_rows(named=True), baseline, candidate).told()
        if told["questions"]:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            scoring.set_mark(client, scores.comparison_job(app, by, baseline, candidate), at, json.dumps(told))
    sys.stdout.write(json.dumps({"app": app, "by": by, "baseline": baseline, "candidate": candidate, **told}) + "\n")
    return 0 if told["questions"] else 2
