-- One version of every span, and of every text.
CREATE OR REPLACE VIEW spanledger.journal AS
SELECT * FROM spanledger.spans FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW spanledger.texts AS
SELECT * FROM spanledger.contents FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- Exact hourly sums for people and BI tools, by the dimensions that money is asked by.
CREATE OR REPLACE VIEW spanledger.spend_hourly AS
SELECT
    toStartOfHour(ts) AS hour, project, service, app_id, team, tenant_hash, env, region, provider, model, model_tier, endpoint, route,
    operation, prompt_id, prompt_version,
    countIf(entry_kind != 'unattributed') AS calls,
    countIf(billed) AS billed_calls,
    sum(toUInt64(tokens_in)) AS tokens_in,
    sum(toUInt64(tokens_cache_read)) AS tokens_cache_read,
    sum(toUInt64(tokens_cache_write)) AS tokens_cache_write,
    sum(toUInt64(tokens_out)) AS tokens_out,
    sum(toUInt64(tokens_reasoning)) AS tokens_reasoning,
    sum(cost_estimate_usd) AS cost_estimate_usd
FROM spanledger.ledger
GROUP BY ALL;
