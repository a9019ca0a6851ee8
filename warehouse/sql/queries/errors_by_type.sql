-- Calls that did not end well, by how and where; last_at: the last hour in which it happened.
SELECT s.outcome AS outcome, s.error_type AS error_type, s.provider AS provider, s.model AS model, sum(s.calls) AS calls,
    max(s.hour) AS last_at, sum(s.cost_usd) AS cost_usd
FROM ($source) AS s
WHERE s.outcome NOT IN ('success', '')
GROUP BY outcome, error_type, provider, model
ORDER BY calls DESC, outcome, error_type, provider, model
LIMIT {rows:UInt32}
