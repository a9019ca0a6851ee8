-- The exact base, for times that no rollup answers for.
SELECT $items $measures
FROM spanledger.$live AS e
WHERE ($times)$where
$group
