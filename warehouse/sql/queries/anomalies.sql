-- Anomalous hours of a window. Params: since, until.
SELECT hour, app_id, team, model_tier, cause, cost_usd, usual_usd
FROM spanledger.anomalies FINAL
WHERE hour >= {since:DateTime64(6, 'UTC')} AND hour < {until:DateTime64(6, 'UTC')}
ORDER BY hour, app_id, team, model_tier
