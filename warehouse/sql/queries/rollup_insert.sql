-- Rollup rows of some hours, from the exact base, as one new generation. Params: gen, since, until, hours.
INSERT INTO spanledger.$table (hour, gen, $columns)
SELECT toStartOfHour(e.ts) AS hour_, {gen:UUID}, $expressions
FROM spanledger.$live AS e
WHERE e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')}
    AND toStartOfHour(e.ts) IN {hours:Array(DateTime('UTC'))}
GROUP BY hour_, $dimensions
