-- Business events per group and what the calls of the group cost per event.
SELECT $names metric, toFloat64(events) AS events, cost_usd, calls, billed_calls, covered_calls,
    if(events > 0, toDecimal128(toFloat64(cost_usd) / toFloat64(events), 9), NULL) AS cost_per_event_usd
FROM ($source)
ARRAY JOIN mapKeys(biz) AS metric, mapValues(biz) AS events
WHERE {metric:String} IN ('', metric)
ORDER BY metric, cost_usd DESC
