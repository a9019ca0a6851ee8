"""What the jobs process tells about its detectors: Prometheus counters and gauges on the loopback address of the text window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

if TYPE_CHECKING:
    from detectors.window import Window

registry = CollectorRegistry()

judged = Counter("spanledger_answers_judged", "Answers judged, scored or null with a reason", registry=registry)
scored = Counter("spanledger_answers_scored", "Answers that got a score", registry=registry)
unscored = Counter("spanledger_answers_unscored", "Answers without a score, by reason", ["reason"], registry=registry)
retired = Counter("spanledger_scores_retired", "Score rows of entries that were taken back", registry=registry)
waiting = Gauge("spanledger_answers_waiting", "Answers that were still to be judged at the last count", registry=registry)
lag = Gauge("spanledger_judging_lag_seconds", "Age of the newest evidence that had not been looked at after the last pass", registry=registry)
backlog_age = Gauge("spanledger_judging_backlog_seconds", "Age of the oldest answer that waits", registry=registry)
resting = Gauge("spanledger_judging_resting", "1 while judging waits for a busy collector", registry=registry)
busy_seconds = Counter("spanledger_judging_cpu_seconds", "CPU time of passes", registry=registry)
shifted = Gauge(
    "spanledger_score_shift", "Population stability index of a route's scores, last day against the week before", ["app", "route"], registry=registry
)
window_bytes = Gauge("spanledger_text_window_bytes", "Redacted text held in memory", registry=registry)
window_waiting = Gauge("spanledger_text_window_waiting", "Traces in memory that were not taken to be judged yet", registry=registry)
window_left = Gauge(
    "spanledger_text_window_left", "Texts that had to leave memory early or unjudged since the start, by reason", ["reason"], registry=registry
)


def tell_window(window: Window) -> None:
    """What is held in memory, and what had to leave it."""
    window_bytes.set(window.bytes)
    window_waiting.set(window.waiting)
    for reason, rows in window.left.items():
        window_left.labels(reason).set(rows)


def exposition() -> bytes:
    """All metrics in the Prometheus text format."""
    return generate_latest(registry)
