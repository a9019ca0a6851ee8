-- Rows of a rollup by (hour, generation): of whole days, of hours. Params: rows_first, rows_last (Unix seconds), rolled.
SELECT $items $measures
FROM spanledger.$table AS e
WHERE e.hour >= toDateTime({rows_first:UInt32}, 'UTC') AND e.hour <= toDateTime({rows_last:UInt32}, 'UTC')
    AND (e.hour, e.gen) IN {rolled:Array(Tuple(DateTime('UTC'), UUID))}$where
