-- One sealed transcript. Params: trace, span (hexadecimal). Returns: tenant_hash, key_version, sealed (hexadecimal).
SELECT tenant_hash, key_version, hex(sealed) AS sealed
FROM audit_objects FINAL
WHERE trace_id = toFixedString(unhex({trace:String}), 16) AND span_id = toFixedString(unhex({span:String}), 8)
SETTINGS do_not_merge_across_partitions_select_final = 1
