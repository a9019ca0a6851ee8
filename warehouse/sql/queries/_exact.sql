-- The exact base, for times that no rollup answers for: what the views `ledger` and `verdicts` say, without their 80 columns to plan.
-- Whole hours may be chosen before FINAL compares versions, since the hour is part of the sort key; nothing else may: the conditions on
-- moments ($times, of a window whose edge lies within an hour) are hidden from indexes.
SELECT $items $measures
FROM spanledger.$table AS e FINAL
PREWHERE $hours
WHERE $counts$times$where$services
$group
SETTINGS do_not_merge_across_partitions_select_final = 1
