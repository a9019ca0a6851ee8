-- The journal: every GenAI-relevant span, append-only, identified by what the sender says.
-- Of two versions of one span the greater ver wins (end time, attribute count, payload hash), whatever the order of arrival.
CREATE TABLE IF NOT EXISTS spanledger.spans
(
    project LowCardinality(String),
    service LowCardinality(String),
    ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    parent_span_id FixedString(8) CODEC(ZSTD(1)),
    end_ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    signal LowCardinality(String),
    scope LowCardinality(String),
    name LowCardinality(String),
    dialect LowCardinality(String),
    kind LowCardinality(String),
    role LowCardinality(String),
    status LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    response_id String CODEC(ZSTD(1)),
    tool_name LowCardinality(String),
    link String CODEC(ZSTD(1)),
    tenant_hash LowCardinality(String),
    user_hash String CODEC(ZSTD(1)),
    tokens_in UInt32 CODEC(T64, ZSTD(1)),
    tokens_out UInt32 CODEC(T64, ZSTD(1)),
    safety UInt16 CODEC(T64, ZSTD(1)),
    facts String CODEC(ZSTD(3)),
    attrs Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    batch UInt64 CODEC(Delta(8), ZSTD(1)),
    ver UInt128 CODEC(ZSTD(1)),
    INDEX ix_batch batch TYPE minmax GRANULARITY 1,
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_response response_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_link link TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMMDD(ts)
PRIMARY KEY (project, service, toStartOfHour(ts), trace_id)
ORDER BY (project, service, toStartOfHour(ts), trace_id, span_id)
TTL toDateTime(ts) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 7200, min_age_to_force_merge_on_partition_only = 1;
