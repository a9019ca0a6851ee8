-- One entry with every column; ids in hexadecimal. Found by its key or by any span that tells it.
SELECT
    * EXCEPT (is_deleted) REPLACE (
        lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, lower(hex(e.parent_span_id)) AS parent_span_id,
        arrayMap(x -> lower(hex(x)), e.members) AS members)
FROM spanledger.calls AS e FINAL
PREWHERE e.trace_id = toFixedString(unhex({trace:String}), 16)
WHERE e.is_deleted = 0
    AND (e.span_id = toFixedString(unhex({span:String}), 8) OR has(e.members, toFixedString(unhex({span:String}), 8)))$where
ORDER BY e.span_id = toFixedString(unhex({span:String}), 8) DESC
LIMIT 1
SETTINGS do_not_merge_across_partitions_select_final = 1
