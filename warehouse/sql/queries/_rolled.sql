-- Rows of a rollup by (hour, generation): of whole days, of hours. Params: rows_first, rows_last, rows_at (Unix seconds), rows_gen: parallel.
SELECT $items $measures
FROM spanledger.$table AS e
WHERE e.hour >= toDateTime({rows_first:UInt32}, 'UTC') AND e.hour <= toDateTime({rows_last:UInt32}, 'UTC') AND (e.hour, e.gen) IN
(
    SELECT arrayJoin(arrayZip(arrayMap(x -> toDateTime(x, 'UTC'), {rows_at:Array(UInt32)}), {rows_gen:Array(UUID)}))
)$where
