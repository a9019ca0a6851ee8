-- Redacted text of a span, short-lived; same key as its span. The text index serves hasToken/hasAllTokens searches.
CREATE TABLE IF NOT EXISTS spanledger.contents
(
    project LowCardinality(String),
    service LowCardinality(String),
    ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    kind LowCardinality(String),
    tenant_hash LowCardinality(String),
    user_hash String CODEC(ZSTD(1)),
    prompt_hash String CODEC(ZSTD(1)),
    context_hash String CODEC(ZSTD(1)),
    prompt String CODEC(ZSTD(3)),
    response String CODEC(ZSTD(3)),
    context Array(String) CODEC(ZSTD(3)),
    extra Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    ver UInt128 CODEC(ZSTD(1)),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_prompt_hash prompt_hash TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_prompt prompt TYPE text(tokenizer = splitByNonAlpha, preprocessor = lower(prompt)),
    INDEX ix_response response TYPE text(tokenizer = splitByNonAlpha, preprocessor = lower(response))
)
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMMDD(ts)
PRIMARY KEY (project, service, toStartOfHour(ts), trace_id)
ORDER BY (project, service, toStartOfHour(ts), trace_id, span_id)
TTL toDateTime(ts) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 7200, min_age_to_force_merge_on_partition_only = 1;
