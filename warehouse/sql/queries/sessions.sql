-- Sessions by cost: who, how long, how much. The dearest are found first, then described.
SELECT e.session_hash AS session_hash, any(e.app_id) AS app_id, any(e.team) AS team, any(e.user_hash) AS user_hash,
    min(e.ts) AS first_at, max(e.ts) AS last_at, countIf(e.entry_kind != 'unattributed') AS calls, uniqExact(e.trace_id) AS traces,
    sum(toUInt64(e.tokens_in)) AS tokens_in, sum(toUInt64(e.tokens_out)) AS tokens_out, sum(toUInt64(e.tool_calls)) AS tool_calls,
    countIf(e.outcome NOT IN ('success', '')) AS failures, sum(e.cost_estimate_usd) AS cost_usd
FROM spanledger.ledger AS e
WHERE $within
    AND e.session_hash IN
    (
        SELECT e.session_hash FROM spanledger.ledger AS e
        WHERE $within AND e.session_hash != ''$where
        GROUP BY e.session_hash
        ORDER BY sum(e.cost_estimate_usd) DESC, count() DESC, e.session_hash
        LIMIT {rows:UInt32}
    )$where
GROUP BY session_hash
ORDER BY cost_usd DESC, calls DESC, session_hash
