-- Full transcripts of tenants in audit mode: sealed objects only (warehouse/vault/envelope.py); nothing here can be read without keys.
CREATE TABLE IF NOT EXISTS spanledger.audit_objects
(
    tenant_hash LowCardinality(String),
    user_hash String CODEC(ZSTD(1)),
    project LowCardinality(String),
    ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    key_version UInt32,
    sealed String CODEC(NONE),
    ver UInt128,
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMMDD(ts)
ORDER BY (tenant_hash, toStartOfHour(ts), trace_id, span_id)
TTL toDateTime(ts) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
