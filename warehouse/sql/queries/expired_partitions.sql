-- Whole partitions (days 20261101, months 202611) of a table that end before a day. Params: table, before (yyyymmdd).
SELECT partition_id, sum(rows) AS rows
FROM system.parts
WHERE database = 'spanledger' AND table = {table:String} AND active AND match(partition_id, '^[0-9]{6}([0-9]{2})?$')
    AND partition_id < substring({before:String}, 1, length(partition_id))
GROUP BY partition_id
ORDER BY partition_id
