"""What the collector tells about itself: Prometheus counters and gauges, one registry, no text of any span in a label."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

registry = CollectorRegistry()

requests = Counter("spanledger_otlp_requests", "OTLP exports by signal, transport and result", ["signal", "transport", "result"], registry=registry)
records = Counter("spanledger_records", "Spans, log records and data points received", ["signal"], registry=registry)
journaled = Counter("spanledger_spans_journaled", "Rows acknowledged as durable", registry=registry)
let_go = Counter("spanledger_records_let_go", "Received records that were not kept, by reason", ["reason"], registry=registry)
rejected = Counter("spanledger_records_rejected", "Records refused as bad (partial success)", registry=registry)
refused = Counter("spanledger_exports_refused", "Exports told to come back or go away, by reason", ["reason"], registry=registry)
redactions = Counter("spanledger_redactions", "Values redacted, by class", ["kind"], registry=registry)
redaction_dropped = Counter(
    "spanledger_redaction_dropped", "Texts dropped because they could not be redacted, by reason", ["reason"], registry=registry
)
content_dropped = Counter("spanledger_content_dropped", "Texts not stored, by reason", ["reason"], registry=registry)
queue_bytes = Gauge("spanledger_queue_bytes", "Bytes of exports waiting for the writer", registry=registry)
insert_seconds = Histogram(
    "spanledger_insert_seconds", "Journal insert until durable", buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10), registry=registry
)
spool_bytes = Gauge("spanledger_spool_bytes", "Bytes in the local spool", registry=registry)
posting_backlog = Gauge("spanledger_posting_backlog", "Journal rows not yet posted", registry=registry)
ledger_behind = Gauge("spanledger_ledger_behind_seconds", "Age of the oldest acknowledged row that is not in the ledger", registry=registry)
posting_lag = Histogram(
    "spanledger_posting_lag_seconds", "From acknowledged to posted", buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30), registry=registry
)
posting_seconds = Counter("spanledger_posting_busy_seconds", "Wall time spent posting", registry=registry)
posting_retries = Counter("spanledger_posting_retries", "Passes repeated because the warehouse was busy", registry=registry)
families_read = Counter("spanledger_families_read", "Traces read back from the journal to be posted again", registry=registry)
entries_posted = Counter("spanledger_entries_posted", "Ledger rows written", registry=registry)
entries_withdrawn = Counter("spanledger_entries_withdrawn", "Ledger rows taken back by a later posting", registry=registry)
late_after_close = Counter("spanledger_late_after_close", "Entries told after their journal began to expire", registry=registry)

_COUNTERS = {
    next(iter(c.describe())).name: c for c in (records, journaled, let_go, rejected, refused, redactions, redaction_dropped, content_dropped)
}
_told: dict[tuple[str, tuple[str, ...]], float] = {}


def growth() -> list[tuple[str, tuple[str, ...], float]]:
    """(counter, label values, how much more) since the last call: what a sealing process tells its collector."""
    more = []
    for name, counter in _COUNTERS.items():
        for sample in next(iter(counter.collect())).samples:
            key = name, tuple(sample.labels.values())
            if sample.name.endswith("_total") and sample.value != _told.get(key, 0.0):
                more.append((*key, sample.value - _told.get(key, 0.0)))
                _told[key] = sample.value
    return more


def grow(more: list[tuple[str, tuple[str, ...], float]]) -> None:
    """Add what a sealing process has counted."""
    for name, labels, n in more:
        counter = _COUNTERS[name]
        (counter.labels(*labels) if labels else counter).inc(n)


def exposition() -> bytes:
    """All metrics in the Prometheus text format."""
    return generate_latest(registry)
