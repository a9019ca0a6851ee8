-- Calls that did not end well, by how and where; last_at: the last hour in which it happened.
SELECT s.outcome AS outcome, s.error_type AS error_type, s.provider AS provider, s.model AS model, s.calls AS calls,
    toDateTime64(assumeNotNull(s.last_hour), 6, 'UTC') AS last_at, s.cost_usd AS cost_usd
FROM ($source) AS s
ORDER BY calls DESC, outcome, error_type, provider, model
LIMIT {rows:UInt32}
