-- What the base holds of each hour, tombstones included: highest version, rows. Params: since, until.
SELECT toUnixTimestamp(toStartOfHour(ts)) AS hour, max(ver) AS thru, count() AS entries
FROM spanledger.$table
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY hour
