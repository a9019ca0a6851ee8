-- The exact base, for times that no rollup answers for: what the views `ledger` and `verdicts` say, without their 80 columns to plan.
SELECT $items $measures
FROM spanledger.$table AS e FINAL
WHERE $counts AND ($times)$where
$group
SETTINGS do_not_merge_across_partitions_select_final = 1
