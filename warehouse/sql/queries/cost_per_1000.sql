-- Cost of a thousand requests (calls, billed or not), Decimal(38, 9); null where there were none.
SELECT
    $names
    calls, cost_usd, unpriced_calls,
    cost_usd * 1000 / nullIf(calls, 0) AS cost_per_1000_usd
FROM ($source)
ORDER BY $order
