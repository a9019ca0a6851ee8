-- When entries of these traces began, in order. Params: traces (hexadecimal), since.
SELECT lower(hex(e.trace_id)) AS trace_id, arraySort(groupArray(e.ts)) AS begun
FROM spanledger.calls AS e FINAL
PREWHERE e.ts >= {since:DateTime64(6, 'UTC')}
WHERE e.is_deleted = 0 AND e.entry_kind = 'call' AND e.trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})))
GROUP BY e.trace_id
SETTINGS do_not_merge_across_partitions_select_final = 1
