-- Sort keys of the live entries of these traces. Params: traces Array(String), hexadecimal.
SELECT project, service, toUnixTimestamp64Micro(ts) AS ts_us, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span
FROM calls FINAL
WHERE is_deleted = 0 AND trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})))
SETTINGS do_not_merge_across_partitions_select_final = 1
