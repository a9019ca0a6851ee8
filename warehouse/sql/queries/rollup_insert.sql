-- Rollup rows of some hours, from the exact base (as _exact: whole hours before FINAL), as one new generation. Params: gen, since, until, hours.
INSERT INTO spanledger.$table (hour, gen, $columns)
SELECT toStartOfHour(e.ts) AS hour_, {gen:UUID}, $expressions
FROM spanledger.$base AS e FINAL
PREWHERE e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')} AND toStartOfHour(e.ts) IN {hours:Array(DateTime('UTC'))}
WHERE $counts
GROUP BY hour_, $dimensions
SETTINGS do_not_merge_across_partitions_select_final = 1
