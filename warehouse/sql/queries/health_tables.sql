-- Active parts of our tables and of the query log.
SELECT table, count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, max(p) AS most_parts_in_a_partition
FROM
(
    SELECT table, partition_id, rows, bytes_on_disk, count() OVER (PARTITION BY table, partition_id) AS p
    FROM system.parts
    WHERE active AND (database = 'spanledger' OR (database = 'system' AND table = 'query_log'))
)
GROUP BY table
ORDER BY bytes DESC
