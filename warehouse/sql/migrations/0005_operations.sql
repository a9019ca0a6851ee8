-- How far each writer's journal has been posted: every batch up to `through`.
CREATE TABLE IF NOT EXISTS spanledger.posting_mark
(
    writer String,
    through UInt64,
    at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(through)
ORDER BY writer
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Where a job has got to; the latest row of a job counts.
CREATE TABLE IF NOT EXISTS spanledger.job_marks
(
    job String,
    mark String,
    detail String,
    at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY job
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Claims on work by one of several workers (see warehouse/leases.py): of the highest epoch, the least (at, holder) holds.
CREATE TABLE IF NOT EXISTS spanledger.leases
(
    name String,
    epoch UInt64,
    holder String,
    expires_at DateTime64(6, 'UTC'),
    at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = MergeTree
ORDER BY (name, epoch, at, holder)
TTL toDateTime(expires_at) + INTERVAL 1 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Hash-chained: hash = SHA-256 over prev_hash and the row; nothing here is ever deleted.
CREATE TABLE IF NOT EXISTS spanledger.audit_log
(
    seq UInt64,
    at DateTime64(6, 'UTC'),
    actor String,
    action LowCardinality(String),
    subject String,
    detail String,
    prev_hash String,
    hash String
)
ENGINE = MergeTree
ORDER BY seq
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What people and systems said about a call or trace: thumbs, rejection, escalation, corrections, business events.
-- span_id is all zeros when the whole trace is meant.
CREATE TABLE IF NOT EXISTS spanledger.feedback
(
    id String,
    ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    project LowCardinality(String),
    app_id LowCardinality(String),
    team LowCardinality(String),
    tenant_hash LowCardinality(String),
    user_hash String,
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    kind LowCardinality(String),
    name LowCardinality(String),
    value Float64,
    label LowCardinality(String),
    comment String CODEC(ZSTD(3)),
    actor String,
    at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(at)
PARTITION BY toYYYYMM(ts)
ORDER BY (project, toStartOfHour(ts), trace_id, span_id, kind, name, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Receipts of erasure requests; `state` goes planned, done. The subject is a keyed hash, never the person.
CREATE TABLE IF NOT EXISTS spanledger.erasures
(
    id String,
    at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'),
    actor String,
    subject_kind LowCardinality(String),
    subject_hash String,
    state LowCardinality(String),
    rows Map(LowCardinality(String), UInt64),
    detail String
)
ENGINE = ReplacingMergeTree(at)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
