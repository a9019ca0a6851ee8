-- Traces that an erasure has emptied: their entries keep the money, and cannot be posted again from the journal.
CREATE TABLE IF NOT EXISTS spanledger.erased_traces
(
    erasure String,
    trace_id FixedString(16),
    at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (erasure, trace_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
