-- The ledger: one row per provider call, posted from the journal. Read it through the view `ledger`, never without FINAL.
-- ver is the posting sequence; is_deleted = 1 is a tombstone, kept until its part expires so that no older version comes back.
CREATE TABLE IF NOT EXISTS spanledger.calls
(
    project LowCardinality(String),
    service LowCardinality(String),
    ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    parent_span_id FixedString(8) CODEC(ZSTD(1)),
    entry_kind LowCardinality(String),
    dialect LowCardinality(String),
    scope LowCardinality(String),
    app_id LowCardinality(String),
    team LowCardinality(String),
    tenant_hash LowCardinality(String),
    env LowCardinality(String),
    region LowCardinality(String),
    device_class LowCardinality(String),
    route LowCardinality(String),
    endpoint LowCardinality(String),
    operation LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    model_requested LowCardinality(String),
    model_tier LowCardinality(String),
    response_id String CODEC(ZSTD(1)),
    request_id String CODEC(ZSTD(1)),
    prompt_id LowCardinality(String),
    prompt_version LowCardinality(String),
    prompt_hash String CODEC(ZSTD(1)),
    response_hash String CODEC(ZSTD(1)),
    context_hash String CODEC(ZSTD(1)),
    user_hash String CODEC(ZSTD(1)),
    session_hash String CODEC(ZSTD(1)),
    billed Bool,
    outcome LowCardinality(String),
    error_type LowCardinality(String),
    finish_reason LowCardinality(String),
    service_tier LowCardinality(String),
    stream Bool,
    cache_hit Bool,
    fallback Bool,
    retry UInt8,
    circuit_state LowCardinality(String),
    tokens_in UInt32 CODEC(T64, ZSTD(1)),
    tokens_cache_read UInt32 CODEC(T64, ZSTD(1)),
    tokens_cache_write UInt32 CODEC(T64, ZSTD(1)),
    tokens_cache_write_1h UInt32 CODEC(T64, ZSTD(1)),
    tokens_out UInt32 CODEC(T64, ZSTD(1)),
    tokens_reasoning UInt32 CODEC(T64, ZSTD(1)),
    tokens_audio_in UInt32 CODEC(T64, ZSTD(1)),
    tokens_audio_out UInt32 CODEC(T64, ZSTD(1)),
    images UInt32 CODEC(T64, ZSTD(1)),
    audio_seconds Float32 CODEC(ZSTD(1)),
    characters UInt32 CODEC(T64, ZSTD(1)),
    usage_source LowCardinality(String),
    latency_ms Float32 CODEC(ZSTD(1)),
    ttft_ms Nullable(Float32) CODEC(ZSTD(1)),
    cost_estimate_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    cost_in_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    cost_cache_read_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    cost_cache_write_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    cost_out_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    cost_other_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    cost_supplied_usd Nullable(Decimal(18, 9)) CODEC(ZSTD(1)),
    cost_source LowCardinality(String),
    price_id LowCardinality(String),
    biz_metric Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    attrs Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    sampling_ratio Float32 CODEC(ZSTD(1)),
    conflict UInt8 CODEC(ZSTD(1)),
    safety UInt16 CODEC(T64, ZSTD(1)),
    safety_types Array(LowCardinality(String)) CODEC(ZSTD(1)),
    tool_calls UInt16 CODEC(T64, ZSTD(1)),
    members Array(FixedString(8)) CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted UInt8 CODEC(ZSTD(1)),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_response response_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_session session_hash TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX ix_user user_hash TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX ix_ver ver TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ver, is_deleted)
PARTITION BY toYYYYMMDD(ts)
PRIMARY KEY (project, service, toStartOfHour(ts), trace_id)
ORDER BY (project, service, toStartOfHour(ts), trace_id, span_id)
TTL toDateTime(ts) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 7200, min_age_to_force_merge_on_partition_only = 1;

-- What people query: one live row per entry. `unattributed` residuals stay visible through entry_kind; they are not billed.
CREATE OR REPLACE VIEW spanledger.ledger AS
SELECT * EXCEPT (is_deleted)
FROM spanledger.calls FINAL
WHERE is_deleted = 0
SETTINGS do_not_merge_across_partitions_select_final = 1;
