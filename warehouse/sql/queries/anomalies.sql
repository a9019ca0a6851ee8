-- Anomalous hours of a window; without a cause one was taken back. Params: since, until.
SELECT toDateTime64(a.hour, 6, 'UTC') AS hour, a.app_id AS app_id, a.team AS team, a.model_tier AS model_tier, a.cause AS cause,
    a.cost_usd AS cost_usd, a.usual_usd AS usual_usd
FROM spanledger.anomalies AS a FINAL
WHERE a.hour >= {since:DateTime64(6, 'UTC')} AND a.hour < {until:DateTime64(6, 'UTC')} AND a.cause != ''
ORDER BY hour, app_id, team, model_tier
