-- Entries that carry a doubt (see Entry.conflict), by kind.
SELECT e.conflict AS conflict, e.app_id AS app_id, e.provider AS provider, e.model AS model, count() AS calls,
    sum(e.cost_estimate_usd) AS cost_usd, max(e.ts) AS last_at
FROM spanledger.ledger AS e
WHERE $within AND e.conflict > 0$where
GROUP BY conflict, app_id, provider, model
ORDER BY cost_usd DESC, calls DESC
