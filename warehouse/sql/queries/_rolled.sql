-- Rows of a rollup by (hour, generation); the lists are made of our own bookkeeping: whole numbers and UUIDs.
SELECT $items $measures
FROM spanledger.$table AS e
WHERE e.hour >= toDateTime($first, 'UTC') AND e.hour <= toDateTime($last, 'UTC')
    AND (e.hour, e.gen) IN (SELECT arrayJoin(arrayZip(arrayMap(x -> toDateTime(x, 'UTC'), [$hours]), arrayMap(x -> toUUID(x), [$gens]))))$where
