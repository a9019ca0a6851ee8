-- What people and systems said, per group: by kind and name, how often and what in sum.
SELECT $names e.kind AS kind, e.name AS name, count() AS n, sum(e.value) AS value, countIf(e.value > 0) AS positive,
    countIf(e.value < 0) AS negative, uniqExact(e.trace_id) AS traces
FROM (SELECT * FROM spanledger.feedback FINAL) AS e
WHERE e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')}$where
GROUP BY $keys kind, name
ORDER BY $keys kind, name
