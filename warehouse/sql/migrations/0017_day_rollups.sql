-- Rollups in order of time and in small granules, so that a question about a day reads that day; and sums of whole days among their rows.
-- Every row of the old tables is copied, those of frozen hours too, whose base is gone. Publications stay as they are: the rows are the same.

-- A day's sums stand among the rows of its rollup, under the day's first hour and a generation of their own. `pairs` says which hourly rows
-- they are the sum of: groupBitXor over (hour, generation). They count wherever exactly these hours are clean.
CREATE TABLE IF NOT EXISTS spanledger.rollup_days
(
    base LowCardinality(String),
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID,
    pairs UInt64,
    hours UInt8,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY (base, hour)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Which clean hours are frozen: nothing but their rollup rows answers for them.
CREATE OR REPLACE VIEW spanledger.clean_hours AS
SELECT p.base AS base, p.hour AS hour, p.gen AS gen, p.frozen AS frozen
FROM (SELECT base, hour, gen, token, frozen FROM spanledger.rollup_pub FINAL) AS p
LEFT JOIN
(
    SELECT base, hour, sum(seq) AS token, max(is_open) AS is_open
    FROM spanledger.hour_marks FINAL
    GROUP BY base, hour
) AS m ON p.base = m.base AND p.hour = m.hour
WHERE p.frozen = 1 OR (m.is_open = 0 AND m.token = p.token);

-- of_hours: how many hours the row's generation sums up, 1 for an hourly row; first_hour, last_hour: of those that its group has calls in.
-- made_at: rows of a generation that is not published yet are no garbage while they are young.
CREATE TABLE IF NOT EXISTS spanledger.spend_outcome_hour_17
(
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID CODEC(ZSTD(1)),
    of_hours UInt8 DEFAULT 1,
    first_hour DateTime('UTC') DEFAULT hour,
    last_hour DateTime('UTC') DEFAULT hour,
    made_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    project LowCardinality(String),
    app_id LowCardinality(String),
    team LowCardinality(String),
    tenant_hash LowCardinality(String),
    env LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    model_tier LowCardinality(String),
    endpoint LowCardinality(String),
    operation LowCardinality(String),
    outcome LowCardinality(String),
    error_type LowCardinality(String),
    entry_kind LowCardinality(String),
    usage_source LowCardinality(String),
    cost_source LowCardinality(String),
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
ORDER BY (hour, app_id, gen)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO spanledger.spend_outcome_hour_17
(
    hour, gen, project, app_id, team, tenant_hash, env, provider, model, model_tier, endpoint, operation, outcome, error_type,
    entry_kind, usage_source, cost_source, calls, billed_calls, errors, timeouts, rate_limited, filtered, cancelled, cache_hits,
    fallbacks, model_switches, retried_calls, retries, streamed, safety, conflicts, tool_calls, tokens_in, tokens_cache_read,
    tokens_cache_write, tokens_cache_write_1h, tokens_out, tokens_reasoning, tokens_audio_in, tokens_audio_out, images, hit_tokens_in,
    hit_tokens_out, cost_usd, cost_in_usd, cost_cache_read_usd, cost_cache_write_usd, cost_out_usd, cost_other_usd, cost_supplied_usd,
    cost_unattributed_usd, cost_disputed, priced_calls, covered_calls, partial_calls, unpriced_calls, unpriced_tokens, usage_reported,
    usage_aggregate, usage_estimated, usage_missing, sampled_calls, calls_scaled, cost_scaled_usd, latency_us, latency, ttft, biz
)
SELECT
    hour, gen, project, app_id, team, tenant_hash, env, provider, model, model_tier, endpoint, operation, outcome, error_type,
    entry_kind, usage_source, cost_source, calls, billed_calls, errors, timeouts, rate_limited, filtered, cancelled, cache_hits,
    fallbacks, model_switches, retried_calls, retries, streamed, safety, conflicts, tool_calls, tokens_in, tokens_cache_read,
    tokens_cache_write, tokens_cache_write_1h, tokens_out, tokens_reasoning, tokens_audio_in, tokens_audio_out, images, hit_tokens_in,
    hit_tokens_out, cost_usd, cost_in_usd, cost_cache_read_usd, cost_cache_write_usd, cost_out_usd, cost_other_usd, cost_supplied_usd,
    cost_unattributed_usd, cost_disputed, priced_calls, covered_calls, partial_calls, unpriced_calls, unpriced_tokens, usage_reported,
    usage_aggregate, usage_estimated, usage_missing, sampled_calls, calls_scaled, cost_scaled_usd, latency_us, latency, ttft, biz
FROM spanledger.spend_outcome_hour
SETTINGS max_threads = 1, max_block_size = 8192, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864;

DROP TABLE IF EXISTS spanledger.spend_outcome_hour SYNC;
RENAME TABLE IF EXISTS spanledger.spend_outcome_hour_17 TO spanledger.spend_outcome_hour;

CREATE TABLE IF NOT EXISTS spanledger.spend_hour_17
(
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID CODEC(ZSTD(1)),
    of_hours UInt8 DEFAULT 1,
    first_hour DateTime('UTC') DEFAULT hour,
    last_hour DateTime('UTC') DEFAULT hour,
    made_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
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
ORDER BY (hour, app_id, gen)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO spanledger.spend_hour_17
(
    hour, gen, project, app_id, team, tenant_hash, env, region, device_class, provider, model, model_tier, endpoint, route, operation,
    calls, billed_calls, errors, timeouts, rate_limited, filtered, cancelled, cache_hits, fallbacks, model_switches, retried_calls,
    retries, streamed, safety, conflicts, tool_calls, tokens_in, tokens_cache_read, tokens_cache_write, tokens_cache_write_1h,
    tokens_out, tokens_reasoning, tokens_audio_in, tokens_audio_out, images, hit_tokens_in, hit_tokens_out, cost_usd, cost_in_usd,
    cost_cache_read_usd, cost_cache_write_usd, cost_out_usd, cost_other_usd, cost_supplied_usd, cost_unattributed_usd, cost_disputed,
    priced_calls, covered_calls, partial_calls, unpriced_calls, unpriced_tokens, usage_reported, usage_aggregate, usage_estimated,
    usage_missing, sampled_calls, calls_scaled, cost_scaled_usd, latency_us, latency, ttft, biz
)
SELECT
    hour, gen, project, app_id, team, tenant_hash, env, region, device_class, provider, model, model_tier, endpoint, route, operation,
    calls, billed_calls, errors, timeouts, rate_limited, filtered, cancelled, cache_hits, fallbacks, model_switches, retried_calls,
    retries, streamed, safety, conflicts, tool_calls, tokens_in, tokens_cache_read, tokens_cache_write, tokens_cache_write_1h,
    tokens_out, tokens_reasoning, tokens_audio_in, tokens_audio_out, images, hit_tokens_in, hit_tokens_out, cost_usd, cost_in_usd,
    cost_cache_read_usd, cost_cache_write_usd, cost_out_usd, cost_other_usd, cost_supplied_usd, cost_unattributed_usd, cost_disputed,
    priced_calls, covered_calls, partial_calls, unpriced_calls, unpriced_tokens, usage_reported, usage_aggregate, usage_estimated,
    usage_missing, sampled_calls, calls_scaled, cost_scaled_usd, latency_us, latency, ttft, biz
FROM spanledger.spend_hour
SETTINGS max_threads = 1, max_block_size = 8192, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864;

DROP TABLE IF EXISTS spanledger.spend_hour SYNC;
RENAME TABLE IF EXISTS spanledger.spend_hour_17 TO spanledger.spend_hour;

CREATE TABLE IF NOT EXISTS spanledger.prompt_hour_17
(
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID CODEC(ZSTD(1)),
    of_hours UInt8 DEFAULT 1,
    first_hour DateTime('UTC') DEFAULT hour,
    last_hour DateTime('UTC') DEFAULT hour,
    made_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
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
ORDER BY (hour, app_id, gen)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO spanledger.prompt_hour_17
(
    hour, gen, project, app_id, team, tenant_hash, env, provider, model, model_tier, prompt_id, prompt_version, calls, billed_calls,
    errors, timeouts, rate_limited, filtered, cancelled, cache_hits, fallbacks, model_switches, retried_calls, retries, streamed,
    safety, conflicts, tool_calls, tokens_in, tokens_cache_read, tokens_cache_write, tokens_cache_write_1h, tokens_out,
    tokens_reasoning, tokens_audio_in, tokens_audio_out, images, hit_tokens_in, hit_tokens_out, cost_usd, cost_in_usd,
    cost_cache_read_usd, cost_cache_write_usd, cost_out_usd, cost_other_usd, cost_supplied_usd, cost_unattributed_usd, cost_disputed,
    priced_calls, covered_calls, partial_calls, unpriced_calls, unpriced_tokens, usage_reported, usage_aggregate, usage_estimated,
    usage_missing, sampled_calls, calls_scaled, cost_scaled_usd, latency_us, latency, ttft, biz
)
SELECT
    hour, gen, project, app_id, team, tenant_hash, env, provider, model, model_tier, prompt_id, prompt_version, calls, billed_calls,
    errors, timeouts, rate_limited, filtered, cancelled, cache_hits, fallbacks, model_switches, retried_calls, retries, streamed,
    safety, conflicts, tool_calls, tokens_in, tokens_cache_read, tokens_cache_write, tokens_cache_write_1h, tokens_out,
    tokens_reasoning, tokens_audio_in, tokens_audio_out, images, hit_tokens_in, hit_tokens_out, cost_usd, cost_in_usd,
    cost_cache_read_usd, cost_cache_write_usd, cost_out_usd, cost_other_usd, cost_supplied_usd, cost_unattributed_usd, cost_disputed,
    priced_calls, covered_calls, partial_calls, unpriced_calls, unpriced_tokens, usage_reported, usage_aggregate, usage_estimated,
    usage_missing, sampled_calls, calls_scaled, cost_scaled_usd, latency_us, latency, ttft, biz
FROM spanledger.prompt_hour
SETTINGS max_threads = 1, max_block_size = 8192, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864;

DROP TABLE IF EXISTS spanledger.prompt_hour SYNC;
RENAME TABLE IF EXISTS spanledger.prompt_hour_17 TO spanledger.prompt_hour;

CREATE TABLE IF NOT EXISTS spanledger.people_hour_17
(
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID CODEC(ZSTD(1)),
    of_hours UInt8 DEFAULT 1,
    first_hour DateTime('UTC') DEFAULT hour,
    last_hour DateTime('UTC') DEFAULT hour,
    made_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    project LowCardinality(String),
    app_id LowCardinality(String),
    team LowCardinality(String),
    tenant_hash LowCardinality(String),
    env LowCardinality(String),
    users AggregateFunction(uniqCombined64(12), String),
    sessions AggregateFunction(uniqCombined64(12), String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, app_id, gen)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO spanledger.people_hour_17
(
    hour, gen, project, app_id, team, tenant_hash, env, users, sessions
)
SELECT
    hour, gen, project, app_id, team, tenant_hash, env, users, sessions
FROM spanledger.people_hour
SETTINGS max_threads = 1, max_block_size = 8192, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864;

DROP TABLE IF EXISTS spanledger.people_hour SYNC;
RENAME TABLE IF EXISTS spanledger.people_hour_17 TO spanledger.people_hour;

CREATE TABLE IF NOT EXISTS spanledger.score_hour_17
(
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID CODEC(ZSTD(1)),
    of_hours UInt8 DEFAULT 1,
    first_hour DateTime('UTC') DEFAULT hour,
    last_hour DateTime('UTC') DEFAULT hour,
    made_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
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
ORDER BY (hour, app_id, gen)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO spanledger.score_hour_17
(
    hour, gen, project, app_id, team, tenant_hash, env, route, model, model_tier, prompt_id, prompt_version, detector,
    detector_version, judged, unjudged, flagged, score_sum, risk_judged, risk_sum, histogram, labels
)
SELECT
    hour, gen, project, app_id, team, tenant_hash, env, route, model, model_tier, prompt_id, prompt_version, detector,
    detector_version, judged, unjudged, flagged, score_sum, risk_judged, risk_sum, histogram, labels
FROM spanledger.score_hour
SETTINGS max_threads = 1, max_block_size = 8192, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864;

DROP TABLE IF EXISTS spanledger.score_hour SYNC;
RENAME TABLE IF EXISTS spanledger.score_hour_17 TO spanledger.score_hour;
