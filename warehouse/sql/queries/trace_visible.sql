-- Does a trace hold an entry in the asker's scope?
SELECT count() AS entries
FROM spanledger.calls AS e FINAL
PREWHERE e.trace_id = toFixedString(unhex({trace:String}), 16)
WHERE e.is_deleted = 0$where
SETTINGS do_not_merge_across_partitions_select_final = 1, use_primary_key = 0
