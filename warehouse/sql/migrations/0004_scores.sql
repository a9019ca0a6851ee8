-- Detector results, with the dimensions of their call, so that an SLO needs no join.
CREATE TABLE IF NOT EXISTS spanledger.scores
(
    project LowCardinality(String),
    service LowCardinality(String),
    ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    detector LowCardinality(String),
    detector_version LowCardinality(String),
    app_id LowCardinality(String),
    team LowCardinality(String),
    tenant_hash LowCardinality(String),
    user_hash String CODEC(ZSTD(1)),
    env LowCardinality(String),
    route LowCardinality(String),
    model LowCardinality(String),
    model_tier LowCardinality(String),
    prompt_id LowCardinality(String),
    prompt_version LowCardinality(String),
    score Nullable(Float32) CODEC(ZSTD(1)),
    hallucination_score Nullable(Float32) CODEC(ZSTD(1)),
    flagged Bool,
    label LowCardinality(String),
    reason LowCardinality(String),
    coverage Array(LowCardinality(String)) CODEC(ZSTD(1)),
    evidence String CODEC(ZSTD(1)),
    scored_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    ver UInt64 CODEC(Delta(8), ZSTD(1)),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_ts ts TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMMDD(ts)
PRIMARY KEY (project, service, toStartOfHour(ts), trace_id)
ORDER BY (project, service, toStartOfHour(ts), trace_id, span_id, detector, detector_version)
TTL toDateTime(ts) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 7200, min_age_to_force_merge_on_partition_only = 1;

CREATE OR REPLACE VIEW spanledger.verdicts AS
SELECT * FROM spanledger.scores FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
