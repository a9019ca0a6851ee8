-- One entry with every column, found by its key or by any span that tells it (then there may be several); ids as bytes.
SELECT * EXCEPT (is_deleted)
FROM spanledger.calls AS e FINAL
PREWHERE trace_id = toFixedString(unhex({trace:String}), 16)
WHERE is_deleted = 0 AND (span_id = toFixedString(unhex({span:String}), 8) OR has(members, toFixedString(unhex({span:String}), 8)))$where
SETTINGS do_not_merge_across_partitions_select_final = 1, use_primary_key = 0
