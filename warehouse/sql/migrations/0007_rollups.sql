-- Which writer may be changing which hour of which base table ('calls', 'scores'). A writer opens an hour, durably, before it inserts
-- into it, and shuts it when nothing is in flight: the sum of the writers' latest seq is the hour's token, new at every change.
CREATE TABLE IF NOT EXISTS spanledger.hour_marks
(
    base LowCardinality(String),
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    writer LowCardinality(String),
    seq UInt64 CODEC(Delta(8), ZSTD(1)),
    is_open UInt8
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (base, hour, writer)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Which generation of an hour's rollup rows was computed at which token; it counts as long as the hour's token is still that.
-- frozen: the base rows are gone (retention), the aggregates stay for ever.
CREATE TABLE IF NOT EXISTS spanledger.rollup_pub
(
    base LowCardinality(String),
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID,
    token UInt64,
    thru UInt64,
    entries UInt64,
    frozen UInt8,
    note String,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (base, hour)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Hours whose rollup rows may be read now, in place of their base rows.
CREATE OR REPLACE VIEW spanledger.clean_hours AS
SELECT p.base AS base, p.hour AS hour, p.gen AS gen
FROM (SELECT base, hour, gen, token, frozen FROM spanledger.rollup_pub FINAL) AS p
LEFT JOIN
(
    SELECT base, hour, sum(seq) AS token, max(is_open) AS is_open
    FROM spanledger.hour_marks FINAL
    GROUP BY base, hour
) AS m ON p.base = m.base AND p.hour = m.hour
WHERE p.frozen = 1 OR (m.is_open = 0 AND m.token = p.token);

-- Sums per hour (sql/measures/spend_hour.sql), by what money and service levels are asked by. One hour's rows share a gen; see rollup_pub.
CREATE TABLE IF NOT EXISTS spanledger.spend_hour
(
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID CODEC(ZSTD(1)),
    project LowCardinality(String),
    app_id LowCardinality(String),
    team LowCardinality(String),
    tenant_hash LowCardinality(String),
    env LowCardinality(String),
    region LowCardinality(String),
    device_class LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    model_tier LowCardinality(String),
    endpoint LowCardinality(String),
    route LowCardinality(String),
    operation LowCardinality(String),
    calls UInt64 CODEC(T64, ZSTD(1)),
    billed_calls UInt64 CODEC(T64, ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    timeouts UInt64 CODEC(T64, ZSTD(1)),
    rate_limited UInt64 CODEC(T64, ZSTD(1)),
    filtered UInt64 CODEC(T64, ZSTD(1)),
    cancelled UInt64 CODEC(T64, ZSTD(1)),
    cache_hits UInt64 CODEC(T64, ZSTD(1)),
    fallbacks UInt64 CODEC(T64, ZSTD(1)),
    model_switches UInt64 CODEC(T64, ZSTD(1)),
    retried_calls UInt64 CODEC(T64, ZSTD(1)),
    retries UInt64 CODEC(T64, ZSTD(1)),
    streamed UInt64 CODEC(T64, ZSTD(1)),
    safety UInt64 CODEC(T64, ZSTD(1)),
    conflicts UInt64 CODEC(T64, ZSTD(1)),
    tool_calls UInt64 CODEC(T64, ZSTD(1)),
    tokens_in UInt64 CODEC(T64, ZSTD(1)),
    tokens_cache_read UInt64 CODEC(T64, ZSTD(1)),
    tokens_cache_write UInt64 CODEC(T64, ZSTD(1)),
    tokens_cache_write_1h UInt64 CODEC(T64, ZSTD(1)),
    tokens_out UInt64 CODEC(T64, ZSTD(1)),
    tokens_reasoning UInt64 CODEC(T64, ZSTD(1)),
    tokens_audio_in UInt64 CODEC(T64, ZSTD(1)),
    tokens_audio_out UInt64 CODEC(T64, ZSTD(1)),
    images UInt64 CODEC(T64, ZSTD(1)),
    hit_tokens_in UInt64 CODEC(T64, ZSTD(1)),
    hit_tokens_out UInt64 CODEC(T64, ZSTD(1)),
    cost_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_in_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_cache_read_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_cache_write_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_out_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_other_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_supplied_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_unattributed_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_disputed UInt64 CODEC(T64, ZSTD(1)),
    priced_calls UInt64 CODEC(T64, ZSTD(1)),
    covered_calls UInt64 CODEC(T64, ZSTD(1)),
    partial_calls UInt64 CODEC(T64, ZSTD(1)),
    unpriced_calls UInt64 CODEC(T64, ZSTD(1)),
    unpriced_tokens UInt64 CODEC(T64, ZSTD(1)),
    usage_reported UInt64 CODEC(T64, ZSTD(1)),
    usage_aggregate UInt64 CODEC(T64, ZSTD(1)),
    usage_estimated UInt64 CODEC(T64, ZSTD(1)),
    usage_missing UInt64 CODEC(T64, ZSTD(1)),
    sampled_calls UInt64 CODEC(T64, ZSTD(1)),
    calls_scaled Decimal(38, 9) CODEC(ZSTD(1)),
    cost_scaled_usd Decimal(38, 9) CODEC(ZSTD(1)),
    latency_us UInt64 CODEC(T64, ZSTD(1)),
    latency Map(UInt16, UInt64) CODEC(ZSTD(1)),
    ttft Map(UInt16, UInt64) CODEC(ZSTD(1)),
    biz Map(String, Decimal(38, 9)) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (app_id, hour, gen)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The same sums by prompt and version.
CREATE TABLE IF NOT EXISTS spanledger.prompt_hour
(
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID CODEC(ZSTD(1)),
    project LowCardinality(String),
    app_id LowCardinality(String),
    team LowCardinality(String),
    tenant_hash LowCardinality(String),
    env LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    model_tier LowCardinality(String),
    prompt_id LowCardinality(String),
    prompt_version LowCardinality(String),
    calls UInt64 CODEC(T64, ZSTD(1)),
    billed_calls UInt64 CODEC(T64, ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    timeouts UInt64 CODEC(T64, ZSTD(1)),
    rate_limited UInt64 CODEC(T64, ZSTD(1)),
    filtered UInt64 CODEC(T64, ZSTD(1)),
    cancelled UInt64 CODEC(T64, ZSTD(1)),
    cache_hits UInt64 CODEC(T64, ZSTD(1)),
    fallbacks UInt64 CODEC(T64, ZSTD(1)),
    model_switches UInt64 CODEC(T64, ZSTD(1)),
    retried_calls UInt64 CODEC(T64, ZSTD(1)),
    retries UInt64 CODEC(T64, ZSTD(1)),
    streamed UInt64 CODEC(T64, ZSTD(1)),
    safety UInt64 CODEC(T64, ZSTD(1)),
    conflicts UInt64 CODEC(T64, ZSTD(1)),
    tool_calls UInt64 CODEC(T64, ZSTD(1)),
    tokens_in UInt64 CODEC(T64, ZSTD(1)),
    tokens_cache_read UInt64 CODEC(T64, ZSTD(1)),
    tokens_cache_write UInt64 CODEC(T64, ZSTD(1)),
    tokens_cache_write_1h UInt64 CODEC(T64, ZSTD(1)),
    tokens_out UInt64 CODEC(T64, ZSTD(1)),
    tokens_reasoning UInt64 CODEC(T64, ZSTD(1)),
    tokens_audio_in UInt64 CODEC(T64, ZSTD(1)),
    tokens_audio_out UInt64 CODEC(T64, ZSTD(1)),
    images UInt64 CODEC(T64, ZSTD(1)),
    hit_tokens_in UInt64 CODEC(T64, ZSTD(1)),
    hit_tokens_out UInt64 CODEC(T64, ZSTD(1)),
    cost_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_in_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_cache_read_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_cache_write_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_out_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_other_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_supplied_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_unattributed_usd Decimal(38, 9) CODEC(ZSTD(1)),
    cost_disputed UInt64 CODEC(T64, ZSTD(1)),
    priced_calls UInt64 CODEC(T64, ZSTD(1)),
    covered_calls UInt64 CODEC(T64, ZSTD(1)),
    partial_calls UInt64 CODEC(T64, ZSTD(1)),
    unpriced_calls UInt64 CODEC(T64, ZSTD(1)),
    unpriced_tokens UInt64 CODEC(T64, ZSTD(1)),
    usage_reported UInt64 CODEC(T64, ZSTD(1)),
    usage_aggregate UInt64 CODEC(T64, ZSTD(1)),
    usage_estimated UInt64 CODEC(T64, ZSTD(1)),
    usage_missing UInt64 CODEC(T64, ZSTD(1)),
    sampled_calls UInt64 CODEC(T64, ZSTD(1)),
    calls_scaled Decimal(38, 9) CODEC(ZSTD(1)),
    cost_scaled_usd Decimal(38, 9) CODEC(ZSTD(1)),
    latency_us UInt64 CODEC(T64, ZSTD(1)),
    latency Map(UInt16, UInt64) CODEC(ZSTD(1)),
    ttft Map(UInt16, UInt64) CODEC(ZSTD(1)),
    biz Map(String, Decimal(38, 9)) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (app_id, hour, gen)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Sums of detector results per hour (sql/measures/score_hour.sql).
CREATE TABLE IF NOT EXISTS spanledger.score_hour
(
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID CODEC(ZSTD(1)),
    project LowCardinality(String),
    app_id LowCardinality(String),
    team LowCardinality(String),
    tenant_hash LowCardinality(String),
    env LowCardinality(String),
    route LowCardinality(String),
    model LowCardinality(String),
    model_tier LowCardinality(String),
    prompt_id LowCardinality(String),
    prompt_version LowCardinality(String),
    detector LowCardinality(String),
    detector_version LowCardinality(String),
    judged UInt64 CODEC(T64, ZSTD(1)),
    unjudged UInt64 CODEC(T64, ZSTD(1)),
    flagged UInt64 CODEC(T64, ZSTD(1)),
    score_sum Decimal(38, 9) CODEC(ZSTD(1)),
    risk_judged UInt64 CODEC(T64, ZSTD(1)),
    risk_sum Decimal(38, 9) CODEC(ZSTD(1)),
    histogram Map(UInt8, UInt64) CODEC(ZSTD(1)),
    labels Map(String, UInt64) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (app_id, hour, gen)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Distinct users and sessions per hour, in a coarse grain: their states are large.
CREATE TABLE IF NOT EXISTS spanledger.people_hour
(
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID CODEC(ZSTD(1)),
    project LowCardinality(String),
    app_id LowCardinality(String),
    team LowCardinality(String),
    tenant_hash LowCardinality(String),
    env LowCardinality(String),
    users AggregateFunction(uniqCombined64(14), String),
    sessions AggregateFunction(uniqCombined64(14), String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (app_id, hour, gen)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
