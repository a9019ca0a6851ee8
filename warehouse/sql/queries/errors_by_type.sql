-- Calls that did not end well, by how and where.
SELECT e.outcome AS outcome, e.error_type AS error_type, e.provider AS provider, e.model AS model,
    count() AS calls, max(e.ts) AS last_at, sum(e.cost_estimate_usd) AS cost_usd
FROM spanledger.ledger AS e
WHERE e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')} AND e.outcome NOT IN ('success', '')$where
GROUP BY outcome, error_type, provider, model
ORDER BY calls DESC, outcome, error_type, provider, model
LIMIT {rows:UInt32}
