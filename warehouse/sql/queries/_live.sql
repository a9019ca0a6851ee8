-- Measures straight from the exact base, for dimensions that no rollup keeps.
SELECT $by_ts $measured
FROM spanledger.$live AS e
WHERE e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')}$where
$group
