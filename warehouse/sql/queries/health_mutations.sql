-- Mutations that have not come to an end, and those that fail.
SELECT count() AS pending, countIf(latest_fail_reason != '') AS failing, anyIf(latest_fail_reason, latest_fail_reason != '') AS reason
FROM system.mutations
WHERE database = 'spanledger' AND NOT is_done
