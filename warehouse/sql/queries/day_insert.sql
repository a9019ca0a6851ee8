-- A day's rows: sums of the rollup rows of its hours. Params: gen, n, hours (Unix seconds), gens: parallel.
INSERT INTO spanledger.$table (hour, gen, of_hours, first_hour, last_hour, $columns)
SELECT toStartOfDay(e.hour) AS day_, {gen:UUID}, {n:UInt8}, min(e.hour), max(e.hour), $expressions
FROM spanledger.$table AS e
WHERE e.hour >= toDateTime({day:UInt32}, 'UTC') AND e.hour < toDateTime({day:UInt32} + 86400, 'UTC')
    AND (e.hour, e.gen) IN (SELECT arrayJoin(arrayZip(arrayMap(x -> toDateTime(x, 'UTC'), {hours:Array(UInt32)}), {gens:Array(UUID)})))
GROUP BY day_, $dimensions
