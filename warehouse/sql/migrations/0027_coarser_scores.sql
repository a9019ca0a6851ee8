-- Scores without prompts, and without routes: a day has a tenth and a third of the rows of `score_hour`, and most questions about weeks need no more.
-- Made of its rows, hour by hour and day by day, under the same generations; those of frozen hours too, whose base is gone.
CREATE TABLE IF NOT EXISTS spanledger.score_route_hour_27
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
SETTINGS index_granularity = 256, default_compression_codec = 'LZ4', fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO spanledger.score_route_hour_27
(
    hour, gen, of_hours, first_hour, last_hour, project, app_id, team, tenant_hash, env, route, model, model_tier, detector,
    detector_version, judged, unjudged, flagged, score_sum, risk_judged, risk_sum, histogram, labels
)
SELECT
    hour, gen, any(of_hours), min(first_hour), max(last_hour), project, app_id, team, tenant_hash, env, route, model, model_tier, detector,
    detector_version, sum(judged), sum(unjudged), sum(flagged), sum(score_sum), sum(risk_judged), sum(risk_sum), sumMap(histogram),
    sumMap(labels)
FROM spanledger.score_hour
GROUP BY hour, app_id, gen, project, team, tenant_hash, env, route, model, model_tier, detector, detector_version
SETTINGS max_threads = 1, optimize_aggregation_in_order = 1, aggregation_in_order_max_block_bytes = 2000000, max_block_size = 8192,
    min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864;

DROP TABLE IF EXISTS spanledger.score_route_hour SYNC;
RENAME TABLE IF EXISTS spanledger.score_route_hour_27 TO spanledger.score_route_hour;

CREATE TABLE IF NOT EXISTS spanledger.score_prompt_hour_27
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
SETTINGS index_granularity = 256, default_compression_codec = 'LZ4', fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO spanledger.score_prompt_hour_27
(
    hour, gen, of_hours, first_hour, last_hour, project, app_id, team, tenant_hash, env, model, model_tier, prompt_id, prompt_version,
    detector, detector_version, judged, unjudged, flagged, score_sum, risk_judged, risk_sum, histogram, labels
)
SELECT
    hour, gen, any(of_hours), min(first_hour), max(last_hour), project, app_id, team, tenant_hash, env, model, model_tier, prompt_id,
    prompt_version, detector, detector_version, sum(judged), sum(unjudged), sum(flagged), sum(score_sum), sum(risk_judged), sum(risk_sum),
    sumMap(histogram), sumMap(labels)
FROM spanledger.score_hour
GROUP BY hour, app_id, gen, project, team, tenant_hash, env, model, model_tier, prompt_id, prompt_version, detector, detector_version
SETTINGS max_threads = 1, optimize_aggregation_in_order = 1, aggregation_in_order_max_block_bytes = 2000000, max_block_size = 8192,
    min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864;

DROP TABLE IF EXISTS spanledger.score_prompt_hour SYNC;
RENAME TABLE IF EXISTS spanledger.score_prompt_hour_27 TO spanledger.score_prompt_hour;
