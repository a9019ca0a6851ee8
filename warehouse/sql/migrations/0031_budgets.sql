-- Budgets that people have set (those of the policy file are not here). `document`: JSON, as one of the policy file; `team`: the one that it is about,
-- '' for several.
CREATE TABLE IF NOT EXISTS spanledger.budgets
(
    name String,
    team LowCardinality(String),
    document String,
    actor String,
    at DateTime64(6, 'UTC'),
    ver UInt64,
    is_deleted UInt8
)
ENGINE = ReplacingMergeTree(ver, is_deleted)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
