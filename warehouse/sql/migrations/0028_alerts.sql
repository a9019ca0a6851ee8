-- Alerts: a rule's state for one label set, one row a time it came up. `team`: whose rows it is about, '' for more than one team's.
CREATE TABLE IF NOT EXISTS spanledger.alerts
(
    id String,
    fingerprint String,
    rule LowCardinality(String),
    kind LowCardinality(String),
    severity LowCardinality(String),
    labels Map(LowCardinality(String), String),
    team LowCardinality(String),
    state LowCardinality(String),
    value Float64,
    bound Float64,
    summary String,
    receivers Array(LowCardinality(String)),
    pending_at DateTime64(6, 'UTC'),
    firing_at DateTime64(6, 'UTC'),
    resolved_at DateTime64(6, 'UTC'),
    held_at DateTime64(6, 'UTC'),
    until DateTime64(6, 'UTC'),
    ver UInt64
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY id
TTL toDateTime(pending_at) + INTERVAL 800 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Who has taken an alert on. Never changed: two people may both have.
CREATE TABLE IF NOT EXISTS spanledger.alert_acknowledgements
(
    id String,
    actor String,
    comment String,
    at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = MergeTree
ORDER BY (id, at)
TTL toDateTime(at) + INTERVAL 800 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What is to be told to a receiver, and whether it was: written before it is sent, so that a restart goes on with what was not.
CREATE TABLE IF NOT EXISTS spanledger.alert_notices
(
    id String,
    receiver LowCardinality(String),
    incident String,
    reason LowCardinality(String),
    told Map(String, LowCardinality(String)),
    state LowCardinality(String),
    attempts UInt16,
    error String,
    at DateTime64(6, 'UTC'),
    next_at DateTime64(6, 'UTC'),
    ver UInt64
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY id
TTL toDateTime(at) + INTERVAL 400 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Quiet times set by people (those of the policy file are not here). `matchers`: JSON, field → patterns.
CREATE TABLE IF NOT EXISTS spanledger.silences
(
    id String,
    rules Array(String),
    matchers String,
    starts_at DateTime64(6, 'UTC'),
    ends_at DateTime64(6, 'UTC'),
    comment String,
    actor String,
    at DateTime64(6, 'UTC'),
    ver UInt64
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Cost anomalies as the detector found them, hour by hour, with what the hour cost and what it should have.
CREATE TABLE IF NOT EXISTS spanledger.anomalies
(
    hour DateTime('UTC'),
    app_id LowCardinality(String),
    team LowCardinality(String),
    model_tier LowCardinality(String),
    cause LowCardinality(String),
    cost_usd Float64,
    usual_usd Float64,
    ver UInt64
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (hour, app_id, team, model_tier)
TTL hour + INTERVAL 400 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What a budget's period is expected to end at, by name of the budget; the newest of each period counts. 80 % lie between low and high.
CREATE TABLE IF NOT EXISTS spanledger.budget_forecasts
(
    name String,
    begins Date,
    ends Date,
    team LowCardinality(String),
    total_usd Float64,
    low_usd Float64,
    high_usd Float64,
    ver UInt64
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (name, begins)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
