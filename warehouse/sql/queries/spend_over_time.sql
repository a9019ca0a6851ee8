-- Spend per period and group: the few measures that a chart draws, and what it is compared with. Counts UInt64, cost_usd Decimal(38, 9).
SELECT $names calls, billed_calls, tokens_in, tokens_out, cost_usd, unpriced_calls
FROM ($source)
ORDER BY $order
