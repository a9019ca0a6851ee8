-- The newest forecast of the periods that a day lies in. Params: on.
SELECT name, begins, ends, total_usd, low_usd, high_usd
FROM spanledger.budget_forecasts FINAL
WHERE begins <= {on:Date} AND ends > {on:Date}
ORDER BY name, begins DESC
LIMIT 1 BY name
