-- What is kept of a judged answer when its call and text are gone: fingerprints, model, versions, scores, the reviewer's note. No text.
CREATE TABLE IF NOT EXISTS spanledger.decisions
(
    ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    project LowCardinality(String),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    app_id LowCardinality(String),
    team LowCardinality(String),
    tenant_hash LowCardinality(String),
    env LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    prompt_id LowCardinality(String),
    prompt_version LowCardinality(String),
    prompt_hash String CODEC(ZSTD(1)),
    response_hash String CODEC(ZSTD(1)),
    context_hash String CODEC(ZSTD(1)),
    outcome LowCardinality(String),
    hallucination_score Nullable(Float32) CODEC(ZSTD(1)),
    scores Map(LowCardinality(String), Float32) CODEC(ZSTD(1)),
    detector_versions Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    flagged Bool,
    reviewer String,
    note String CODEC(ZSTD(3)),
    ver UInt64
)
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(ts)
ORDER BY (project, app_id, toStartOfHour(ts), trace_id, span_id)
TTL toDateTime(ts) + INTERVAL 1825 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
