-- The sums by outcome are the smallest rollup: with tier, endpoint and operation they answer most questions.
ALTER TABLE spanledger.spend_outcome_hour ADD COLUMN IF NOT EXISTS model_tier LowCardinality(String) AFTER model;
ALTER TABLE spanledger.spend_outcome_hour ADD COLUMN IF NOT EXISTS endpoint LowCardinality(String) AFTER model_tier;
ALTER TABLE spanledger.spend_outcome_hour ADD COLUMN IF NOT EXISTS operation LowCardinality(String) AFTER endpoint;

-- A quarter of the size for 1.6 % instead of 0.8 % of error.
DROP TABLE IF EXISTS spanledger.people_hour SYNC;
CREATE TABLE IF NOT EXISTS spanledger.people_hour
(
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    gen UUID CODEC(ZSTD(1)),
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
ORDER BY (app_id, hour, gen)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Hours are to be rolled up again.
ALTER TABLE spanledger.rollup_pub DELETE WHERE frozen = 0 SETTINGS mutations_sync = 1;
