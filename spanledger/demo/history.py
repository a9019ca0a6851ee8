"""The month before the demo's start, hour by hour, and the traffic after it. The same seed and start give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from random import Random

from spanledger.demo.fleet import APPS, DAYS, Moment, busy
from spanledger.demo.requests import draws, request
from spanledger.demo.spans import Export

SEED = 20_261_121
SPANS_PER_EXPORT = 1500
HOUR = timedelta(hours=1)


def hours(anchor: datetime) -> list[datetime]:
    """The hours of the history, oldest first; the last one ends at ``anchor`` (a full hour)."""
    return [anchor - HOUR * n for n in range(DAYS * 24, 0, -1)]


def history(anchor: datetime, seed: int = SEED) -> Iterator[tuple[int, Export]]:
    """Exports of the whole history; with each the number of hours that it completes."""
    export, done = Export(), 0
    for at in hours(anchor):
        fill(at, anchor, seed, export, at, at + HOUR)
        done += 1
        if export.spans >= SPANS_PER_EXPORT:
            yield done, export
            export, done = Export(), 0
    yield done, export


def fill(hour: datetime, anchor: datetime, seed: int, export: Export, since: datetime, until: datetime) -> None:
    """Write the requests of ``hour`` that start in ``[since, until)``; each draws from a generator of its own."""
    moment = Moment.of(hour, anchor)
    for app in APPS:
        rnd = Random(f"{seed}/{app.id}/{hour:%Y%m%d%H}")  # noqa: S311  no secret, but the same every time
        starts = sorted(rnd.random() for _ in range(draws(busy(app, moment), rnd)))
        for n, share in enumerate(starts):
            start = hour + HOUR * share
            if since <= start < until:
                own = Random(f"{seed}/{app.id}/{hour:%Y%m%d%H}/{n}")  # noqa: S311
                request(app, moment, int(start.timestamp() * 1e6) * 1000, own, export)


def anchor_of(data_dir: Path, now: datetime) -> tuple[datetime, bool]:
    """When the history of this data directory ends, and whether it has been sent completely; set at the first start, so that it is sent once."""
    try:
        kept = json.loads((data_dir / "demo.json").read_text(encoding="utf8"))
        return datetime.fromisoformat(kept["anchor"]), bool(kept["complete"])
    except (OSError, ValueError, KeyError):
        anchor = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        remember(data_dir, anchor, complete=False)
        return anchor, False


def remember(data_dir: Path, anchor: datetime, *, complete: bool) -> None:
    """Keep what :func:`anchor_of` reads."""
    (data_dir / "demo.json").write_text(json.dumps({"anchor": anchor.isoformat(), "complete": complete}) + "\n", encoding="utf8")


def write_policy(path: Path) -> None:
    """Put the demo's policy where there is none."""
    if not path.exists():
        path.write_text((resources.files("spanledger.demo") / "spanledger.yaml").read_text(encoding="utf8"), encoding="utf8")
