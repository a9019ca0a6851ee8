"""What the collector counts about itself, read from its Prometheus page: drops, refusals, posting lag. Text in, numbers out."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from spanledger.errors import WarehouseUnavailable

_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

#: Counters of what was not kept: metric -> what it means.
LOSSES = {
    "spanledger_records_rejected_total": "Records refused as bad (the sender was told)",
    "spanledger_exports_refused_total": "Exports told to come back later or to go away",
    "spanledger_redaction_dropped_total": "Texts dropped because they could not be redacted",
    "spanledger_content_dropped_total": "Texts not stored",
    "spanledger_records_let_go_total": "Records that say nothing about an LLM call",
}


@dataclass(frozen=True)
class Sample:
    """One line of a Prometheus page."""

    name: str
    labels: dict[str, str]
    value: float


def fetched(address: str) -> list[Sample]:
    """Samples of the collector at ``host:port``.

    Raises:
        WarehouseUnavailable: it does not answer.
    """
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=3) as reply:
            return list(parsed(reply.read().decode("utf-8", "replace").splitlines()))
    except OSError as exc:
        raise WarehouseUnavailable(f"the collector's metrics do not answer: {exc}") from exc


def parsed(lines: Iterable[str]) -> Iterable[Sample]:
    """Samples of a Prometheus text; what does not parse is passed over."""
    for line in lines:
        found = _LINE.match(line)
        if found:
            try:
                yield Sample(found[1], dict(_LABEL.findall(found[2] or "")), float(found[3]))
            except ValueError:
                continue


def losses(samples: Iterable[Sample]) -> list[tuple[str, str, int]]:
    """(what it means, reason, how many) of everything that was counted and not kept, since the collector started."""
    rows = [
        (LOSSES[one.name], ", ".join(one.labels.values()).replace("_", " "), int(one.value)) for one in samples if one.name in LOSSES and one.value
    ]
    return sorted(rows, key=lambda row: (list(LOSSES.values()).index(row[0]), -row[2]))


def quantile(samples: Iterable[Sample], name: str, p: float) -> float | None:
    """The upper bound of the histogram bucket that holds the ``p`` quantile; None without observations."""
    found = ((one.labels["le"], one.value) for one in samples if one.name == f"{name}_bucket" and "le" in one.labels)
    buckets = sorted((float(bound.replace("+Inf", "inf")), count) for bound, count in found)
    if not buckets or not buckets[-1][1]:
        return None
    return next(bound for bound, count in buckets if count >= p * buckets[-1][1])


def complete(samples: Sequence[Sample], now: datetime) -> str:
    """How complete figures are that are asked for ``now``: up to when they hold every span that was acknowledged; empty if that is not known."""
    known = {name: value(samples, f"spanledger_{name}") for name in ("ledger_behind_seconds", "posting_backlog", "spool_bytes")}
    behind = known["ledger_behind_seconds"]
    if behind is None:
        return ""
    if not behind and (known["posting_backlog"] or known["spool_bytes"]):  # of an earlier process, or posting fails
        return "Not complete yet: spans are still being posted."
    return f"Complete up to {now - timedelta(seconds=behind):%H:%M:%S} UTC."


def value(samples: Iterable[Sample], name: str) -> float | None:
    """The sum of a metric over its labels; None when it is not there."""
    found = [one.value for one in samples if one.name == name]
    return sum(found) if found else None
