-- Spend with its evidence: by-columns, calls, billed_calls, token sums UInt64, costs Decimal(38, 9), counts behind the coverage.
SELECT
    $names
    calls, billed_calls, cache_hits, errors, tokens_in, tokens_cache_read, tokens_cache_write, tokens_out, tokens_reasoning,
    cost_usd, cost_in_usd, cost_cache_read_usd, cost_cache_write_usd, cost_out_usd, cost_other_usd, cost_unattributed_usd,
    cost_scaled_usd, priced_calls, covered_calls, partial_calls, unpriced_calls, unpriced_tokens,
    usage_reported, usage_aggregate, usage_estimated, usage_missing, sampled_calls, conflicts, cost_disputed
FROM ($source)
ORDER BY $order
