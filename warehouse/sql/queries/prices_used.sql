-- Prices that the entries of a window carry.
SELECT e.price_id AS price_id, e.provider AS provider, e.model AS model, e.cost_source AS cost_source, count() AS calls,
    sum(e.cost_estimate_usd) AS cost_usd, min(e.ts) AS first_at, max(e.ts) AS last_at
FROM spanledger.ledger AS e
WHERE $within AND e.billed$where
GROUP BY price_id, provider, model, cost_source
ORDER BY provider, model, last_at DESC
